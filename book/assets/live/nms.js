// Non-maximum suppression on four boxes that are dragged. They start as the
// chapter's own example; lengths are in units, and boxes lie on half units.
(() => {
  const [LEFT, TOP, UNIT, WIDE, HIGH] = [13, 16, 14, 31, 14];
  const LEAST = 4; // the smallest side of a box
  const CLASSES = ["3", "3", "8", "8"]; // what each box claims to be, a digit
  const ALL = d3.range(4);
  const PAIRS = ALL.flatMap((i) => d3.range(i + 1, 4).map((j) => [i, j]));

  const area = ([x1, y1, x2, y2]) => Math.max(0, x2 - x1) * Math.max(0, y2 - y1);
  const shared = (a, b) => [Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])];
  const iou = (a, b) => area(shared(a, b)) / (area(a) + area(b) - area(shared(a, b)));

  const half = (value) => Math.round(value * 2) / 2;
  const place = (x, y) => [LEFT + UNIT * x, TOP + UNIT * y];
  // where on its upper side a box is held: apart even when boxes are equal
  const grip = ([x1, , x2], k) => x1 + ((x2 - x1) * (k + 1)) / 5;

  const scoresOf = (state) => ALL.map((k) => state[`score${k}`]);
  const words = (list) => list.join(", ").replace(/, (\d+[^,]*)$/, " and $1");
  const boxesOf = (list) => `box${list.length > 1 ? "es" : ""} ${words(list)}`;

  live.figure("nms", {
    title: "non-maximum suppression",
    size: [460, 350],
    start: {
      boxes: [
        [0, 0, 10, 10],
        [1, 1, 11, 11],
        [20, 0, 30, 10],
        [4, 0, 14, 10],
      ],
      score0: 0.8,
      score1: 0.9,
      score2: 0.5,
      score3: 0.7,
      threshold: 0.5,
      round: 1,
      within: false,
    },
    controls: [
      { kind: "range", name: "threshold", label: "Threshold", min: 0, max: 1, step: 0.05, text: live.two },
      { kind: "range", name: "round", label: "Round", min: 0, max: 4 },
      { kind: "play", name: "round", label: "Play", max: 4, every: 1500 },
      { kind: "switch", name: "within", label: "Only within a class" },
      ...ALL.map((k) => {
        return { kind: "range", name: `score${k}`, label: `Score ${k}`, min: 0, max: 1, step: 0.05, text: live.two };
      }),
    ],
    numbers: [
      ["now", "Kept so far"],
      ["kept", "Kept in the end"],
      ["pairs", "IoU of 0–1, 0–2, 0–3, 1–2, 1–3, 2–3", 2],
    ],
    drag: (handle, x, y, { boxes }) => {
      const k = Number(handle.at(-1));
      const [x1, y1, x2, y2] = boxes[k];
      const [right, down] = [(x - LEFT) / UNIT, (y - TOP) / UNIT];
      let box;
      if (handle.startsWith("move")) {
        const left = live.within(half(right - grip(boxes[k], k) + x1), 0, WIDE - x2 + x1);
        const top = live.within(half(down), 0, HIGH - y2 + y1);
        box = [left, top, left + x2 - x1, top + y2 - y1];
      } else box = [x1, y1, live.within(half(right), x1 + LEAST, WIDE), live.within(half(down), y1 + LEAST, HIGH)];
      return { boxes: boxes.map((old, i) => (i === k ? box : old)) };
    },
    compute: (state) => {
      const { boxes, threshold, within } = state;
      const scores = scoresOf(state);
      const table = boxes.map((a) => boxes.map((b) => iou(a, b)));
      const rivals = (i, j) => !within || CLASSES[i] === CLASSES[j];
      // torchvision compares in single precision
      const beats = (i, j) => rivals(i, j) && Math.fround(table[i][j]) > threshold;
      const order = [...ALL].sort((i, j) => scores[j] - scores[i] || i - j);
      const rounds = []; // who is kept, and whom it removes and leaves
      for (let left = order; left.length;) {
        const [best, ...others] = left;
        const removed = others.filter((k) => beats(best, k));
        left = others.filter((k) => !removed.includes(k));
        rounds.push({ best, removed, left });
      }
      const kept = rounds.map(({ best }) => best);
      const now = kept.slice(0, state.round);
      const pairs = PAIRS.map(([i, j]) => table[i][j]);
      return { kept, now: now.length ? now : "none", pairs, table, order, rounds, rivals, beats };
    },
    say: ({ kept, rounds, order, table, rivals, beats }, state) => {
      const { round, threshold } = state;
      const scores = scoresOf(state);
      if (!round) return `Nothing is decided. In order of their scores the boxes are ${words(order)}.`;
      if (round > rounds.length) {
        const many = rounds.length === 1 ? "one round" : `${rounds.length} rounds`;
        return `Done after ${many}: ${boxesOf(kept)} ${kept.length > 1 ? "stay" : "stays"}.`;
      }
      const { best, removed, left } = rounds[round - 1];
      const lines = [`Round ${round}: box ${best} has the best score left, ${live.two(scores[best])}, and stays.`];
      const tied = left.concat(removed).some((k) => scores[k] === scores[best]);
      if (tied) lines.push("Of equal scores the first index wins.");
      const mark = (k) => `${k} (IoU ${live.two(table[best][k])})`;
      lines.push(removed.length ? `It removes ${boxesOf(removed.map(mark))}.` : "It removes none.");
      const equal = removed.filter((k) => Math.abs(table[best][k] - threshold) < 1e-9);
      if (equal.length) lines.push("In single precision that IoU is a hair above the threshold.");
      const touching = left.filter((k) => rivals(best, k) && table[best][k] > 0);
      if (touching.length) lines.push(`Not more than the threshold: ${boxesOf(touching.map(mark))}.`);
      const spared = left.filter((k) => !rivals(best, k) && Math.fround(table[best][k]) > threshold);
      if (spared.length) lines.push(`Of another class: ${boxesOf(spared.map(mark))}.`);
      const gone = rounds.slice(0, round - 1).flatMap((one) => one.removed);
      const weak = gone.filter((k) => beats(k, best) && order.indexOf(k) < order.indexOf(best));
      if (weak.length) lines.push(`It lives beside ${boxesOf(weak.map(mark))}: what is removed removes nothing.`);
      return lines.join(" ");
    },
    draw: (svg, { rounds, order, table, rivals }, state) => {
      const { boxes, round, within } = state;
      const scores = scoresOf(state);
      const { best, removed = [], left = [] } = rounds[round - 1] ?? {};
      // what has become of each box up to this round
      const fate = ALL.map(() => ["stroke", "waits"]);
      rounds.slice(0, round).forEach((one, index) => {
        fate[one.best] = ["stroke c", `kept in round ${index + 1}`];
        one.removed.forEach((k) => (fate[k] = ["stroke dashed", `removed by ${one.best}`]));
      });

      const outline = (box, names) => {
        const [x, y] = place(box[0], box[1]);
        const rect = svg.append("rect").attr("class", names).attr("x", x).attr("y", y);
        return rect.attr("width", UNIT * (box[2] - box[0])).attr("height", UNIT * (box[3] - box[1]));
      };
      outline([0, 0, WIDE, HIGH], "stroke thin");
      for (const [list, names] of [
        [left.filter((k) => rivals(best, k)), "area a"],
        [removed, "area b"],
      ])
        for (const k of list) {
          const common = shared(boxes[best], boxes[k]);
          if (area(common)) outline(common, names).attr("stroke", "none");
        }
      order.toReversed().forEach((k) => outline(boxes[k], fate[k][0]));
      if (best !== undefined) outline(boxes[best], "stroke c").style("stroke-width", 4);

      // the list in order of the scores
      const y0 = TOP + UNIT * HIGH + 30;
      live.word(svg, 13, y0, within ? "box  score  class" : "box  score", "small faint");
      order.forEach((k, row) => {
        const y = y0 + 24 + 24 * row;
        live.word(svg, 20, y, k, `strong ${k === best ? "c" : ""}`);
        live.word(svg, 42, y, live.two(scores[k]), "code");
        if (within) live.word(svg, 88, y, CLASSES[k], "code");
        live.word(svg, within ? 108 : 92, y, fate[k][1], fate[k][0].includes("dashed") ? "faint" : "");
      });
      // IoU of each pair; coloured are those that this round compares
      const [x0, wide] = [268, 46];
      live.word(svg, x0 - 20, y0, "IoU", "small faint");
      [1, 2, 3].forEach((j) => live.word(svg, x0 + wide * (j - 0.5), y0 - 4, j, "middle small strong"));
      [0, 1, 2].forEach((i) => live.word(svg, x0 - 10, y0 + 20 + 24 * i, i, "middle small strong"));
      for (const [i, j] of PAIRS) {
        const other = i === best ? j : j === best ? i : undefined;
        const names = removed.includes(other) ? "b" : left.includes(other) && rivals(i, j) ? "a" : "";
        const text = live.two(table[i][j]);
        live.box(svg, x0 + wide * (j - 1), y0 + 8 + 24 * i, wide, 24, text, rivals(i, j) ? names : "ghost");
      }

      ALL.forEach((k) => live.handle(svg, `size${k}`, ...place(boxes[k][2], boxes[k][3]), `Corner of box ${k}`));
      ALL.forEach((k) => {
        const handle = live.handle(svg, `move${k}`, ...place(grip(boxes[k], k), boxes[k][1]), `Box ${k}`);
        handle.select(".grip").attr("r", 12);
        handle.select(".knob").attr("r", 11);
        live.word(handle, 0, 0, k, "middle small strong").attr("pointer-events", "none");
      });
    },
  });
})();
