"""The same drawing without a page around it: fixed width, colours and fonts inside, for PDF, Word and a download."""

from collections.abc import Iterator
from functools import lru_cache
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring

import resvg_py

from gnomon.engine.charts.canvas import UNITS, printable, width_of
from gnomon.engine.charts.model import Chart
from gnomon.engine.charts.palette import DASHES, FONT, PAINT, TOKENS, Theme

_SVG = "{http://www.w3.org/2000/svg}"
_ACROSS = ("x", "x1", "x2", "cx", "width")
_CJK = "Noto Sans CJK SC"
_PAD = 6
"""Pixels left free at both sides, so that no stroke is cut at the edge of the picture."""


def standalone(drawing: Chart | str, theme: Theme = "light", *, width: int = 720) -> str:
    """The drawing as an SVG of `width` px that needs no style sheet. A Chart also gets its legend, n and method."""
    chart = drawing if isinstance(drawing, Chart) else None
    # Safe to parse: it is our own serialiser's output, no entities, no document type.
    svg = fromstring(str(chart.svg if chart else drawing))  # noqa: S314
    left, right = _margins(svg)
    tokens = TOKENS[theme]
    head = 22 if chart and len(chart.keys) > 1 else 0
    caption = _caption(chart)
    height = float(svg.get("height", "0"))
    whole = height + head + (20 if caption else 0)
    out = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "width": str(width),
            "height": f"{whole:g}",
            "viewBox": f"0 0 {width} {whole:g}",
            "role": "img",
            "aria-label": svg.get("aria-label", ""),
            "font-family": FONT,
            "font-size": "12",
        },
    )
    SubElement(out, "rect", {"width": str(width), "height": f"{whole:g}", "fill": tokens["card"]})
    if chart and head:
        _legend(out, chart, tokens)
    body = SubElement(out, "g", {"transform": f"translate({left + _PAD:g} {head})"})
    for child in svg:
        body.append(_fixed(child, width - left - right - 2 * _PAD, tokens))
    if caption:
        text = SubElement(
            out, "text", {"x": f"{_PAD}", "y": f"{whole - 5:g}", "fill": tokens["ink-2"], "font-size": "12"}
        )
        text.text = printable(caption)
    return tostring(out, encoding="unicode")


def png(drawing: Chart | str, width: int = 720, *, theme: Theme = "light", density: float = 2) -> bytes:
    """The drawing as PNG of `width * density` pixels; Chinese by the system's CJK font."""
    return _painted(standalone(drawing, theme, width=width), density, TOKENS[theme]["card"])


@lru_cache(maxsize=64)  # a paper shows the same drawing in its Word file and in its PDF; painting takes 20 ms
def _painted(svg: str, density: float, background: str) -> bytes:
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg, zoom=density, font_family=_CJK, sans_serif_family=_CJK, background=background
        )
    )


def _margins(svg: Element) -> tuple[float, float]:
    names = svg.get("class", "").split()
    left = next((float(name[1:]) for name in names if name[0] == "l" and name[1:].isdigit()), 0.0)
    right = next((float(name[1:]) for name in names if name[0] == "r" and name[1:].isdigit()), 0.0)
    return left, right


def _fixed(element: Element, width: float, tokens: dict[str, str]) -> Element:
    """A copy with percentages as pixels, nested frames as groups, classes as colours."""
    tag = element.tag.removeprefix(_SVG)
    attributes = dict(element.attrib)
    names = attributes.pop("class", "").split()
    for key in _ACROSS:
        if attributes.get(key, "").endswith("%"):
            attributes[key] = f"{float(attributes[key][:-1]) / 100 * width:.2f}"
    attributes.pop("vector-effect", None)
    for name in names:
        attributes |= {key: tokens[token] for key, token in PAINT.get(name, {}).items()}
    if "halo" in names:
        attributes |= {"stroke": tokens["card"], "stroke-width": "3", "paint-order": "stroke"}
    if tag == "svg":
        place = f"translate({attributes.get('x', 0)} {attributes.get('y', 0)})" if "at" in names else ""
        out = Element("g", {"transform": place} if place else {})
    else:
        out = Element(tag, attributes)
    out.text, out.tail = element.text, element.tail
    for child in element:
        made = _fixed(child, width, tokens)
        if "stretch" in names:
            made.set("points", " ".join(_pixels(made.get("points", ""), width)))
        out.append(made)
    return out


def _pixels(points: str, width: float) -> Iterator[str]:
    for point in points.split():
        x, y = point.split(",")
        yield f"{float(x) / UNITS * width:.2f},{y}"


def _caption(chart: Chart | None) -> str:
    if chart is None:
        return ""
    parts = [f"n = {chart.n:,}"] if chart.n is not None else []
    return " · ".join([*parts, *([chart.method] if chart.method else [])])


def _legend(out: Element, chart: Chart, tokens: dict[str, str]) -> None:
    """Swatch and name of each series in one line over the drawing."""
    x = float(_PAD)
    for key in chart.keys:
        colour = tokens[PAINT[key.css]["fill"] if key.css else f"s{key.number}"]
        if key.mark != "square" or chart.kind == "forest":
            line = {"x1": f"{x}", "x2": f"{x + 22}", "y1": "8", "y2": "8", "stroke": colour, "stroke-width": "2"}
            if DASHES[key.number - 1]:
                line["stroke-dasharray"] = DASHES[key.number - 1]
            SubElement(out, "line", line)
        if key.mark == "square":
            SubElement(out, "rect", {"x": f"{x + 7}", "y": "4", "width": "9", "height": "9", "fill": colour})
        if key.mark == "disc":
            SubElement(out, "circle", {"cx": f"{x + 11}", "cy": "8", "r": "4.5", "fill": colour})
        text = SubElement(out, "text", {"x": f"{x + 28}", "y": "12", "fill": tokens["ink"], "font-size": "12"})
        text.text = printable(key.name)
        x += 28 + width_of(key.name) + 18
