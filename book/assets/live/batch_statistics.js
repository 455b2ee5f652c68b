// Batch norm of one feature: the batch, what the layer remembers, the outputs.
(() => {
  const NAMES = d3.range(1, 7).map((i) => `x${i}`);
  const [RUNNING, INPUTS, OUTPUTS] = [48, 132, 272]; // heights of the three lines

  const input = d3.scaleLinear([-4, 8], [26, 434]);
  const output = d3.scaleLinear([-6, 6], [26, 434]);

  const analyse = (state) => {
    const { size, training, weight, bias, mean, variance, counted } = state;
    const eps = Number(state.eps);
    const batch = NAMES.slice(0, size).map((name) => state[name]);
    const own = d3.mean(batch);
    const biased = d3.mean(batch, (value) => (value - own) ** 2);
    const unbiased = size > 1 ? (biased * size) / (size - 1) : "–";
    const refused = training && size === 1;
    const [center, square] = training ? [own, biased] : [mean, variance];
    const outputs = batch.map((value) => (weight * (value - center)) / Math.sqrt(square + eps) + bias);
    return { batch, own, biased, unbiased, refused, outputs: refused ? "–" : outputs, mean, variance, counted };
  };

  // What a call in training mode leaves behind: the counter goes up even if
  // the call is refused.
  const send = (state) => {
    if (!state.training) return {};
    const { own, unbiased, refused } = analyse(state);
    const counted = state.counted + 1;
    if (refused) return { counted };
    const share = state.momentum === "None" ? 1 / counted : Number(state.momentum);
    const mix = (old, fresh) => (1 - share) * old + share * fresh;
    return { counted, mean: mix(state.mean, own), variance: mix(state.variance, unbiased) };
  };

  const say = ({ batch, own, biased, refused }, { training, size, mean, variance, counted, bias, weight, eps }) => {
    if (refused)
      return "PyTorch refuses: one value has no variance. Eval mode or another value helps. A call is counted even so.";
    if (weight === 0) return `With weight 0 no input matters: every output is the bias, ${bias}.`;
    if (!training) {
      const alone = "Each output depends on its own input alone, and a call changes nothing.";
      const fresh = mean === 0 && variance === 1;
      const known = `its mean is ${live.two(Math.abs(mean - own))} away from this batch's`;
      return `Eval mode uses what is remembered; ${fresh ? "so far that is mean 0 and variance 1" : known}. ${alone}`;
    }
    if (new Set(batch).size === 1)
      return `All inputs are equal: only eps saves the division, and each output is the bias, ${bias}.`;
    if (size === 2)
      return Number(eps) / biased < 0.001
        ? "Of two values only the order is left: wherever they are, the outputs are bias ± weight, but for eps."
        : "Of two values only the order would be left, bias ± weight; here eps is large enough to show.";
    const spread = live.two(Math.abs(weight) * Math.sqrt(biased / (biased + Number(eps))));
    const memory = counted ? "" : "; nothing has been remembered yet";
    const outputs = `The outputs have mean ${bias} and standard deviation ${spread} (by N).`;
    return `${outputs} Each depends on the whole batch${memory}.`;
  };

  live.figure("batch_statistics", {
    title: "batch norm of one feature",
    size: [460, 322],
    start: {
      ...{ x1: -1, x2: 0.5, x3: 2, x4: 3, x5: 5, x6: 6.5 },
      ...{ size: 6, training: true, momentum: "0.1", eps: "1e-05", weight: 1, bias: 0 },
      ...{ mean: 0, variance: 1, counted: 0 }, // what the layer remembers
    },
    controls: [
      { kind: "range", name: "size", label: "Batch size", min: 1, max: NAMES.length },
      { kind: "switch", name: "training", label: "Training mode" },
      { kind: "button", label: "Call the layer", press: send },
      { kind: "choice", name: "momentum", label: "momentum", options: [["0.1"], ["0.3"], ["0.5"], ["1"], ["None"]] },
      { kind: "choice", name: "eps", label: "eps", options: [["1e-05"], ["0.1"], ["1"]] },
      { kind: "range", name: "weight", label: "weight", min: -2, max: 2, step: 0.25, text: live.two },
      { kind: "range", name: "bias", label: "bias", min: -2, max: 2, step: 0.25, text: live.two },
    ],
    numbers: [
      ["own", "Batch mean", 3],
      ["biased", "Variance by N", 3],
      ["unbiased", "by N − 1", 3],
      ["mean", "Running mean", 3],
      ["variance", "Running variance", 3],
      ["counted", "Calls counted"],
      ["outputs", "Outputs", 2],
    ],
    compute: analyse,
    say,
    drag: (name, x) => ({ [name]: Math.round(live.within(input.invert(x), -4, 8) * 10) / 10 }),
    draw: (svg, { batch, own, biased, outputs, mean, variance, refused }, state) => {
      // mean and one standard deviation to both sides, on a line of inputs
      const band = (center, square, y, colour, used) => {
        const [left, right] = [-1, 1].map((side) => live.within(input(center + side * Math.sqrt(square)), 8, 452));
        const area = svg.append("rect").attr("x", left).attr("width", right - left).attr("y", y - 17);
        area.attr("height", 34).attr("class", used ? `area ${colour}` : `stroke thin dashed ${colour}`);
        const tick = svg.append("line").attr("x1", input(center)).attr("x2", input(center));
        tick.attr("y1", y - 17).attr("y2", y + 17).attr("class", `stroke ${colour}`);
      };
      const axis = (scale, y) =>
        svg.append("g").attr("class", "axis").attr("transform", `translate(0,${y})`).call(d3.axisBottom(scale));
      const [past, now] = state.training ? ["faint", "a strong"] : ["d strong", "faint"];
      live.word(svg, 10, RUNNING - 26, "remembered: running mean ± √variance", `small ${past}`);
      band(mean, variance, RUNNING, "d", !state.training);
      live.word(svg, 10, INPUTS - 26, "the batch: mean ± √variance", `small ${now}`);
      band(own, biased, INPUTS, "a", state.training && !refused);
      axis(input, INPUTS + 19);
      live.word(svg, 10, OUTPUTS + 44, "outputs", "small faint");
      if (refused) live.box(svg, 190, OUTPUTS - 40, 80, 26, "error", "b strong");
      else
        outputs.forEach((value, i) => {
          const inside = live.within(value, -6, 6);
          const line = svg.append("line").attr("x1", input(batch[i])).attr("y1", INPUTS + 40);
          line.attr("x2", output(inside)).attr("y2", OUTPUTS - 8).attr("class", "stroke thin");
          const dot = svg.append("circle").attr("cx", output(inside)).attr("cy", OUTPUTS).attr("r", 6);
          dot.attr("class", `dot ${inside === value ? "c" : "b"}`);
        });
      axis(output, OUTPUTS + 10);
      if (!refused && outputs.some((value) => Math.abs(value) > 6))
        live.word(svg, 450, OUTPUTS + 44, "orange: beyond the line", "end small b");
      NAMES.slice(state.size).forEach((name) => {
        const dot = svg.append("circle").attr("cx", input(state[name])).attr("cy", INPUTS).attr("r", 4);
        dot.attr("class", "dot");
      });
      NAMES.slice(0, state.size).forEach((name, i) =>
        live.handle(svg, name, input(batch[i]), INPUTS, `Input ${i + 1}`, live.text(batch[i], 1))
      );
    },
  });
})();
