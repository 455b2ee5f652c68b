// The chapter's small network with hooks: in which order they are called, what
// each sees, and what becomes of a value that a hook returns.
(() => {
  const MODULES = ["net", "fc1", "fc2"];
  const RETURNS = [
    ["nothing", "nothing"],
    ["pre", "net:pre, 2 · input"],
    ["forward", "fc2:forward, 10 · output"],
    ["second", "fc2:second, output + 1"],
    ["both", "fc2:forward and :second"],
    ["backward_pre", "fc2:backward_pre, 10 ·"],
    ["backward", "fc2:backward, 10 ·"],
    ["weight", "fc2.weight, 10 ·"],
  ];

  const on = (state, kind, module) => state[kind] && (state.on === "all" || state.on === module);
  const returns = (state, name) =>
    state.returns === name || (state.returns === "both" && ["forward", "second"].includes(name));

  // the hooks that a module's output passes, from the first to the last
  const forwardHooks = (state, module) => {
    const hooks = on(state, "forward", module) ? ["forward"] : [];
    if (module !== "fc2" || !state.second) return hooks;
    return state.prepend ? ["second", ...hooks] : [...hooks, "second"];
  };

  // Every call in its order: what it sees and what it passes on. All numbers of a
  // tensor are equal here, since all weights and inputs are 1: one stands for all.
  const run = (state) => {
    const calls = [];
    const call = (name, module, kind, sees, passes = sees) => {
      calls.push({ name, module, kind, sees, passes });
      return passes;
    };
    const hook = (kind, module, value, change) => {
      if (!on(state, kind, module)) return value;
      const name = kind === "weight" ? `${module}.weight` : `${module}:${kind}`;
      return call(name, module, kind, value, change && returns(state, kind) ? change(value) : undefined);
    };
    const compute = (module, value, result) => call(`${module}()`, module, "run", value, result);

    let scale = 1; // what forward hooks multiply by, backward multiplies by as well
    const leave = (module, value) => {
      for (const kind of forwardHooks(state, module)) {
        const changes = module === "fc2" && returns(state, kind);
        const change = kind === "second" ? value + 1 : 10 * value;
        if (changes && kind === "forward") scale = 10;
        value = call(`${module}:${kind}`, module, kind, value, changes ? change : undefined);
      }
      return value;
    };

    const x = hook("pre", "net", 1, (value) => 2 * value);
    const fc1 = leave("fc1", compute("fc1", hook("pre", "fc1", x), 3 * x));
    const relu = compute("relu", fc1, fc1);
    const fc2 = compute("fc2", hook("pre", "fc2", relu), 4 * relu + 1);
    const output = leave("net", leave("fc2", fc2));
    const forward = calls.length;
    call("backward()", "net", "start", output, 1);

    // a module whose input needs no gradient does not wait for one
    const early = (module) => state.x_grad || hook("backward", module, "None");
    hook("backward_pre", "net", 1);
    early("net");
    const at_fc2 = scale * hook("backward_pre", "fc2", 1, (grad) => 10 * grad);
    const w2 = hook("weight", "fc2", at_fc2 * relu, (grad) => 10 * grad);
    const leaves_fc2 = hook("backward", "fc2", at_fc2, (grad) => 10 * grad);
    const at_fc1 = hook("backward_pre", "fc1", leaves_fc2);
    early("fc1");
    const w1 = hook("weight", "fc1", at_fc1 * x);
    if (state.x_grad) hook("backward", "net", hook("backward", "fc1", 4 * at_fc1));
    return { calls, forward, output, w1, w2, x: state.x_grad ? 4 * at_fc1 * x : "None" };
  };
  const most = (state) => run(state).calls.length;

  const WORDS = {
    pre: (module) => `A forward pre-hook sees the inputs before ${module} runs.`,
    run: (module) => `${module} computes.`,
    forward: (module) =>
      `A forward hook sees the output after ${module === "net" ? "all that is inside net" : module} has run.`,
    second: () => "The second forward hook of fc2 was registered later, so it is called later.",
    start: () => "backward() starts with 1 at the output. From here on the modules come in the opposite order.",
    backward_pre: (module) => `A backward pre-hook sees grad_output before ${module} computes its gradients.`,
    weight: (module) => `A tensor hook sees the gradient of ${module}.weight before it is added to .grad.`,
    backward: (module) => `A backward hook sees grad_input, the gradient that leaves ${module}.`,
  };

  live.figure("hook_order", {
    title: "the order of hooks",
    size: [460, 366],
    start: {
      step: 13,
      pre: true,
      forward: true,
      backward_pre: false,
      backward: true,
      weight: false,
      on: "all",
      second: false,
      prepend: false,
      x_grad: true,
      returns: "nothing",
    },
    controls: [
      { kind: "range", name: "step", label: "Call", min: 0, max: most },
      { kind: "play", name: "step", label: "Play", max: most, every: 1200 },
      { kind: "switch", name: "pre", label: "forward pre-hook" },
      { kind: "switch", name: "forward", label: "forward hook" },
      { kind: "switch", name: "backward_pre", label: "backward pre-hook" },
      { kind: "switch", name: "backward", label: "backward hook" },
      { kind: "switch", name: "weight", label: "hook on weight" },
      {
        kind: "choice",
        name: "on",
        label: "of",
        options: [["all", "net, fc1 and fc2"], ...MODULES.map((name) => [name])],
      },
      { kind: "switch", name: "second", label: "a second forward hook on fc2" },
      { kind: "switch", name: "prepend", label: "prepend it" },
      { kind: "switch", name: "x_grad", label: "X requires grad" },
      { kind: "choice", name: "returns", label: "Returned", options: RETURNS },
    ],
    numbers: [
      ["calls", "Calls so far"],
      ["sees", "The last one sees"],
      ["passes", "and passes on"],
      ["output", "net(X)"],
      ["w1", "fc1.weight.grad"],
      ["w2", "fc2.weight.grad"],
      ["x", "X.grad"],
    ],
    compute: (state) => {
      const { calls, forward, output, w1, w2, x } = run(state);
      const done = calls.slice(0, state.step);
      const now = done.at(-1);
      const end = done.length === calls.length;
      return {
        calls: done.length ? done.map(({ name }) => name) : "none",
        sees: now?.sees ?? "–",
        passes: now?.passes ?? "–",
        output: done.length >= forward ? output : "–",
        w1: end ? w1 : "–",
        w2: end ? w2 : "–",
        x: end ? x : "–",
        all: calls,
        done,
        now,
        forward,
      };
    },
    say: ({ now, all }, state) => {
      if (!now) return "Nothing has run yet. Which call comes first, and which last?";
      const { kind, module, sees, passes } = now;
      const parts = [WORDS[kind](module)];
      if (kind === "second" && !on(state, "forward", "fc2"))
        parts[0] = "fc2 has no other forward hook, so this one has the output of fc2 to itself.";
      else if (kind === "second" && state.prepend)
        parts[0] = "The second forward hook of fc2 was registered later, and prepended: it is first in the queue.";
      if (kind === "run") parts.push(`Each number is ${passes} now.`);
      else if (sees === "None")
        parts[0] = `X requires no gradient: grad_input of ${module} is None. The hook does not wait; PyTorch warns.`;
      else if (kind !== "start")
        parts.push(
          sees === passes
            ? "It returns nothing: the value stays."
            : `What it returns takes the value's place: ${sees} becomes ${passes}.`
        );
      const wanted = { nothing: [], both: ["forward", "second"] }[state.returns] ?? [state.returns];
      const place = state.returns === "pre" ? "net" : "fc2";
      if (wanted.some((one) => !all.some((call) => call.kind === one && call.module === place)))
        parts.push("A hook that should return something is not registered.");
      return parts.join(" ");
    },
    draw: (svg, { all, done, now, forward }, state) => {
      const BOXES = { net: [14, 432], fc1: [68, 84], relu: [190, 70], fc2: [298, 84] };
      const [upper, lower] = [66, 112]; // the way forward, the way back
      live.box(svg, 14, 30, 432, 112, "");
      live.word(svg, 14, 21, "net", "strong");
      live.word(svg, 446, 21, "forward: above; backward: below", "end small faint");
      // from box to box, with the head of the arrow between the circles
      for (const [from, head, to] of [
        [14, 41, 68],
        [152, 171, 190],
        [260, 279, 298],
        [382, 430, 446],
      ]) {
        live.arrow(svg, from, upper, head + 4, upper, "a").append("path").attr("d", `M${head},${upper}H${to}`);
        live.arrow(svg, to, lower, head - 4, lower, "b").append("path").attr("d", `M${head},${lower}H${from}`);
      }
      for (const name of ["fc1", "relu", "fc2"]) {
        const [x, wide] = BOXES[name];
        live.box(svg, x, 46, wide, 84);
        live.word(svg, x + wide / 2, 89, name, "middle strong");
      }

      // a circle for each call at its place, with its number once it has come
      all.forEach((call, index) => {
        const { module, kind } = call;
        if (kind === "start") return;
        const [x, wide] = BOXES[module];
        const queue = forwardHooks(state, module).indexOf(kind);
        const right = x + wide + (queue > 0 ? 24 : 0);
        const cx = { pre: x, backward: x, run: x + wide / 2, weight: x + wide / 2 }[kind] ?? right;
        const back = index > forward;
        const cy = back ? lower : upper;
        if (index >= done.length)
          return svg.append("circle").attr("cx", cx).attr("cy", cy).attr("r", 5).attr("class", "dot");
        const names = `small ${kind === "run" ? "d" : back ? "b" : "a"} ${call === now ? "strong" : ""}`;
        live.box(svg, cx - 10, cy - 10, 20, 20, index + 1, names).select("rect").attr("rx", 10);
      });

      done.forEach(({ name, sees, passes }, index) => {
        const back = index >= forward;
        const x = back ? 240 : 14;
        const y = 164 + (back ? index - forward : index) * 20;
        const names = index === done.length - 1 ? "strong c" : "";
        live.word(svg, x + 18, y, index + 1, `end small ${names || "faint"}`);
        live.word(svg, x + 26, y, name, `small ${names}`);
        live.word(svg, x + 206, y, sees === passes ? sees : `${sees} → ${passes}`, `end small ${names}`);
      });
    },
  });
})();
