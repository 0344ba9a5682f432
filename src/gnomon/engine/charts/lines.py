"""Curves: over time with a target, over any x (ROC, KS, calibration, loss), and as a sparkline in a row."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import TypeGuard
from xml.etree.ElementTree import Element

from gnomon.engine.charts import canvas
from gnomon.engine.charts.canvas import Scale, Write
from gnomon.engine.charts.model import XY, BadChart, Chart, Key, Note, Series, Table, check_lengths, check_series
from gnomon.engine.charts.palette import DASHES
from gnomon.engine.charts.words import words
from gnomon.kit import i18n

_STEPS = [
    timedelta(seconds=s) for s in (1, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200)
]
_STEPS += [timedelta(days=d) for d in (1, 2, 7, 14, 28, 91, 182, 364)]
_EPOCH = datetime(2024, 1, 1)  # noqa: DTZ001 - a Monday: ticks of whole weeks fall on Mondays of the local clock
_LABEL_GAP = 15
_TOP = 14


def line(
    label: str,
    times: Sequence[datetime],
    series: Sequence[Series],
    *,
    locale: str,
    zone: tzinfo = UTC,
    method: str,
    n: int | None = None,
    target: float | None = None,
    low: float | None = None,
    high: float | None = None,
    digits: int = 0,
    percent: bool = False,
    notes: Sequence[tuple[datetime, str]] = (),
    height: int = 208,
) -> Chart:
    """Series over aware, ascending `times`; a None is a gap, never bridged. `n` defaults to the points measured."""
    said = words(locale)
    check_series(len(series))
    check_lengths(len(times), **{one.name: len(one.values) for one in series})
    header = (said.time, *(one.name for one in series))
    known = [value for one in series for value in one.values if _is_known(value)]
    if not known:
        return canvas.nothing("line", label, header, locale=locale, method=method)
    axis = _value_axis([*known, *([] if target is None else [target])], low, high)
    write = canvas.writer(locale, digits=digits, percent=percent)
    tick = canvas.axis_writer(axis, locale, percent=percent)
    svg = _frame("line", label, axis, tick, [one.name for one in series], height)
    bottom = height - 24
    shares = _time_shares(times)
    _time_axis(svg, times, shares, bottom, zone)
    for moment, name in notes:
        _note(svg, _share_between(moment, times), name, bottom)
    curves = [
        [(x, axis.y(v, _TOP, bottom)) if _is_known(v) else None for x, v in zip(shares, one.values, strict=True)]
        for one in series
    ]
    _draw(svg, curves, height)
    _ends(svg, [one.name for one in series], curves, bottom)
    if target is not None:
        _target(svg, f"{said.target} {write(target)}", axis.y(target, _TOP, bottom))
    _read_out(svg, shares, bottom)
    within_day = times[-1] - times[0] < timedelta(days=2)
    rows = tuple(
        (_stamp(moment, locale, zone, within_day), *(write(one.values[i]) for one in series))
        for i, moment in enumerate(times)
    )
    keys = tuple(Key(i, one.name) for i, one in enumerate(series, 1))
    return Chart("line", label, canvas.markup(svg), Table(header, rows), len(known) if n is None else n, method, keys)


def curve(
    label: str,
    curves: Sequence[XY],
    *,
    locale: str,
    x_label: str,
    y_label: str,
    method: str,
    n: int,
    digits: int = 3,
    x_digits: int | None = None,
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    diagonal: str = "",
    gap: Note | None = None,
    notes: Sequence[Note] = (),
    height: int = 264,
) -> Chart:
    """Curves over x. `diagonal` names the reference from corner to corner (chance, perfect calibration).

    `gap` marks the distance between the first two curves at an x (KS); `notes` are upright lines (best epoch).
    """
    check_series(len(curves))
    for one in curves:
        check_lengths(len(one.xs), **{one.name: len(one.ys)})
    header = (words(locale).curve, x_label, y_label)
    drawn = [one for one in curves if len(one.xs)]
    if not drawn:
        return canvas.nothing("curve", label, header, locale=locale, method=method)
    across = _any_axis([x for one in drawn for x in one.xs], x_range, tight=True)
    axis = _any_axis([y for one in drawn for y in one.ys], y_range)
    tick = canvas.axis_writer(axis, locale, percent=False)
    svg = _frame("curve", label, axis, tick, [one.name for one in curves], height, foot=42)
    bottom = height - 42
    _x_axis(svg, across, x_label, bottom, locale)
    canvas.text(svg, y_label, "0%", _TOP - 3, dx=4)
    if diagonal:
        frame = canvas.stretch(svg, height)
        canvas.polyline(frame, "axis", [(0, bottom), (1, _TOP)], stroke_width=1, stroke_dasharray="3 4")
        canvas.text(svg, diagonal, "99%", bottom - 6, text_anchor="end")
    for note in notes:
        _note(svg, across.share(note.at), note.name, bottom)
    points: list[list[tuple[float, float] | None]] = [
        [(across.share(x), axis.y(y, _TOP, bottom)) for x, y in zip(one.xs, one.ys, strict=True)] for one in curves
    ]
    _draw(svg, points, height, dots=[one.dots for one in curves])
    _ends(svg, [one.name for one in curves], points, bottom)
    if gap is not None and len(drawn) > 1:
        _gap(svg, drawn, gap, across, axis, bottom)
    _read_out(svg, [across.share(x) for one in curves for x in one.xs], bottom)
    write_x = canvas.writer(locale, digits=digits if x_digits is None else x_digits, percent=False)
    write = canvas.writer(locale, digits=digits, percent=False)
    rows = tuple((one.name, write_x(x), write(y)) for one in curves for x, y in zip(one.xs, one.ys, strict=True))
    keys = tuple(Key(i, one.name, "disc" if one.dots else "line") for i, one in enumerate(curves, 1))
    return Chart("curve", label, canvas.markup(svg), Table(header, rows), n, method, keys)


def sparkline(
    label: str, values: Sequence[float | None], *, locale: str, digits: int = 0, percent: bool = False
) -> Chart:
    """A small curve for a table cell: 24 px high, the last measured value as a disc."""
    said = words(locale)
    known = [value for value in values if _is_known(value)]
    if not known:
        svg = canvas.root("spark", f"{label}: {said.no_data}", 24)
        canvas.text(svg, i18n.NOT_MEASURED, "50%", 16, text_anchor="middle")
        return Chart("spark", label, canvas.markup(svg), Table(("#", said.value)), 0)
    write = canvas.writer(locale, digits=digits, percent=percent)
    low, high = min(known), max(known)
    axis = canvas.scale(low, high, fixed=True)
    svg = canvas.root("spark", f"{label}: {write(known[-1])} ({write(low)} – {write(high)})", 24, left=4, right=4)
    shares = [i / max(1, len(values) - 1) for i in range(len(values))]
    curve_points = [(x, axis.y(v, 4, 20)) if _is_known(v) else None for x, v in zip(shares, values, strict=True)]
    _draw(svg, [curve_points], 24, width=1.5)
    x, y = next(point for point in reversed(curve_points) if point)
    canvas.node(svg, "circle", css="f1", cx=canvas.at(x), cy=y, r=2.5)
    rows = tuple((str(i), write(value)) for i, value in enumerate(values, 1))
    return Chart("spark", label, canvas.markup(svg), Table(("#", said.value), rows), len(known))


# ---------------------------------------------------------------- parts


def _is_known(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def _value_axis(values: Sequence[float], low: float | None, high: float | None) -> Scale:
    """From zero unless `low` says otherwise; what was measured is never cut off."""
    bottom = min(0.0 if low is None else low, *values)
    top = max(values) if high is None else max(high, *values)
    return canvas.scale(bottom, top)


def _any_axis(values: Sequence[float], given: tuple[float, float] | None, *, tight: bool = False) -> Scale:
    if any(not math.isfinite(value) for value in values):
        raise BadChart("a curve has a value that is not a finite number", next_step="leave the point out")
    if given is None:
        return canvas.scale(min(values), max(values), fixed=tight)
    return canvas.scale(min(given[0], *values), max(given[1], *values), fixed=True)


def _frame(
    kind: str, label: str, axis: Scale, tick: Write, names: Sequence[str], height: int, *, foot: int = 24
) -> Element:
    """Grid, ticks at the left, room for the names of the curves at the right."""
    left = max(canvas.width_of(tick(value)) for value in axis.ticks) + 10
    right = min(max(map(canvas.width_of, names), default=0), 96) + 12
    svg = canvas.root(kind, label, height, left=left, right=right)
    bottom = height - foot
    for value in axis.ticks:
        y = axis.y(value, _TOP, bottom)
        canvas.level(svg, "grid", y)
        canvas.text(svg, tick(value), 0, y + 4, dx=-8, text_anchor="end")
    return svg


def _time_shares(times: Sequence[datetime]) -> list[float]:
    if any(later < earlier for earlier, later in pairwise(times)):
        raise BadChart("the times are not ascending", next_step="sort the points by time")
    span = (times[-1] - times[0]) / timedelta(seconds=1)
    return [((moment - times[0]) / timedelta(seconds=1)) / span if span else 0.5 for moment in times]


def _share_between(moment: datetime, times: Sequence[datetime]) -> float:
    span = times[-1] - times[0]
    return min(1.0, max(0.0, (moment - times[0]) / span)) if span else 0.5


def _time_axis(svg: Element, times: Sequence[datetime], shares: Sequence[float], bottom: float, zone: tzinfo) -> None:
    span = times[-1] - times[0]
    if not span:
        canvas.text(svg, f"{times[0].astimezone(zone):%H:%M:%S}", "50%", bottom + 18, text_anchor="middle")
        return
    step = next((s for s in _STEPS if span / s <= 8), span / 8)
    form = "%H:%M:%S" if step < timedelta(minutes=1) else "%H:%M" if step < timedelta(days=1) else "%m-%d"
    first = times[0].astimezone(zone).replace(tzinfo=None)
    behind = (first - _EPOCH) % step
    moment = first + (step - behind if behind else timedelta())
    number = 0
    while moment - first <= span:
        share = (moment - first) / span
        canvas.upright(svg, "axis", share, bottom, bottom + 4)
        if 0.02 <= share <= 0.98:
            # Every second label gives way when the card is narrow.
            css = "t2" if number % 2 == 0 else "t2 spare"
            canvas.text(svg, f"{moment:{form}}", canvas.at(share), bottom + 18, css=css, text_anchor="middle")
            number += 1
        moment += step


def _x_axis(svg: Element, across: Scale, x_label: str, bottom: float, locale: str) -> None:
    tick = canvas.axis_writer(across, locale, percent=False)
    for value in across.ticks:
        share = across.share(value)
        canvas.upright(svg, "axis", share, bottom, bottom + 4)
        canvas.text(svg, tick(value), canvas.at(share), bottom + 18, text_anchor="middle")
    canvas.text(svg, x_label, "100%", bottom + 36, text_anchor="end")


def _draw(
    svg: Element,
    curves: Sequence[Sequence[tuple[float, float] | None]],
    height: int,
    *,
    dots: Sequence[bool] = (),
    width: float = 2,
) -> None:
    """Each curve in its colour and dash; where a value is missing the line is cut, a lone point becomes a disc."""
    frame = canvas.stretch(svg, height)
    for i, points in enumerate(curves):
        dash = {"stroke_dasharray": DASHES[i]} if DASHES[i] else {}
        for run in _runs(points):
            if len(run) > 1:
                canvas.polyline(frame, f"k{i + 1}", run, stroke_width=width, **dash)
            marked = run if len(run) == 1 or (dots and dots[i]) else []
            for x, y in marked:
                canvas.node(svg, "circle", css=f"q{i + 1}", cx=canvas.at(x), cy=float(y), r=4)


def _runs(points: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is not None:
            runs[-1].append(point)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _ends(
    svg: Element, names: Sequence[str], curves: Sequence[Sequence[tuple[float, float] | None]], bottom: float
) -> None:
    """The name of each curve beside its last point, in its colour, moved apart where they would overlap."""
    last = [next((point for point in reversed(points) if point), None) for points in curves]
    shown = [(i, point[1]) for i, point in enumerate(last) if point]
    places = canvas.spread([y + 4 for _, y in shown], _LABEL_GAP, _TOP + 4, bottom)
    for (i, _), y in zip(shown, places, strict=True):
        made = canvas.text(svg, canvas.shorten(names[i], 96), "100%", y, css=f"f{i + 1}", dx=8, font_weight=600)
        canvas.node(made, "title", names[i])


def _target(svg: Element, name: str, y: float) -> None:
    canvas.level(svg, "target", y, stroke_width=1.5, stroke_dasharray="5 4")
    canvas.text(svg, name, "0%", y - 5 if y > _TOP + 12 else y + 14, css="target-t halo", dx=6)


def _note(svg: Element, share: float, name: str, bottom: float) -> None:
    canvas.upright(svg, "axis", share, _TOP, bottom, stroke_dasharray="2 3")
    anchor, dx = ("end", -5) if share > 0.6 else ("start", 5)
    canvas.text(svg, name, canvas.at(share), _TOP + 12, css="t2 halo", dx=dx, text_anchor=anchor)


def _gap(svg: Element, curves: Sequence[XY], gap: Note, across: Scale, axis: Scale, bottom: float) -> None:
    ends = [axis.y(_value_at(one, gap.at), _TOP, bottom) for one in curves[:2]]
    canvas.upright(svg, "mark", across.share(gap.at), min(ends), max(ends), stroke_width=2)
    share = across.share(gap.at)
    anchor, dx = ("end", -6) if share > 0.6 else ("start", 6)
    middle = sum(ends) / 2 + 4
    canvas.text(svg, gap.name, canvas.at(share), middle, css="t halo", dx=dx, text_anchor=anchor)


def _value_at(one: XY, x: float) -> float:
    """The curve at `x`, straight between its points."""
    for i in range(1, len(one.xs)):
        if one.xs[i - 1] <= x <= one.xs[i]:
            width = one.xs[i] - one.xs[i - 1]
            return one.ys[i] if not width else one.ys[i - 1] + (one.ys[i] - one.ys[i - 1]) * (x - one.xs[i - 1]) / width
    return one.ys[0] if x < one.xs[0] else one.ys[-1]


def _read_out(svg: Element, shares: Sequence[float], bottom: float) -> None:
    """Where each row of the table lies, so that the page can move a cursor along the numbers."""
    svg.set("data-x", " ".join(f"{share * 100:.1f}" for share in shares))
    svg.set("data-base", f"{bottom:.0f}")


def _stamp(moment: datetime, locale: str, zone: tzinfo, within_day: bool) -> str:
    return f"{moment.astimezone(zone):%H:%M:%S}" if within_day else i18n.moment(moment, locale, zone=zone)
