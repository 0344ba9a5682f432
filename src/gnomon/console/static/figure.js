// The read-out of a chart: the row of its table under the pointer or under the arrow keys. Numbers come from the table.
const SVG = "http://www.w3.org/2000/svg";

function parts(figure) {
  const svg = figure.querySelector("[data-plot] svg");
  const rows = [...figure.querySelectorAll("[data-values] tbody tr")];
  const names = [...figure.querySelectorAll("[data-values] thead th")].map((th) => th.textContent);
  const across = (svg?.dataset.x ?? "").split(" ").filter(Boolean).map(Number);
  const down = (svg?.dataset.y ?? "").split(" ").filter(Boolean).map(Number);
  return { svg, rows, names, across, down };
}

function show(figure, wanted) {
  const { svg, rows, names, across, down } = parts(figure);
  if (!rows.length) return;
  const at = Math.max(0, Math.min(rows.length - 1, wanted));
  figure.dataset.at = at;
  const cells = [...rows[at].children].map((cell) => cell.textContent);
  const said = cells.map((value, i) => {
    const part = document.createElement("span");
    part.append(i ? `${names[i]} ` : "", Object.assign(document.createElement("b"), { textContent: value }));
    return part;
  });
  const readout = figure.querySelector("[data-readout]");
  readout.replaceChildren(...said);
  readout.classList.remove("hint");
  cursor(svg, across[at], down[at]);
}

function cursor(svg, x, y) {
  svg.querySelector(".cursor, .row-cursor")?.remove();
  if (x !== undefined) {
    const line = document.createElementNS(SVG, "line");
    for (const [name, value] of Object.entries({ class: "cursor", x1: `${x}%`, x2: `${x}%`, y1: 14, y2: svg.dataset.base })) line.setAttribute(name, value);
    svg.append(line);
  } else if (y !== undefined) {
    const bar = document.createElementNS(SVG, "rect");
    for (const [name, value] of Object.entries({ class: "row-cursor", x: -8, y: y - 14, width: 3, height: 28 })) bar.setAttribute(name, value);
    svg.append(bar);
  }
}

function hide(figure) {
  const readout = figure.querySelector("[data-readout]");
  if (!readout) return;
  readout.textContent = readout.dataset.hint;
  readout.classList.add("hint");
  delete figure.dataset.at;
  figure.querySelector(".cursor, .row-cursor")?.remove();
}

function nearest(values, wanted) {
  return values.reduce((best, value, i) => (Math.abs(value - wanted) < Math.abs(values[best] - wanted) ? i : best), 0);
}

function point(figure, event) {
  const { svg, across, down } = parts(figure);
  if (!svg) return;
  const box = svg.getBoundingClientRect();
  if (across.length) {
    const style = getComputedStyle(svg);
    const left = parseFloat(style.paddingLeft);
    const width = box.width - left - parseFloat(style.paddingRight);
    show(figure, nearest(across, ((event.clientX - box.left - left) / width) * 100));
  } else if (down.length) show(figure, nearest(down, event.clientY - box.top));
}

const keys = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };

export function hydrate(root) {
  for (const figure of root.querySelectorAll("[data-figure]")) {
    const plot = figure.querySelector("[data-plot]");
    if (!figure.querySelector("[data-readout]") || figure.dataset.ready) continue;
    figure.dataset.ready = "1";
    hide(figure);
    plot.addEventListener("pointermove", (event) => point(figure, event));
    plot.addEventListener("pointerleave", () => plot === document.activeElement || hide(figure));
    plot.addEventListener("blur", () => hide(figure));
    plot.addEventListener("keydown", (event) => {
      if (event.key === "Escape") return hide(figure);
      const step = keys[event.key];
      if (step === undefined) return;
      event.preventDefault();
      const at = figure.dataset.at;
      show(figure, at === undefined ? (step > 0 ? 0 : Infinity) : Number(at) + step);
    });
  }
}
