// Small repairs of the theme, for readers who use a keyboard or a screen reader.
document.addEventListener("DOMContentLoaded", () => {
  // these labels hide the visible text of the control from voice control
  document
    .querySelectorAll(
      "summary[aria-label], button.search-button-field[aria-label], button.theme-switch-button[aria-label]"
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

  // an animated figure (its alt text says so) can be stopped and started
  document.querySelectorAll("img[alt^='Animat']").forEach((film) => {
    const still = document.createElement("canvas");
    still.setAttribute("role", "img");
    still.setAttribute("aria-label", film.alt);
    still.hidden = true;
    const button = document.createElement("button");
    button.className = "film-button";

    const show = (playing) => {
      if (!playing) {
        still.width = film.naturalWidth;
        still.height = film.naturalHeight;
        still.style.width = `${film.clientWidth || film.naturalWidth}px`;
        still.getContext("2d").drawImage(film, 0, 0);
      }
      still.hidden = playing;
      film.hidden = !playing;
      button.textContent = playing ? "Stop the film" : "Play the film";
    };
    button.addEventListener("click", () => show(film.hidden));
    const prepare = () => {
      film.after(still, button);
      show(!window.matchMedia("(prefers-reduced-motion: reduce)").matches);
    };
    if (film.complete) prepare();
    else film.addEventListener("load", prepare, { once: true });
  });
});
