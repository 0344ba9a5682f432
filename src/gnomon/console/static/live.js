// Live parts: fetched again every few seconds, paused with P, «已过期» after three missed ticks. The page does not jump.
const MISSES = 3;

class Live {
  constructor(part) {
    this.part = part;
    this.missed = 0;
    this.paused = false;
    this.every = Number(part.dataset.every) * 1000;
    part.addEventListener("click", (event) => event.target.closest("[data-live-toggle]") && this.toggle());
    document.addEventListener("visibilitychange", () => document.hidden || this.tick());
    this.label();
    this.timer = setInterval(() => this.tick(), this.every);
  }

  async tick() {
    if (!this.part.isConnected) return clearInterval(this.timer);
    if (this.paused || document.hidden || this.running) return;
    // Someone reads a value or has a table open: hold the picture still, and say so.
    this.held = Boolean(this.part.querySelector("[data-at], details[open], input:focus"));
    if (this.held) return this.label();
    this.running = true;
    try {
      const answer = await fetch(this.part.dataset.live, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(this.every) });
      if (!answer.ok) throw new Error(String(answer.status));
      this.replace(await answer.text());
      this.missed = 0;
    } catch {
      this.missed += 1;
    } finally {
      this.running = false;
    }
    this.label();
  }

  replace(text) {
    const fresh = new DOMParser().parseFromString(text, "text/html").body;
    const focused = [...this.part.querySelectorAll("a, button, [tabindex]")].indexOf(document.activeElement);
    this.part.replaceChildren(...fresh.childNodes);
    this.part.dispatchEvent(new CustomEvent("part", { bubbles: true }));
    if (focused >= 0) this.part.querySelectorAll("a, button, [tabindex]")[focused]?.focus({ preventScroll: true });
  }

  toggle() {
    this.paused = !this.paused;
    this.label();
    if (!this.paused) this.tick();
  }

  label() {
    const said = this.part.dataset;
    const [tone, mark, text] = this.paused || this.held ? ["idle", "–", said.paused] : this.missed >= MISSES ? ["bad", "■", said.stale] : ["ok", "✓", said.fresh];
    this.part.dataset.state = tone;
    for (const badge of this.part.querySelectorAll("[data-live-state]")) {
      if (badge.className === `badge ${tone}` && badge.lastChild.textContent === text) continue;
      badge.className = `badge ${tone}`;
      const sign = Object.assign(document.createElement("span"), { textContent: mark });
      sign.setAttribute("aria-hidden", "true");
      badge.replaceChildren(sign, text);
    }
    for (const button of this.part.querySelectorAll("[data-live-toggle]")) {
      button.hidden = false;
      button.textContent = this.paused ? said.resume : said.pause;
    }
  }
}

export function hydrate(root) {
  for (const part of root.querySelectorAll?.("[data-live]") ?? []) {
    if (part.live) continue;
    part.live = new Live(part);
  }
}
