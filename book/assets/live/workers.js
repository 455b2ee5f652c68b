// A data loader on a time line: who loads which batch when, and when the training waits.
// The times are those of a model: nothing costs time but loading and training.
(() => {
  const SLOW = { example: 9, times: 6 };

  const split = ({ size, batch_size, drop_last }) => {
    const starts = d3.range(0, size, batch_size);
    const batches = starts.map((start) => d3.range(start, Math.min(size, start + batch_size)));
    return drop_last ? batches.filter((batch) => batch.length === batch_size) : batches;
  };

  // Each batch with its times: batch k goes to worker k modulo their number. It is
  // ordered when batch k - ahead is taken, loaded after what that worker has before
  // it, and taken when its turn comes.
  const plan = (state) => {
    const workers = Number(state.workers);
    const ahead = workers * state.prefetch;
    const rows = [];
    split(state).forEach((indices, k) => {
      const work = d3.sum(indices, (i) => state.load * (state.slow && i === SLOW.example ? SLOW.times : 1));
      const free = rows[k - 1]?.end ?? 0; // the trainer is ready for it
      const ordered = workers ? (rows[k - ahead]?.taken ?? 0) : free;
      const start = Math.max(ordered, workers ? (rows[k - workers]?.ready ?? 0) : 0);
      const ready = start + work;
      const taken = Math.max(ready, free);
      rows.push({
        k,
        indices,
        worker: workers ? k % workers : null,
        start,
        ready,
        free,
        taken,
        end: taken + state.step,
      });
    });
    return rows;
  };

  const last = (state) => split(state).length - 1;
  const ms = (value) => `${value} ms`;

  live.figure("workers", {
    title: "a loader's workers on a time line",
    size: [460, 306],
    start: {
      workers: "1",
      prefetch: 2,
      load: 20,
      step: 50,
      size: 24,
      batch_size: 4,
      drop_last: false,
      slow: false,
      batch: 2,
    },
    controls: [
      { kind: "choice", name: "workers", label: "num_workers", options: [["0"], ["1"], ["2"], ["4"]] },
      { kind: "range", name: "prefetch", label: "prefetch_factor", min: 1, max: 4 },
      { kind: "range", name: "load", label: "Loading an example", min: 5, max: 40, step: 5, text: ms },
      { kind: "range", name: "step", label: "A training step", min: 10, max: 150, step: 10, text: ms },
      { kind: "range", name: "size", label: "Examples", min: 16, max: 26 },
      { kind: "range", name: "batch_size", label: "batch_size", min: 3, max: 8 },
      { kind: "switch", name: "drop_last", label: "drop_last" },
      { kind: "switch", name: "slow", label: `Example ${SLOW.example} takes ${SLOW.times} times as long` },
      { kind: "range", name: "batch", label: "Follow batch", min: 0, max: last },
      { kind: "play", name: "batch", label: "One after the other", max: last, every: 1000 },
    ],
    numbers: [
      ["batches", "len(loader)"],
      ["ahead", "Ordered before the first is taken"],
      ["indices", "This batch"],
      ["worker", "Loaded by"],
      ["total", "Model: the epoch, ms"],
      ["waits", "trainer waits, ms"],
      ["most", "most batches ready at once"],
    ],
    compute: (state) => {
      const rows = plan(state);
      const workers = Number(state.workers);
      const chosen = rows[Math.min(state.batch, rows.length - 1)];
      const lying = rows.filter((row) => row.ready < row.taken);
      return {
        batches: rows.length,
        ahead: Math.min(workers * state.prefetch, rows.length),
        indices: chosen.indices,
        worker: workers ? `worker ${chosen.worker}` : "the main process",
        total: rows.at(-1).end,
        waits: d3.sum(rows, (row) => row.taken - row.free),
        most: d3.max(lying, ({ ready }) => lying.filter((row) => row.ready <= ready && ready < row.taken).length) ?? 0,
        rows,
        chosen,
        alone: plan({ ...state, workers: "0" }).at(-1).end,
      };
    },
    say: ({ rows, chosen, total, waits, alone }, { workers, slow }) => {
      if (workers === "0")
        return `The main process loads, then trains; of ${total} ms training waits ${waits} ms. Nothing is prefetched.`;
      const late = slow && rows.find((row) => row.indices.includes(SLOW.example) && row.taken > row.free);
      const passed = late ? rows.filter((row) => row.k > late.k && row.ready < late.ready).map((row) => row.k) : [];
      if (passed.length) {
        const others = passed.length > 1 ? `Batches ${passed.join(", ")} are` : `Batch ${passed[0]} is`;
        return `Batch ${late.k} is late. ${others} ready before it, and must wait: the order is kept.`;
      }
      const waited = rows.filter((row) => row.k && row.taken > row.free).length;
      const than = `${total} ms, and ${alone} ms without workers`;
      if (!waited)
        return `After the first batch, training never waits: more workers would not help. The epoch takes ${than}.`;
      const lies = chosen.taken - chosen.ready;
      const here = lies
        ? `Batch ${chosen.k} lies ready for ${lies} ms.`
        : `Training is there before batch ${chosen.k}, or just in time.`;
      const batches = waited > 1 ? `${waited} later batches` : "one later batch";
      return `Training waits again before ${batches}. The epoch takes ${than}. ${here}`;
    },
    draw: (svg, { rows, chosen, alone }, state) => {
      const workers = Number(state.workers);
      const x = d3.scaleLinear([0, alone], [66, 442]);
      const high = 28;
      const line = (row) => 24 + row * 38; // the trainer's, then the workers'
      const bar = (row, from, to, text, names) => {
        const wide = x(to) - x(from);
        const fits = wide > 4 + 7 * String(text).length;
        live.box(svg.append("g").attr("class", "small"), x(from), line(row), wide, high, fits ? text : "", names);
      };
      live.word(svg, 8, line(0) + 19, workers ? "training" : "main", "small");
      d3.range(4).forEach((worker) => {
        const used = worker < workers;
        live.word(svg, 8, line(worker + 1) + 19, `worker ${worker}`, `small ${used ? "" : "faint"}`);
        if (!used) live.box(svg, x.range()[0], line(worker + 1), x.range()[1] - x.range()[0], high, "", "ghost");
      });
      // from the moment when a batch is ready to the one when it is taken
      for (const row of workers ? rows : []) {
        const path = `M${x(row.ready)},${line(row.worker + 1)}L${x(row.taken)},${line(0) + high}`;
        svg
          .append("path")
          .attr("class", `stroke ${row === chosen ? "c" : "thin"}`)
          .attr("d", path);
      }
      for (const row of rows) {
        const strong = row === chosen ? "strong" : "";
        const place = workers ? row.worker + 1 : 0;
        bar(place, row.start, row.ready, row.k, `a ${strong}`);
        bar(0, row.taken, row.end, row.k, `b ${strong}`);
        if (workers && row.taken > row.free) bar(0, row.free, row.taken, "waits", "ghost");
      }
      const axis = svg.append("g").attr("class", "axis").attr("transform", "translate(0,216)");
      axis.call(d3.axisBottom(x).ticks(5));
      live.word(svg, 8, 231, "time, ms", "small faint");
      if (workers) live.word(svg, 326, 252, "dashed: it waits", "end small faint");
      live.word(svg, 388, 252, "training", "end small b");
      live.word(svg, 442, 252, "loading", "end small a");
      live.word(svg, 8, 272, `batch ${chosen.k}: ${chosen.indices.join(", ")}`, "strong");
      const { start, ready, taken, end } = chosen;
      live.word(svg, 8, 295, `loading ${start} to ${ready} ms, training ${taken} to ${end} ms`);
    },
  });
})();
