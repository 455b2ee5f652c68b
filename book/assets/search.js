// The search: sections (sections.js, see book/_ext/sections.py) by MiniSearch.
const STOP = new Set(
  ("a an and are as at be been being by but can cannot for from has have how i if in into is it its of on or that " +
    "the this to was what when which while why will with you your does do did not got").split(" ")
);
const ENDING = /(?:ings?|ed|es|s|e)$/;
// these parts repeat what others explain
const ASIDE = /^[\d. ]*(?:Summary|Exercises|Further reading|Exercise [\d.]+.*|By (?:message|symptom|topic))$/;
const PAGES = { "book/api": 0.4, "book/glossary": 0.4, "notebooks/old_advice": 0.5 };
const weight = ({ page, title }) => (PAGES[page] ?? 1) * (ASIDE.test(title) ? 0.5 : 1);
const SHOWN = 12;

const stem = (word) => (word.length > 4 ? word.replace(ENDING, "") : word);

// the parts of a name count as well: CrossEntropyLoss, zero_grad
function terms(word) {
  const parts = word
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .split("_")
    .filter((part) => part.length > 1);
  return [...new Set([word, ...(parts.length > 1 ? parts : [])])]
    .map((each) => each.toLowerCase())
    .filter((each) => !STOP.has(each) && !/^[\d_]*$/.test(each))
    .map(stem);
}

const words = (text) => text.match(/[\p{L}\p{N}_]+/gu) ?? [];

function makeIndex(sections) {
  const index = new MiniSearch({
    fields: ["title", "up", "prose", "code"],
    tokenize: words,
    processTerm: terms,
    searchOptions: {
      boost: { title: 5, up: 1.5, prose: 1.5 },
      prefix: (term) => term.length > 3,
      fuzzy: (term) => (term.length > 5 ? 0.15 : false),
      weights: { prefix: 0.4, fuzzy: 0.2 },
      boostDocument: (id) => weight(sections[id]),
    },
  });
  index.addAll(sections.map((section, id) => ({ ...section, up: section.up.join(" "), id })));
  return index;
}

// Sections that hold more of the words asked for come first. Who asks with a
// word or three has no message at hand, and wants a chapter more than the atlas.
function find(index, query) {
  const asked = new Set(words(query).flatMap(terms)).size || 1;
  const value = ({ id, score, queryTerms }) =>
    score * (queryTerms.length / asked) ** 2 * (asked < 4 && SECTIONS[id].page === "notebooks/errors" ? 0.4 : 1);
  return index
    .search(query)
    .map((hit) => ({ ...hit, score: value(hit) }))
    .sort((one, two) => two.score - one.score)
    .slice(0, SHOWN);
}

// a piece of a text around the first place where a found word stands
function* snippet(section, found) {
  for (const text of [section.prose, section.code]) {
    const places = [...text.matchAll(/[\p{L}\p{N}_]+/gu)];
    const first = places.findIndex((place) => terms(place[0]).some((term) => found.has(term)));
    if (first < 0 && text !== section.code) continue;
    const start = places[Math.max(0, first - 12)]?.index ?? 0;
    const piece = text.slice(start, start + 240);
    if (start > 0) yield "… ";
    for (const part of piece.split(/([\p{L}\p{N}_]+)/u)) {
      const mark = part && terms(part).some((term) => found.has(term));
      if (!mark) yield part;
      else yield Object.assign(document.createElement("mark"), { textContent: part });
    }
    if (start + 240 < text.length) yield " …";
    return;
  }
}

function item(section, hit) {
  const link = document.createElement("a");
  const root = document.documentElement.dataset.content_root;
  link.href = `${root}${section.page}.html${section.anchor && "?found#" + section.anchor}`;
  link.textContent = section.title;
  const where = document.createElement("div");
  where.className = "search-where";
  where.textContent = section.up.join(" › ");
  const text = document.createElement("p");
  text.className = "context";
  text.append(...snippet(section, new Set(hit.terms)));
  const line = document.createElement("li");
  line.append(link, where, text);
  return line;
}

function show() {
  const query = new URLSearchParams(location.search).get("q") ?? "";
  const field = document.querySelector(".bd-search-container input[name=q]");
  const results = document.getElementById("search-results");
  field.value = query;
  field.focus();
  if (!query.trim()) return;
  const hits = find(makeIndex(SECTIONS), query);
  const said = document.createElement("p");
  said.textContent = hits.length ? `Sections that speak of it:` : "Nothing was found. Try fewer or other words.";
  const list = document.createElement("ul");
  list.className = "search";
  list.append(...hits.map((hit) => item(SECTIONS[hit.id], hit)));
  results.replaceChildren(said, list);
}

document.addEventListener("DOMContentLoaded", show);
