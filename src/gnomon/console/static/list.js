// Lists: filters, sort and pages replace only the list; the address follows, so back and forward work.
let running;
let typing;

async function swap(id, url, push = true) {
  const old = document.getElementById(id);
  if (!old) return location.assign(url);
  running?.abort();
  running = new AbortController();
  old.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(url, { signal: running.signal, headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(id);
    if (!answer.ok || !fresh) return location.assign(url);
    const focused = focusPath(old);
    old.replaceWith(fresh);
    if (push) history.pushState({ swap: id }, "", url);
    fresh.dispatchEvent(new CustomEvent("part", { bubbles: true }));
    if (focused) fresh.querySelector(focused)?.focus();
  } catch (error) {
    if (error.name !== "AbortError") location.assign(url);
  }
}

// A link that had the focus is found again by what it sorts or which page it opens.
function focusPath(part) {
  const at = document.activeElement;
  if (!part.contains(at)) return "";
  if (at.matches("th .sort")) return `thead th:nth-child(${[...at.closest("tr").children].indexOf(at.closest("th")) + 1}) a`;
  return at.rel ? `a[rel="${at.rel}"]` : "";
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-swap]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || !document.getElementById(link.dataset.swap)) return;
  event.preventDefault();
  swap(link.dataset.swap, link.href);
});

for (const type of ["input", "change", "submit", "compositionend"]) {
  document.addEventListener(type, (event) => {
    const form = event.target.closest?.("form[data-swap]");
    if (!form || event.isComposing || !document.getElementById(form.dataset.swap)) return; // no request for half-typed pinyin
    if (type === "submit") event.preventDefault();
    const filled = [...new FormData(form)].filter(([, value]) => value);
    const query = new URLSearchParams(filled).toString();
    const url = form.getAttribute("action") + (query ? `?${query}` : "");
    clearTimeout(typing);
    typing = setTimeout(() => swap(form.dataset.swap, url), type === "input" || type === "compositionend" ? 250 : 0);
  });
}
addEventListener("popstate", () => document.querySelector("form[data-swap]") && location.reload());

export function hydrate(root) {
  for (const count of root.querySelectorAll("[data-picked]")) {
    const form = count.closest("form");
    const text = count.textContent;
    form.addEventListener("change", () => {
      const picked = form.querySelectorAll("tbody input:checked").length;
      count.textContent = `${text} ${picked}`;
    });
  }
}
