// Logits, a temperature, softmax, and what cross-entropy asks of each logit.
(() => {
  const NAMES = ["cat", "dog", "fox", "owl"];
  const EDGE = 5; // a logit lies between -5 and 5
  const STEPS = 10; // of gradient descent, at learning rate 1

  const logit = d3.scaleLinear([-8, 8], [50, 210]);
  const chance = d3.scaleLinear([0, 1], [236, 326]);
  const slope = d3.scaleLinear([-2, 2], [350, 450]);
  const high = (row) => 66 + 60 * row;
  const tenth = (value) => live.text(value, 1);
  const inside = (value) => Math.min(EDGE, Math.max(-EDGE, value));

  const analyse = ({ shift, temperature, label, smoothing, ...state }) => {
    const logits = NAMES.map((name) => state[name] + shift);
    const scaled = logits.map((value) => value / temperature);
    const largest = Math.max(...scaled);
    const total = d3.sum(scaled, (value) => Math.exp(value - largest));
    const log = scaled.map((value) => value - largest - Math.log(total));
    const probabilities = log.map(Math.exp);
    const target = NAMES.map((name) => (name === label ? 1 - smoothing : 0) + smoothing / NAMES.length);
    const loss = -d3.sum(target, (share, i) => share * log[i]);
    const least = -d3.sum(target, (share) => (share > 0 ? share * Math.log(share) : 0));
    const gradient = probabilities.map((p, i) => (p - target[i]) / temperature);
    return { logits, probabilities, target, loss, least, gradient };
  };

  // what stands at the logits: the temperature, or a shift
  const sayScale = ({ logits }, { shift, temperature }) => {
    if (d3.max(logits) - d3.min(logits) < 1e-9) return "All logits are equal, so no temperature tells them apart.";
    if (shift) return `A shift of ${shift} at every logit changes no probability, no loss and no gradient.`;
    if (temperature < 1) return "A temperature below 1 drives the probabilities apart; their order stays.";
    if (temperature > 1) return "A temperature above 1 brings the probabilities together; their order stays.";
    return "At temperature 1 this is plain softmax.";
  };

  // what the gradient asks for
  const sayPull = ({ probabilities, target, gradient }, { label, smoothing, ...state }) => {
    const own = NAMES.indexOf(label);
    const end = state[label] === EDGE ? `; here its line ends at ${EDGE}` : "";
    if (d3.max(gradient, Math.abs) < 0.005)
      return smoothing
        ? "The probabilities have all but reached the smoothed target, and hardly anything pulls."
        : "Hardly anything pulls any more, yet the gradient is never quite zero.";
    if (gradient[own] > 0) return `“${label}” is surer than the smoothed target asks: a step lowers its logit.`;
    const best = NAMES.filter((_, i) => probabilities[i] > d3.max(probabilities) - 1e-9);
    if (!best.includes(label)) {
      const [lead, theirs] = best.length === 1 ? ["leads", "the leader's"] : ["lead", "theirs"];
      const who = best.map((name) => `“${name}”`).join(" and ");
      return `${who} ${lead}, the label is “${label}”: a step raises the label's logit and lowers ${theirs}.`;
    }
    const top = `No class is above “${label}”, the label,`;
    if (!smoothing) return `${top} yet its gradient is below zero: the loss asks for a still higher logit${end}.`;
    return `${top} but its target is ${target[own].toFixed(3)}: a step of descent raises its logit${end}.`;
  };

  live.figure("temperature", {
    title: "softmax, temperature and cross-entropy",
    size: [460, 330],
    start: { cat: 2, dog: 1, fox: -1, owl: 0, shift: 0, temperature: 1, label: "dog", smoothing: 0 },
    controls: [
      { kind: "range", name: "temperature", label: "Temperature", min: 0.5, max: 5, step: 0.1, text: tenth },
      { kind: "range", name: "shift", label: "Shift all logits", min: -3, max: 3, step: 0.5, text: tenth },
      { kind: "choice", name: "label", label: "Label", options: NAMES.map((name) => [name]) },
      { kind: "range", name: "smoothing", label: "Label smoothing", min: 0, max: 1, step: 0.05 },
      {
        kind: "button",
        label: "Ten steps downhill",
        press: (state) =>
          d3.range(STEPS).reduce((now) => {
            const { gradient } = analyse(now);
            return { ...now, ...Object.fromEntries(NAMES.map((name, i) => [name, inside(now[name] - gradient[i])])) };
          }, state),
      },
    ],
    numbers: [
      ["probabilities", "Probabilities", 3],
      ["loss", "Cross-entropy", 3],
      ["least", "Least it can be", 3],
      ["gradient", "Gradient", 3],
      ["sum", "Sum of the gradient", 3],
    ],
    compute: (state) => {
      const found = analyse(state);
      return { ...found, sum: d3.sum(found.gradient) };
    },
    drag: (name, x, y, { shift }) => ({ [name]: inside(Math.round((logit.invert(x) - shift) * 10) / 10) }),
    say: (values, state) => `${sayScale(values, state)} ${sayPull(values, state)}`,
    draw: (svg, { logits, probabilities, target, gradient }, { label }) => {
      const bottom = high(3) + 30;
      [[logit, "logit", 4], [chance, "probability", 2], [slope, "gradient", 3]].forEach(([scale, title, ticks]) => {
        live.word(svg, d3.mean(scale.range()), 18, title, "middle strong");
        const axis = svg.append("g").attr("class", "axis").attr("transform", `translate(0,${bottom})`);
        axis.call(d3.axisBottom(scale).ticks(ticks));
      });
      const upright = (x, y1, y2, names) =>
        svg.append("line").attr("x1", x).attr("x2", x).attr("y1", y1).attr("y2", y2).attr("class", `stroke ${names}`);
      const bar = (scale, from, to, y, names) => {
        const [left, right] = [scale(from), scale(to)].sort(d3.ascending);
        const rect = svg.append("rect").attr("x", left).attr("width", right - left).attr("y", y - 8);
        rect.attr("height", 16).attr("class", `area ${names}`);
      };
      NAMES.forEach((name, i) => {
        const y = high(i);
        live.word(svg, 8, y + 5, name, name === label ? "strong c" : "");
        [logit, chance, slope].forEach((scale) => upright(scale(0), y - 12, y + 12, "thin"));
        bar(logit, 0, logits[i], y, "a");
        live.word(svg, logit(logits[i]), y - 19, tenth(logits[i]), "middle small");
        bar(chance, 0, probabilities[i], y, "a");
        live.word(svg, chance(0), y - 15, probabilities[i].toFixed(3), "small");
        upright(chance(target[i]), y - 12, y + 12, "c");
        bar(slope, 0, gradient[i], y, "b");
        live.word(svg, slope(0), y - 19, live.text(gradient[i], 3), "middle small");
      });
      live.word(svg, chance(0), bottom + 40, "green: the target", "small c");
      NAMES.forEach((name, i) =>
        live.handle(svg, name, logit(logits[i]), high(i), `Logit of ${name}`, tenth(logits[i]))
      );
    },
  });
})();
