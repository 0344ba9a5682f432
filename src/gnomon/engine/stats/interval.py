"""A figure with its interval, and Wilson's interval for a proportion."""

from dataclasses import asdict, dataclass
from math import sqrt
from statistics import NormalDist
from typing import Any, ClassVar

from gnomon.kit.errors import BadInput


class BadFigures(BadInput):
    """Counts, levels or margins that cannot be."""

    code: ClassVar[str] = "bad_figures"


@dataclass(frozen=True, slots=True)
class Interval:
    """`estimate` from `n` observations lies in `[low, high]`, at confidence `level`, by `method`."""

    estimate: float
    low: float
    high: float
    level: float
    n: int
    method: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def z_of(level: float) -> float:
    """The two-sided normal quantile: 1.96 for .95. Raises BadFigures outside (0, 1)."""
    if not 0.0 < level < 1.0:
        raise BadFigures(f"A confidence level is between 0 and 1, not {level}.", next_step="Give .95, for example.")
    return NormalDist().inv_cdf(0.5 + level / 2)


def wilson(k: int, n: int, level: float = 0.95) -> Interval:
    """The score interval of `k` out of `n` (Wilson 1927, JASA 22:209): inside [0, 1], never of length zero.

    Raises BadFigures unless 0 <= k <= n and n >= 1: nothing observed has no interval.
    """
    if n < 1 or not 0 <= k <= n:
        raise BadFigures(f"{k} of {n} is not a proportion.", next_step="Count k among n >= 1 observations.", k=k, n=n)
    z = z_of(level)
    share = k / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # At k = 0 and k = n one end is the estimate itself; rounding must not push it past.
    low = 0.0 if k == 0 else max(0.0, centre - half)
    high = 1.0 if k == n else min(1.0, centre + half)
    return Interval(share, low, high, level, n, "wilson")
