"""What a scorer returns: a figure that says what it was counted from."""

from dataclasses import dataclass
from typing import Any

from gnomon.engine.stats.interval import Interval, wilson


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` with its interval, from `n` items of which `unknown` had no answer (or, for scores, no scores).

    `numerator / denominator` where it is a share of items. None: undefined on these answers, and `reason` says why.
    """

    name: str
    value: float | None
    interval: Interval | None
    n: int
    label: str = ""
    unknown: int = 0
    numerator: int | None = None
    denominator: int | None = None
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "label": self.label,
            "value": self.value,
            "low": self.interval.low if self.interval else None,
            "high": self.interval.high if self.interval else None,
            "level": self.interval.level if self.interval else None,
            "method": self.interval.method if self.interval else "",
            "n": self.n,
            "unknown": self.unknown,
            "numerator": self.numerator,
            "denominator": self.denominator,
            "reason": self.reason,
        }


def share(name: str, numerator: int, denominator: int, *, label: str = "", unknown: int = 0) -> Figure:
    """A share of items with Wilson's interval; undefined, not zero, where there is nothing to take a share of."""
    if denominator == 0:
        return absent(name, "no item to count", label=label, unknown=unknown)
    interval = wilson(numerator, denominator)
    return Figure(name, interval.estimate, interval, denominator, label, unknown, numerator, denominator)


def drawn(name: str, interval: Interval | None, *, n: int, label: str = "", unknown: int = 0) -> Figure:
    """A figure whose interval was resampled."""
    if interval is None:
        return absent(name, "undefined on these answers", label=label, unknown=unknown)
    return Figure(name, interval.estimate, interval, n, label, unknown)


def absent(name: str, reason: str, *, label: str = "", unknown: int = 0) -> Figure:
    """A figure that these answers do not allow."""
    return Figure(name, None, None, 0, label, unknown, reason=reason)
