// The command palette: the actions of this page, the pages of the side bar, and records by number or name.
import { open } from "./dialogs.js";

const palette = document.getElementById("palette");
const field = palette?.querySelector("input");
const list = palette?.querySelector("ul");
let at = 0;
let records = []; // what the search page found for what is typed
let asking;
let waiting;

function entries() {
  const pages = [...document.querySelectorAll("#nav li a")].map((a) => ({ label: a.textContent.trim(), kind: palette.dataset.page, go: () => location.assign(a.href) }));
  const actions = [...document.querySelectorAll("main [data-dialog], main [data-create]")]
    .map((el) => ({ label: el.textContent.trim(), kind: palette.dataset.action, go: () => el.click() }));
  return [...actions, ...pages, ...records];
}

// Asked once the typing rests; what is found stands behind pages and actions, so that nothing moves under the arrow.
function ask() {
  clearTimeout(waiting);
  asking?.abort();
  const text = field.value.trim();
  records = [];
  if (text.length < 2) return;
  waiting = setTimeout(async () => {
    asking = new AbortController();
    try {
      const answer = await fetch(`/search?${new URLSearchParams({ q: text })}`, { signal: asking.signal, headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected) return; // signed out: pages and actions are found all the same
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      records = [...page.querySelectorAll("a[data-hit]")].map((a) => ({
        label: `${a.closest("li").querySelector(".code").textContent} ${a.textContent}`,
        kind: a.dataset.hit,
        go: () => location.assign(a.getAttribute("href")),
      }));
      show(at);
    } catch (error) {
      if (error.name !== "AbortError") records = [];
    }
  }, 200);
}

function show(chosen = 0) {
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
  mark(Math.min(chosen, Math.max(hits.length - 1, 0)));
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
  records = [];
  open(palette);
  show();
}

if (palette) {
  const typed = () => {
    ask();
    show();
  };
  field.addEventListener("input", (event) => event.isComposing || typed());
  field.addEventListener("compositionend", typed);
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
