"""Lengths: bars, stacked bars, a histogram, a budget against its limit. Names stand above their bar, so none is cut."""

from collections.abc import Sequence
from itertools import pairwise
from xml.etree.ElementTree import Element

from gnomon.engine.charts import canvas
from gnomon.engine.charts.canvas import at
from gnomon.engine.charts.model import (
    BadChart,
    Bar,
    Chart,
    Key,
    Note,
    Parts,
    Table,
    check_lengths,
    check_series,
    check_tone,
)
from gnomon.engine.charts.words import words

_ROW = 38
_LINE = 16
_NARROW = 320
"""Pixels of the narrowest plot: a card on a telephone."""


def bar(
    label: str,
    bars: Sequence[Bar],
    *,
    locale: str,
    method: str,
    n: int,
    digits: int = 0,
    percent: bool = False,
    high: float | None = None,
    target: float | None = None,
) -> Chart:
    """Bars from zero on one scale; `high` fixes its end. A value that was not measured says so and has no bar."""
    said = words(locale)
    header = (said.item, said.value)
    if not bars:
        return canvas.nothing("bars", label, header, locale=locale, method=method)
    write = canvas.writer(locale, digits=digits, percent=percent)
    known = [one.value for one in bars if one.value is not None]
    if any(value < 0 for value in known):
        raise BadChart("a bar cannot be negative", next_step="use an interval chart for changes")
    axis = canvas.scale(0, max([*known, high or 0, target or 0]), fixed=high is not None)
    height = len(bars) * _ROW + (18 if target is not None else 2)
    svg = canvas.root("bars", label, height)
    for i, one in enumerate(bars):
        check_tone(one.tone)
        y = i * _ROW
        value = said.not_measured if one.value is None else write(one.value)
        _row_head(svg, one.name, f"{one.note}  {value}" if one.note else value, y)
        canvas.node(svg, "rect", css="track", x="0%", y=y + 20, width="100%", height=10, rx=2)
        if one.value is not None:
            css = f"done-{one.tone}" if one.tone else "f1"
            width = at(axis.share(one.value))
            canvas.node(svg, "rect", css=css, x="0%", y=y + 20, width=width, height=10, rx=2)
    if target is not None:
        share = axis.share(target)
        for y in range(0, len(bars) * _ROW, _ROW):  # beside each bar, not through its text
            canvas.upright(svg, "target", share, y + 17, y + 33, stroke_width=2)
        anchor = "end" if share > 0.7 else "start" if share < 0.3 else "middle"
        name = f"{said.target} {write(target)}"
        canvas.text(svg, name, at(share), height - 4, css="target-t", text_anchor=anchor)
    svg.set("data-y", " ".join(str(i * _ROW + 25) for i in range(len(bars))))
    rows = tuple((one.name, said.not_measured if one.value is None else write(one.value)) for one in bars)
    return Chart("bars", label, canvas.markup(svg), Table(header, rows), n, method)


def stacked(
    label: str,
    parts: Sequence[str],
    bars: Sequence[Parts],
    *,
    locale: str,
    method: str,
    n: int | None = None,
    digits: int = 0,
    shares: bool = False,
    paint: Sequence[str] = (),
) -> Chart:
    """Bars of at most five parts; under each bar its parts are written in order. `shares` gives all the same length.

    `paint` are the classes of parts that have a colour of their own (`part-ok`, `plan-warn`), one each.
    """
    said = words(locale)
    check_series(len(parts))
    header = (said.item, *parts, said.total)
    totals = [sum(one.values) for one in bars]
    if not any(totals):
        return canvas.nothing("stacked", label, header, locale=locale, method=method)
    write = canvas.writer(locale, digits=digits, percent=False)
    paints = paint or [f"q{k}" for k in range(1, len(parts) + 1)]
    for one in bars:
        check_lengths(len(parts), **{one.name: len(one.values)})
    written = [
        _lines([f"{name} {write(value)}" for name, value in zip(parts, one.values, strict=True)]) for one in bars
    ]
    row = 42 + _LINE * max(map(len, written), default=1)
    svg = canvas.root("stacked", label, len(bars) * row)
    for i, (one, total) in enumerate(zip(bars, totals, strict=True)):
        if any(value < 0 for value in one.values):
            raise BadChart(f"{one.name} has a negative part", next_step="only counts and amounts can be stacked")
        y = i * row
        _row_head(svg, one.name, write(total), y)
        canvas.node(svg, "rect", css="track", x="0%", y=y + 20, width="100%", height=12, rx=2)
        whole, start = (total if shares else max(totals)) or 1, 0.0
        for k, value in enumerate(one.values, 1):
            width = at(value / whole)
            canvas.node(svg, "rect", css=paints[k - 1], x=at(start / whole), y=y + 20, width=width, height=12)
            start += value
        for at_line, line in enumerate(written[i]):
            canvas.text(svg, line, "0%", y + 47 + at_line * _LINE)
    svg.set("data-y", " ".join(str(i * row + 26) for i in range(len(bars))))
    rows = tuple(
        (one.name, *(write(value) for value in one.values), write(total))
        for one, total in zip(bars, totals, strict=True)
    )
    keys = tuple(Key(i, name, "square", css) for i, (name, css) in enumerate(zip(parts, paints, strict=True), 1))
    counted = round(sum(totals)) if n is None else n
    return Chart("stacked", label, canvas.markup(svg), Table(header, rows), counted, method, keys)


def histogram(
    label: str,
    edges: Sequence[float],
    counts: Sequence[int],
    *,
    locale: str,
    x_label: str,
    method: str,
    notes: Sequence[Note] = (),
    digits: int = 0,
    height: int = 208,
) -> Chart:
    """Counts between ascending `edges` (one more than counts); bars touch, widths are true."""
    said = words(locale)
    header = (said.range_from, said.range_to, said.count)
    if not counts or not any(counts):
        return canvas.nothing("histogram", label, header, locale=locale, method=method)
    check_lengths(len(counts) + 1, edges=len(edges))
    if any(b <= a for a, b in pairwise(edges)):
        raise BadChart("the edges of a histogram must ascend", next_step="sort them and drop equal ones")
    write = canvas.writer(locale, digits=digits, percent=False)
    axis = canvas.scale(0, max(counts))
    tick = canvas.axis_writer(axis, locale, percent=False)
    left = max(canvas.width_of(tick(value)) for value in axis.ticks) + 10
    svg = canvas.root("histogram", label, height, left=left, right=16)
    top, bottom = 14, height - 42
    for value in axis.ticks:
        y = axis.y(value, top, bottom)
        canvas.level(svg, "grid", y)
        canvas.text(svg, tick(value), 0, y + 4, dx=-8, text_anchor="end")
    span = edges[-1] - edges[0]
    shares = [(edge - edges[0]) / span for edge in edges]
    for i, count in enumerate(counts):
        y = axis.y(count, top, bottom)
        width = at(shares[i + 1] - shares[i])
        canvas.node(svg, "rect", css="q1", x=at(shares[i]), y=y, width=width, height=bottom - y)
    _edge_labels(svg, edges, shares, [write(edge) for edge in edges], bottom)
    canvas.text(svg, x_label, "100%", bottom + 36, text_anchor="end")
    for i, note in enumerate(notes):
        share = (note.at - edges[0]) / span
        if 0 <= share <= 1:
            canvas.upright(svg, "mark", share, top, bottom, stroke_width=1.5, stroke_dasharray="2 3")
            anchor, dx = ("end", -5) if share > 0.6 else ("start", 5)
            canvas.text(svg, note.name, at(share), top + 12 + i * 16, css="t halo", dx=dx, text_anchor=anchor)
    svg.set("data-x", " ".join(f"{(a + b) * 50:.1f}" for a, b in pairwise(shares)))
    svg.set("data-base", str(bottom))
    plain = canvas.writer(locale, digits=0, percent=False)
    rows = tuple((write(edges[i]), write(edges[i + 1]), plain(count)) for i, count in enumerate(counts))
    return Chart("histogram", label, canvas.markup(svg), Table(header, rows), sum(counts), method)


def budget(
    label: str,
    used: float | None,
    limit: float,
    *,
    locale: str,
    unit: str = "",
    digits: int = 0,
    expected: float | None = None,
) -> Chart:
    """Used against limit, with what is left or over in words; `expected` marks where an even pace would stand."""
    said = words(locale)
    header = (said.used, said.limit, said.left)
    if used is None:
        return canvas.nothing("budget", label, header, locale=locale)
    if limit <= 0:
        raise BadChart(f"a budget needs a limit above zero, got {limit}", next_step="set the limit first")
    write = canvas.writer(locale, digits=digits, percent=False)
    tail = f" {unit}" if unit else ""
    over = used > limit
    axis = canvas.scale(0, max(used, limit), fixed=True)
    svg = canvas.root("budget", label, 62 if expected is not None else 48)
    rest = f"{said.over if over else said.left} {write(abs(limit - used))}{tail}"
    _row_head(svg, f"{said.used} {write(used)} / {write(limit)}{tail}", rest, 0, tone="bad" if over else "")
    canvas.node(svg, "rect", css="track", x="0%", y=22, width=at(axis.share(limit)), height=14, rx=2)
    tone = "bad" if over else "warn" if expected is not None and used > expected else "info"
    canvas.node(svg, "rect", css=f"done-{tone}", x="0%", y=22, width=at(axis.share(used)), height=14, rx=2)
    canvas.upright(svg, "mark", axis.share(limit), 18, 40, stroke_width=2)
    if expected is not None:
        share = axis.share(min(expected, axis.high))
        canvas.upright(svg, "target", share, 18, 44, stroke_width=1.5)
        anchor = "end" if share > 0.7 else "start" if share < 0.3 else "middle"
        canvas.text(svg, f"{said.expected} {write(expected)}", at(share), 57, css="target-t", text_anchor=anchor)
    row = (write(used), write(limit), write(limit - used))
    return Chart("budget", label, canvas.markup(svg), Table(header, (row,)))


def _row_head(svg: Element, name: str, value: str, y: float, *, tone: str = "") -> None:
    """The name at the left, the value at the right, over the bar that follows."""
    canvas.text(svg, name, "0%", y + 14, css="t")
    canvas.text(svg, value, "100%", y + 14, css=f"t-{tone}" if tone else "t", text_anchor="end", font_weight=600)


def _lines(words: Sequence[str]) -> list[str]:
    """The parts in order, in as few lines as fit the narrowest plot."""
    lines: list[str] = []
    for word in words:
        longer = f"{lines[-1]} · {word}" if lines else ""
        if lines and canvas.width_of(longer) <= _NARROW:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _edge_labels(
    svg: Element, edges: Sequence[float], shares: Sequence[float], names: Sequence[str], bottom: float
) -> None:
    """As many edges as fit are labelled, evenly; every second one gives way when the card is narrow."""
    every = max(1, -(-(len(edges) - 1) // 8))
    for number, i in enumerate(range(0, len(edges), every)):
        canvas.upright(svg, "axis", shares[i], bottom, bottom + 4)
        css = "t2" if number % 2 == 0 else "t2 spare"
        canvas.text(svg, names[i], at(shares[i]), bottom + 18, css=css, text_anchor="middle")
