"""A table of counts as shades of one colour: confusion matrices, load by hour and weekday."""

from collections.abc import Sequence
from typing import Any

from gnomon.engine.charts import canvas
from gnomon.engine.charts.canvas import at
from gnomon.engine.charts.model import Chart, Table, check_lengths
from gnomon.engine.charts.words import words
from gnomon.kit import i18n

_CELL = 40
_FULL = 0.34
"""The darkest shade: the ink on it keeps a contrast of more than 5:1 in both themes."""


def matrix(
    label: str,
    rows: Sequence[str],
    columns: Sequence[str],
    counts: Sequence[Sequence[float]],
    *,
    locale: str,
    method: str,
    row_title: str,
    column_title: str,
    n: int | None = None,
    digits: int = 0,
    diagonal: bool = False,
) -> Chart:
    """`counts[i][j]` for row i and column j; `diagonal` frames what is right.

    A cell is shaded by its share of the row; past six columns by its share of the largest, without text.
    """
    header = (f"{row_title} \\ {column_title}", *columns)
    total = sum(sum(row) for row in counts)
    if not total:
        return canvas.nothing("matrix", label, header, locale=locale, method=method)
    check_lengths(len(rows), counts=len(counts))
    write = canvas.writer(locale, digits=digits, percent=False)
    wide = len(columns) > 6
    left = min(max(map(canvas.width_of, [*rows, row_title])), 112) + 12
    cell = 26 if wide else _CELL
    svg = canvas.root("matrix", label, 40 + cell * len(rows), left=left)
    canvas.text(svg, column_title, "50%", 12, text_anchor="middle")
    canvas.text(svg, row_title, 0, 32, dx=-8, text_anchor="end")
    for j, name in enumerate(columns):
        made = canvas.text(svg, name, at((j + 0.5) / len(columns)), 32, css="t", text_anchor="middle")
        canvas.node(made, "title", name)
    most = max(max(row, default=0) for row in counts)
    for i, (name, row) in enumerate(zip(rows, counts, strict=True)):
        check_lengths(len(columns), **{name: len(row)})
        y = 40 + i * cell
        shown = canvas.shorten(name, 112)
        canvas.text(svg, shown, 0, y + cell / 2 + 4, css="t", dx=-8, text_anchor="end")
        whole = most if wide else sum(row)
        for j, value in enumerate(row):
            share = value / whole if whole else 0.0
            box: dict[str, Any] = {"x": at(j / len(columns)), "y": float(y), "width": at(1 / len(columns))}
            canvas.node(svg, "rect", css="track", height=cell, **box)
            canvas.node(svg, "rect", css="q1", fill_opacity=share * _FULL, stroke_width=2, height=cell, **box)
            middle = at((j + 0.5) / len(columns))
            if wide:
                continue
            canvas.text(svg, write(value), middle, y + 17, css="t", text_anchor="middle", font_weight=600)
            canvas.text(svg, i18n.percent(share, locale), middle, y + 33, css="t", text_anchor="middle")
    for i in range(min(len(rows), len(columns)) if diagonal else 0):
        # After all cells, so that no neighbour covers a side of the frame.
        where: dict[str, Any] = {
            "x": at(i / len(columns)),
            "y": 40.0 + i * cell,
            "width": at(1 / len(columns)),
            "height": cell,
        }
        canvas.node(svg, "rect", css="k1", fill="none", stroke_width=2, **where)
    svg.set("data-y", " ".join(str(40 + i * cell + cell // 2) for i in range(len(rows))))
    table = Table(
        (*header, words(locale).total),
        tuple((name, *map(write, row), write(sum(row))) for name, row in zip(rows, counts, strict=True)),
    )
    counted = round(total) if n is None else n
    return Chart("matrix", label, canvas.markup(svg), table, counted, method, wide=wide)
