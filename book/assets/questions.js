// Make forms of the questions (book/_ext/questions.py) and remember the answers,
// in this browser only. On paper the answer stands below, unfolded. `make`,
// `stored` and `whenNear` are those of site.js.
document.addEventListener("DOMContentLoaded", () => {
  const questions = document.querySelectorAll(".question");
  whenNear(questions, makeForm);
  document.addEventListener("forget", () => questions.forEach(({ id }) => stored(id, null)));
});

function makeForm(question) {
  const [asked, choices, folded] = ["p", "ol", "details"].map((tag) => question.querySelector(`:scope > ${tag}`));
  const focused = folded.contains(document.activeElement);
  const reasons = [...folded.querySelectorAll(":scope > ol > li")];
  const right = Number(question.dataset.right);
  const legend = make("legend");
  legend.append(...asked.childNodes);
  asked.remove();
  const radios = [...choices.children].map((choice, value) => {
    const radio = make("input", { type: "radio", name: question.id, value });
    choice.append(make("label", {}, radio, make("span", {}, ...choice.childNodes)));
    return radio;
  });
  const said = make("div", { className: "said" });
  said.setAttribute("aria-live", "polite");
  const forget = make("button", { type: "button", textContent: "Forget my answers", hidden: true });
  const check = make("button", { type: "submit", textContent: "Check" });
  const form = make("form", {}, make("fieldset", {}, legend, ...question.childNodes), said);
  said.before(make("p", { className: "asked" }, check, forget));
  form.querySelector("fieldset").after(folded);
  // else Enter would press the first button of the form, which copies the code
  form.querySelectorAll(".copybtn").forEach((copy) => (copy.type = "button"));
  question.append(form);
  folded.classList.add("on-paper");
  folded.open = true;
  if (focused) radios[0].focus();

  const because = (number, words) => {
    const reason = reasons[number].cloneNode(true);
    if (number === right) reason.querySelector("strong").remove();
    return make("p", {}, make("b", { textContent: words }), " ", ...reason.childNodes);
  };
  const answer = (number) => {
    const proof = folded.querySelector(":scope > div")?.cloneNode(true) ?? "";
    if (number === right) said.replaceChildren(because(right, "Right."), proof);
    else said.replaceChildren(because(number, "No."), because(right, `Answer ${right + 1} is right.`), proof);
    form.className = number === right ? "is-right" : "is-wrong";
    forget.hidden = false;
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = radios.findIndex((radio) => radio.checked);
    if (chosen < 0) return said.replaceChildren(make("p", { textContent: "Choose an answer first." }));
    stored(question.id, chosen);
    answer(chosen);
  });
  const before = stored(question.id);
  if (radios[before]) {
    radios[before].checked = true;
    answer(Number(before));
  }
  forget.addEventListener("click", () => document.dispatchEvent(new Event("forget")));
  document.addEventListener("forget", () => {
    form.reset();
    form.className = "";
    said.replaceChildren();
    if (document.activeElement === forget) radios[0].focus();
    forget.hidden = true;
  });
}
