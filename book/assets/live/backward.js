// A graph of four operations: values go forward, gradients come back step by step.
(() => {
  const LOSSES = {
    relu: { text: "relu(y)", value: (y) => Math.max(y, 0), slope: (y) => (y > 0 ? 1 : 0) },
    square: { text: "(y − 3)²", value: (y) => (y - 3) ** 2, slope: (y) => 2 * (y - 3) },
    tanh: { text: "tanh(y)", value: Math.tanh, slope: (y) => 1 - Math.tanh(y) ** 2 },
  };
  const FORWARD = ["a", "b", "y", "loss"];

  // which tensors require a gradient
  const required = ({ x_grad: x, w_grad: w, detach }) => {
    const a = (x || w) && detach !== "a";
    const b = w && detach !== "b";
    return { x, w, a, b, y: a || b, loss: a || b };
  };

  // what happens, step by step; of two nodes that are ready, PyTorch runs the younger first
  const steps = (state) => {
    const needs = required(state);
    const back = ["loss", "y", "b", "a"].filter((name) => needs[name]);
    return [
      "start",
      ...FORWARD,
      ...(back.length ? ["seed", ...back.map((name) => `back ${name}`), "add"] : ["refused"]),
    ];
  };
  const most = (state) => steps(state).length - 1;

  const short = (value) => {
    const text = value && Math.abs(value) < 0.005 ? value.toExponential(0) : String(Number(value.toFixed(2)));
    return text.replaceAll("-", "−");
  };

  live.figure("backward", {
    title: "gradients through a small graph",
    size: [460, 330],
    start: { step: 10, x: 2, w: 1, loss: "relu", detach: "none", x_grad: true, w_grad: true, passes: 0 },
    controls: [
      { kind: "range", name: "step", label: "Step", min: 0, max: most },
      { kind: "play", name: "step", label: "Play", max: most, every: 1500 },
      { kind: "range", name: "x", label: "x", min: -2, max: 2, step: 0.25 },
      { kind: "range", name: "w", label: "w", min: -2, max: 2, step: 0.25 },
      {
        kind: "choice",
        name: "loss",
        label: "Loss",
        options: Object.entries(LOSSES).map(([key, { text }]) => [key, text]),
      },
      { kind: "choice", name: "detach", label: "Detach", options: [["none", "nothing"], ["a"], ["b"]] },
      { kind: "switch", name: "x_grad", label: "x requires grad" },
      { kind: "switch", name: "w_grad", label: "w requires grad" },
      { kind: "range", name: "passes", label: "Passes before, not cleared", min: 0, max: 3 },
    ],
    numbers: [
      ["loss", "Loss", 3],
      ["at_y", "Gradient at y", 3],
      ["at_a", "at a", 3],
      ["at_b", "at b", 3],
      ["through_a", "To w through a", 3],
      ["through_b", "through b", 3],
      ["x_grad", "x.grad", 3],
      ["w_grad", "w.grad", 3],
    ],
    compute: (state) => {
      const { x, w, passes } = state;
      const needs = required(state);
      const all = steps(state);
      const done = all.slice(0, Math.min(state.step, all.length - 1) + 1);
      const has = (step) => done.includes(step);
      const [a, b] = [x + w, w + 1];
      const y = a * b;
      const slope = LOSSES[state.loss].slope(y);
      const values = { x, w, a, b, y, loss: LOSSES[state.loss].value(y) };
      const path_a = needs.a ? slope * b : 0; // every sum hands its gradient on unchanged
      const path_b = needs.b ? slope * a : 0;
      // .grad of a leaf: what earlier passes left, and from the last step on what came now
      const kept = (reached, gradient) => {
        const times = passes + (has("add") ? 1 : 0);
        return reached && times ? times * gradient : "None";
      };
      return {
        loss: has("loss") ? values.loss : "–",
        at_y: has("back loss") ? slope : "–",
        at_a: has("back y") && needs.a ? path_a : "–",
        at_b: has("back y") && needs.b ? path_b : "–",
        through_a: has("back a") && needs.w ? path_a : "–",
        through_b: has("back b") ? path_b : "–",
        x_grad: kept(needs.x && needs.a, path_a),
        w_grad: kept(needs.w && needs.y, path_a + path_b),
        values,
        needs,
        now: done.at(-1),
        has,
      };
    },
    say: ({ now, values, needs, at_y, at_a, at_b, through_a, through_b, w_grad, x_grad }, { passes }) => {
      const { a, b, y } = values;
      const number = (value) => (typeof value === "number" ? short(value) : value);
      const [to_a, to_b] = [at_a, at_b].map(number);
      const cut = [];
      if (!needs.a) cut.push("a");
      if (!needs.b) cut.push("b");
      if (now === "start")
        return "Only the leaves have values. Step forward, and read what each operation notes for the way back.";
      if (now === "a" || now === "b") {
        const result = now === "a" ? `a = ${short(a)}` : `b = ${short(b)}`;
        return needs[now]
          ? `${result}. A sum notes nothing: its slopes are 1.`
          : `${result}, without a node: to the graph, ${now} is a constant.`;
      }
      if (now === "y" && !needs.y) return `y = ${short(y)}. Neither factor requires a gradient: nothing is noted.`;
      if (now === "y" && cut.length) {
        const [to, other] = needs.a ? ["a", "b"] : ["b", "a"];
        return `y = ${short(y)}. The product notes ${other} alone, the slope of y in ${to}: ${other} gets no gradient.`;
      }
      if (now === "y") return `y = ${short(y)}. A product notes both factors: each is the slope of y in the other.`;
      if (now === "loss")
        return `The loss is ${short(values.loss)}. The way forward ends here; this pass has no gradient yet.`;
      if (now === "refused")
        return "PyTorch refuses backward(): no node leads from the loss to a leaf that requires a gradient.";
      if (now === "seed") return "backward() begins with 1 at the loss: the slope of the loss by itself.";
      if (now === "back loss") return `The loss hands y its slope at y = ${short(y)}: ${short(at_y)}.`;
      if (now === "back y") {
        const sent = [needs.a && `${to_a} to a`, needs.b && `${to_b} to b`].filter(Boolean).join(", ");
        const none = cut.length ? ` No gradient goes to ${cut.join(" or ")}.` : "";
        return `A product hands on the gradient times the other factor: ${sent}.${none}`;
      }
      if (now === "back b") {
        const waits = needs.a ? " w waits: the path through a has not arrived." : "";
        return `A sum hands its gradient on unchanged: ${to_b} to w.${waits}`;
      }
      if (now === "back a") {
        const to = [needs.x && "x", needs.w && "w"].filter(Boolean).join(" and to ");
        return `A sum hands its gradient on unchanged: ${to_a} to ${to}.`;
      }
      const before = passes ? " What earlier passes left is in .grad too: nobody cleared it." : "";
      if (!needs.w) return `w requires no gradient, so w.grad stays None. x.grad is ${number(x_grad)}.${before}`;
      if (needs.a && needs.b) {
        const both = `${number(through_b)} through b and ${number(through_a)} through a`;
        return `w was used twice, so two gradients meet and add: ${both}.${before}`;
      }
      const [open, closed] = needs.a ? ["a", "b"] : ["b", "a"];
      const lost = `Through ${closed} nothing came, though ${closed} was computed from w.`;
      return `Only the path through ${open} is left: w.grad is ${number(w_grad)}. ${lost}${before}`;
    },
    draw: (svg, { values, needs, has, now, at_y, at_a, at_b, through_a, through_b, x_grad, w_grad }, state) => {
      const [wide, high] = [72, 48];
      const places = { x: [46, 76], w: [46, 226], a: [188, 86], b: [188, 226], y: [288, 156], loss: [414, 156] };
      const formulas = {
        x: "x",
        w: "w",
        a: "a = x + w",
        b: "b = w + 1",
        y: "y = a · b",
        loss: LOSSES[state.loss].text,
      };

      // from one box to the next, both ends, the gradient that came back and its place
      const edges = [
        ["x", "a", [82, 78], [152, 84], has("back a") && needs.x ? at_a : "–", [117, 66]],
        ["w", "a", [82, 212], [152, 100], through_a, [130, 172]],
        ["w", "b", [82, 226], [152, 226], through_b, [117, 241]],
        ["a", "y", [202, 110], [268, 132], at_a, [262, 107]],
        ["b", "y", [202, 202], [268, 180], at_b, [262, 206]],
        ["y", "loss", [324, 156], [378, 156], at_y, [351, 141]],
      ];
      for (const [from, to, start, end, gradient, [x, y]] of edges) {
        if (typeof gradient === "number") {
          live.arrow(svg, ...end, ...start, "b");
          const names = now === `back ${to}` ? "b strong" : "b";
          live.word(svg, x, y, short(gradient), from + to === "wa" ? names : `${names} middle`);
        } else live.arrow(svg, ...start, ...end, has(to) && needs[from] && needs[to] ? "a" : "");
      }

      const active = { seed: "loss", refused: "loss" }[now] ?? now.replace("back ", "");
      for (const [name, [x, y]] of Object.entries(places)) {
        const leaf = name === "x" || name === "w";
        const known = leaf || has(name);
        const names = [!known && "ghost", known && needs[name] && "a", active === name && "strong"];
        const box = live.box(svg, x - wide / 2, y - high / 2, wide, high, "", names.filter(Boolean).join(" "));
        live.word(box, x, y - 10, formulas[name], "middle small");
        if (known) live.word(box, x, y + 10, short(values[name]), "middle strong");
      }
      if (has("seed")) live.word(svg, places.loss[0], 122, "1", `middle b ${now === "seed" ? "strong" : ""}`);

      // what a leaf keeps, above x and below w
      const keeps = (y, name, grad) => {
        const value = typeof grad === "number" ? short(grad) : grad;
        live.word(
          svg,
          10,
          y,
          `${name}.grad = ${value}`,
          `${now === "add" ? "strong" : ""} ${value === "None" ? "faint" : "b"}`
        );
      };
      keeps(40, "x", x_grad);
      const came = [through_b, through_a].filter((one) => typeof one === "number");
      keeps(274, "w", w_grad);
      if (came.length === 2)
        live.word(
          svg,
          10,
          297,
          `${short(came[0])} ${came[1] < 0 ? "−" : "+"} ${short(Math.abs(came[1]))} in this pass`,
          "small"
        );
      else if (came.length && !has("add"))
        live.word(
          svg,
          10,
          297,
          `has ${short(came[0])}${needs.a && needs.b ? ", waits for the other path" : ""}`,
          "small"
        );
      live.word(svg, 450, 20, has("seed") ? "backward" : "forward", `end strong ${has("seed") ? "b" : "a"}`);
      live.word(svg, 10, 320, "blue: requires a gradient; orange: gradients on their way back", "small faint");
    },
  });
})();
