// Learning-rate schedules over a run of 20 epochs with 5 batches each.
(() => {
  const [EPOCHS, BATCHES, LR] = [20, 5, 0.1];
  const RUN = EPOCHS * BATCHES;
  const KINDS = ["StepLR", "CosineAnnealingLR", "warm-up, then cosine", "OneCycleLR", "ReduceLROnPlateau"];

  const time = d3.scaleLinear([0, RUN], [46, 446]);
  const rate = d3.scaleLinear([0, 0.11], [232, 62]);
  const height = d3.scaleLinear([0, 1], [362, 298]);

  const cosine = (from, to, part) => to + ((from - to) / 2) * (1 + Math.cos(Math.PI * part));
  // The rate after so many calls of step(), for a scheduler that only counts.
  const RATES = {
    StepLR: (calls, { length, share }) => LR * share ** Math.floor(calls / length),
    CosineAnnealingLR: (calls, { length, share }) => cosine(LR, LR * share, calls / length),
    "warm-up, then cosine": (calls, { length, share, warmup }) =>
      calls < warmup ? LR * (share + ((1 - share) * calls) / warmup) : cosine(LR, 0, (calls - warmup) / length),
    OneCycleLR: (calls, { length, share }) => {
      const [top, end] = [share * length - 1, length - 1];
      return calls <= top ? cosine(LR / 25, LR, calls / top) : cosine(LR, LR / 25e4, (calls - top) / (end - top));
    },
  };

  // The loss after an iteration: down to the knee, then on to the end.
  const lossAt = (t, { knee, level, last }) =>
    t < knee ? 1 + ((level - 1) * t) / knee : level + ((last - level) * (t - knee)) / (RUN - knee);

  // The rate of each iteration; what is refused ends the list.
  const run = (state, every) => {
    const { kind, length, share } = state;
    const rates = [];
    const found = { rates, calls: 0, cuts: 0 };
    if (kind === "OneCycleLR" && share * length === 1) return { ...found, refused: "division" };
    let [now, best, bad] = [LR, Infinity, 0];
    for (let t = 0; t < RUN; t++) {
      rates.push(kind === "ReduceLROnPlateau" ? now : RATES[kind](found.calls, state));
      if ((t + 1) % every) continue;
      if (kind === "OneCycleLR" && found.calls === length) return { ...found, refused: "end" };
      found.calls += 1;
      const loss = lossAt(t + 1, state);
      if (loss < best * (1 - 1e-4)) [best, bad] = [loss, 0];
      else bad += 1;
      if (bad > length) {
        bad = 0;
        const lower = now * share;
        if (now - lower <= 1e-8) continue; // eps: too small a change is left out
        now = lower;
        if (t + 1 < RUN) found.cuts += 1;
        else found.late = true;
      }
    }
    return found;
  };

  const call = ({ kind, length, share, warmup }) =>
    ({
      StepLR: [`StepLR(optimizer, step_size=${length}, gamma=${share})`],
      CosineAnnealingLR: [`CosineAnnealingLR(optimizer, T_max=${length},`, `eta_min=${live.text(LR * share, 3)})`],
      "warm-up, then cosine": [
        `SequentialLR(optimizer, [LinearLR(optimizer, ${share}, 1, ${warmup}),`,
        `CosineAnnealingLR(optimizer, ${length})], milestones=[${warmup}])`,
      ],
      OneCycleLR: [`OneCycleLR(optimizer, max_lr=${LR}, total_steps=${length},`, `pct_start=${share})`],
      ReduceLROnPlateau: [`ReduceLROnPlateau(optimizer, factor=${share}, patience=${length})`],
    })[kind];

  const per = (every) => (every === "batch" ? "iteration" : "epoch");
  const SAY = {
    StepLR: ({ calls }, { length }) => {
      const falls = Math.floor((calls - 1) / length);
      if (!falls) return `With ${calls} calls and a step_size of ${length} the rate never falls during the run.`;
      return `The rate falls after every ${length} calls, ${falls === 1 ? "once" : `${falls} times`} during the run.`;
    },
    CosineAnnealingLR: ({ calls }, { length, every }) => {
      if (length === calls)
        return `T_max is the number of calls, ${calls}: the rate falls once and reaches eta_min with the last call.`;
      const both = `step() is called ${calls} times, T_max is ${length}`;
      if (length === calls - 1) return `${both}: the rate reaches eta_min in the last ${per(every)}.`;
      if (length < calls) return `${both}: after call ${length} the rate climbs again.`;
      return `${both}: the run ends before the rate is down.`;
    },
    "warm-up, then cosine": ({ calls }, { length, warmup, every }) => {
      if (calls <= warmup) return `The run makes ${calls} calls and ends before a warm-up of ${warmup} is over.`;
      const all = `Warm-up and cosine take ${warmup} + ${length} calls; the run makes ${calls}`;
      if (warmup + length === calls) return `${all}: the rate rises and falls just once.`;
      if (warmup + length === calls - 1) return `${all}: the rate reaches 0 in the last ${per(every)}.`;
      if (warmup + length < calls) return `${all}, so the rate climbs again.`;
      return `${all} and ends before the rate is down.`;
    },
    OneCycleLR: ({ calls, refused }, { length }) => {
      if (refused === "division") return "PyTorch divides by zero here: pct_start times total_steps is exactly 1.";
      const told = `total_steps is ${length}`;
      if (refused) return `PyTorch refuses call ${length + 1}, since ${told}: the training stops with an error.`;
      if (length > calls) return `${told}, but the run makes only ${calls} calls: the cycle is cut off.`;
      return `${told}, the number of calls: from a 25th of max_lr up to it, then down to almost nothing.`;
    },
    ReduceLROnPlateau: ({ cuts, late }, { length, every }) => {
      const unit = every === "batch" ? "batches" : "epochs";
      const why = `more than ${length} ${unit} in a row without a better loss`;
      const end = late ? " One more comes with the last call, too late to be used." : "";
      if (!cuts && late) return `The only cut comes with the last call, too late to be used.`;
      if (!cuts) return `No cut: never ${why}.`;
      return `${cuts === 1 ? "One cut" : `${cuts} cuts, each`} after ${why}.${end}`;
    },
  };

  live.figure("schedules", {
    title: "learning-rate schedules",
    size: [460, 394],
    start: {
      kind: "CosineAnnealingLR",
      every: "epoch",
      length: 20,
      share: 0.1,
      warmup: 4,
      at: 60,
      knee: 40,
      level: 0.3,
      last: 0.3,
    },
    controls: [
      { kind: "choice", name: "kind", label: "Scheduler", options: KINDS.map((kind) => [kind]) },
      { kind: "choice", name: "every", label: "step() after each", options: [["epoch"], ["batch"]] },
      { kind: "range", name: "length", label: "Its length or patience", min: 2, max: RUN },
      { kind: "range", name: "share", label: "Its share or factor", min: 0.05, max: 0.95, step: 0.05 },
      { kind: "range", name: "warmup", label: "Warm-up calls (if it warms up)", min: 1, max: 40 },
    ],
    numbers: [
      ["rate", "Rate at the mark", 5],
      ["end", "In the last iteration", 5],
      ["mean", "Mean rate", 5],
      ["calls", "Calls of step()"],
    ],
    compute: (state) => {
      const [own, other] = state.every === "batch" ? [1, BATCHES] : [BATCHES, 1];
      const found = run(state, own);
      const whole = found.rates.length === RUN;
      return {
        ...found,
        rate: found.rates[state.at] ?? "–",
        end: whole ? found.rates.at(-1) : "–",
        mean: whole ? d3.mean(found.rates) : "–",
        other: run(state, other).rates,
      };
    },
    say: (values, state) => SAY[state.kind](values, state),
    drag: (name, x, y) => {
      const t = Math.round(time.invert(x));
      const loss = live.within(Math.round(height.invert(y) * 100) / 100, 0, 1);
      if (name === "at") return { at: live.within(t, 0, RUN - 1) };
      return name === "knee" ? { knee: live.within(t, 1, RUN - 10), level: loss } : { last: loss };
    },
    draw: (svg, { rates, other, refused, rate: chosen }, state) => {
      call(state).forEach((line, i) => live.word(svg, 10 + 28 * i, 18 + 18 * i, line, "small code"));
      const axis = (make, x, y) =>
        svg.append("g").attr("class", "axis").attr("transform", `translate(${x},${y})`).call(make);
      axis(d3.axisBottom(time).ticks(10), 0, rate(0));
      axis(d3.axisLeft(rate).ticks(5), time(0), 0);
      live.word(svg, 10, 54, "rate", "small faint");
      live.word(svg, time(RUN), rate(0) + 34, `iteration (${BATCHES} in each epoch)`, "end small faint");
      const stairs = d3.line((value, t) => time(t), rate).curve(d3.curveStepAfter).digits(1);
      [[other, "dashed thin"], [rates, "a"]].forEach(([values, names]) => {
        if (!values.length) return;
        svg.append("path").attr("d", stairs([...values, values.at(-1)])).attr("class", `stroke ${names}`);
      });
      const unit = state.every === "batch" ? "epoch" : "batch";
      live.word(svg, time(RUN), 54, `dashed: step() after each ${unit}`, "end small faint");
      const cross = svg.append("line").attr("x1", time(state.at)).attr("x2", time(state.at));
      cross.attr("y1", rate(0)).attr("y2", rate(0.11)).attr("class", "stroke thin c");
      if (typeof chosen === "number")
        svg.append("circle").attr("cx", time(state.at)).attr("cy", rate(chosen)).attr("r", 5).attr("class", "dot c");
      if (refused)
        live.box(svg, live.within(time(rates.length) - 30, 60, 380), 120, 60, 24, "error", "b strong small");

      axis(d3.axisLeft(height).ticks(2), time(0), 0);
      axis(d3.axisBottom(time).ticks(10), 0, height(0));
      live.word(svg, 10, 288, "loss", "small faint");
      const heard = state.kind === "ReduceLROnPlateau";
      const note = heard ? "read at each call of step()" : "only ReduceLROnPlateau reads it";
      live.word(svg, time(RUN), 288, note, "end small faint");
      const corners = [[0, 1], [state.knee, state.level], [RUN, state.last]];
      const path = d3.line(([t]) => time(t), ([, loss]) => height(loss));
      svg.append("path").attr("d", path(corners)).attr("class", `stroke ${heard ? "d" : ""}`);
      live.handle(svg, "at", time(state.at), rate(0), "Mark", `iteration ${state.at}`);
      const place = `iteration ${state.knee}, loss ${state.level}`;
      live.handle(svg, "knee", time(state.knee), height(state.level), "Bend of the loss", place);
      live.handle(svg, "last", time(RUN), height(state.last), "End of the loss", `loss ${state.last}`);
    },
  });
})();
