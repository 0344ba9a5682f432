// What every page loads. Pages work without it; it only makes them quicker to use.
import { hydrate as dialogs } from "./dialogs.js";
import "./keys.js";
import "./palette.js";
import { hydrate as figures } from "./figure.js";
import { hydrate as lists } from "./list.js";
import { hydrate as live } from "./live.js";

document.documentElement.dataset.js = "1";

// Parts that arrive later (a list that was filtered, live data) announce themselves with a `part` event.
function hydrate(root) {
  for (const one of [dialogs, figures, lists, live]) one(root);
}
document.addEventListener("part", (event) => hydrate(event.target));
hydrate(document);
document.querySelector("[data-focus]")?.focus();
