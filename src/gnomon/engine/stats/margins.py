"""Claims of "not worse" and "the same", which a large p value does not support: they need a margin.

The binary tests are Tango's score test (1998, Stat Med 17:891) on the paired table; the bounds invert the same test, so
that p and bound never disagree. For any other figure the claim is read off an interval (Schuirmann 1987).
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import sqrt
from statistics import NormalDist
from typing import Any

from gnomon.contract.verdicts import State
from gnomon.engine.stats.interval import BadFigures, Interval
from gnomon.engine.stats.paired import Flips

_STEPS = 60  # halvings of [-1, 1]: past double precision


@dataclass(frozen=True, slots=True)
class Margin:
    """The claim that `difference` (after minus before) stays on the good side of `margin`, and what the data say.

    MET: shown at `alpha`. NOT_MET: the opposite is shown at `alpha`. INSUFFICIENT: the data show neither.
    `low` and `high` are one-sided bounds at 1 - alpha each, that is an interval at level 1 - 2 alpha.
    """

    kind: str  # "non_inferior" | "equivalent"
    state: State
    difference: float
    low: float
    high: float
    margin: float
    alpha: float
    n: int
    method: str
    p: float | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"state": self.state.value}


def non_inferior(flips: Flips, *, margin: float, alpha: float = 0.05) -> Margin:
    """Whether the share of right answers fell by less than `margin` (a share, .01 is one percentage point)."""
    _check(margin, alpha)
    low, high = _score_bounds(flips, alpha)
    p = 1 - NormalDist().cdf(_score(flips, -margin))
    state = State.MET if p < alpha else State.NOT_MET if high < -margin else State.INSUFFICIENT
    return Margin("non_inferior", state, _difference(flips), low, high, margin, alpha, flips.n, "tango score", p)


def tost(flips: Flips, *, margin: float, alpha: float = 0.05) -> Margin:
    """Whether the share of right answers moved by less than `margin` either way: two one-sided tests."""
    _check(margin, alpha)
    low, high = _score_bounds(flips, alpha)
    normal = NormalDist()
    p = max(1 - normal.cdf(_score(flips, -margin)), normal.cdf(_score(flips, margin)))
    shown_apart = high < -margin or low > margin
    state = State.MET if p < alpha else State.NOT_MET if shown_apart else State.INSUFFICIENT
    return Margin("equivalent", state, _difference(flips), low, high, margin, alpha, flips.n, "tango score", p)


def non_inferior_by_interval(
    difference: Interval, *, margin: float, higher_is_better: bool = True, alpha: float | None = None
) -> Margin:
    """The same claim for any figure whose difference has an interval at level 1 - 2 alpha (.90 for alpha .05)."""
    given = round((1 - difference.level) / 2, 12)
    _check(margin, given)
    if alpha is not None and abs(alpha - given) > 1e-9:
        raise BadFigures(
            f"An interval at level {difference.level} tests one-sided at {given}, not at {alpha}.",
            next_step=f"Compute the interval at level {1 - 2 * alpha}.",
        )
    worst, best = (difference.low, difference.high) if higher_is_better else (-difference.high, -difference.low)
    state = State.MET if worst > -margin else State.NOT_MET if best < -margin else State.INSUFFICIENT
    return Margin(
        kind="non_inferior",
        state=state,
        difference=difference.estimate,
        low=difference.low,
        high=difference.high,
        margin=margin,
        alpha=given,
        n=difference.n,
        method=difference.method,
    )


def _check(margin: float, alpha: float) -> None:
    if margin <= 0:
        raise BadFigures(f"A margin is greater than 0, not {margin}.", next_step="State how much worse is acceptable.")
    if not 0 < alpha < 0.5:
        raise BadFigures(f"alpha is between 0 and .5, not {alpha}.", next_step="Give .05, for example.")


def _difference(flips: Flips) -> float:
    return (flips.fixed - flips.broken) / flips.n


def _score(flips: Flips, delta: float) -> float:
    """Tango's statistic for the hypothesis that the true difference is `delta`; falls as `delta` rises."""
    n, fixed, broken = flips.n, flips.fixed, flips.broken
    # Restricted maximum-likelihood estimate of the chance of a broken item: A q^2 + B q + C = 0.
    b = -(fixed + broken) + (2 * n - fixed + broken) * delta
    c = -broken * delta * (1 - delta)
    q = (sqrt(max(0.0, b * b - 8 * n * c)) - b) / (4 * n)
    variance = n * (2 * q + delta * (1 - delta))
    distance = fixed - broken - n * delta
    if variance <= 1e-12:
        return 0.0 if abs(distance) < 1e-12 else (float("inf") if distance > 0 else float("-inf"))
    return distance / sqrt(variance)


def _score_bounds(flips: Flips, alpha: float) -> tuple[float, float]:
    z = NormalDist().inv_cdf(1 - alpha)
    estimate = _difference(flips)
    low = _root(lambda delta: _score(flips, delta) > z, -1.0, estimate)
    high = _root(lambda delta: _score(flips, delta) > -z, estimate, 1.0)
    return low, high


def _root(is_left: Callable[[float], bool], low: float, high: float) -> float:
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_left(middle) else (low, middle)
    return (low + high) / 2
