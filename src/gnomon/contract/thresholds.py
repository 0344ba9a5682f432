"""A threshold is rulebook data; a judgement keeps the threshold and the inputs that it used."""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

from gnomon.contract.verdicts import State


@dataclass(frozen=True, slots=True)
class Threshold:
    """`limit` in `unit`; `source` is the clause or law it comes from; `rulebook` the version it was read from."""

    indicator: str
    limit: float
    unit: str
    direction: Literal["at_least", "at_most"]
    source: str
    effective: date
    rulebook: str = ""
    min_n: int = 1  # fewer observations than this are "insufficient", never a pass

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"effective": self.effective.isoformat()}


@dataclass(frozen=True, slots=True)
class Judgement:
    """`numerator / denominator` where the indicator is a ratio, `value` always; all that it takes to judge again."""

    state: State
    value: float | None
    threshold: Threshold
    n: int
    numerator: float | None = None
    denominator: float | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "state": self.state.value,
            "value": self.value,
            "n": self.n,
            "numerator": self.numerator,
            "denominator": self.denominator,
            "threshold": self.threshold.as_dict(),
        }


def judge(
    threshold: Threshold,
    *,
    value: float | None,
    n: int,
    numerator: float | None = None,
    denominator: float | None = None,
) -> Judgement:
    """Whether `value` from `n` observations meets the threshold: nothing measured is never met."""
    if value is None or n == 0:
        state = State.NOT_MEASURED
    elif n < threshold.min_n:
        state = State.INSUFFICIENT
    elif (value >= threshold.limit) if threshold.direction == "at_least" else (value <= threshold.limit):
        state = State.MET
    else:
        state = State.NOT_MET
    return Judgement(state, value, threshold, n, numerator, denominator)
