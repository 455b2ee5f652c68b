// A window of weights walks over a small picture, with stride, padding and dilation.
(() => {
  const PICTURES = {
    edge: (i, j) => (j < 2 ? 0 : 1), // the chapter's: dark on the left, bright on the right
    digits: (i, j) => (3 * i * i + 7 * j + 5 * i * j) % 10,
  };
  const KERNELS = {
    difference: (size) => (a, b) => (b === size - 1 ? 1 : b === 0 ? -1 : 0),
    ones: () => () => 1,
  };

  const span = ({ kernel, dilation }) => dilation * (kernel - 1) + 1;
  const sizeOf = (state) => Math.floor((state.size + 2 * state.padding - span(state)) / state.stride) + 1;
  const most = (state) => Math.max(0, Math.max(0, sizeOf(state)) ** 2 - 1);

  // what the window at an output's place covers: row, column (of the picture), weight
  const covered = (state, i, j) => {
    const { kernel, stride, padding, dilation } = state;
    const weight = KERNELS[state.weights](kernel);
    return d3.cross(d3.range(kernel), d3.range(kernel), (a, b) => ({
      row: i * stride + a * dilation - padding,
      column: j * stride + b * dilation - padding,
      weight: weight(a, b),
    }));
  };

  live.figure("convolution", {
    title: "a convolution's window",
    size: [460, 344],
    start: { size: 5, kernel: 3, stride: 1, padding: 0, dilation: 1, picture: "edge", weights: "difference", place: 4 },
    controls: [
      { kind: "range", name: "place", label: "Place", min: 0, max: most },
      { kind: "play", name: "place", label: "Walk", max: most, every: 500 },
      { kind: "range", name: "size", label: "Pixels a side", min: 3, max: 8 },
      { kind: "range", name: "kernel", label: "kernel_size", min: 1, max: 5 },
      { kind: "range", name: "stride", label: "stride", min: 1, max: 3 },
      { kind: "range", name: "padding", label: "padding", min: 0, max: 2 },
      { kind: "range", name: "dilation", label: "dilation", min: 1, max: 3 },
      { kind: "choice", name: "picture", label: "Picture", options: [["edge", "an edge"], ["digits"]] },
      {
        kind: "choice",
        name: "weights",
        label: "Weights",
        options: [
          ["difference", "right minus left"],
          ["ones", "all 1"],
        ],
      },
    ],
    numbers: [
      ["shape", "Output"],
      ["index", "Place in it"],
      ["value", "Value there"],
      ["reads", "Pixels that its window meets"],
      ["unread", "Pixels that no window meets"],
      ["spans", "Receptive field of 1, 2, 3 such layers"],
    ],
    compute: (state) => {
      const { size, stride } = state;
      const wide = span(state);
      // a layer adds its span, in steps as wide as all strides before it
      const spans = [1, 1 + stride, 1 + stride + stride ** 2].map((steps) => 1 + (wide - 1) * steps);
      const count = sizeOf(state);
      if (count < 1)
        return { shape: "refused", index: "–", value: "–", reads: "–", unread: "–", spans, count: 0 };
      const pixel = PICTURES[state.picture];
      const inside = ({ row, column }) => row >= 0 && row < size && column >= 0 && column < size;
      const windows = d3.range(count ** 2).map((k) => covered(state, Math.floor(k / count), k % count));
      const values = windows.map((window) => d3.sum(window.filter(inside), (c) => c.weight * pixel(c.row, c.column)));
      const met = new Set(windows.flatMap((window) => window.filter(inside).map((c) => `${c.row},${c.column}`)));
      const at = Math.min(state.place, count ** 2 - 1);
      const index = [Math.floor(at / count), at % count];
      return {
        shape: `(${count}, ${count})`,
        index: `(${index.join(", ")})`,
        value: values[at],
        reads: windows[at].filter(inside).length,
        unread: size ** 2 - met.size,
        spans,
        count,
        values,
        met,
        at,
        window: windows[at],
        place: index,
      };
    },
    say: ({ count, reads, unread, met }, state) => {
      const { size, kernel, padding, dilation } = state;
      const [wide, room] = [span(state), size + 2 * padding];
      if (!met) {
        const window = `${wide} x ${wide}${wide > kernel ? ", dilated" : ""}`;
        return `PyTorch refuses: the kernel (${window}) can't be greater than the padded picture (${room} x ${room}).`;
      }
      const kept = count === size ? ": the size is kept" : "";
      const places = count > 1 ? `${count} places a side` : "one place";
      const rims = padding ? ", rim included" : "";
      const first = `Of ${room} pixels a side${rims}, the window spans ${wide}; it fits at ${places}${kept}.`;
      const rim = kernel ** 2 - reads;
      const some =
        kernel === 1 ? "its one weight meets" : `${rim} of its ${kernel ** 2} weights meet${rim === 1 ? "s" : ""}`;
      const second = rim ? ` Here ${some} the rim of zeros.` : "";
      const third = unread ? ` ${unread} of ${size ** 2} pixels ${unread === 1 ? "is" : "are"} met by no window.` : "";
      const fourth = kernel === 1 && dilation > 1 ? " One weight has no neighbour, so dilation changes nothing." : "";
      return first + second + third + fourth;
    },
    draw: (svg, { met, count, values, at, window, place, value }, state) => {
      const { size, kernel, stride, padding, dilation } = state;
      const pixel = PICTURES[state.picture];
      const colour = { 1: "a", 0: "d", "-1": "b" };
      const room = size + 2 * padding;
      const [left, top] = [8, 34];
      const cell = Math.min(34, 264 / room);
      const weights = new Map((window ?? []).map((c) => [`${c.row},${c.column}`, c.weight]));
      const picture = svg.append("g").attr("class", cell < 26 ? "small" : "");
      live.word(svg, left, 20, padding ? "picture, and its rim of zeros" : "picture", "strong");
      for (const [i, j] of d3.cross(d3.range(room), d3.range(room))) {
        const [row, column] = [i - padding, j - padding];
        const outside = Math.min(row, column) < 0 || Math.max(row, column) >= size;
        const weight = weights.get(`${row},${column}`);
        const names = weight === undefined ? (outside ? "ghost" : "") : colour[weight];
        const text = outside ? 0 : met && !met.has(`${row},${column}`) ? "×" : pixel(row, column);
        live.box(picture, left + j * cell, top + i * cell, cell, cell, text, names);
      }

      const [x, y] = [290, 34];
      const small = Math.min(30, 160 / Math.max(1, count));
      live.word(svg, x, 20, "output", "strong");
      if (met) {
        const reach = span(state) * cell;
        const frame = svg.append("rect").attr("class", "stroke c").attr("width", reach).attr("height", reach);
        frame.attr("x", left + place[1] * stride * cell).attr("y", top + place[0] * stride * cell);
        const output = svg.append("g").attr("class", "small");
        values.forEach((one, k) => {
          const names = k === at ? "c strong" : k < at ? "" : "ghost";
          const text = k <= at && small >= 24 ? String(one).replace("-", "−") : "";
          live.box(output, x + (k % count) * small, y + Math.floor(k / count) * small, small, small, text, names);
        });
      } else live.word(svg, x, 52, "none: refused");
      live.word(svg, x + 76, 226, `value ${String(value).replace("-", "−")}`, met ? "c strong" : "faint");
      live.word(svg, x, 226, "weights", "strong");
      const weight = KERNELS[state.weights](kernel);
      const rows = d3.range(kernel).map((a) => d3.range(kernel).map((b) => String(weight(a, b)).replace("-", "−")));
      live.grid(svg.append("g").attr("class", "small"), x, 236, rows, 20, (a, b) => colour[weight(a, b)]);
      const room_left = `${size} + 2·${padding} − ${dilation}·(${kernel} − 1) − 1`;
      if (met) live.word(svg, left, 334, `⌊(${room_left}) / ${stride}⌋ + 1 = ${count}`, "small");
    },
  });
})();
