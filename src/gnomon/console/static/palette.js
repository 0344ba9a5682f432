// The command palette: the pages of the side bar and the actions of this page.
import { open } from "./dialogs.js";

const palette = document.getElementById("palette");
const field = palette?.querySelector("input");
const list = palette?.querySelector("ul");
let at = 0;

function entries() {
  const pages = [...document.querySelectorAll("#nav li a")].map((a) => ({ label: a.textContent.trim(), kind: palette.dataset.page, go: () => location.assign(a.href) }));
  const actions = [...document.querySelectorAll("main [data-dialog], main [data-create]")]
    .map((el) => ({ label: el.textContent.trim(), kind: palette.dataset.action, go: () => el.click() }));
  return [...actions, ...pages];
}

function show() {
  const words = field.value.trim().toLowerCase().split(/\s+/);
  const hits = entries().filter((entry) => words.every((word) => entry.label.toLowerCase().includes(word)));
  list.replaceChildren(...hits.map((entry, i) => {
    const item = Object.assign(document.createElement("li"), { id: `palette-${i}` });
    item.setAttribute("role", "option");
    item.append(entry.label, Object.assign(document.createElement("small"), { textContent: entry.kind }));
    item.addEventListener("click", () => choose(entry));
    item.addEventListener("pointermove", () => mark(i));
    item.entry = entry;
    return item;
  }));
  list.hidden = !hits.length;
  field.setAttribute("aria-expanded", String(Boolean(hits.length)));
  palette.querySelector(".none").hidden = Boolean(hits.length);
  mark(0);
}

function mark(i) {
  at = i;
  for (const [n, item] of [...list.children].entries()) item.setAttribute("aria-selected", String(n === i));
  const chosen = list.children[i];
  if (chosen) field.setAttribute("aria-activedescendant", chosen.id);
  else field.removeAttribute("aria-activedescendant");
  chosen?.scrollIntoView({ block: "nearest" });
}

function choose(entry) {
  palette.close();
  entry.go();
}

export function openPalette() {
  if (!palette || document.querySelector("dialog[open]")) return;
  field.value = "";
  open(palette);
  show();
}

if (palette) {
  field.addEventListener("input", (event) => event.isComposing || show());
  field.addEventListener("compositionend", show);
  palette.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && list.children.length) {
      event.preventDefault();
      mark((at + step + list.children.length) % list.children.length);
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      if (list.children[at]) choose(list.children[at].entry);
    }
  });
  const button = document.querySelector("[data-palette]");
  if (button) {
    button.hidden = false;
    button.addEventListener("click", openPalette);
  }
}
