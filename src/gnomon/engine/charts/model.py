"""What goes into a chart and what comes out: plain values in, a drawing with its own table out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from gnomon.engine.charts.palette import MAX_SERIES, TONES
from gnomon.kit.errors import BadInput


class BadChart(BadInput):
    """The values cannot be drawn as they stand: too many series, lengths that differ, a range without extent."""

    code = "chart_bad"


@dataclass(frozen=True, slots=True)
class Table:
    """The numbers of a chart, formatted: what «查看数据表» and the read-out show. Every row is as long as `header`."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Key:
    """One entry of the legend: series `number` (1-5) is called `name`; `mark` is line, square or disc.

    `css` is the class of its colour where that is not the series' own.
    """

    number: int
    name: str
    mark: str = "line"
    css: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing that fills the width it is given, with its text name, its numbers, how many and by which method.

    `n` is None only where nothing is counted (a Gantt, a budget). `wide` charts scroll inside their card when narrow.
    """

    kind: str
    label: str
    svg: Markup
    table: Table
    n: int | None = None
    method: str = ""
    keys: tuple[Key, ...] = ()
    wide: bool = False

    @property
    def is_empty(self) -> bool:
        return not self.table.rows


@dataclass(frozen=True, slots=True)
class Series:
    """Values on the chart's common axis; None where nothing was measured."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class XY:
    """A curve with its own x values, in drawing order. `dots` marks each point (calibration), `steps` are data."""

    name: str
    xs: Sequence[float]
    ys: Sequence[float]
    dots: bool = False


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval: low <= value <= high."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Interval:
    """One row of a forest chart: before (整改前, square) and after (整改后, disc); `note` is shown with its `tone`."""

    name: str
    after: Estimate | None
    before: Estimate | None = None
    note: str = ""
    tone: str = "idle"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar. None is shown as not measured. `tone` colours by status instead of series 1."""

    name: str
    value: float | None
    note: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Parts:
    """One stacked bar: as many values as the chart has parts."""

    name: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Task:
    """One row of a Gantt. `done` is a share in [0, 1]; `after` are ids of the tasks it waits for; days inclusive."""

    id: str
    name: str
    owner: str
    start: date
    end: date
    done: float = 0.0
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """A labelled position on an axis: a release, a percentile, the point of operation."""

    at: float
    name: str


def check_series(count: int) -> None:
    """Raises `BadChart` past five series: more cannot be told apart."""
    if count > MAX_SERIES:
        raise BadChart(
            f"a chart shows at most {MAX_SERIES} series, got {count}",
            next_step="split the chart, or keep the largest and sum the rest",
            limit=MAX_SERIES,
        )


def check_lengths(expected: int, /, **lengths: int) -> None:
    """Raises `BadChart` when a sequence is longer or shorter than its axis."""
    for name, length in lengths.items():
        if length != expected:
            raise BadChart(f"{name} has {length} values, the axis has {expected}", next_step="give one value per point")


def check_tone(tone: str) -> None:
    if tone and tone not in TONES:
        raise BadChart(f"no such tone: {tone!r}", next_step=f"use one of {', '.join(TONES)}")
