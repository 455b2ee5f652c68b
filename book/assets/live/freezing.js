// One training step of a small network of which parts are frozen.
(() => {
  const PARTS = ["block 1", "block 2", "block 3", "head"];
  const SWITCHES = ["first", "second", "third", "head"];
  const [LR, EPS, MOMENTUM] = [0.5, 1e-5, 0.1];

  // Matrices are lists of rows. One whose entries are sines looks random:
  const sines = (rows, columns, start) =>
    d3.range(rows).map((i) => d3.range(columns).map((j) => Math.sin(start + 1.7 * (i * columns + j))));
  const times = (A, B) => A.map((row) => B[0].map((_, j) => d3.sum(row, (value, k) => value * B[k][j])));
  const columns = (A, reduce) => A[0].map((_, j) => reduce(A.map((row) => row[j])));
  const each = (A, change) => A.map((row, i) => row.map((value, j) => change(value, i, j)));
  // A - scale * B, for numbers, lists and matrices
  const minus = (A, B, scale = 1) =>
    Array.isArray(A) ? A.map((one, i) => minus(one, B[i], scale)) : A - scale * B;
  const largest = (tensors) => d3.max(tensors.flat(Infinity), Math.abs);
  const mix = (old, fresh) => old.map((value, i) => (1 - MOMENTUM) * value + MOMENTUM * fresh[i]);

  const INPUTS = sines(6, 2, 0.5).map(([a, b]) => [3 * a + 1, 3 * b]);

  // Linear without bias, batch norm and ReLU, three times; then a linear head.
  const network = (fresh) => [
    ...[2, 3, 3].map((width, i) => ({
      weight: sines(3, width, i),
      gamma: [1, 1, 1],
      beta: [0.2, 0.2, 0.2],
      mean: [0, 0, 0],
      variance: [1, 1, 1],
    })),
    fresh ? { weight: sines(4, 3, 9), bias: [0, 0, 0, 0] } : { weight: sines(2, 3, 5), bias: [0, 0] },
  ];
  const parameters = (part) => (part.gamma ? ["weight", "gamma", "beta"] : ["weight", "bias"]);
  const count = (part) => d3.sum(parameters(part), (key) => part[key].flat().length);

  // A block in training mode moves its running statistics.
  const block = (part, inputs, training) => {
    const linear = times(inputs, d3.transpose(part.weight));
    let { mean, variance } = part;
    if (training) {
      mean = columns(linear, (x) => d3.mean(x));
      const unbiased = columns(linear, (x) => d3.variance(x));
      variance = unbiased.map((value) => (value * (linear.length - 1)) / linear.length);
      part.mean = mix(part.mean, mean);
      part.variance = mix(part.variance, unbiased);
    }
    const roots = variance.map((value) => Math.sqrt(value + EPS));
    const normal = each(linear, (value, i, j) => (value - mean[j]) / roots[j]);
    const raw = each(normal, (value, i, j) => part.gamma[j] * value + part.beta[j]);
    return { inputs, training, roots, normal, raw, outputs: each(raw, (value) => Math.max(0, value)) };
  };

  const blockBackward = (part, { inputs, training, roots, normal, raw }, slopes) => {
    const through = each(slopes, (value, i, j) => (raw[i][j] > 0 ? value : 0));
    const beta = columns(through, (x) => d3.sum(x));
    const gamma = columns(each(through, (value, i, j) => value * normal[i][j]), (x) => d3.sum(x));
    const linear = each(through, (value, i, j) => {
      const shared = training ? (beta[j] + normal[i][j] * gamma[j]) / inputs.length : 0;
      return (part.gamma[j] * (value - shared)) / roots[j];
    });
    return { weight: times(d3.transpose(linear), inputs), gamma, beta, inputs: times(linear, part.weight) };
  };

  const forward = (net, modes) => {
    const kept = [];
    for (const [i, part] of net.slice(0, 3).entries())
      kept.push(block(part, kept.length ? kept[i - 1].outputs : INPUTS, modes[i]));
    const features = kept[2].outputs;
    const logits = each(times(features, d3.transpose(net[3].weight)), (value, i, j) => value + net[3].bias[j]);
    // cross-entropy; the labels count 0, 1, … over and over
    const chances = logits.map((row) => row.map((value) => Math.exp(value) / d3.sum(row, Math.exp)));
    const label = (i) => i % net[3].bias.length;
    const loss = -d3.mean(chances, (row, i) => Math.log(row[label(i)]));
    const slopes = each(chances, (value, i, j) => (value - (j === label(i))) / chances.length);
    return { kept, features, loss, slopes };
  };

  const backward = (net, { kept, features, slopes }) => {
    const head = { weight: times(d3.transpose(slopes), features), bias: columns(slopes, (x) => d3.sum(x)) };
    const gradients = [head];
    let back = times(slopes, net[3].weight);
    for (const i of [2, 1, 0]) {
      gradients.unshift(blockBackward(net[i], kept[i], back));
      back = gradients[0].inputs;
    }
    return gradients;
  };

  const compute = (state) => {
    const { optimizer, mode, newHead } = state;
    const fresh = newHead !== "no";
    const asked = SWITCHES.map((name) => state[name]);
    const isNew = (i) => i === 3 && fresh; // a new layer requires grad
    const learns = asked.map((one, i) => one || isNew(i));
    // what required grad when the optimizer was made, and what it was given
    const known = asked.map((one, i) => one || (i === 3 && newHead === "before"));
    const held = known.map((one, i) => (optimizer === "head" ? i === 3 : optimizer === "all" || one));
    const owned = held.map((one, i) => one && !(i === 3 && newHead === "after"));
    const modes = learns.map((one) => mode === "train" || (mode === "frozen" && one));
    const net = network(fresh);
    const found = { learns, owned, modes, passes: 0, drift: 0, loss: ["–", "–"], refused: "" };
    found.grads = PARTS.map(() => "None");
    found.moves = PARTS.map(() => 0);
    found.stats = [0, 0, 0];
    found.learning = d3.sum(net, (part, i) => (learns[i] && owned[i] ? count(part) : 0));
    if (!held.some(Boolean)) return { ...found, refused: "optimizer" };

    const evaluation = PARTS.map(() => false);
    const start = network(fresh);
    const run = forward(net, modes);
    found.stats = d3.range(3).map((i) => largest(minus(net[i].mean, start[i].mean)));
    const first = learns.indexOf(true);
    if (first < 0) found.refused = "backward";
    else {
      const gradients = backward(net, run);
      found.passes = PARTS.length - first;
      net.forEach((part, i) => {
        if (!learns[i]) return;
        found.grads[i] = largest(parameters(part).map((key) => gradients[i][key]));
        if (!owned[i]) return;
        for (const key of parameters(part)) part[key] = minus(part[key], gradients[i][key], LR);
        found.moves[i] = largest(parameters(part).map((key) => minus(part[key], start[i][key])));
      });
    }
    found.drift = largest(minus(forward(net, evaluation).features, forward(start, evaluation).features));
    found.loss = [run.loss, first < 0 ? "–" : forward(net, modes).loss];
    return found;
  };

  const the = (i) => (i === 3 ? "the head" : PARTS[i]);
  const names = (flags) => {
    const list = d3.range(flags.length).filter((i) => flags[i]).map(the);
    return list.length < 2 ? list.join("") : `${list.slice(0, -1).join(", ")} and ${list.at(-1)}`;
  };

  const tell = ({ refused, learns, owned, stats, moves, drift }, { newHead }) => {
    if (refused === "optimizer") return "PyTorch refuses to make the optimizer: its list of parameters is empty.";
    const moved = stats.map((value) => value > 0);
    const drifts = `in training mode the running statistics of ${names(moved)} moved`;
    const yet = moved.includes(true) ? ` And yet ${drifts}.` : "";
    if (refused) return `Nothing requires grad: backward() stops with an error.${yet}`;
    const first = learns.indexOf(true);
    const between = names(learns.map((one, i) => i > first && !one));
    const way = between ? `, through ${between}, though nothing there requires grad` : "";
    const end = first ? `; nothing before it needs a gradient` : "";
    const depth = `The backward pass goes back to ${the(first)}${way}${end}.`;
    if (newHead === "after") return `${depth} The optimizer does not know the new head, which never learns.`;
    const idle = learns.map((one, i) => one && !owned[i]);
    if (idle.includes(true)) return `${depth} No optimizer uses the gradients of ${names(idle)}.`;
    if (!moved.some((one, i) => one && !learns[i])) return depth;
    if (moves.slice(0, 3).some((value) => value)) return `${depth} Frozen or not, ${drifts}.`;
    const features = `and with them the features in eval mode, by ${drift.toFixed(2)}`;
    return `${depth} No weight of a block moved, but ${drifts}, ${features}.`;
  };

  const say = (values, state) => {
    const old = state.newHead !== "no" && !state.head && values.refused !== "optimizer";
    return `${tell(values, state)}${old ? " A new head requires grad, whatever the old one does." : ""}`;
  };

  live.figure("freezing", {
    title: "what freezes and what learns",
    size: [460, 312],
    start: { first: false, second: false, third: false, head: true, optimizer: "all", mode: "train", newHead: "no" },
    controls: [
      ...SWITCHES.map((name, i) => ({ kind: "switch", name, label: `${PARTS[i]} requires grad` })),
      {
        kind: "choice",
        name: "optimizer",
        label: "The optimizer gets",
        options: [["all", "all parameters"], ["learning", "those that require grad"], ["head", "those of the head"]],
      },
      {
        kind: "choice",
        name: "mode",
        label: "Mode",
        options: [["train", "all train()"], ["frozen", "frozen blocks eval()"], ["eval", "all eval()"]],
      },
      {
        kind: "choice",
        name: "newHead",
        label: "New head",
        options: [["no"], ["before", "before the optimizer"], ["after", "after the optimizer"]],
      },
    ],
    numbers: [
      ["learning", "Parameters that learn"],
      ["passes", "Parts that backward passes"],
      ["grads", "Largest gradients", 3],
      ["moves", "Weights moved by", 3],
      ["stats", "Running means moved by", 3],
      ["drift", "Features in eval mode moved by", 3],
      ["loss", "Loss before, after", 3],
    ],
    compute,
    say,
    draw: (svg, { learns, owned, modes, grads, moves, stats, passes, refused }, state) => {
      const { newHead, optimizer } = state;
      const [left, wide, gap] = [110, 78, 8];
      const at = (i) => left + i * (wide + gap);
      live.word(svg, 8, 40, "forward", "faint");
      live.word(svg, 8, 88, "backward", "faint");
      PARTS.forEach((name, i) => {
        const title = i === 3 && newHead !== "no" ? "new head" : name;
        const size = title.length > 7 ? "small" : "";
        live.box(svg, at(i), 18, wide, 38, title, `${learns[i] ? "a strong" : "ghost"} ${size}`);
        if (i < 3) live.arrow(svg, at(i) + wide, 37, at(i + 1), 37);
        if (i >= PARTS.length - passes) live.arrow(svg, at(i) + wide, 83, at(i), 83, "b");
      });
      const error = refused === "optimizer" ? "no optimizer" : "error";
      if (refused) live.box(svg, at(1) + 20, 70, 130, 26, error, "b strong small");

      const kept = (value) => (value > 0 ? [`by ${value.toFixed(3)}`, "c strong"] : ["no", "faint"]);
      const old = optimizer === "learning" && !state.head ? "no" : "the old one";
      const rows = [
        ["requires_grad", (i) => (learns[i] ? ["True", "a strong"] : ["False", "faint"])],
        ["in optimizer", (i) => (owned[i] ? ["yes", ""] : [i === 3 && newHead === "after" ? old : "no", "faint"])],
        ["largest .grad", (i) => (grads[i] === "None" ? ["None", "faint"] : [grads[i].toFixed(3), "b strong"])],
        ["weights moved", (i) => kept(moves[i])],
        ["mode", (i) => (i === 3 ? ["", ""] : [modes[i] ? "train" : "eval", modes[i] ? "" : "faint"])],
        ["statistics moved", (i) => (i === 3 ? ["", ""] : kept(stats[i]))],
      ];
      rows.forEach(([title, cell], row) => {
        const y = 128 + row * 31;
        svg.append("path").attr("d", `M8,${y - 20}H452`).attr("class", "stroke thin");
        live.word(svg, 8, y, title, "small");
        PARTS.forEach((_, i) => {
          const [text, names] = cell(i);
          live.word(svg, at(i) + wide / 2, y - 5, text, `middle small ${names}`);
        });
      });
    },
  });
})();
