"""Which label was taken for which."""

from dataclasses import dataclass
from typing import Any

from gnomon.engine.stats.sheet import Sheet


@dataclass(frozen=True, slots=True)
class Confusion:
    """`counts[i][j]`: items that expect label i and were called label j; `outside` and `unanswered` by expected label.

    Every item is in exactly one place.
    """

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    outside: tuple[int, ...]
    unanswered: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            "labels": list(self.labels),
            "counts": [list(row) for row in self.counts],
            "outside": list(self.outside),
            "unanswered": list(self.unanswered),
        }


def confusion(sheet: Sheet) -> Confusion:
    """The table of expected against predicted labels."""
    codes = range(len(sheet.labels))

    def cell(expected: int, predicted: int) -> int:
        return int(((sheet.expected == expected) & (sheet.predicted == predicted)).sum())

    return Confusion(
        labels=sheet.labels,
        counts=tuple(tuple(cell(row, column) for column in codes) for row in codes),
        outside=tuple(cell(row, -2) for row in codes),
        unanswered=tuple(cell(row, -1) for row in codes),
    )
