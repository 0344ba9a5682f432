// The playground: the result comes without leaving the page, a file may be dropped, what came out may be copied.
const form = document.querySelector("[data-tryout]");
let running;

async function show(button) {
  running?.abort();
  running = new AbortController();
  const old = document.getElementById(form.dataset.tryout);
  old.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form, button), signal: running.signal, headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(old.id) ?? page.querySelector("main .card");
    fresh.id = old.id;
    fresh.tabIndex = -1;
    old.replaceWith(fresh);
    fresh.dispatchEvent(new CustomEvent("part", { bubbles: true }));
    ready(fresh);
    fresh.focus({ preventScroll: true });
    fresh.scrollIntoView({ block: "nearest" });
  } catch (error) {
    old.removeAttribute("aria-busy");
    if (error.name !== "AbortError") form.submit();
  }
}

function ready(root) {
  for (const button of root.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
}

async function copy(button) {
  const from = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(from.textContent);
    button.textContent = button.dataset.done;
  } catch { // no clipboard without HTTPS: the text is selected, Ctrl+C does the rest
    getSelection().selectAllChildren(from);
    from.focus();
  }
}

// At the form, so that the rule «a form of changes is sent once» never sees it: this one changes nothing.
form?.addEventListener("submit", (event) => {
  event.stopPropagation();
  if (event.submitter?.value === "file") return; // a download leaves the page as it is
  event.preventDefault();
  show(event.submitter);
});
form?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  form.requestSubmit(form.querySelector("button.primary"));
});
for (const type of ["dragover", "dragleave", "drop"]) {
  form?.addEventListener(type, (event) => {
    const files = event.dataTransfer?.types.includes("Files");
    if (!files) return;
    event.preventDefault();
    form.classList.toggle("over", type === "dragover");
    if (type !== "drop") return;
    form.querySelector("input[type=file]").files = event.dataTransfer.files;
    form.requestSubmit(form.querySelector("button.primary"));
  });
}
ready(document);
