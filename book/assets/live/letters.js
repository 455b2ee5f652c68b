// The chapter's own writer of names, a GRU of 96 numbers, unrolled letter by
// letter. Its weights are in letters_weights.js. A second beginning shows what
// of the first letters is still in the state.
(() => {
  const [HIDDEN, END, MOST, SIGNS] = [96, 27, 10, "abcdefghijklmnopqrstuvwxyz."];
  const sigmoid = (a) => 1 / (1 + Math.exp(-a));
  const norm = (list) => Math.hypot(...list);

  // a stored tensor as a list of rows; the signs # to } are the numbers -45 to 45
  const unpack = ([[rows, columns = 1], scales, text]) => {
    return d3.range(rows).map((i) => {
      const scale = scales[scales.length > 1 ? i : 0];
      return Array.from(text.slice(i * columns, (i + 1) * columns), (sign) => (sign.charCodeAt(0) - 80) * scale);
    });
  };
  let weights; // unpacked when they are first needed
  const net = () =>
    (weights ??= Object.fromEntries(Object.entries(live.letters.weights).map(([k, v]) => [k, unpack(v)])));
  const affine = (name, x) => {
    const [rows, bias] = [net()[name.replace("?", "weight")], net()[name.replace("?", "bias")]];
    return rows.map((row, i) => row.reduce((sum, w, j) => sum + w * x[j], bias[i][0]));
  };

  // one step of nn.GRU: reset gate, update gate, new state
  const step = (index, language, h) => {
    const x = [...net()["letter.weight"][index], ...net()["language.weight"][language]];
    const [a, b] = [affine("gru.?_ih_l0", x), affine("gru.?_hh_l0", h)];
    return h.map((old, k) => {
      const [r, z] = [sigmoid(a[k] + b[k]), sigmoid(a[k + HIDDEN] + b[k + HIDDEN])];
      const fresh = Math.tanh(a[k + 2 * HIDDEN] + r * b[k + 2 * HIDDEN]);
      return (1 - z) * fresh + z * old;
    });
  };
  const guess = (h, temperature) => {
    const scores = affine("head.?", h)
      .slice(1)
      .map((logit) => logit / temperature); // padding is no letter
    const top = Math.max(...scores);
    const parts = scores.map((score) => Math.exp(score - top));
    return parts.map((part) => part / d3.sum(parts));
  };
  const read = (text, language, temperature) => {
    const states = [];
    let h = Array(HIDDEN).fill(0);
    for (const letter of `.${text}`) states.push((h = step(SIGNS.indexOf(letter) + 1, language, h)));
    return { states, guesses: states.map((state) => guess(state, temperature)) };
  };

  const clean = (text) => text.trim().toLowerCase();
  const letters = (text) => clean(text).replace(/\.$/, "");
  const fits = (text) => /^[a-z]*\.?$/.test(clean(text)) && letters(text).length <= MOST;
  const best = (p) => SIGNS[p.indexOf(Math.max(...p))];
  const fall = (p, die) => SIGNS[d3.cumsum(p).findIndex((sum) => sum > die)] ?? ".";
  const percent = (share) => (share < 0.005 ? "less than 1 %" : `${Math.round(100 * share)} %`);

  const compute = ({ first, second, language, temperature, die }) => {
    const none = { likeliest: "–", p: "–", entropy: "–", drawn: "–", difference: "–", apart: "–" };
    if (!fits(first)) return { ...none, bad: true };
    const place = live.letters.languages.indexOf(language);
    const mine = read(letters(first), place, temperature);
    const p = mine.guesses.at(-1);
    const entropy = -d3.sum(p, (one) => (one > 0 ? one * Math.log(one) : 0));
    const values = { ...none, mine, likeliest: best(p), p: Math.max(...p), entropy, drawn: fall(p, die) };
    if (!letters(second) || !fits(second) || letters(first).length !== letters(second).length) return values;
    const other = read(letters(second), place, temperature);
    const differences = mine.states.map((h, t) => norm(h.map((one, k) => one - other.states[t][k])) / norm(h));
    const apart = d3.sum(p, (one, k) => Math.abs(one - other.guesses.at(-1)[k])) / 2;
    return { ...values, other, differences, difference: differences.at(-1), apart };
  };

  // the same letter is added to both, so that they stay comparable
  const add = (which) => (state) => {
    const values = compute(state);
    const { first, second } = state;
    if (values.bad || clean(first).endsWith(".") || letters(first).length === MOST) return {};
    const letter = values[which];
    return { first: clean(first) + letter, second: values.other && letter !== "." ? letters(second) + letter : second };
  };

  live.figure("letters", {
    title: "a network that writes names",
    needs: ["letters_weights.js"],
    size: [460, 382],
    start: { first: "mar", second: "kar", language: "Finnish", temperature: 1, die: 0.5 },
    controls: [
      { kind: "text", name: "first", label: "Beginning", size: 11 },
      { kind: "text", name: "second", label: "Compare with", size: 11 },
      {
        kind: "choice",
        name: "language",
        label: "Language",
        options: "Chinese English Finnish French Georgian German Greek Italian Polish Russian Spanish Zulu"
          .split(" ")
          .map((name) => [name]),
      },
      { kind: "range", name: "temperature", label: "Temperature", min: 0.2, max: 3, step: 0.1, text: live.two },
      { kind: "range", name: "die", label: "Die", min: 0, max: 0.99, step: 0.01, text: live.two },
      { kind: "button", label: "Add the likeliest letter", press: add("likeliest") },
      { kind: "button", label: "Add the letter of the die", press: add("drawn") },
    ],
    numbers: [
      ["likeliest", "Likeliest next"],
      ["p", "Its probability", 3],
      ["entropy", "Entropy", 3],
      ["drawn", "Under the die"],
      ["difference", "States differ by", 3],
      ["apart", "Guesses differ by", 3],
    ],
    compute,
    say: ({ bad, likeliest, p, drawn, differences, difference, apart }, { first, second }) => {
      if (bad) return `Write at most ${MOST} letters from a to z; a full stop ends the name.`;
      if (clean(first).endsWith(".")) return `The full stop has ended “${letters(first)}”. Take it away to go on.`;
      const sign = (letter) => (letter === "." ? "the end" : letter);
      const full = letters(first).length === MOST ? ` No more than ${MOST} letters fit here.` : "";
      const next = `Likeliest is ${sign(likeliest)} with ${live.two(p)}; the die falls on ${sign(drawn)}.${full}`;
      if (!letters(second)) return next;
      if (!fits(second)) return `${next} To compare, write at most ${MOST} letters from a to z.`;
      if (!differences) return `${next} To compare, give both beginnings the same number of letters.`;
      const [a, b] = [letters(first), letters(second)];
      const last = d3.range(a.length).findLast((k) => a[k] !== b[k]);
      if (last === undefined) return `${next} Both beginnings are the same, and so are the states.`;
      const since = a.length - 1 - last;
      if (!since) return `${next} The last letters differ, and the states by ${percent(difference)}.`;
      const later = since === 1 ? "One equal letter" : `${since} equal letters`;
      return `${next} ${later} later the states differ by ${percent(difference)}, the guesses by ${percent(apart)}.`;
    },
    draw: (svg, { mine, other, differences, drawn }, { first, second, die }) => {
      const [left, wide] = [74, 35];
      for (const [y, label] of [
        [23, "likeliest"],
        [64, "state"],
        [105, "beginning"],
        [131, "other"],
        [172, "difference"],
      ])
        live.word(svg, 8, y, label, "small faint");
      if (!mine) return;
      // 96 numbers as 12 rows of 8, by sign and size
      const mosaic = (x, y, numbers) => {
        live.box(svg, x, y, 32, 48);
        const levels = d3.group(d3.range(HIDDEN), (k) => Math.sign(numbers[k]) * Math.round(4 * Math.abs(numbers[k])));
        for (const [level, units] of levels) {
          if (!level) continue;
          const path = units.map((k) => `M${x + 4 * (k % 8)},${y + 4 * Math.floor(k / 8)}h4v4h-4z`).join("");
          const cells = svg
            .append("path")
            .attr("class", `dot ${level > 0 ? "a" : "b"}`)
            .attr("d", path);
          cells.style("stroke", "none").attr("fill-opacity", Math.min(4, Math.abs(level)) / 4);
        }
      };
      const [a, b] = [`.${letters(first)}`, `.${letters(second)}`];
      const ended = clean(first).endsWith(".");
      mine.states.forEach((h, t) => {
        const x = left + wide * t;
        const next = t < a.length - 1 ? a[t + 1] : ended ? "." : undefined;
        const likeliest = best(mine.guesses[t]);
        live.box(svg, x, 8, 32, 22, likeliest, next === undefined ? "strong" : next === likeliest ? "c" : "");
        mosaic(x, 36, h);
        live.box(svg, x, 90, 32, 22, a[t], "a");
        if (!other) return;
        live.box(svg, x, 116, 32, 22, b[t], a[t] === b[t] ? "" : "b");
        const gaps = h.map((one, k) => one - other.states[t][k]);
        mosaic(x, 144, gaps);
      });

      const [from, column] = [14, 16];
      const p = mine.guesses.at(-1);
      const q = other?.guesses.at(-1) ?? [0];
      const top = [0.25, 0.5, 1].find((one) => one >= Math.max(...p, ...q));
      const y = d3.scaleLinear([0, top], [306, 234]);
      live.word(svg, 8, 214, "the next letter", "strong");
      live.word(svg, 8, 230, live.two(top), "small faint");
      svg
        .append("path")
        .attr("class", "stroke thin dashed")
        .attr("d", `M${from},${y(top)}h432`);
      [...SIGNS].forEach((letter, k) => {
        const x = from + column * k;
        live.box(svg, x + 2, y(p[k]), column - 4, 306 - y(p[k]), "", "a");
        if (other)
          svg
            .append("path")
            .attr("class", "stroke b")
            .attr("d", `M${x},${y(q[k]).toFixed(1)}h${column}`);
        live.word(svg, x + column / 2, 320, letter, `middle small ${letter === drawn ? "strong c" : ""}`);
      });
      if (other) {
        live.word(svg, 150, 214, `bars: ${a}`, "a small");
        live.word(svg, 446, 214, `lines: ${b}`, "b small end");
      }
      // the same probabilities side by side: the die falls on one of them
      let x = from;
      [...SIGNS].forEach((letter, k) => {
        const size = 432 * p[k];
        if (size > 0.2) live.box(svg, x, 336, size, 20, size > 12 ? letter : "", letter === drawn ? "c" : "");
        x += size;
      });
      live.arrow(svg, from + 432 * die, 378, from + 432 * die, 359, "c");
    },
  });
})();
