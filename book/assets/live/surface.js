// Gradient descent on a surface of two parameters: the path and the loss.
(() => {
  const STEPS = 200;
  const GONE = 1000; // a coordinate beyond this has left for good
  const [LEFT, TOP, WIDTH, HEIGHT] = [40, 14, 410, 250]; // of the map
  const middle = [LEFT + WIDTH / 2, TOP + HEIGHT / 2];

  // Each surface: its values, gradient and Hessian (xx, xy, yy); the place in
  // the middle of the map, units of the figure for 1, and the contours drawn.
  const SURFACES = {
    bowl: {
      least: 0,
      value: ([x, y], c) => 0.5 * (x * x + c * y * y),
      gradient: ([x, y], c) => [x, c * y],
      hessian: (w, c) => [1, 0, c],
      at: [0, 0],
      unit: 18,
      levels: d3.range(1, 8).map((k) => 6 * k * k),
      minima: [[0, 0]],
    },
    gorge: {
      least: 0,
      value: ([x, y]) => (1 - x) ** 2 + 100 * (y - x * x) ** 2,
      gradient: ([x, y]) => [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)],
      hessian: ([x, y]) => [2 - 400 * (y - 3 * x * x), -400 * x, 200],
      at: [0, 0.5],
      unit: 100,
      levels: [1, 4, 15, 50, 120, 250, 500, 1000],
      minima: [[1, 1]],
    },
    saddle: {
      least: -0.25,
      value: ([x, y]) => 0.5 * x * x - 0.5 * y * y + 0.25 * y ** 4,
      gradient: ([x, y]) => [x, -y + y ** 3],
      hessian: ([, y]) => [1, 0, -1 + 3 * y * y],
      at: [0, 0],
      unit: 100,
      levels: [-0.2, -0.1, 0, 0.1, 0.3, 0.6, 1, 1.5],
      minima: [[0, -1], [0, 1]],
    },
  };

  const rate = ({ k }) => Number((10 ** (k / 20)).toPrecision(2));
  const show = (value) => String(Number(value.toPrecision(3)));
  // one place or many, between the map and the surface
  const toMap = ({ at, unit }, [x, y]) => [middle[0] + (x - at[0]) * unit, middle[1] - (y - at[1]) * unit];
  const fromMap = ({ at, unit }, [u, v]) => [(u - middle[0]) / unit + at[0], (middle[1] - v) / unit + at[1]];

  // what each optimizer does with a gradient; `memory` is its state
  const rules = {
    sgd: (w, g, { lr, momentum, nesterov }, memory) => {
      memory.v = memory.v ? memory.v.map((v, i) => momentum * v + g[i]) : g;
      return w.map((value, i) => value - lr * (nesterov ? g[i] + momentum * memory.v[i] : memory.v[i]));
    },
    adam: (w, g, { lr, momentum }, memory) => {
      memory.t = (memory.t ?? 0) + 1;
      memory.m = g.map((value, i) => momentum * (memory.m?.[i] ?? 0) + (1 - momentum) * value);
      memory.s = g.map((value, i) => 0.999 * (memory.s?.[i] ?? 0) + 0.001 * value * value);
      const [first, second] = [1 - momentum ** memory.t, 1 - 0.999 ** memory.t];
      return w.map((value, i) => value - ((lr / first) * memory.m[i]) / (Math.sqrt(memory.s[i] / second) + 1e-8));
    },
  };

  const left = (path) => path.at(-1).some((value) => Math.abs(value) > GONE);

  const walk = (surface, { curvature, optimizer, momentum, steps, u, v, ...state }) => {
    const options = { lr: rate(state), momentum, nesterov: optimizer === "Nesterov" };
    const rule = rules[optimizer === "Adam" ? "adam" : "sgd"];
    const path = [fromMap(surface, [u, v]).map((value) => Math.round(value * 20) / 20)];
    const memory = {};
    while (path.length <= steps && !left(path))
      path.push(rule(path.at(-1), surface.gradient(path.at(-1), curvature), options, memory));
    return path;
  };

  // In a direction of curvature c, each step maps place and velocity linearly.
  const border = ({ optimizer, momentum }, c) =>
    (2 * (1 + momentum)) / (optimizer === "Nesterov" ? 1 + 2 * momentum : 1) / c;
  const swings = ({ optimizer, momentum, ...state }, c) => {
    const a = rate(state) * c;
    const nesterov = optimizer === "Nesterov";
    const trace = 1 + momentum - a * (nesterov ? 1 + momentum : 1);
    const determinant = momentum * (nesterov ? 1 - a : 1);
    return trace * trace < 4 * determinant - 1e-9 || trace < -1e-9 || determinant < -1e-9;
  };

  const sayBowl = (state, [x, y]) => {
    const { curvature, momentum, optimizer } = state;
    const [lr, limit] = [rate(state), border(state, curvature)];
    if (!x && !y) return "The start is the minimum: the gradient is zero, and nothing moves.";
    if (!y) return "The start lies on the floor, y = 0: whatever the rate, nothing sets y in motion.";
    if (optimizer === "Adam")
      return x
        ? "Adam divides each coordinate by the size of its own gradients: the first step is as long in x as in y."
        : "Adam divides each coordinate by the size of its own gradients; that of x is zero, and x stays.";
    const plain = `The border of the rate is 2/${curvature} =`;
    const words = `${momentum ? "With this momentum the border of the rate is" : plain} ${limit.toFixed(4)}`;
    if (Math.abs(lr - limit) < 1e-9) return `${words}, just the rate: across the bowl it swings for ever.`;
    if (lr > limit) {
      const grow = momentum ? "in the end the swings across grow" : "each swing across the bowl ends farther out";
      return `${words}, and ${lr} is above it: ${grow}.`;
    }
    const [steep, flat] = [curvature, 1].map((c) => swings(state, c));
    const ways = [steep && "across the bowl", flat && x && "along the floor"].filter(Boolean);
    if (ways.length) return `${words}; below it, ${lr} swings ${ways.join(" and ")}, and yet comes nearer.`;
    const slow = x && curvature > 1 ? ", and the flat direction sets the time" : "";
    return `${words}; ${lr} is so far below it that nothing swings${slow}.`;
  };

  const say = ({ refused, path, surface, loss, top }, state) => {
    if (refused) return "PyTorch refuses: Nesterov momentum needs a momentum above 0.";
    if (left(path)) {
      const more = state.surface === "bowl" ? ` ${sayBowl(state, path[0])}` : "";
      return `After ${path.length - 1} steps a coordinate is beyond ${GONE}: it diverges.${more}`;
    }
    if (state.surface === "bowl") return sayBowl(state, path[0]);
    if (state.surface === "saddle" && path[0][1] === 0)
      return "On the line y = 0 the gradient has no part along y: no optimizer here leaves it; it has no minimum.";
    const near = loss - surface.least < 0.001 ? "The loss is within 0.001 of the minimum. " : "";
    const side = rate(state) > 2 / top ? "above" : "not above";
    const here = `Where it stands the largest curvature is about ${show(top)}`;
    return `${near}${here}; ${rate(state)} is ${side} the border of plain descent there, ${show(2 / top)}.`;
  };

  live.figure("surface", {
    title: "learning rate and momentum",
    size: [460, 380],
    start: { surface: "bowl", optimizer: "SGD", k: -23, momentum: 0, steps: 40, curvature: 25, u: 83, v: 85 },
    controls: [
      { kind: "choice", name: "surface", label: "Surface", options: Object.keys(SURFACES).map((name) => [name]) },
      { kind: "choice", name: "optimizer", label: "Optimizer", options: [["SGD"], ["Nesterov"], ["Adam"]] },
      { kind: "range", name: "k", label: "Learning rate", min: -60, max: 0, text: (k) => String(rate({ k })) },
      {
        kind: "range",
        name: "momentum",
        label: "Momentum (Adam: β₁)",
        min: 0,
        max: 0.98,
        step: 0.02,
        text: (m) => m.toFixed(2),
      },
      { kind: "range", name: "curvature", label: "Bowl: curvature along y", min: 1, max: 50 },
      { kind: "range", name: "steps", label: "Steps", min: 0, max: STEPS },
      { kind: "play", name: "steps", label: "Walk", max: STEPS, every: 60 },
    ],
    numbers: [
      ["x", "x", 3],
      ["y", "y", 3],
      ["loss", "Loss", 4],
      ["back", "Steps that turn back"],
      ["limit", "2 / largest curvature here", 4],
    ],
    compute: (state) => {
      const surface = SURFACES[state.surface];
      const none = { x: "–", y: "–", loss: "–", back: "–", limit: "–" };
      const refused = state.optimizer === "Nesterov" && state.momentum === 0;
      const path = walk(surface, refused ? { ...state, steps: 0 } : state);
      const losses = path.map((w) => surface.value(w, state.curvature) - surface.least);
      if (refused) return { ...none, refused, surface, path, losses };
      const moves = d3.pairs(path, (p, q) => [q[0] - p[0], q[1] - p[1]]);
      const back = d3.pairs(moves, (p, q) => p[0] * q[0] + p[1] * q[1] < -1e-12).filter(Boolean).length;
      if (left(path)) return { ...none, back, surface, path, losses };
      const [x, y] = path.at(-1);
      const [xx, xy, yy] = surface.hessian([x, y], state.curvature);
      const top = (xx + yy) / 2 + Math.hypot((xx - yy) / 2, xy);
      return { x, y, loss: losses.at(-1) + surface.least, back, limit: 2 / top, top, surface, path, losses };
    },
    drag: (name, u, v) => ({
      u: Math.min(LEFT + WIDTH, Math.max(LEFT, u)),
      v: Math.min(TOP + HEIGHT, Math.max(TOP, v)),
    }),
    say,
    draw: (svg, { surface, path, losses }, { curvature }) => {
      const frame = svg.append("clipPath").attr("id", "surface-map").append("rect");
      frame.attr("x", LEFT).attr("y", TOP).attr("width", WIDTH).attr("height", HEIGHT);
      const map = svg.append("g").attr("clip-path", "url(#surface-map)");
      const grain = 5; // units between two places of the grid under the contours
      const [columns, rows] = [WIDTH / grain + 1, HEIGHT / grain + 1];
      const heights = d3.range(columns * rows).map((i) => {
        const place = [LEFT + (i % columns) * grain, TOP + Math.floor(i / columns) * grain];
        return surface.value(fromMap(surface, place), curvature);
      });
      // contours counts from the corner of a cell, whose value stands in its middle
      const shift = d3.geoTransform({
        point(x, y) {
          this.stream.point(LEFT + (x - 0.5) * grain, TOP + (y - 0.5) * grain);
        },
      });
      const line = d3.geoPath(shift).digits(1);
      for (const contour of d3.contours().size([columns, rows]).thresholds(surface.levels)(heights))
        map.append("path").attr("d", line(contour)).attr("class", "stroke thin");
      const mark = (place, r, names) =>
        map.append("circle").attr("cx", place[0]).attr("cy", place[1]).attr("r", r).attr("class", names);
      surface.minima.forEach((place) => mark(toMap(surface, place), 6, "dot c"));
      // far outside the map a place is no longer told apart
      const places = path.map((w) => toMap(surface, w).map((value) => Math.max(-1e4, Math.min(1e4, value))));
      map.append("path").attr("d", d3.line().digits(1)(places)).attr("class", "stroke a");
      places.slice(1).forEach((place) => mark(place, 3, "dot a"));
      mark(places.at(-1), 6, "dot b");
      const [x, y] = [0, 1].map((i) => {
        const ends = [[LEFT, TOP + HEIGHT], [LEFT + WIDTH, TOP]].map((corner) => fromMap(surface, corner)[i]);
        return d3.scaleLinear(ends, i ? [TOP + HEIGHT, TOP] : [LEFT, LEFT + WIDTH]);
      });
      const axis = (make, dx, dy) =>
        svg.append("g").attr("class", "axis").attr("transform", `translate(${dx},${dy})`).call(make);
      axis(d3.axisBottom(x).ticks(5), 0, TOP + HEIGHT);
      axis(d3.axisLeft(y).ticks(5), LEFT, 0);
      live.word(svg, LEFT + WIDTH + 9, TOP + HEIGHT + 4, "x", "end small faint");
      live.word(svg, LEFT - 14, TOP + 2, "y", "middle small faint");

      const step = d3.scaleLinear([0, STEPS], [LEFT, LEFT + WIDTH]);
      const height = d3.scaleLog([1e-6, 1e4], [360, 302]).clamp(true);
      axis(d3.axisBottom(step).ticks(5), 0, 360);
      const power = (value) => `1e${Math.round(Math.log10(value))}`;
      axis(d3.axisLeft(height).tickValues([1e-6, 1e-1, 1e4]).tickFormat(power), LEFT, 0);
      live.word(svg, LEFT + WIDTH, 300, "loss above the minimum, after each step", "end small faint");
      const curve = d3.line((loss, i) => step(i), (loss) => height(Math.max(loss, 1e-6))).digits(1);
      svg.append("path").attr("d", curve(losses)).attr("class", "stroke a");
      const [u, v] = toMap(surface, path[0]);
      live.handle(svg, "start", u, v, "Start", `x ${path[0][0]}, y ${path[0][1]}`);
    },
  });
})();
