// Live figures. Where a chapter shows the still of one (book/_ext/live.py), the
// figure takes its place when the reader comes near. CONTRIBUTING.md says how
// one is written. `make` is that of site.js.
const live = { specs: {} };

live.base = new URL(".", document.currentScript.src);
live.step = 4; // units that an arrow key moves a handle without a data-step; with Shift five times as far

live.load = (name) =>
  (live.load[name] ??= new Promise((done, failed) => {
    const element = name.endsWith(".css")
      ? make("link", { rel: "stylesheet", href: new URL(name, live.base) })
      : make("script", { src: new URL(name, live.base) });
    element.addEventListener("load", done);
    element.addEventListener("error", () => failed(new Error(`${name} is not there`)));
    document.head.append(element);
  }));

// if a file is missing, the still stays; `whenNear` is that of site.js
document.addEventListener("DOMContentLoaded", () => whenNear(document.querySelectorAll("img.live"), live.start));

live.start = async (img) => {
  const name = img.getAttribute("src").match(/([\w-]+)\.svg$/)[1];
  await Promise.all(["live.css", "drawing.css", "../d3/d3.min.js"].map(live.load));
  await live.load(`${name}.js`);
  await Promise.all((live.specs[name].needs ?? []).map(live.load)); // data of its own
  img.replaceWith(live.build(name, live.specs[name], img.alt));
};

// Each figure's script calls this once.
live.figure = (name, spec) => (live.specs[name] = spec);

live.build = (name, spec, alt) => {
  const state = { ...spec.start };
  const [width, height] = spec.size;
  const svg = d3.create("svg:svg").attr("class", "live-drawing").attr("viewBox", `0 0 ${width} ${height}`);
  svg.attr("role", spec.drag ? "group" : "img").attr("aria-label", alt);
  const said = make("p", { className: "live-said" });
  said.setAttribute("aria-live", "polite");
  const inputs = []; // functions that bring a control to the state
  const numbers = make("dl", { className: "live-numbers" });
  for (const [key, label] of spec.numbers) {
    const value = make("dd");
    value.dataset.number = key;
    numbers.append(make("div", {}, make("dt", { textContent: label }), value));
  }

  const show = () => {
    const focused = svg.node().contains(document.activeElement) && document.activeElement.dataset.handle;
    const values = spec.compute(state);
    svg.selectAll("*").remove();
    spec.draw(svg, values, state);
    for (const [key, , form] of spec.numbers)
      numbers.querySelector(`[data-number="${key}"]`).textContent = live.text(values[key], form);
    said.textContent = spec.say(values, state);
    inputs.forEach((bring) => bring());
    if (focused) svg.select(`[data-handle="${focused}"]`).node()?.focus();
  };
  const set = (changes) => {
    Object.assign(state, changes);
    show();
  };

  const controls = make("div", { className: "live-controls" });
  for (const control of spec.controls) {
    const [element, bring] = live.control(control, state, set);
    controls.append(element);
    if (bring) inputs.push(bring);
  }
  const again = make("button", { type: "button", textContent: "Start again" });
  again.addEventListener("click", () => set(spec.start));
  controls.append(again);

  if (spec.drag) live.move(svg, (handle, x, y) => set(spec.drag(handle, x, y, state)));
  show();
  const figure = make("div", { className: "live-figure" }, svg.node(), controls, numbers, said);
  figure.dataset.live = name;
  figure.setAttribute("role", "group");
  figure.setAttribute("aria-label", `Live figure: ${spec.title}`);
  return figure;
};

// A number with so many digits after the point; a list, with spaces between.
live.text = (value, digits = 0) => {
  if (Array.isArray(value)) return value.map((one) => live.text(one, digits)).join(" ");
  if (typeof value !== "number") return String(value);
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text;
};

// What figures say: a number with two digits, "1 tie" or "2 ties", and a number
// brought between two others.
live.two = (value) => live.text(value, 2);
live.many = (count, one, more = `${one}s`) => `${count} ${count === 1 ? one : more}`;
live.within = (value, low, high) => Math.min(high, Math.max(low, value));

// A largest value may depend on the state.
live.most = (max, state) => (typeof max === "function" ? max(state) : max);

// One control: the element, and what brings it to the state. A control has a
// label and either the name of what it sets (range: min, max, step and perhaps
// text; choice: options; text: nothing more; switch: nothing more) or a press
// (state) => changes. `play` makes a button that moves a range by itself.
live.control = (control, state, set) => {
  const { kind, name, label } = control;
  if (kind === "button") {
    const button = make("button", { type: "button", textContent: label });
    button.addEventListener("click", () => set(control.press(state)));
    return [button];
  }
  if (kind === "play") return live.player(control, state, set);
  if (kind === "choice") {
    const options = control.options.map(([value, text]) => make("option", { value, textContent: text ?? value }));
    const select = make("select", { name }, ...options);
    select.addEventListener("change", () => set({ [name]: select.value }));
    return [make("label", {}, `${label} `, select), () => (select.value = state[name])];
  }
  if (kind === "switch") {
    const box = make("input", { type: "checkbox", name });
    box.addEventListener("change", () => set({ [name]: box.checked }));
    return [make("label", {}, box, ` ${label}`), () => (box.checked = state[name])];
  }
  if (kind === "text") {
    const field = make("input", { type: "text", name, size: control.size ?? 10, autocomplete: "off", spellcheck: false });
    field.addEventListener("input", () => set({ [name]: field.value }));
    return [make("label", {}, `${label} `, field), () => field.value === state[name] || (field.value = state[name])];
  }
  const { min, max, step = 1, text = String } = control;
  const slider = make("input", { type: "range", name, min, step });
  const value = make("output");
  slider.addEventListener("input", () => set({ [name]: Number(slider.value) }));
  const bring = () => {
    slider.max = live.most(max, state);
    slider.value = state[name];
    value.textContent = text(Math.min(state[name], slider.max));
    slider.setAttribute("aria-valuetext", value.textContent);
  };
  return [make("label", {}, `${label} `, slider, " ", value), bring];
};

// It plays only when it is asked to, and stops at the end.
live.player = ({ name, label, max, every = 500, by = 1 }, state, set) => {
  const button = make("button", { type: "button", textContent: label });
  let timer;
  const stop = () => {
    clearInterval(timer);
    timer = undefined;
    button.textContent = label;
  };
  button.addEventListener("click", () => {
    if (timer) return stop();
    if (state[name] >= live.most(max, state)) set({ [name]: 0 });
    button.textContent = "Pause";
    timer = setInterval(() => {
      if (!button.isConnected || state[name] >= live.most(max, state)) return stop();
      set({ [name]: Math.min(live.most(max, state), state[name] + by) });
    }, every);
  });
  return [button];
};

// Handles are moved by mouse, touch, and the arrow keys.
live.move = (svg, moved) => {
  const node = svg.node();
  let held;
  node.addEventListener("pointerdown", (event) => {
    held = event.target.closest("[data-handle]")?.dataset.handle;
    if (!held) return;
    event.preventDefault();
    node.setPointerCapture(event.pointerId);
    svg.select(`[data-handle="${held}"]`).node().focus({ preventScroll: true });
  });
  node.addEventListener("pointermove", (event) => held && moved(held, ...d3.pointer(event, node)));
  for (const end of ["pointerup", "pointercancel"]) node.addEventListener(end, () => (held = undefined));
  node.addEventListener("keydown", (event) => {
    const handle = event.target.closest("[data-handle]");
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [];
    if (!handle || dx === undefined) return;
    event.preventDefault();
    const far = Number(handle.dataset.step ?? live.step) * (event.shiftKey ? 5 : 1);
    moved(handle.dataset.handle, Number(handle.dataset.x) + dx * far, Number(handle.dataset.y) + dy * far);
  });
};

// Parts that figures draw with -------------------------------------------------

// A handle at a place; `label` says what it moves, `value` where it stands.
live.handle = (svg, name, x, y, label, value = `${Math.round(x)} right, ${Math.round(y)} down`) => {
  const handle = svg.append("g").attr("class", "handle").attr("transform", `translate(${x},${y})`);
  handle.attr("data-handle", name).attr("data-x", x).attr("data-y", y).attr("tabindex", 0).attr("role", "slider");
  handle.attr("aria-label", `${label}; the arrow keys move it`).attr("aria-valuenow", Math.round(x));
  handle.attr("aria-valuetext", value);
  handle.append("circle").attr("r", 18).attr("class", "grip");
  handle.append("circle").attr("r", 7).attr("class", "knob");
  return handle;
};

// Text at a place: class names are those of drawing.css.
live.word = (svg, x, y, text, names = "") =>
  svg.append("text").attr("x", x).attr("y", y).attr("class", names).text(text);

// A box with text in its middle.
live.box = (svg, x, y, width, height, text = "", names = "") => {
  const box = svg.append("g").attr("class", `box ${names}`);
  box.append("rect").attr("x", x).attr("y", y).attr("width", width).attr("height", height);
  if (text !== "") live.word(box, x + width / 2, y + height / 2, text, "middle");
  return box;
};

// A matrix of boxes; `names(row, column)` gives a box its classes.
live.grid = (svg, x, y, rows, size, names = () => "") => {
  rows.forEach((row, i) =>
    row.forEach((text, j) => live.box(svg, x + j * size, y + i * size, size, size, text, names(i, j)))
  );
};

// An arrow from one place to another.
live.arrow = (svg, x1, y1, x2, y2, names = "") => {
  const arrow = svg.append("g").attr("class", `arrow ${names}`);
  const turn = (Math.atan2(y2 - y1, x2 - x1) * 180) / Math.PI;
  arrow.append("line").attr("x1", x1).attr("y1", y1).attr("x2", x2).attr("y2", y2);
  arrow.append("path").attr("d", "M0,0L-9,-4.5V4.5Z").attr("transform", `translate(${x2},${y2})rotate(${turn})`);
  return arrow;
};

// Two axes with their titles; the scales are d3's, their ranges in units of the figure.
live.axes = (svg, x, y, right, up, ticks = 5) => {
  const [left, end] = x.range();
  const [bottom, top] = y.range();
  svg.append("g").attr("class", "axis").attr("transform", `translate(0,${bottom})`).call(d3.axisBottom(x).ticks(ticks));
  svg.append("g").attr("class", "axis").attr("transform", `translate(${left},0)`).call(d3.axisLeft(y).ticks(ticks));
  live.word(svg, (left + end) / 2, bottom + 38, right, "middle");
  live.word(svg, left, top - 12, up, "");
};
