"""Charts as SVG: one code for page, PDF and Word.

Each function takes plain values, a text name and a locale, and returns a `Chart`: the drawing, its numbers as a table,
how many observations stand behind it and by which method. On a page the macro `ui.figure(chart)` frames it; a report
calls `standalone` (SVG) or `png`.
"""

from gnomon.engine.charts.bars import bar, budget, histogram, stacked
from gnomon.engine.charts.export import png, standalone
from gnomon.engine.charts.gantt import gantt
from gnomon.engine.charts.intervals import interval
from gnomon.engine.charts.lines import curve, line, sparkline
from gnomon.engine.charts.matrix import matrix
from gnomon.engine.charts.model import (
    XY,
    BadChart,
    Bar,
    Chart,
    Estimate,
    Interval,
    Key,
    Note,
    Parts,
    Series,
    Table,
    Task,
)

__all__ = [
    "XY",
    "BadChart",
    "Bar",
    "Chart",
    "Estimate",
    "Interval",
    "Key",
    "Note",
    "Parts",
    "Series",
    "Table",
    "Task",
    "bar",
    "budget",
    "curve",
    "gantt",
    "histogram",
    "interval",
    "line",
    "matrix",
    "png",
    "sparkline",
    "stacked",
    "standalone",
]
