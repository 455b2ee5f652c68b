// A strip of memory, and the note that says how a view reads it.
(() => {
  const CELLS = 12;
  const FIRST = 10; // the value in the first cell, so that a value is not its place

  const tuple = (numbers) => `(${numbers.join(", ")})`;
  const cell = ({ offset, stride0, stride1 }, i, j) => offset + i * stride0 + j * stride1;

  // the elements row by row: [row, column, cell]
  const walk = (note) =>
    d3.range(note.rows).flatMap((i) => d3.range(note.columns).map((j) => [i, j, cell(note, i, j)]));

  const most = ({ rows, columns }) => Math.max(0, rows * columns - 1);

  // an operation may take a number of the note farther than its slider goes
  const upTo = (name) => (state) => Math.max(16, state[name]);

  const contiguous = ({ rows, columns, stride0, stride1 }) => {
    if (rows === 0 || columns === 0) return true;
    return (columns === 1 || stride1 === 1) && (rows === 1 || stride0 === columns);
  };

  // the strip is the one of `a`, until contiguous() copies
  const stripOf = ({ copy }) => copy ?? d3.range(FIRST, FIRST + CELLS);
  const refused = (state) => walk(state).some(([, , place]) => place >= stripOf(state).length);

  // an operation does nothing where PyTorch refuses the note
  const operation = (label, press) => ({
    kind: "button",
    label,
    press: (state) => (refused(state) ? {} : press(state)),
  });

  live.figure("strides", {
    title: "a walk over memory",
    size: [460, 306],
    start: { rows: 3, columns: 4, stride0: 4, stride1: 1, offset: 0, copy: null, walk: 6 },
    controls: [
      operation("x.t()", ({ rows, columns, stride0, stride1 }) => {
        return { rows: columns, columns: rows, stride0: stride1, stride1: stride0 };
      }),
      operation("x[:, ::2]", ({ columns, stride1 }) => ({ columns: Math.ceil(columns / 2), stride1: 2 * stride1 })),
      operation("x[1:]", ({ rows, stride0, offset }) => (rows ? { rows: rows - 1, offset: offset + stride0 } : {})),
      operation("x[:1].expand(3, -1)", ({ rows }) => (rows ? { rows: 3, stride0: 0 } : {})),
      operation("x.contiguous()", (state) => {
        if (contiguous(state)) return {};
        const strip = stripOf(state);
        const copy = walk(state).map(([, , place]) => strip[place]);
        return { copy, stride0: state.columns, stride1: 1, offset: 0 };
      }),
      { kind: "range", name: "rows", label: "Rows", min: 0, max: 4 },
      { kind: "range", name: "columns", label: "Columns", min: 0, max: 4 },
      { kind: "range", name: "stride0", label: "stride()[0]", min: 0, max: upTo("stride0") },
      { kind: "range", name: "stride1", label: "stride()[1]", min: 0, max: upTo("stride1") },
      { kind: "range", name: "offset", label: "Offset", min: 0, max: upTo("offset") },
      { kind: "range", name: "walk", label: "Element", min: 0, max: most },
      { kind: "play", name: "walk", label: "Walk", max: most, every: 600 },
    ],
    numbers: [
      ["shape", "x.shape"],
      ["stride", "x.stride()"],
      ["offset", "x.storage_offset()"],
      ["contiguous", "x.is_contiguous()"],
      ["flat", "x.view(-1)"],
      ["shares", "Memory"],
      ["index", "Element"],
      ["cell", "Cell that it reads"],
      ["value", "Its value"],
    ],
    compute: (state) => {
      const { rows, columns, stride0, stride1, offset, copy } = state;
      const strip = stripOf(state);
      const path = walk(state);
      const shown = { shape: tuple([rows, columns]), stride: tuple([stride0, stride1]), offset, strip, path };
      const none = { index: "–", cell: "–", value: "–" };
      if (refused(state))
        return { ...shown, ...none, contiguous: "–", flat: "–", shares: "refused", refused: true, at: -1 };
      const places = path.map(([, , place]) => place);
      const jumps = d3.pairs(places, (one, next) => next - one);
      const steady = new Set(jumps).size <= 1;
      const common = {
        ...shown,
        contiguous: contiguous(state) ? "True" : "False",
        flat: steady ? "works" : "refused",
        shares: copy ? "a copy" : "that of a",
        jumps,
        steady,
        different: new Set(places).size,
      };
      if (!path.length) return { ...common, ...none, at: -1 };
      const at = Math.min(state.walk, path.length - 1);
      const [i, j, place] = path[at];
      return { ...common, at, index: tuple([i, j]), cell: place, value: strip[place] };
    },
    say: ({ refused, path, strip, jumps, steady, different, contiguous, shares }, { rows }) => {
      const last = d3.max(path, ([, , place]) => place);
      const end = strip.length - 1;
      if (refused)
        return (
          `PyTorch refuses this note: it asks for cell ${last}, and the strip ends at cell ${end}. ` +
          "The operations wait for one that it accepts."
        );
      if (!path.length) {
        const none = rows ? "" : " Without a row, PyTorch refuses the expand.";
        return `An axis of length 0: the view has no element, so there is nothing to walk over.${none}`;
      }
      const memory = shares === "a copy" ? "x has a strip of its own, a copy." : "No number has moved.";
      if (different < path.length) {
        const cells = different === 1 ? "one cell" : `${different} cells`;
        return `${path.length} elements read ${cells}. To write into one changes all that share its cell.`;
      }
      if (path.length === 1) return `One element is contiguous wherever it lies. ${memory}`;
      if (contiguous === "True")
        return `Every step goes to the next cell: x is contiguous, and contiguous() returns x itself. ${memory}`;
      if (steady)
        return `Every jump is ${jumps[0]}: not contiguous, yet one stride can say it, so view(-1) works. ${memory}`;
      const signed = jumps.map((jump) => (jump > 0 ? `+${jump}` : String(jump).replace("-", "−")));
      const some = signed.slice(0, 4).join(", ") + (signed.length > 4 ? ", …" : "");
      return `The jumps are ${some}: not contiguous, and no one stride can say them. ${memory}`;
    },
    draw: (svg, { strip, path, at, refused, jumps, cell: place, value, shares }, state) => {
      const [left, top, high] = [14, 92, 30];
      const wide = 432 / Math.max(CELLS, strip.length);
      const middle = (index) => left + (index + 0.5) * wide;
      const read = new Set(path.map(([, , one]) => one));
      strip.forEach((number, index) => {
        const names = index === place ? "c strong" : read.has(index) ? "a" : "";
        live.box(svg, left + index * wide, top, wide, high, number, names);
        live.word(svg, middle(index), top + high + 12, index, "middle small faint");
      });
      live.word(svg, left, 18, shares === "a copy" ? "strip of the copy" : "strip of a", "strong");

      // the jumps so far, as arcs above the strip; those to the left are orange
      d3.range(Math.max(at, 0)).forEach((step) => {
        const [from, to] = [middle(path[step][2]), middle(path[step + 1][2])];
        const height = 10 + 5 * Math.min(11, Math.abs(jumps[step]));
        const [x1, x2] = from === to ? [from - 7, to + 7] : [from, to];
        const names = `stroke ${jumps[step] < 0 ? "b" : "a"} ${step === at - 1 ? "" : "thin"}`;
        const arc = `M${x1},${top - 2}Q${(x1 + x2) / 2},${top - 2 - 2 * height} ${x2},${top - 2}`;
        svg.append("path").attr("class", names).attr("d", arc);
      });

      const { rows, columns, stride0, stride1, offset } = state;
      live.box(svg, left, 150, 196, 96, "", "ghost");
      ["shape", "stride", "offset"].forEach((name, line) => {
        const text = [tuple([rows, columns]), tuple([stride0, stride1]), offset][line];
        live.word(svg, left + 14, 178 + line * 26, name, "faint");
        live.word(svg, left + 84, 178 + line * 26, text, "code");
      });
      if (at >= 0) {
        const [i, j] = path[at];
        live.word(svg, left, 274, `${offset} + ${i}·${stride0} + ${j}·${stride1} = ${place}`, "code strong");
        live.word(svg, left, 297, `cell ${place} holds ${value}`, "faint");
      } else live.word(svg, left, 274, refused ? "this note is refused" : "no element", "strong");

      const [x, y, size] = [272, 158, 36];
      live.word(svg, x - 26, y + 20, "x", "strong large");
      path.forEach(([i, j, one], index) => {
        const names = index === at ? "c strong" : index < at ? "a" : "";
        live.box(svg, x + j * size, y + i * size, size, size, strip[one] ?? "?", one in strip ? names : "b");
      });
    },
  });
})();
