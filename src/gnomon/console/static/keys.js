// Keyboard shortcuts. Single keys rest while someone types and can be switched off in the sheet.
import { open } from "./dialogs.js";
import { openPalette } from "./palette.js";

let waitingForPage = 0; // when G was pressed

const rows = () => [...document.querySelectorAll("table[data-rows] tbody tr")];
const current = () => document.querySelector("tr[data-current]");

function move(step) {
  const all = rows();
  if (!all.length) return;
  const next = all[Math.max(0, Math.min(all.length - 1, all.indexOf(current()) + step))];
  current()?.removeAttribute("data-current");
  next.setAttribute("data-current", "");
  next.scrollIntoView({ block: "nearest" });
  next.querySelector("a")?.focus({ preventScroll: true });
}

const single = {
  "/": () => document.querySelector("[data-filter]")?.focus(),
  "?": () => open(document.getElementById("sheet")),
  c: () => document.querySelector("[data-create]")?.click(),
  e: () => document.querySelector("[data-export]")?.click(),
  p: () => document.querySelector("[data-live-toggle]:not([hidden])")?.click(),
  j: () => move(1),
  k: () => move(-1),
  x: () => current()?.querySelector("input[type=checkbox]")?.click(),
  Enter: () => (document.activeElement === document.body ? current()?.querySelector("a")?.click() : "pass"),
};

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openPalette();
    return;
  }
  const off = document.documentElement.dataset.keys === "off";
  const typing = event.target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable], dialog[open]");
  if (off || typing || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (Date.now() - waitingForPage < 1200) {
    waitingForPage = 0;
    const link = document.querySelector(`[data-go="${CSS.escape(key.toUpperCase())}"]`);
    if (link) {
      event.preventDefault();
      link.click();
      return;
    }
  }
  if (key === "g") {
    waitingForPage = Date.now();
    return;
  }
  const act = single[key];
  if (act && act() !== "pass") event.preventDefault();
});
