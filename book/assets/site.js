// Small repairs of the theme, for readers who use a keyboard or a screen reader.
document.addEventListener("DOMContentLoaded", () => {
  // these labels hide the visible text of the control from voice control
  document
    .querySelectorAll(
      "summary[aria-label], button.search-button-field[aria-label]"
    )
    .forEach((element) => element.removeAttribute("aria-label"));

  const sidebar = document.querySelector(".bd-sidebar-primary");
  if (sidebar && !sidebar.getAttribute("role")) {
    sidebar.setAttribute("role", "complementary");
    sidebar.setAttribute("aria-label", "Book");
  }

  // boxes that scroll sideways must be reachable by keyboard
  document.querySelectorAll("div.highlight pre, div.output pre").forEach((box) => {
    if (box.scrollWidth > box.clientWidth) box.setAttribute("tabindex", "0");
  });

  document.querySelectorAll("img[data-pages]").forEach(showFilm);
});

// A film that can be paused and leafed through (see book/_ext/films.py). It
// plays while it is in sight, unless the reader's system asks for less motion:
// then its last page stands still.
function showFilm(img) {
  const [rows, stays] = [Number(img.dataset.rows), img.dataset.stays.split(",").map(Number)];
  const canvas = Object.assign(document.createElement("canvas"), { width: img.getAttribute("width"), height: img.getAttribute("height") });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", img.alt);
  const button = Object.assign(document.createElement("button"), { type: "button", className: "film-button" });
  const slider = Object.assign(document.createElement("input"), { type: "range", min: 1, max: stays.length, value: stays.length });
  slider.setAttribute("aria-label", "Page of the film");
  const controls = Object.assign(document.createElement("div"), { className: "film" });
  controls.append(button, slider);

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
  img.replaceWith(canvas, controls);
}
