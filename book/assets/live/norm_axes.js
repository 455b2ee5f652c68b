// Which inputs share a mean in batch, layer, instance and group norm.
(() => {
  const [CHANNELS, LENGTH, EPS] = [4, 4, 1e-5];
  const [LEFT, TOP, SIZE, GAP, DOWN] = [42, 36, 30, 14, 158]; // of the two rows of tables
  const panel = (example) => LEFT + example * (LENGTH * SIZE + GAP);

  // What a norm averages over: two inputs (example, channel, position) that share.
  const CALLS = {
    "BatchNorm1d(4)": (a, b) => a[1] === b[1],
    "LayerNorm([4, 4])": (a, b) => a[0] === b[0],
    "LayerNorm(4), channels last": (a, b) => a[0] === b[0] && a[2] === b[2],
    "InstanceNorm1d(4)": (a, b) => a[0] === b[0] && a[1] === b[1],
    "GroupNorm(1, 4)": (a, b) => a[0] === b[0],
    "GroupNorm(2, 4)": (a, b) => a[0] === b[0] && (a[1] < 2) === (b[1] < 2),
    "GroupNorm(4, 4)": (a, b) => a[0] === b[0] && a[1] === b[1],
    "BatchNorm1d(4).eval()": (a, b) => a === b,
  };

  const compute = ({ norm, size, extra, example, channel, position }) => {
    const fixed = norm.endsWith("eval()"); // fresh running statistics: 0 and 1
    const cells = d3.cross(d3.cross(d3.range(size), d3.range(CHANNELS)), d3.range(LENGTH), (a, b) => [...a, b]);
    const value = ([n, c], i) => ((i * i * i + 2 * i) % 7) + 3 * c + (n === 1 ? extra : 0);
    const inputs = cells.map(value);
    const sets = cells.map((a) => cells.flatMap((b, i) => (CALLS[norm](a, b) ? [i] : [])));
    const statistics = sets.map((set) => {
      if (fixed) return [0, 1];
      const mean = d3.mean(set, (i) => inputs[i]);
      return [mean, d3.mean(set, (i) => (inputs[i] - mean) ** 2)];
    });
    const outputs = inputs.map((x, i) => (x - statistics[i][0]) / Math.sqrt(statistics[i][1] + EPS));
    const chosen = (Math.min(example, size - 1) * CHANNELS + channel) * LENGTH + position;
    return {
      cells,
      inputs,
      outputs,
      chosen,
      shared: sets[chosen],
      depends: sets[chosen].length,
      means: fixed ? "–" : new Set(sets.map(String)).size,
      mean: statistics[chosen][0],
      variance: statistics[chosen][1],
      output: outputs[chosen],
    };
  };

  const say = ({ depends }, { norm, size, extra }) => {
    const added = extra && size > 1;
    const nobody = extra && !added ? " There is no example 2 to add to." : "";
    if (norm.startsWith("BatchNorm1d(4).")) {
      const where = added ? " What is added to example 2 moves its outputs alone." : nobody;
      return `In eval mode nothing is averaged: the remembered 0 and 1 leave the input as it is, but for eps.${where}`;
    }
    if (norm.startsWith("Batch")) {
      if (size === 1) return `With one example, batch norm in training mode gives what instance norm gives.${nobody}`;
      const where = added ? ", and what is added to example 2 moves the outputs of all of them" : "";
      const all = size === 2 ? "both" : `all ${size}`;
      return `A channel's ${depends} inputs share a mean across ${all} examples${where}.`;
    }
    const what = {
      "LayerNorm([4, 4])": "All 16 inputs of an example share a mean; GroupNorm(1, 4) does the same.",
      "LayerNorm(4), channels last": "The 4 channels of one position share a mean, as for one pixel or one word.",
      "InstanceNorm1d(4)": "Each channel of each example has a mean of its own; GroupNorm(4, 4) does the same.",
      "GroupNorm(1, 4)": "One group is layer norm: all 16 inputs of an example share a mean.",
      "GroupNorm(2, 4)": "Two channels of an example share a mean, 8 inputs.",
      "GroupNorm(4, 4)": "One channel in each group is instance norm.",
    }[norm];
    const gone = "What is added to all of example 2 is taken away again: no output moves.";
    return `${what} ${added ? gone : `No other example matters.${nobody}`}`;
  };

  live.figure("norm_axes", {
    title: "what a norm averages over",
    size: [460, 326],
    start: { norm: "BatchNorm1d(4)", size: 3, extra: 0, example: 0, channel: 1, position: 2 },
    controls: [
      { kind: "choice", name: "norm", label: "Norm", options: Object.keys(CALLS).map((call) => [call]) },
      { kind: "range", name: "size", label: "Batch size", min: 1, max: 3 },
      { kind: "range", name: "extra", label: "Add to example 2", min: -5, max: 5 },
    ],
    numbers: [
      ["depends", "Inputs behind the marked output"],
      ["means", "Means taken in the batch"],
      ["mean", "Its mean", 3],
      ["variance", "Its variance", 3],
      ["output", "The output", 3],
    ],
    compute,
    say,
    drag: (name, x, y, { size }) => {
      const example = live.within(Math.floor((x - LEFT + GAP / 2) / (LENGTH * SIZE + GAP)), 0, size - 1);
      const position = live.within(Math.floor((x - panel(example)) / SIZE), 0, LENGTH - 1);
      return { example, position, channel: live.within(Math.floor((y - TOP) / SIZE), 0, CHANNELS - 1) };
    },
    draw: (svg, { cells, inputs, outputs, chosen, shared }) => {
      const tables = svg.append("g").attr("class", "small");
      d3.range(cells.length / CHANNELS / LENGTH).forEach((n) => {
        live.word(svg, panel(n) + (LENGTH * SIZE) / 2, 20, `example ${n + 1}`, "middle small strong");
      });
      ["in", "out"].forEach((title, row) => live.word(svg, 6, TOP + row * DOWN + 2 * SIZE + 5, title, "small faint"));
      live.word(svg, LEFT, TOP + 4 * SIZE + 25, "a row is a channel, a column a position", "small faint");
      const among = new Set(shared);
      cells.forEach(([n, c, p], i) => {
        const [x, y] = [panel(n) + p * SIZE, TOP + c * SIZE];
        live.box(tables, x, y, SIZE, SIZE, inputs[i], among.has(i) ? "a" : "");
        live.box(tables, x, y + DOWN, SIZE, SIZE, live.text(outputs[i], 1), among.has(i) ? "c" : "");
      });
      const [n, c, p] = cells[chosen];
      const [x, y] = [panel(n) + p * SIZE, TOP + c * SIZE];
      live.box(tables, x, y + DOWN, SIZE, SIZE, live.text(outputs[chosen], 1), "c strong");
      const place = `example ${n + 1}, channel ${c + 1}, position ${p + 1}`;
      const handle = live.handle(svg, "cell", x + SIZE - 6, y + SIZE - 4, "Mark", place);
      handle.attr("data-step", SIZE + 2); // an arrow key leads into the next cell, over the gap too
    },
  });
})();
