"""A forest chart: for each metric or slice the value before and after, each with its interval."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from gnomon.engine.charts import canvas
from gnomon.engine.charts.canvas import Scale, Write, at
from gnomon.engine.charts.model import BadChart, Chart, Estimate, Interval, Key, Table, check_tone
from gnomon.engine.charts.palette import DASHES, MARKS
from gnomon.engine.charts.words import Words, words

_ROW, _FOOT = 52, 40


def interval(
    label: str,
    rows: Sequence[Interval],
    *,
    locale: str,
    method: str,
    n: int,
    digits: int = 1,
    percent: bool = False,
    low: float | None = None,
    high: float | None = None,
    target: float | None = None,
    target_name: str = "",
) -> Chart:
    """Intervals on one scale: 整改前 is series 2, dashed with a square, 整改后 series 1, solid with a disc."""
    said = words(locale)
    has_before = any(row.before for row in rows)
    header = _header(said, has_before)
    known = [one for row in rows for one in (row.before, row.after) if one]
    if not known:
        return canvas.nothing("forest", label, header, locale=locale, method=method)
    for one in known:
        _check(one)
    ends = [value for one in known for value in (one.low, one.high)] + ([] if target is None else [target])
    axis = canvas.scale(
        min(ends) if low is None else min(low, *ends), max(ends) if high is None else max(high, *ends), count=6
    )
    write = canvas.writer(locale, digits=digits, percent=percent)
    height = len(rows) * _ROW + _FOOT
    svg = canvas.root("forest", label, height, left=8, right=8)
    bottom = len(rows) * _ROW
    _axis(svg, axis, bottom, canvas.axis_writer(axis, locale, percent=percent))
    if target is not None:
        _target(svg, f"{target_name or said.target} {write(target)}", axis.share(target), len(rows))
    for i, row in enumerate(rows):
        _row(svg, row, i * _ROW, axis, write, said)
    svg.set("data-y", " ".join(str(i * _ROW + 32) for i in range(len(rows))))
    keys = (Key(2, said.before, "square"), Key(1, said.after, "disc")) if has_before else ()
    table = Table(header, tuple(_table_row(row, write, has_before) for row in rows))
    return Chart("forest", label, canvas.markup(svg), table, n, method, keys)


def _header(said: Words, has_before: bool) -> tuple[str, ...]:
    def three(name: str) -> tuple[str, str, str]:
        return f"{name}", f"{name} {said.low}", f"{name} {said.high}"

    if not has_before:
        return (said.item, said.value, said.low, said.high)
    return (said.item, *three(said.before), *three(said.after))


def _table_row(row: Interval, write: Write, has_before: bool) -> tuple[str, ...]:
    def three(one: Estimate | None) -> tuple[str, str, str]:
        return (write(one.value), write(one.low), write(one.high)) if one else (write(None),) * 3

    return (row.name, *(three(row.before) if has_before else ()), *three(row.after))


def _check(one: Estimate) -> None:
    if not one.low <= one.value <= one.high:
        raise BadChart(
            f"the interval [{one.low}, {one.high}] does not hold its value {one.value}",
            next_step="check the order: value, low, high",
        )


def _axis(svg: Element, axis: Scale, bottom: float, tick: Write) -> None:
    ticks = axis.ticks
    for number, value in enumerate(ticks):
        share = axis.share(value)
        canvas.upright(svg, "grid", share, 18, bottom)
        anchor = "start" if number == 0 else "end" if number == len(ticks) - 1 else "middle"
        canvas.text(svg, tick(value), at(share), bottom + 16, text_anchor=anchor)


def _target(svg: Element, name: str, share: float, rows: int) -> None:
    """The target beside each row's intervals, not through its text, and its name under the axis."""
    for i in range(rows):
        canvas.upright(svg, "target", share, i * _ROW + 19, i * _ROW + 47, stroke_width=1.5, stroke_dasharray="5 4")
    bottom = rows * _ROW
    anchor = "end" if share > 0.75 else "start" if share < 0.25 else "middle"
    canvas.text(svg, name, at(share), bottom + 34, css="target-t", text_anchor=anchor)


def _row(svg: Element, row: Interval, y: float, axis: Scale, write: Write, said: Words) -> None:
    check_tone(row.tone)
    canvas.text(svg, row.name, "0%", y + 14, css="t halo")
    shown = write(row.after.value) if row.after else said.not_measured
    if row.before:
        shown = f"{write(row.before.value)} → {shown}"
    made = canvas.text(svg, shown, "100%", y + 14, css="t halo", text_anchor="end", font_weight=600)
    if row.note:
        canvas.node(made, "tspan", f"\u2002{MARKS[row.tone]} {row.note}", css=f"t-{row.tone}")
    if row.before:
        _estimate(svg, row.before, 2, y + 27, axis)
        mid = axis.share(row.before.value)
        inner = canvas.node(svg, "svg", x=at(mid), y=float(y + 27), css="at", overflow="visible", width=1, height=1)
        canvas.node(inner, "rect", css="q2", x=-4.5, y=-4.5, width=9, height=9)
    if row.after:
        _estimate(svg, row.after, 1, y + 39, axis)
        canvas.node(svg, "circle", css="q1", cx=at(axis.share(row.after.value)), cy=float(y + 39), r=5)


def _estimate(svg: Element, one: Estimate, number: int, y: float, axis: Scale) -> None:
    """The line from low to high with its end strokes."""
    dash = {"stroke_dasharray": DASHES[number - 1]} if DASHES[number - 1] else {}
    start, end = axis.share(one.low), axis.share(one.high)
    canvas.node(svg, "line", css=f"k{number}", x1=at(start), x2=at(end), y1=y, y2=y, stroke_width=2, **dash)
    for share in (start, end):
        canvas.upright(svg, f"k{number}", share, y - 4, y + 4, stroke_width=2)
