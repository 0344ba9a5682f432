"""Scores of one run: every figure with its interval and what it was counted from.

A scorer is one file with `score(sheet) -> list[Figure]` and one line in `SCORERS`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gnomon.engine.scoring import accuracy, calibration, latency, precision_recall, ranking, sensitivity
from gnomon.engine.scoring.answers import Answer
from gnomon.engine.scoring.confusion import Confusion, confusion
from gnomon.engine.scoring.figures import Figure
from gnomon.engine.stats.sheet import Sheet, sheet_of

__all__ = ["SCORERS", "Answer", "Confusion", "Figure", "Scores", "score"]

SCORERS: Mapping[str, Callable[[Sheet], list[Figure]]] = {
    "accuracy": accuracy.score,
    "precision_recall": precision_recall.score,
    "sensitivity": sensitivity.score,
    "ranking": ranking.score,
    "calibration": calibration.score,
    "latency": latency.score,
}


@dataclass(frozen=True, slots=True)
class Scores:
    """`n` items; `unanswered` count as wrong, `outside` were answered with none of the labels and are wrong too."""

    n: int
    unanswered: int
    outside: int
    outcomes: Mapping[str, int]
    figures: tuple[Figure, ...]
    confusion: Confusion

    def figure(self, name: str, label: str = "") -> Figure:
        """The figure of that name (and label). Raises KeyError where it was not computed."""
        for found in self.figures:
            if (found.name, found.label) == (name, label):
                return found
        raise KeyError(f"{name}:{label}" if label else name)

    @property
    def latency(self) -> tuple[Figure, ...]:
        """p50, p95 and p99."""
        return tuple(figure for figure in self.figures if figure.name.startswith("latency_"))

    def as_dict(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "unanswered": self.unanswered,
            "outside": self.outside,
            "outcomes": dict(self.outcomes),
            "figures": [figure.as_dict() for figure in self.figures],
            "confusion": self.confusion.as_dict(),
        }


def score(answers: Sequence[Answer], labels: Sequence[str], positive: str | None = None) -> Scores:
    """Everything that can be said of these answers. Raises BadAnswers where they do not fit the labels."""
    sheet = sheet_of(answers, labels, positive=positive)
    return Scores(
        n=sheet.n,
        unanswered=int((~sheet.answered).sum()),
        outside=int((sheet.predicted == -2).sum()),
        outcomes=dict(sorted(Counter(answer.outcome for answer in answers).items())),
        figures=tuple(figure for scorer in SCORERS.values() for figure in scorer(sheet)),
        confusion=confusion(sheet),
    )
