// Two shapes under the rule of broadcasting; what fits is added.
(() => {
  const LARGEST = 6; // an axis that is drawn as a grid
  const AXES = 5;
  const LONGEST = 9999;

  const parse = (text) => {
    const parts = text.split(/[\s,()]+/).filter(Boolean);
    const shape = parts.map(Number);
    return shape.length <= AXES && shape.every((n) => Number.isInteger(n) && n >= 0 && n <= LONGEST) ? shape : null;
  };
  const product = (shape) => shape.reduce((a, b) => a * b, 1);
  const tuple = (shape) => `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;

  // what happens at each axis, from the first: [first, second, result, verdict]
  const align = (first, second) => {
    const axes = Math.max(first.length, second.length);
    return d3.range(axes).map((axis) => {
      const [a, b] = [first, second].map((shape) => shape[axis - axes + shape.length]);
      const [p, q] = [a ?? 1, b ?? 1];
      if (p === q) return [a, b, p, a === undefined || b === undefined ? "new" : "same"];
      if (p === 1) return [a, b, q, a === undefined ? "new" : "first"];
      if (q === 1) return [a, b, p, b === undefined ? "new" : "second"];
      return [a, b, null, "clash"];
    });
  };

  // the values of a tensor of this shape, stretched to two axes
  const stretched = (shape, [rows, columns], times) => {
    const [r, c] = [shape.at(-2) ?? 1, shape.at(-1) ?? 1];
    return d3.range(rows).map((i) => d3.range(columns).map((j) => times * (1 + (r === 1 ? 0 : i) * c + (c === 1 ? 0 : j))));
  };

  live.figure("broadcasting", {
    title: "broadcasting",
    size: [460, 350],
    start: { first: "4, 1", second: "3" },
    controls: [
      { kind: "text", name: "first", label: "First shape" },
      { kind: "text", name: "second", label: "Second shape" },
      { kind: "button", label: "Swap them", press: ({ first, second }) => ({ first: second, second: first }) },
    ],
    numbers: [
      ["shape", "Shape of the sum"],
      ["numel", "Numbers in it"],
      ["stored", "Numbers stored before"],
      ["total", "Sum of all of them"],
    ],
    compute: (state) => {
      const [first, second] = [parse(state.first), parse(state.second)];
      const none = { shape: "–", numel: "–", stored: "–", total: "–" };
      if (!first || !second) return { ...none, axes: [], bad: first ? "second" : "first" };
      const axes = align(first, second);
      const stored = product(first) + product(second);
      const clash = axes.findLast(([, , result]) => result === null);
      if (clash) return { ...none, stored, axes, clash, shape: "none" };
      const shape = axes.map(([, , result]) => result);
      const numel = product(shape);
      // each stored number stands in the sum as often as it was stretched
      const total = [first, second].reduce((sum, one, index) => {
        const count = product(one);
        return sum + (count ? (numel / count) * ((count * (count + 1)) / 2) * (index ? 1 : 10) : 0);
      }, 0);
      const small = shape.length <= 2 && shape.every((n) => n >= 1 && n <= LARGEST);
      return { shape: tuple(shape), numel, stored, total, axes, grid: small && { first, second, shape } };
    },
    say: ({ bad, clash, axes, numel, stored }) => {
      if (bad)
        return `The ${bad} shape is not one: write at most ${AXES} lengths from 0 to ${LONGEST}, such as 4, 1.`;
      if (clash)
        return `PyTorch refuses: axis ${axes.indexOf(clash)} has ${clash[0]} and ${clash[1]}, not equal and neither 1.`;
      const count = axes.filter(([, , , verdict]) => verdict !== "same").length;
      if (!count) return "The shapes are equal: nothing is stretched.";
      const many = count === 1 ? "One axis is" : `${count} axes are`;
      const old = stored === 1 ? "one stored number" : `${stored} stored numbers`;
      return `${many} stretched or new. From ${old} come ${numel}; none of the old ones is copied.`;
    },
    draw: (svg, { axes, grid, clash, bad }) => {
      const [left, wide, high, gap] = [84, 60, 34, 12];
      ["first", "second", "sum"].forEach((name, row) => live.word(svg, 10, 52 + row * (high + gap), name, "strong"));
      const colour = { same: "", new: "d", first: "a", second: "a", clash: "b" };
      axes.forEach(([a, b, result, verdict], axis) => {
        const x = left + axis * (wide + 8);
        const names = (from) => {
          if (verdict === "clash") return "b strong";
          return verdict === from ? "a" : "";
        };
        live.word(svg, x + wide / 2, 22, `axis ${axis}`, "middle small faint");
        [a, b].forEach((length, row) => {
          const y = 30 + row * (high + gap);
          if (length === undefined) live.box(svg, x, y, wide, high, "1", "ghost");
          else live.box(svg, x, y, wide, high, length, names(row ? "second" : "first"));
        });
        live.box(svg, x, 30 + 2 * (high + gap), wide, high, result ?? "?", result === null ? "b strong" : colour[verdict]);
      });
      if (!grid && !clash && !bad)
        live.word(svg, 10, 196, `Values are drawn for up to two axes, each of length 1 to ${LARGEST}.`, "small faint");
      if (!grid) return;
      const shape = [grid.shape.at(-2) ?? 1, grid.shape.at(-1) ?? 1];
      const size = 22;
      const parts = [stretched(grid.first, shape, 10), stretched(grid.second, shape, 1)];
      parts.push(parts[0].map((row, i) => row.map((value, j) => value + parts[1][i][j])));
      const stored = [grid.first, grid.second].map((one) => (i, j) =>
        ((one.at(-2) ?? 1) > 1 || i === 0) && ((one.at(-1) ?? 1) > 1 || j === 0) ? "a" : "ghost"
      );
      parts.forEach((rows, index) => {
        const x = 10 + index * 154;
        live.word(svg, x, 196, ["first: 10, 20, 30 …", "second: 1, 2, 3 …", "sum"][index], "small faint");
        live.grid(svg.append("g").attr("class", "small"), x, 206, rows, size, stored[index] ?? (() => "c"));
        if (index < 2) live.word(svg, x + 143, 217, ["+", "="][index], "middle large strong");
      });
    },
  });
})();
