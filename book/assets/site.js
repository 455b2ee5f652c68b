// Small repairs of the theme, for readers who use a keyboard or a screen reader.
document.addEventListener("DOMContentLoaded", () => {
  // these labels hide the visible text of the control from voice control
  document
    .querySelectorAll("summary[aria-label], button.search-button-field[aria-label]")
    .forEach((element) => element.removeAttribute("aria-label"));

  const sidebar = document.querySelector(".bd-sidebar-primary");
  if (sidebar && !sidebar.getAttribute("role")) {
    sidebar.setAttribute("role", "complementary");
    sidebar.setAttribute("aria-label", "Book");
  }

  document.querySelectorAll("img[data-pages]").forEach(showFilm);
  document.querySelectorAll("figure img:not([data-pages]), .cell_output img:not([data-pages])").forEach(enlarge);
  reachWide();
  markThePlace();
  arrive();
});

// now formulas may load their font (book/_ext/formulas.py)
addEventListener("load", () => document.documentElement.classList.remove("early"));

// Paper is white: a dark page turns light while it is printed.
let theme;
addEventListener("beforeprint", () => {
  theme = document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
});
addEventListener("afterprint", () => (document.documentElement.dataset.theme = theme));

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// A browser may refuse to store anything.
function stored(name, ...value) {
  try {
    if (!value.length) return localStorage.getItem(name);
    if (value[0] === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value[0]);
  } catch {}
  return null;
}

// Act on each place when it comes near, or is printed; the function that is
// returned acts at once. Forms are made so: a browser lays out all that is far
// from sight to see whether it can fill in the fields there.
function whenNear(places, act) {
  const waiting = new Set(places);
  const now = (place) => {
    if (!waiting.delete(place)) return;
    observer.unobserve(place);
    act(place);
  };
  const observer = new IntersectionObserver(
    (entries) => entries.forEach(({ isIntersecting, target }) => isIntersecting && now(target)),
    { rootMargin: "1000px" }
  );
  places.forEach((place) => observer.observe(place));
  addEventListener("beforeprint", () => waiting.forEach(now));
  return now;
}

// What scrolls sideways must be reachable by keyboard. It is measured when it
// comes near: to measure all would lay out the whole page.
function reachWide() {
  const near = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries)
      if (isIntersecting && target.scrollWidth > target.clientWidth) target.tabIndex = 0;
  });
  document
    .querySelectorAll("div.math, .pst-scrollable-table-container, .cell_output > .output")
    .forEach((box) => near.observe(box));
}

// A page that is opened at a section is to stay there while the sections before
// it get their true heights, unless the reader moves on.
function arrive() {
  const [visit] = performance.getEntriesByType("navigation");
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target || visit?.type !== "navigate") return;
  const reader = new AbortController();
  for (const move of ["wheel", "touchstart", "keydown", "pointerdown"])
    addEventListener(move, () => reader.abort(), { once: true, signal: reader.signal });
  const end = performance.now() + 3000;
  let top;
  const look = () => {
    if (reader.signal.aborted) return;
    if (target.getBoundingClientRect().top !== top) target.scrollIntoView();
    top = target.getBoundingClientRect().top;
    if (performance.now() < end) requestAnimationFrame(look);
    else reader.abort();
  };
  look();
}

// Mark in the contents the section that is read. On a phone, where the contents
// are out of sight, a bar names it, with the ones before and after it.
function markThePlace() {
  const links = [...document.querySelectorAll("#pst-page-toc-nav a")];
  if (!links.length) return;
  const targets = links.map((link) => document.getElementById(decodeURIComponent(link.hash.slice(1))));
  const outer = links.map((link) => link.parentElement.classList.contains("toc-h2"));
  const before = make("a", { textContent: "‹" });
  const here = make("button", { type: "button" });
  const after = make("a", { textContent: "›" });
  const bar = make("nav", { className: "here" }, before, here, after);
  bar.setAttribute("aria-label", "Sections");
  here.addEventListener("click", () => document.querySelector(".secondary-toggle")?.click());
  document.body.append(bar);

  const point = (link, words, to) => {
    link.classList.toggle("nowhere", !to);
    link.href = to?.hash ?? "#";
    link.setAttribute("aria-label", `${words}: ${to?.textContent}`);
  };
  const show = (place) => {
    links.forEach((link, number) => link.classList.toggle("active", number === place));
    while (place >= 0 && !outer[place]) place -= 1;
    const sections = links.filter((_, number) => outer[number]);
    const section = sections.indexOf(links[place]);
    here.textContent = section < 0 ? "Contents" : sections[section].textContent;
    point(before, "Section before", sections[section - 1]);
    point(after, "Section after", sections[section + 1]);
  };
  // the line that a section must cross to be the one that is read
  const crossing = new Set();
  const line = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) crossing[isIntersecting ? "add" : "delete"](target);
      show(targets.findLastIndex((target) => crossing.has(target)));
    },
    { rootMargin: "-30% 0px -70% 0px" }
  );
  targets.forEach((target) => target && line.observe(target));
  show(-1);
}

// A tap on a picture, or its button, shows it as large as the window, and
// another tap at its full size. On a phone it is at its full size at once.
function enlarge(img) {
  const button = make("button", { type: "button", className: "enlarge fa-expand" });
  button.setAttribute("aria-label", "Enlarge the picture");
  const open = () => {
    const large = make("img", { src: img.src, alt: img.alt });
    const close = make("button", { type: "button", className: "fa-xmark" });
    close.setAttribute("aria-label", "Close");
    const dialog = make("dialog", { className: "large" }, close, make("div", {}, large));
    dialog.setAttribute("aria-label", "Picture");
    dialog.classList.toggle("full", innerWidth < 700);
    close.addEventListener("click", () => dialog.close());
    large.addEventListener("click", () => dialog.classList.toggle("full"));
    dialog.addEventListener("click", ({ target }) => target === large || dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  };
  button.addEventListener("click", open);
  img.addEventListener("click", open);
  const frame = make("span", { className: "picture" });
  img.replaceWith(frame);
  frame.append(img, button);
}

// A film that can be paused and leafed through (see book/_ext/films.py). It
// plays while it is in sight, unless the reader's system asks for less motion:
// then its last page stands still.
function showFilm(img) {
  const [rows, stays] = [Number(img.dataset.rows), img.dataset.stays.split(",").map(Number)];
  const canvas = make("canvas", { width: img.getAttribute("width"), height: img.getAttribute("height") });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", img.alt);
  const button = make("button", { type: "button", className: "film-button" });
  const slider = make("input", { type: "range", min: 1, max: stays.length, value: stays.length });
  slider.setAttribute("aria-label", "Page of the film");
  const controls = make("div", { className: "film" }, button, slider);

  const sheet = new Image();
  const draw = () => {
    const page = slider.value - 1;
    const [left, top] = [Math.floor(page / rows) * canvas.width, (page % rows) * canvas.height];
    const size = [canvas.width, canvas.height];
    canvas.getContext("2d").drawImage(sheet, left, top, ...size, 0, 0, ...size);
  };
  let playing = !window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  let inSight = false;
  let timer;
  const turn = () => {
    slider.value = (slider.value % stays.length) + 1;
    draw();
    wait();
  };
  const wait = () => {
    clearTimeout(timer);
    button.textContent = playing ? "Pause" : "Play";
    if (playing && inSight) timer = setTimeout(turn, stays[slider.value - 1]);
  };
  button.addEventListener("click", () => {
    playing = !playing;
    wait();
  });
  slider.addEventListener("input", () => {
    playing = false;
    draw();
    wait();
  });
  sheet.addEventListener("load", draw, { once: true });
  new IntersectionObserver(
    ([entry]) => {
      inSight = entry.isIntersecting;
      if (inSight && !sheet.src) sheet.src = new URL(img.dataset.pages, img.src);
      wait();
    },
    { rootMargin: "200px" }
  ).observe(canvas);
  // its last page stays, for paper
  img.classList.add("on-paper");
  img.after(canvas, controls);
}
