// A chapter shows thousands of texts that look alike, and measuring the
// contrast of each takes half a minute. One of each kind is enough.

// Colour only the first word of code of each kind: the kind is the classes of
// the word and of all boxes around it. The others become plain text.
function uncolourCode() {
  const names = new Map(), seen = new Set();
  const name = (element) => {
    if (!element) return "";
    if (!names.has(element)) {
      const own = `${element.tagName} ${element.className} `;
      const style = element.getAttribute("style") ?? "";
      names.set(element, `${name(element.parentElement)}/${own}${style}`);
    }
    return names.get(element);
  };
  for (const token of document.querySelectorAll("pre span")) {
    if (token.children.length) continue;
    const kind = name(token);
    if (seen.has(kind)) token.replaceWith(...token.childNodes);
    seen.add(kind);
  }
  document.querySelectorAll("pre").forEach((box) => box.normalize());
}

// Mark what holds no text of a new kind: here the kind is what the browser
// draws it with, its own colour, size and underline and each background behind it.
function setAside() {
  const kinds = new Set(), kept = new Set();
  const drawn = (style, names) => names.map((name) => style[name]).join(" ");
  const BOX = ["backgroundColor", "backgroundImage", "opacity", "position"];
  const TEXT = ["color", "fontSize", "fontWeight", "textShadow", "textDecorationLine"];
  const walk = (element, behind) => {
    if (!element.checkVisibility()) return;
    const style = getComputedStyle(element);
    const box = drawn(style, BOX);
    if (box !== "rgba(0, 0, 0, 0) none 1 static") behind += `/${box}`;
    const kind = `${behind} ${drawn(style, TEXT)}`;
    const isText = (node) => node.nodeType === 3 && node.data.trim();
    const speaks = [...element.childNodes].some(isText);
    const field = element.matches("input, select, textarea");
    if (field || (speaks && !kinds.has(kind))) {
      kinds.add(kind);
      for (let e = element; e; e = e.parentElement) kept.add(e);
    }
    for (const child of element.children) walk(child, behind);
  };
  walk(document.body, "");
  for (const element of document.body.querySelectorAll("*")) {
    const aside = !kept.has(element) && kept.has(element.parentElement);
    element.toggleAttribute("data-aside", aside);
  }
}

// Set the others aside, or bring them back. What was in them is taken out:
// it would be looked through without being seen.
const takenOut = new Map();
function showOneOfAKind(few) {
  for (const [element, content] of takenOut) element.append(...content);
  takenOut.clear();
  document.documentElement.classList.remove("few");
  if (few) setAside();
  document.documentElement.classList.toggle("few", few);
  for (const element of document.querySelectorAll(".few [data-aside]")) {
    takenOut.set(element, [...element.childNodes]);
    element.replaceChildren();
  }
}
