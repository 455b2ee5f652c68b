// Cover the output of each cell with the tag `predict` (book/_ext/predict.py) until
// the reader has guessed; the guess is remembered like an answer. custom.css hides
// the output, and keeps the place of the form free, before this runs. `make`,
// `stored` and `whenNear` are those of site.js.
document.addEventListener("DOMContentLoaded", () => {
  const cells = [...document.querySelectorAll(".tag_predict")];
  const open = new Map();
  const coverNow = whenNear(cells, (cell) => open.set(cell, cover(cell)));
  // a link to something inside, or a hit of the search in this section
  const uncover = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    const found = new URLSearchParams(location.search).has("found");
    for (const cell of cells) {
      if (!cell.contains(target) && !(found && cell.closest("section") === target)) continue;
      coverNow(cell);
      open.get(cell)();
    }
  };
  uncover();
  addEventListener("hashchange", uncover);
  document.addEventListener("forget", () => cells.forEach(({ id }) => stored(id, null)));
});

function cover(cell) {
  const output = cell.querySelector(":scope > .cell_output");
  const guess = make("input", { type: "text", autocomplete: "off", maxLength: 80 });
  const label = make("label", {}, "Predict: what comes out? ", guess);
  const form = make("form", { className: "guess" }, label, make("button", { textContent: "Show it" }));
  const said = make("span");
  const forget = make("button", { type: "button", textContent: "Forget my answers" });
  const after = make("p", { className: "guess" }, said, forget);
  const show = (text) => {
    said.textContent = text ? `Your guess: ${text}` : "";
    forget.hidden = text === undefined;
    cell.classList.add("shown");
    form.replaceWith(after);
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    stored(cell.id, guess.value);
    show(guess.value);
    output.tabIndex = -1;
    output.focus({ preventScroll: true });
  });
  forget.addEventListener("click", () => document.dispatchEvent(new Event("forget")));
  document.addEventListener("forget", () => {
    const focused = document.activeElement === forget;
    form.reset();
    cell.classList.remove("shown");
    after.replaceWith(form);
    if (focused) guess.focus();
  });
  output.prepend(form);
  const before = stored(cell.id);
  if (before !== null) show(before);
  return () => cell.classList.contains("shown") || show();
}
