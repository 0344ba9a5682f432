// Native dialogs, the drawer, menus, notices, and forms that are sent once.
let opener; // where the focus returns to

export function open(dialog, from) {
  if (dialog.open) return;
  opener = from ?? document.activeElement;
  dialog.showModal();
  const first = dialog.querySelector("input:not([type=hidden]), textarea, select");
  first?.focus();
}

document.addEventListener("close", (event) => {
  if (event.target.matches("dialog") && opener?.isConnected) opener.focus();
}, true);

function drawer(show) {
  const nav = document.getElementById("nav");
  const button = document.querySelector("[data-drawer]");
  nav.toggleAttribute("data-open", show);
  button.setAttribute("aria-expanded", String(show));
  if (show) nav.querySelector("a")?.focus();
  else button.focus();
}

document.addEventListener("click", (event) => {
  const el = event.target.closest("[data-dialog], [data-close], [data-drawer], [data-drawer-close], [data-dismiss], [aria-disabled=true]");
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  const nav = document.getElementById("nav");
  if (nav?.hasAttribute("data-open") && !nav.contains(event.target) && !el?.matches("[data-drawer]")) drawer(false);
  if (event.target.matches("dialog")) closeOnBackdrop(event);
  if (!el) return;
  if (el.dataset.dismiss !== undefined) return el.closest(".toast").remove();
  event.preventDefault();
  if (el.dataset.dialog) open(document.getElementById(el.dataset.dialog), el);
  else if (el.dataset.close !== undefined) el.closest("dialog").close();
  else if (el.dataset.drawer !== undefined) drawer(!nav.hasAttribute("data-open"));
  else if (el.dataset.drawerClose !== undefined) drawer(false);
});

function closeOnBackdrop(event) {
  const box = event.target.getBoundingClientRect();
  const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
  if (!inside && !event.target.querySelector("form[method=post]")) event.target.close(); // typed text is not thrown away
}

document.addEventListener("keydown", (event) => {
  if (event.key === " " && event.target.matches?.("a[role=button]")) {
    event.preventDefault();
    event.target.click();
  }
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  } else if (document.getElementById("nav")?.hasAttribute("data-open")) drawer(false);
});

// A form of changes is sent once, however often its button is pressed; coming back by history frees it again.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "1";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

export function hydrate(root) {
  for (const button of root.querySelectorAll("[data-dismiss]")) button.hidden = false;
  const waiting = root.querySelector("dialog[data-open-now]"); // the server refused what was typed
  if (waiting) open(waiting, document.querySelector(`[data-dialog="${CSS.escape(waiting.id)}"]`));
  for (const field of root.querySelectorAll("[data-exact]")) {
    const button = field.form.querySelector("button:not([type=button])");
    const judge = () => (button.disabled = field.value !== field.dataset.exact);
    field.addEventListener("input", judge);
    judge();
  }
}
