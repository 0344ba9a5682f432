"""Claims that a share of a score is kept: the ratio of two paired proportions against a least ratio.

The score test of Tang, Tang and Chan 2003 (Stat Med 22:1217) on the paired table; the bounds invert the same test, so
that p and bound never disagree. For any other figure the claim is read off an interval of its ratio.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import ceil, inf, sqrt
from statistics import NormalDist
from typing import Any

from gnomon.contract.verdicts import State
from gnomon.engine.stats.interval import BadFigures, Interval
from gnomon.engine.stats.paired import Flips

_STEPS = 80  # halvings of the stretch in which a bound lies: past double precision
_FAR = 1e6  # a ratio beyond this has no bound above: next to nothing was right before
_NORMAL = NormalDist()
SCORE_TEST = "tang score ratio"


@dataclass(frozen=True, slots=True)
class Kept:
    """The claim that `ratio` (after divided by before) is at least `limit`, and what the data say.

    MET: shown at `alpha`. NOT_MET: the opposite is shown at `alpha`. INSUFFICIENT: the data show neither, the interval
    is too wide. `low` and `high` are one-sided bounds at 1 - alpha each; `high` is None where there is none.
    """

    state: State
    ratio: float
    low: float
    high: float | None
    limit: float
    alpha: float
    n: int
    method: str
    p: float | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"state": self.state.value}


def kept(flips: Flips, *, limit: float, alpha: float = 0.05) -> Kept:
    """Whether the share of right answers afterwards is at least `limit` times what it was.

    Raises BadFigures where nothing was right before (there is no ratio), or for a limit or alpha that cannot be.
    """
    _check(limit, alpha)
    if flips.before == 0:
        raise BadFigures("Nothing was right before, so no share of it can be kept.", next_step="Use another metric.")
    z = _NORMAL.inv_cdf(1 - alpha)
    estimate = flips.after / flips.before
    low = _root(lambda theta: _score(flips, theta) > z, 0.0, estimate)
    high = _root(lambda theta: _score(flips, theta) > -z, estimate, _FAR)
    p = 1 - _NORMAL.cdf(_score(flips, limit))
    state = State.MET if p < alpha else State.NOT_MET if high < limit else State.INSUFFICIENT
    bound = high if high < _FAR * 0.999 else None
    return Kept(state, estimate, low, bound, limit, alpha, flips.n, SCORE_TEST, p)


def kept_by_interval(ratio: Interval, *, limit: float) -> Kept:
    """The same claim for a figure whose ratio has an interval at level 1 - 2 alpha (.90 for alpha .05)."""
    alpha = round((1 - ratio.level) / 2, 12)
    _check(limit, alpha)
    state = State.MET if ratio.low >= limit else State.NOT_MET if ratio.high < limit else State.INSUFFICIENT
    return Kept(state, ratio.estimate, ratio.low, ratio.high, limit, alpha, ratio.n, ratio.method)


def needed_n(flips: Flips, *, limit: float, power: float = 0.8, alpha: float = 0.05) -> int | None:
    """Items that would show the claim with chance `power`, were the true shares those seen; None where they fail it."""
    _check(limit, alpha)
    both, fixed, broken = flips.both / flips.n, flips.fixed / flips.n, flips.broken / flips.n
    distance = both + fixed - limit * (both + broken)
    if distance <= 0:
        return None
    seen = both * (1 - limit) ** 2 + fixed + broken * limit * limit - distance * distance
    bounded = _variance(flips, limit) / flips.n
    reach = _NORMAL.inv_cdf(1 - alpha) * sqrt(bounded) + _NORMAL.inv_cdf(power) * sqrt(max(0.0, seen))
    return ceil((reach / distance) ** 2)


def _check(limit: float, alpha: float) -> None:
    if not 0 < limit <= 1:
        raise BadFigures(f"A least ratio is in (0, 1], not {limit}.", next_step="Give .98, for example.")
    if not 0 < alpha < 0.5:
        raise BadFigures(f"alpha is between 0 and .5, not {alpha}.", next_step="Give .05, for example.")


def _score(flips: Flips, theta: float) -> float:
    """The statistic for the hypothesis that the true ratio is `theta`; falls as `theta` rises."""
    distance = flips.after - theta * flips.before
    variance = _variance(flips, theta)
    if variance <= 1e-12:
        return 0.0 if abs(distance) < 1e-12 else (inf if distance > 0 else -inf)
    return distance / sqrt(variance)


def _variance(flips: Flips, theta: float) -> float:
    """Of after - theta * before, where the chance of a broken item is its likeliest under that ratio."""
    n, hits = flips.n, flips.both + flips.fixed + flips.broken
    # A q^2 + B q + C = 0, q the chance that an item is right before alone.
    a = n * (1 + theta)
    b = flips.before * theta * theta - (flips.before + flips.fixed + flips.broken)
    c = flips.broken * (1 - theta) * hits / n
    q = (sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)
    return max(0.0, n * (1 + theta) * q + (theta - 1) * hits)


def _root(is_left: Callable[[float], bool], low: float, high: float) -> float:
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_left(middle) else (low, middle)
    return (low + high) / 2
