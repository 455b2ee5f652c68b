// Ten detections of one class: which are kept, which are right, and the curve
// of precision over recall with the chapter's average precision.
(() => {
  const SCORES = [0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2];
  const HITS = [0, 1, 3, 4, 6, 8]; // at the start
  const RANKS = d3.range(10);

  live.figure("precision_recall", {
    title: "precision and recall",
    size: [460, 350],
    start: {
      threshold: 0.65,
      truths: 8,
      squared: false,
      ...Object.fromEntries(RANKS.map((k) => [`hit${k}`, HITS.includes(k)])),
    },
    controls: [
      { kind: "range", name: "threshold", label: "Threshold", min: 0, max: 1, step: 0.05, text: live.two },
      { kind: "range", name: "truths", label: "True boxes", min: 0, max: 12 },
      { kind: "switch", name: "squared", label: "Square all scores" },
      ...RANKS.map((k) => ({ kind: "switch", name: `hit${k}`, label: `Box ${k} hits` })),
    ],
    numbers: [
      ["kept", "Kept"],
      ["precision", "Precision", 3],
      ["recall", "Recall", 3],
      ["f1", "F1", 3],
      ["ap", "AP", 3],
    ],
    compute: (state) => {
      const { threshold, truths } = state;
      const scores = SCORES.map((score) => (state.squared ? score * score : score));
      const hits = RANKS.map((k) => state[`hit${k}`]);
      const total = hits.filter(Boolean).length;
      const kept = scores.filter((score) => score >= threshold).length;
      const right = hits.slice(0, kept).filter(Boolean).length;
      const found = [...d3.cumsum(hits.map(Number))];
      const values = { scores, hits, total, kept, right, truths, found, recall: "–", f1: "–", ap: "–" };
      values.precision = kept ? right / kept : "–";
      if (total > truths || !truths) return values;
      const precisions = found.map((count, k) => count / (k + 1));
      const recalls = found.map((count) => count / truths);
      const best = precisions.map((_, k) => Math.max(...precisions.slice(k))); // here or later
      // read at 101 recalls, which COCO makes by multiplying
      const read = d3.range(101).map((i) => best[recalls.findIndex((recall) => recall >= i * 0.01)] ?? 0);
      const f1 = (2 * right) / (kept + truths);
      return { ...values, recall: right / truths, f1, ap: d3.mean(read), precisions, recalls, best };
    },
    say: ({ hits, total, kept, right, truths, precision, ap, scores }, { squared }) => {
      if (!truths) return "There is no true box of this class: recall and average precision have no value.";
      if (total > truths)
        return `${total} hits need as many true boxes: each can be hit once. Mark fewer hits, or add true boxes.`;
      const missed = truths - right;
      const among = `${live.many(right, "hit")} among ${live.many(kept, "kept box", "kept boxes")}`;
      const lines = [
        kept
          ? `${among}; ${missed} of ${live.many(truths, "true box", "true boxes")} missed.`
          : `No box is kept: precision has no value, and recall is 0.`,
      ];
      if (kept === 10) lines.push("A lower threshold changes nothing.");
      else {
        const next = `The next box, at ${live.two(scores[kept])}, is a ${hits[kept] ? "hit" : "mistake"}: with it`;
        if (!kept) lines.push(`${next} precision is ${hits[0] ? 1 : 0}.`);
        else if (hits[kept])
          lines.push(`${next} recall rises, and precision ${precision < 1 ? "rises too" : "stays 1"}.`);
        else
          lines.push(
            `${next} ${precision > 0 ? "precision falls and recall" : "precision stays 0, and recall"} stays.`
          );
      }
      if (ap === 1) lines.push("Among all ten boxes every true box is hit before the first mistake: AP is 1.");
      else if (squared) lines.push("Squares keep the order, so curve and AP are those of the scores.");
      return lines.join(" ");
    },
    draw: (svg, { scores, hits, kept, right, truths, total, precisions, recalls, best }) => {
      const [top, high] = [40, 24];
      live.word(svg, 10, 24, "box  score", "small faint");
      RANKS.forEach((k) => {
        const y = top + high * k;
        const names = k < kept ? "" : "faint";
        live.word(svg, 14, y + 17, k, `strong ${names}`);
        live.word(svg, 36, y + 17, live.two(scores[k]), `code ${names}`);
        live.box(svg, 78, y + 5, 80 * scores[k], 14, "", k < kept ? (hits[k] ? "c" : "b") : "ghost");
        live.word(svg, 166, y + 17, hits[k] ? "✓" : "✗", `strong ${k >= kept ? "faint" : hits[k] ? "c" : "b"}`);
      });
      const edge = top + high * kept;
      svg.append("line").attr("class", "stroke dashed").attr("x1", 8).attr("x2", 184).attr("y1", edge).attr("y2", edge);
      const sums = [
        [live.many(right, "hit"), "c"],
        [live.many(kept - right, "mistake"), "b"],
        [truths >= right ? `${truths - right} missed` : "? missed", "ghost"],
      ];
      sums.forEach(([text, names], i) => live.box(svg, 10 + 102 * i, 304, 98, 30, text, names));

      const x = d3.scaleLinear([0, 1], [240, 440]);
      const y = d3.scaleLinear([0, 1], [248, 44]);
      live.axes(svg, x, y, "recall", "precision");
      if (!best)
        return live.word(svg, 340, 150, truths ? `${total} hits, ${truths} true` : "no true box", "middle faint");
      // what average precision reads: the best precision here or later
      let path = `M${x(0)},${y(0)}`;
      best.forEach((value, k) => {
        const before = k ? recalls[k - 1] : 0;
        if (recalls[k] > before) path += `V${y(value)}H${x(recalls[k])}`;
      });
      svg
        .append("path")
        .attr("class", "area a")
        .attr("d", `${path}V${y(0)}Z`)
        .attr("stroke", "none");
      const points = RANKS.map((k) => [x(recalls[k]), y(precisions[k])]);
      svg.append("path").attr("class", "stroke").attr("d", d3.line()(points));
      const dot = ([cx, cy], r, names) =>
        svg.append("circle").attr("class", `dot ${names}`).attr("cx", cx).attr("cy", cy).attr("r", r);
      RANKS.forEach((k) => dot(points[k], 5, k < kept ? (hits[k] ? "c" : "b") : ""));
      if (kept)
        dot(points[kept - 1], 9, "")
          .attr("fill", "none")
          .attr("class", "stroke a");
    },
  });
})();
