"""Drawing with two kinds of measure: across in percent of the plot, down in pixels.

So a chart fills its card at any width while its text keeps its size, without script and without a second drawing.
Curves live in a frame of 1000 units that stretches (`stretch`); everything else is placed by percentage.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from markupsafe import Markup

from gnomon.engine.charts.model import Chart, Table
from gnomon.engine.charts.words import words
from gnomon.kit import i18n

UNITS = 1000
"""Width of the stretching frame; a curve keeps a tenth of a permille."""
TEXT_PX = 12
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def node(parent: Element | None, tag: str, text: str = "", *, css: str = "", **attrs: Any) -> Element:
    """A child of `parent`; floats are cut to a hundredth, underscores in names become hyphens."""
    named = {_name(key): f"{value:.2f}" if isinstance(value, float) else str(value) for key, value in attrs.items()}
    if css:
        named["class"] = css
    named = {key: printable(value) for key, value in named.items()}
    made = Element(tag, named) if parent is None else SubElement(parent, tag, named)
    made.text = printable(text) or None
    return made


def printable(value: str) -> str:
    """Without what XML 1.0 cannot hold (control characters, lone surrogates): no name may break the drawing."""
    return _UNPRINTABLE.sub("�", value)


def _name(key: str) -> str:
    return key if key in ("viewBox", "preserveAspectRatio") else key.replace("_", "-")


def markup(svg: Element) -> Markup:
    """The drawing as text that a page may embed: the serialiser has escaped what came from outside."""
    return Markup(tostring(svg, encoding="unicode", short_empty_elements=False))  # noqa: S704


def root(kind: str, label: str, height: int, *, left: int = 0, right: int = 0) -> Element:
    """An empty drawing; the margins are rounded up to 8 px because the style sheet knows one class for each step."""
    left, right = (min(math.ceil(margin / 8) * 8, 160) for margin in (left, right))
    return node(
        None,
        "svg",
        css=f"chart {kind} l{left} r{right}",
        xmlns="http://www.w3.org/2000/svg",
        height=height,
        role="img",
        aria_label=label,
    )


def at(share: float) -> str:
    """A position across the plot as a percentage."""
    return f"{share * 100:.3f}".rstrip("0").rstrip(".") + "%"


def text(parent: Element, content: str, x: str | float, y: float, *, css: str = "t2", **attrs: Any) -> Element:
    """A label of 12 px with its baseline at `y`."""
    return node(parent, "text", content, css=css, x=x, y=float(y), font_size=TEXT_PX, **attrs)


def level(parent: Element, css: str, y: float, **attrs: Any) -> Element:
    """A horizontal line over the whole plot."""
    return node(parent, "line", css=css, x1="0%", x2="100%", y1=float(y), y2=float(y), **attrs)


def upright(parent: Element, css: str, share: float, y1: float, y2: float, **attrs: Any) -> Element:
    """A vertical line at a share of the width."""
    return node(parent, "line", css=css, x1=at(share), x2=at(share), y1=float(y1), y2=float(y2), **attrs)


def stretch(parent: Element, height: int) -> Element:
    """The frame that stretches with the plot: 1000 units across, pixels down."""
    return node(
        parent,
        "svg",
        css="stretch",
        x="0%",
        y=0,
        width="100%",
        height=height,
        viewBox=f"0 0 {UNITS} {height}",
        preserveAspectRatio="none",
    )


def polyline(parent: Element, css: str, points: Sequence[tuple[float, float]], **attrs: Any) -> Element:
    """A curve in the stretching frame: points as (share of the width, pixels down)."""
    drawn = " ".join(f"{x * UNITS:.1f},{y:.1f}" for x, y in points)
    look: dict[str, Any] = {"stroke_width": 2, "stroke_linejoin": "round"} | attrs
    return node(parent, "polyline", css=css, points=drawn, fill="none", vector_effect="non-scaling-stroke", **look)


def width_of(label: str) -> int:
    """The width of a label of 12 px, a little generous: 12 px for a Chinese character, 7 for a Latin one."""
    return sum(TEXT_PX if ord(char) > 0x2E80 else 7 for char in label)


def shorten(label: str, limit: int) -> str:
    """`label`, cut with an ellipsis to `limit` pixels."""
    if width_of(label) <= limit:
        return label
    while label and width_of(label) + TEXT_PX > limit:
        label = label[:-1]
    return label.rstrip() + "…"


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear axis; its ticks are the multiples of `step` that lie on it."""

    low: float
    high: float
    step: float

    def share(self, value: float) -> float:
        return (value - self.low) / (self.high - self.low)

    def y(self, value: float, top: float, bottom: float) -> float:
        return bottom - self.share(value) * (bottom - top)

    @property
    def ticks(self) -> list[float]:
        first = math.ceil(self.low / self.step - 1e-6)
        last = math.floor(self.high / self.step + 1e-6)
        return [i * self.step for i in range(first, last + 1)]

    @property
    def digits(self) -> int:
        """Decimals that tell two ticks apart."""
        return max(0, -math.floor(math.log10(self.step) + 1e-9)) + (1 if _is_quarter(self.step) else 0)


def _is_quarter(step: float) -> bool:
    mantissa = step / 10 ** math.floor(math.log10(step) + 1e-9)
    return math.isclose(mantissa, 2.5) and step < 10


def scale(low: float, high: float, *, count: int = 4, fixed: bool = False) -> Scale:
    """An axis over [low, high] with about `count` steps of 1, 2, 2.5 or 5; `fixed` keeps the ends as given."""
    if not (math.isfinite(low) and math.isfinite(high)):
        low, high = 0.0, 1.0
    # A range that floating point cannot divide into steps is no range: the axis opens around the value.
    if high - low <= 1e-9 * max(abs(low), abs(high), 1e-12):
        room = abs(high) * 0.1 or 1.0
        low, high = (low - room, high + room) if low else (0.0, 1.0)
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= raw * (1 - 1e-9))
    if fixed:
        return Scale(low, high, step)
    return Scale(math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step, step)


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions as near to `wanted` as a distance of `gap` within [low, high] allows; the order stays."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    placed = [0.0] * len(wanted)
    floor = low
    for i in order:
        placed[i] = max(wanted[i], floor)
        floor = placed[i] + gap
    ceiling = high
    for i in reversed(order):
        placed[i] = min(placed[i], ceiling)
        ceiling = placed[i] - gap
    return placed


Write = Callable[[float | None], str]


def writer(locale: str, *, digits: int, percent: bool, signed: bool = False) -> Write:
    """How this chart writes a value: as a number or, for ratios, in percent."""
    if percent:
        return lambda value: i18n.percent(value, locale, digits=digits, signed=signed)
    return lambda value: i18n.number(value, locale, digits=digits, signed=signed)


def axis_writer(axis: Scale, locale: str, *, percent: bool) -> Write:
    """How the ticks are written: no more decimals than tell them apart."""
    digits = max(0, axis.digits - 2) if percent else axis.digits
    return writer(locale, digits=digits, percent=percent)


def nothing(kind: str, label: str, header: tuple[str, ...], *, locale: str, method: str = "") -> Chart:
    """The chart of no data: says so, with a frame that cannot be mistaken for a flat curve."""
    svg = root(kind, label, 96)
    node(svg, "rect", css="track", x="0%", y=0, width="100%", height=96, rx=4)
    text(svg, words(locale).no_data, "50%", 52, text_anchor="middle")
    return Chart(kind, label, markup(svg), Table(header), 0, method)
