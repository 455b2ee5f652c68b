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

  // an animated figure plays a few times and stops; a click plays it again
  document.querySelectorAll("img[src$='.png']").forEach((image) => {
    image.addEventListener("click", () => {
      const source = image.src;
      image.src = "";
      image.src = source;
    });
  });
});
