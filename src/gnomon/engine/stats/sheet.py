"""Answers as columns, in the order of their ids, so that every figure after this is arithmetic on arrays."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from gnomon.engine.stats.interval import BadFigures

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class BadAnswers(BadFigures):
    """Answers that do not fit their labels or each other."""

    code: ClassVar[str] = "bad_answers"


class Answered(Protocol):
    """What this package needs to know of an answer; `engine.scoring.answers.Answer` is one."""

    @property
    def item_id(self) -> str: ...
    @property
    def expected(self) -> str: ...
    @property
    def predicted(self) -> str | None: ...
    @property
    def scores(self) -> Mapping[str, float] | None: ...
    @property
    def latency_ms(self) -> float | None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """n answers. `predicted` is -1 where there is no answer, -2 where it is none of `labels`; both are wrong.

    `scores` is n x labels, NaN in a row without scores; `latency_ms` is NaN where nothing was timed. `positive` is
    the index of the positive label or -1.
    """

    ids: tuple[str, ...]
    labels: tuple[str, ...]
    expected: Codes
    predicted: Codes
    scores: Floats
    latency_ms: Floats
    positive: int = -1

    @property
    def n(self) -> int:
        return len(self.ids)

    @property
    def right(self) -> Mask:
        return np.asarray(self.expected == self.predicted)

    @property
    def answered(self) -> Mask:
        return np.asarray(self.predicted != -1)

    @property
    def scored(self) -> Mask:
        return np.asarray(~np.isnan(self.scores).any(axis=1))

    def only(self, ids: Collection[str]) -> "Sheet":
        """The rows whose id is among `ids`."""
        wanted = set(ids)
        keep = np.array([item_id in wanted for item_id in self.ids], dtype=bool)
        return Sheet(
            ids=tuple(item_id for item_id in self.ids if item_id in wanted),
            labels=self.labels,
            expected=self.expected[keep],
            predicted=self.predicted[keep],
            scores=self.scores[keep],
            latency_ms=self.latency_ms[keep],
            positive=self.positive,
        )


def sheet_of(answers: Sequence[Answered], labels: Sequence[str], *, positive: str | None = None) -> Sheet:
    """The answers as columns. Raises BadAnswers on no answers, a repeated id, or an expected label not in `labels`."""
    rows = sorted(answers, key=lambda answer: answer.item_id)
    number = {label: index for index, label in enumerate(labels)}
    _check(rows, number, positive)
    return Sheet(
        ids=tuple(row.item_id for row in rows),
        labels=tuple(labels),
        expected=np.array([number[row.expected] for row in rows], dtype=np.int64),
        predicted=np.array(
            [-1 if row.predicted is None else number.get(row.predicted, -2) for row in rows], dtype=np.int64
        ),
        scores=np.array([_scores(row, labels) for row in rows], dtype=np.float64),
        latency_ms=np.array([np.nan if row.latency_ms is None else row.latency_ms for row in rows], dtype=np.float64),
        positive=-1 if positive is None else number[positive],
    )


def _scores(row: Answered, labels: Sequence[str]) -> list[float]:
    if row.scores is None:
        return [np.nan] * len(labels)
    values = [row.scores.get(label, 0.0) for label in labels]
    # Outside [0, 1] it is no probability, and log-loss and calibration would be nonsense.
    if not all(0.0 <= value <= 1.0 + 1e-9 for value in values):
        raise BadAnswers(
            f"The scores of item {row.item_id} are not probabilities: {dict(row.scores)}.",
            next_step="Give each label a probability.",
            item=row.item_id,
        )
    return values


def _check(rows: Sequence[Answered], number: Mapping[str, int], positive: str | None) -> None:
    if not rows:
        raise BadAnswers("There are no answers to score.", next_step="Run the suite first.")
    for earlier, later in pairwise(rows):
        if earlier.item_id == later.item_id:
            raise BadAnswers(
                f"Item {later.item_id} is answered twice.", next_step="Keep one answer an item.", item=later.item_id
            )
    for row in rows:
        if row.expected not in number:
            raise BadAnswers(
                f"Item {row.item_id} expects {row.expected!r}, which is none of the labels {sorted(number)}.",
                next_step="Correct the item or the recipe's choices.",
                item=row.item_id,
            )
    if positive is not None and positive not in number:
        raise BadAnswers(
            f"The positive label {positive!r} is none of the labels {sorted(number)}.",
            next_step="Name one of the labels as positive.",
        )
