// What was read, answered and done, in this browser only: ticks in the contents of
// the page, a share of each chapter in those of the book, where to go on at the
// landing page, and a way to keep or forget it in "How to use this book". CONTENTS
// is written by book/_ext/progress.py; `make`, `stored` and `whenNear` are those of
// site.js.
const BOOK = "PyTorch, Cell by Cell";
// the names under which something is remembered, and what may stand there
const REMEMBERED = [
  [/^(read|begun|done):notebooks\/\w+#[\w-]+$/, /^\d{1,15}$/],
  [/^question-[\da-f]{8}$/, /^\d$/],
  [/^predict-[\da-f]{8}$/, /^[^]{0,80}$/],
];
const isOurs = ([name, value]) =>
  typeof value === "string" && REMEMBERED.some(([names, values]) => names.test(name) && values.test(value));
const slug = (title) => title.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
const PARTS = Object.entries(CONTENTS).flatMap(([page, { title, sections }]) =>
  sections.map((section) => {
    const [text, anchor = slug(text)] = [section].flat();
    return { name: `read:${page}#${anchor}`, page, anchor, text: `${title}, ${text}` };
  })
);
const boxes = new Map(); // those of the exercises that came near, by name

function remembered() {
  try {
    return new Map(Object.entries(localStorage).filter(isOurs));
  } catch {
    return null; // this browser keeps nothing
  }
}

document.addEventListener("DOMContentLoaded", () => {
  const page = DOCUMENTATION_OPTIONS.pagename;
  const sections = PARTS.filter((one) => one.page === page);
  const manage = document.getElementById("remembered");
  if (!remembered()) {
    const refused = "This browser keeps nothing for this page, so that nothing is remembered.";
    return manage?.append(make("p", { textContent: refused }));
  }
  const show = () => {
    const have = remembered();
    document.querySelectorAll(".tick, .share").forEach((mark) => mark.remove());
    for (const { name, anchor } of [...sections, ...done]) showTick(name, anchor, have);
    for (const page of Object.keys(CONTENTS)) showShare(page, have);
    if (manage) manage.firstChild.textContent = `Remembered: ${totals(have) || "nothing yet"}.`;
    goOn(have);
  };
  const exercises = document.querySelectorAll('section[id^="exercise-"]');
  const nameOf = ({ id }) => `done:${page}#${id}`;
  const done = [...exercises].map((section) => ({ name: nameOf(section), anchor: section.id }));
  whenNear(exercises, (section) => addBox(section, nameOf(section), show));
  if (manage) addButtons(manage, show);
  show();
  addEventListener("storage", show);
  addEventListener("pageshow", show);
  watch(sections, show);
});

// A section was read when its end was on the screen after its start was, and it
// filled the middle of the screen for some seconds, more for a longer one. The
// start may have been seen on an earlier day.
function watch(sections, show) {
  const near = new Map();
  const states = new Map();
  const observer = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries)
      if (isIntersecting) near.set(target, states.get(target));
      else near.delete(target);
  });
  for (const { name, anchor } of sections) {
    const section = document.getElementById(anchor);
    const needed = Math.min(40, Math.max(4, section.textContent.length / 150));
    const begun = name.replace("read", "begun");
    states.set(section, { name, begun, needed, started: stored(begun), ended: false, seconds: 0 });
    if (stored(name) === null) observer.observe(section);
  }
  const look = (state, section) => {
    const { top, bottom } = section.getBoundingClientRect();
    state.started ||= top > -40 && top < innerHeight;
    if (!state.started) return;
    if (top < 0.7 * innerHeight && bottom > 0.3 * innerHeight) state.seconds += 1;
    if (state.seconds === 4) stored(state.begun, 1);
    state.ended ||= bottom <= innerHeight;
    if (!state.ended || state.seconds < state.needed) return;
    observer.unobserve(section);
    near.delete(section);
    stored(state.name, Date.now());
    stored(state.begun, null);
    show();
  };
  setInterval(() => document.hidden || near.forEach(look), 1000);
}

function mark(link, className, said, textContent) {
  const element = make("span", { className, textContent });
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", said);
  link.after(element);
  return element;
}

function showTick(name, anchor, have) {
  const link = have.has(name) && document.querySelector(`#pst-page-toc-nav a[href="#${anchor}"]`);
  if (link) mark(link, "tick", name.split(":")[0], "✓");
  if (boxes.has(name)) boxes.get(name).checked = have.has(name);
}

function showShare(page, have) {
  const all = PARTS.filter((one) => one.page === page);
  const read = all.filter(({ name }) => have.has(name)).length;
  const file = page === DOCUMENTATION_OPTIONS.pagename ? "#" : `${page.split("/")[1]}.html`;
  const link = read && document.querySelector(`.bd-links a[href$="${file}"]`);
  if (!link) return;
  const share = mark(link, "share", `${read} of ${all.length} sections read`, `${read}/${all.length}`);
  share.style.setProperty("--share", read / all.length);
}

function totals(have) {
  const count = (kind) => [...have.keys()].filter((name) => name.startsWith(kind)).length;
  const read = PARTS.filter(({ name }) => have.has(name)).length;
  const said = { sections: read && `${read} of ${PARTS.length}` };
  said.questions = count("question-");
  said.predictions = count("predict-");
  said.exercises = count("done:");
  said["sections with another name now"] = count("read:") - read;
  const shown = Object.entries(said).filter(([, number]) => number);
  return shown.map(([kind, number]) => `${kind} ${number}`).join(", ");
}

// the first unread section after the one that was read last
function goOn(have) {
  const place = document.getElementById("go-on");
  if (!place || !totals(have)) return place?.replaceChildren();
  const time = ({ name }) => Number(have.get(name) ?? 0);
  const link = ({ page, anchor }, textContent) => make("a", { href: `${page}.html#${anchor}`, textContent });
  const manage = link({ page: "book/how_to_use", anchor: "remembered" }, "Keep or forget");
  place.replaceChildren(make("p", {}, `Done: ${totals(have)}. `, manage));
  const last = PARTS.reduce((one, other) => (time(other) > time(one) ? other : one));
  const after = PARTS.slice(PARTS.indexOf(last));
  const next = [...after, ...PARTS].find((one) => !time(one));
  const words = make("b", { textContent: "Continue here: " });
  if (time(last) && next) place.prepend(make("p", {}, words, link(next, next.text)));
}

function addBox(section, name, show) {
  const box = make("input", { type: "checkbox", name, checked: stored(name) !== null });
  box.setAttribute("aria-label", `Done: ${section.querySelector("h3").firstChild.textContent}`);
  box.addEventListener("change", () => {
    stored(name, box.checked ? Date.now() : null);
    show();
  });
  boxes.set(name, box);
  const place = section.querySelector("h3 + p");
  place.classList.add("with-done");
  place.append(make("label", { className: "done" }, box, "Done"));
}

function addButtons(place, show) {
  const button = (textContent, act) => {
    const element = make("button", { type: "button", textContent });
    element.addEventListener("click", act);
    return element;
  };
  const answer = make("p", { className: "asked" });
  answer.setAttribute("aria-live", "polite");
  const say = (text) => {
    answer.textContent = text;
    show();
  };
  const file = make("input", { type: "file", accept: ".json", hidden: true });
  file.addEventListener("change", async () => {
    say(await take(file.files[0]));
    file.value = "";
  });
  const decide = (names, text) => {
    names.forEach((name) => stored(name, null));
    say(text);
    forget.focus();
  };
  const forget = button("Forget", () => {
    const no = button("No", () => decide([], "Nothing was forgotten."));
    const yes = button("Yes, forget all", () => decide([...remembered().keys()], "All is forgotten."));
    answer.replaceChildren("Forget all of it?", yes, no);
    no.focus();
  });
  const row = make("p", { className: "asked" }, button("Export", give), button("Import", () => file.click()), forget);
  place.append(make("p"), row, file, answer);
}

function give() {
  const text = JSON.stringify({ book: BOOK, remembered: Object.fromEntries(remembered()) }, null, 1);
  const href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  make("a", { href, download: "pytorch-cell-by-cell.json" }).click();
  URL.revokeObjectURL(href);
}

// Take over what a file remembers; what this browser has stays as it is.
async function take(file) {
  let entries = [];
  try {
    const { book, remembered } = JSON.parse(await file.text());
    if (book === BOOK) entries = Object.entries(remembered);
  } catch {}
  const ours = entries.filter(isOurs);
  if (!ours.length) return "This file was not exported by this book, or is damaged: nothing was changed.";
  for (const [name, value] of ours) if (stored(name) === null) stored(name, value);
  const left = entries.length - ours.length;
  return `Taken over: ${ours.length}.${left ? ` Left out, not of this book: ${left}.` : ""}`;
}
