"""What a chart shows is what its table says, at any width, in both themes, whatever its names contain."""

import re
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.console.assets import FOLDER
from gnomon.engine import charts
from gnomon.engine.charts import XY, BadChart, Bar, Chart, Estimate, Interval, Note, Parts, Series, Task
from gnomon.engine.charts.canvas import width_of
from gnomon.engine.charts.palette import PAINT, TOKENS

SVG = "{http://www.w3.org/2000/svg}"
START = datetime(2030, 1, 1, tzinfo=UTC)
NASTY = '<script>alert("x")</script>&\x00'
values = st.one_of(st.none(), st.floats(0, 5000).map(lambda value: round(value, 1)))
few = settings(max_examples=40, deadline=None)


def drawn(chart: Chart) -> Element:
    return fromstring(str(chart.svg))


def by_class(svg: Element, name: str) -> list[Element]:
    return [element for element in svg.iter() if name in element.get("class", "").split()]


def points(svg: Element, name: str) -> list[tuple[float, float]]:
    found = []
    for element in by_class(svg, name):
        found += [tuple(map(float, pair.split(","))) for pair in element.get("points", "").split()]
    return found  # type: ignore[return-value]


def y_scale(svg: Element) -> tuple[float, float]:
    """(value at y = 0, value per pixel), recovered from the tick labels and their grid lines alone."""
    ticks = [
        (float(element.get("y", "0")) - 4, float((element.text or "").replace(",", "")))
        for element in svg.iter(f"{SVG}text")
        if element.get("x") == "0" and element.get("text-anchor") == "end"
    ]
    (y0, v0), (y1, v1) = ticks[0], ticks[-1]
    slope = (v1 - v0) / (y1 - y0)
    return v0 - slope * y0, slope


def number(text: str) -> float:
    return float(text.replace(",", ""))


def every_chart(name: str = "样例") -> list[Chart]:
    times = [START + timedelta(minutes=i) for i in range(6)]
    tasks = [
        Task("M-1", name, name, date(2030, 1, 1), date(2030, 1, 9), 1),
        Task("M-2", name, name, date(2030, 1, 10), date(2030, 1, 20), 0.4, ("M-1",)),
    ]
    shared = {"locale": "zh-CN", "method": name}
    return [
        charts.line(
            name, times, [Series(name, [1, 2, None, 3, None, 4])], target=3, notes=[(times[2], name)], **shared
        ),
        charts.curve(
            name,
            [XY(name, [0, 1], [0, 1]), XY("b", [0, 1], [1, 0])],
            x_label=name,
            y_label=name,
            n=2,
            diagonal=name,
            gap=Note(0.2, name),
            notes=[Note(0.5, name)],
            **shared,
        ),
        charts.interval(
            name, [Interval(name, Estimate(2, 1, 3), Estimate(1, 0, 2), name, "ok")], n=3, target=2, **shared
        ),
        charts.bar(name, [Bar(name, 3, name), Bar("b", None)], n=3, target=2, **shared),
        charts.stacked(name, [name, "b"], [Parts(name, [1, 2])], **shared),
        charts.matrix(name, [name], [name, "b"], [[1, 2]], row_title=name, column_title=name, diagonal=True, **shared),
        charts.histogram(name, [0, 1, 2], [3, 1], x_label=name, notes=[Note(1, name)], **shared),
        charts.gantt(name, tasks, date(2030, 1, 25), locale="zh-CN"),
        charts.budget(name, 5, 4, locale="zh-CN", unit=name, expected=3),
        charts.sparkline(name, [1, None, 2], locale="zh-CN"),
    ]


@few
@given(st.lists(values, min_size=2, max_size=40))
def test_a_line_passes_where_its_table_says(measured: list[float | None]) -> None:
    times = [START + timedelta(minutes=i) for i in range(len(measured))]
    chart = charts.line("l", times, [Series("a", measured)], locale="en", method="m", digits=1)
    known = [number(row[1]) for row in chart.table.rows if row[1] != "–"]
    assert known == [value for value in measured if value is not None]
    if not known:
        assert chart.is_empty
        return
    svg = drawn(chart)
    zero, slope = y_scale(svg)
    shown = sorted([y for _, y in points(svg, "k1")] + [float(dot.get("cy", "0")) for dot in by_class(svg, "q1")])
    assert len(shown) == len(known)
    for y, value in zip(shown, sorted(known, reverse=True), strict=True):
        assert zero + slope * y == pytest.approx(value, abs=abs(slope) * 0.2)


@few
@given(st.lists(values, min_size=3, max_size=30))
def test_a_gap_is_never_bridged(measured: list[float | None]) -> None:
    times = [START + timedelta(minutes=i) for i in range(len(measured))]
    svg = drawn(charts.line("l", times, [Series("a", measured)], locale="en", method="m"))
    step = 1000 / (len(measured) - 1)
    for run in by_class(svg, "k1"):
        xs = [float(pair.split(",")[0]) for pair in run.get("points", "").split()]
        assert all(b - a <= step + 0.2 for a, b in pairwise(xs))


@few
@given(st.lists(st.integers(0, 1000), min_size=1, max_size=8))
def test_bars_are_as_long_as_their_numbers(counts: list[int]) -> None:
    chart = charts.bar("b", [Bar(str(i), count) for i, count in enumerate(counts)], locale="en", method="m", n=1)
    widths = [float(bar.get("width", "0").rstrip("%")) for bar in by_class(drawn(chart), "f1")]
    assert [number(row[1]) for row in chart.table.rows] == counts
    top = max(range(len(counts)), key=counts.__getitem__)
    for width, count in zip(widths, counts, strict=True):
        assert width * counts[top] == pytest.approx(count * widths[top], abs=0.01 * max(counts) + 1e-9)
    assert all(0 <= width <= 100 for width in widths)


@few
@given(st.lists(st.text("甲乙丙丁戊abc", min_size=1, max_size=12), min_size=1, max_size=5))
def test_what_is_written_under_a_stack_fits_a_telephone(names: list[str]) -> None:
    chart = charts.stacked("s", names, [Parts("x", [1234567] * len(names))], locale="zh-CN", method="m")
    lines = [e.text or "" for e in by_class(drawn(chart), "t2")]
    assert " · ".join(lines).count("1,234,567") == len(names)
    assert all(width_of(line) <= 320 for line in lines)


@few
@given(st.lists(st.lists(st.integers(0, 99), min_size=3, max_size=3), min_size=1, max_size=4))
def test_the_parts_of_a_stack_fill_it_and_are_all_in_its_table(rows: list[list[int]]) -> None:
    bars = [Parts(str(i), row) for i, row in enumerate(rows)]
    chart = charts.stacked("s", ["a", "b", "c"], bars, locale="en", method="m", shares=True)
    if chart.is_empty:
        assert not any(map(any, rows))
        return
    svg = drawn(chart)
    width = sum(float(e.get("width", "0").rstrip("%")) for k in (1, 2, 3) for e in by_class(svg, f"q{k}"))
    assert width == pytest.approx(100 * sum(map(any, rows)), abs=0.05)
    assert [int(row[-1]) for row in chart.table.rows] == [sum(row) for row in rows]
    assert chart.n == sum(map(sum, rows))


@few
@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1))
def test_an_interval_lies_between_its_ends_and_the_axis(value: float, below: float, above: float) -> None:
    one = Estimate(value, value - below, value + above)
    svg = drawn(charts.interval("i", [Interval("a", one)], locale="en", method="m", n=9))
    line = next(element for element in by_class(svg, "k1") if element.get("y1") == element.get("y2"))
    start, end = (float(line.get(key, "").rstrip("%")) for key in ("x1", "x2"))
    disc = float(by_class(svg, "q1")[0].get("cx", "").rstrip("%"))
    assert -0.01 <= start <= disc + 0.01 <= end + 0.02 <= 100.03


def test_before_is_a_dashed_square_and_after_a_disc() -> None:
    chart = charts.interval("i", [Interval("a", Estimate(2, 1, 3), Estimate(1, 0, 2))], locale="zh-CN", method="m", n=9)
    svg = drawn(chart)
    assert [(key.number, key.mark, key.name) for key in chart.keys] == [(2, "square", "整改前"), (1, "disc", "整改后")]
    assert by_class(svg, "q2")[0].tag == f"{SVG}rect"
    assert by_class(svg, "q1")[0].tag == f"{SVG}circle"
    assert by_class(svg, "k2")[0].get("stroke-dasharray")
    assert not by_class(svg, "k1")[0].get("stroke-dasharray")


def test_a_gantt_tells_overdue_and_draws_what_waits() -> None:
    chart = next(chart for chart in every_chart() if chart.kind == "gantt")
    assert chart.table.rows[1][5] == "逾期 5 天"
    assert chart.table.rows[1][6] == "M-1"
    svg = drawn(chart)
    assert by_class(svg, "done-bad")
    assert by_class(svg, "done-ok")
    assert by_class(svg, "link")
    assert "逾期 5 天" in "".join(svg.itertext())


def test_more_than_five_series_are_refused() -> None:
    with pytest.raises(BadChart, match="at most 5"):
        charts.line("l", [START], [Series(str(i), [1]) for i in range(6)], locale="en", method="m")


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda: charts.line("l", [START], [Series("a", [1, 2])], locale="en", method="m"), "2 values"),
        (lambda: charts.interval("i", [Interval("a", Estimate(5, 1, 2))], locale="en", method="m", n=1), "hold"),
        (lambda: charts.bar("b", [Bar("a", -1)], locale="en", method="m", n=1), "negative"),
        (lambda: charts.histogram("h", [0, 0], [1], locale="en", x_label="x", method="m"), "ascend"),
        (lambda: charts.budget("b", 1, 0, locale="en"), "above zero"),
        (
            lambda: charts.gantt(
                "g", [Task("a", "", "", date(2030, 1, 2), date(2030, 1, 1))], date(2030, 1, 1), locale="en"
            ),
            "before it starts",
        ),
    ],
)
def test_what_cannot_be_drawn_says_why(draw, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BadChart, match=words):
        draw()


def test_no_data_says_so_and_has_no_rows() -> None:
    for chart in (
        charts.line("l", [], [], locale="en", method="m"),
        charts.curve("c", [], locale="en", x_label="x", y_label="y", method="m", n=0),
        charts.interval("i", [], locale="en", method="m", n=0),
        charts.bar("b", [], locale="en", method="m", n=0),
        charts.stacked("s", ["a"], [Parts("x", [0])], locale="en", method="m"),
        charts.matrix("m", [], [], [], locale="en", method="m", row_title="", column_title=""),
        charts.histogram("h", [0, 1], [0], locale="en", x_label="x", method="m"),
        charts.gantt("g", [], date(2030, 1, 1), locale="en"),
        charts.budget("b", None, 10, locale="en"),
    ):
        assert chart.is_empty
        assert "No data" in str(chart.svg)
        assert chart.n == 0


def test_names_from_outside_stay_text_on_the_page_and_in_the_export() -> None:
    for chart in every_chart(NASTY):
        assert "<script" not in str(chart.svg)
        assert "\x00" not in str(chart.svg)
        svg = fromstring(charts.standalone(chart))
        assert not list(svg.iter(f"{SVG}script"))


def test_every_table_is_rectangular_and_every_chart_has_a_text_name() -> None:
    for chart in every_chart():
        assert all(len(row) == len(chart.table.header) for row in chart.table.rows)
        svg = drawn(chart)
        assert svg.get("role") == "img"
        assert svg.get("aria-label")


def test_every_class_is_painted_by_the_page_and_by_the_export() -> None:
    css = (FOLDER / "charts.css").read_text()
    layout = {"chart", "stretch", "at", "halo", "spare"}
    for chart in every_chart():
        root = drawn(chart)
        for name in root.get("class", "").split()[2:]:
            assert name in ("l0", "r0") or f".chart.{name} " in css
        for element in list(root.iter())[1:]:
            for name in element.get("class", "").split():
                assert name in layout or name in PAINT, name
    for name, paint in PAINT.items():
        rule = re.search(rf"^\.chart \.{name} {{([^}}]*)}}", css, re.M)
        assert rule, f"charts.css does not paint .{name}"
        for attribute, token in paint.items():
            assert f"{attribute}: var(--{token})" in rule[1]


def test_the_page_and_the_export_have_the_same_colours() -> None:
    css = (FOLDER / "tokens.css").read_text()
    light, dark = css.index(":root {"), css.index(':root[data-theme="dark"]')
    for theme, block in (("light", css[light:dark]), ("dark", css[dark:])):
        for token, colour in TOKENS[theme].items():  # type: ignore[index]
            assert re.search(rf"--{token}: {colour};", block), (theme, token)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_standalone_drawing_needs_no_style_sheet(theme: str) -> None:
    for chart in every_chart():
        text = charts.standalone(chart, theme, width=500)  # type: ignore[arg-type]
        assert "%" not in re.sub(r">[^<]*<", "><", text).replace(chart.label, "")
        assert "class=" not in text
        assert "vector-effect" not in text
        assert TOKENS[theme]["card"] in text  # type: ignore[index]
        if chart.n is not None:
            assert f"n = {chart.n:,}" in text


def test_a_standalone_line_keeps_its_values() -> None:
    times = [START + timedelta(minutes=i) for i in range(3)]
    chart = charts.line("l", times, [Series("a", [0, 50, 100])], locale="en", method="m")
    page, fixed = drawn(chart), fromstring(charts.standalone(chart, width=800))
    curve = next(element for element in fixed.iter(f"{SVG}polyline"))
    assert [pair.split(",")[1] for pair in curve.get("points", "").split()] == [f"{y}" for _, y in points(page, "k1")]


def test_a_png_of_a_chinese_chart_is_a_picture(tmp_path: Path) -> None:
    data = charts.png(every_chart()[0], 300, density=1)
    assert data.startswith(b"\x89PNG")
    assert int.from_bytes(data[16:20], "big") == 300
