"""What a round promised before anything ran: one goal, and guards with their margins. All of it is data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from gnomon.engine.stats.interval import BadFigures


@dataclass(frozen=True, slots=True)
class Goal:
    """`metric` on `set` (in `slice`, "" for all of it) goes from `from_value` to at least (at most) `to_value` `by`.

    Met when the interval of the value afterwards, at `level`, lies on the good side of `to_value`; fewer than `min_n`
    items decide nothing.
    """

    metric: str
    to_value: float
    set: str = ""
    slice: str = ""
    from_value: float | None = None
    by: date | None = None
    level: float = 0.95
    min_n: int = 30

    def as_dict(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "set": self.set,
            "slice": self.slice,
            "from": self.from_value,
            "to": self.to_value,
            "by": self.by.isoformat() if self.by else None,
            "level": self.level,
            "min_n": self.min_n,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Goal":
        """The goal that `as_dict` wrote. Raises BadFigures on a missing or malformed field."""
        try:
            return cls(
                metric=str(data["metric"]),
                to_value=float(data["to"]),
                set=str(data.get("set") or ""),
                slice=str(data.get("slice") or ""),
                from_value=None if data.get("from") is None else float(data["from"]),
                by=date.fromisoformat(data["by"]) if data.get("by") else None,
                level=float(data.get("level", 0.95)),
                min_n=int(data.get("min_n", 30)),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BadFigures(
                f"Not a goal: {error!r} in {dict(data)}.", next_step="Give at least metric and to."
            ) from error


@dataclass(frozen=True, slots=True)
class Guard:
    """`metric` may get worse by less than `margin`, shown one-sided at `alpha`; `relative`: a share of before."""

    metric: str
    margin: float
    relative: bool = False
    slice: str = ""
    alpha: float = 0.05

    def as_dict(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "margin": self.margin,
            "relative": self.relative,
            "slice": self.slice,
            "alpha": self.alpha,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Guard":
        """The guard that `as_dict` wrote. Raises BadFigures on a missing or malformed field."""
        try:
            return cls(
                metric=str(data["metric"]),
                margin=float(data["margin"]),
                relative=bool(data.get("relative", False)),
                slice=str(data.get("slice") or ""),
                alpha=float(data.get("alpha", 0.05)),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BadFigures(
                f"Not a guard: {error!r} in {dict(data)}.", next_step="Give at least metric and margin."
            ) from error
