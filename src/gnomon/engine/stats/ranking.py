"""How well scores put positives above negatives: AUC with DeLong's interval, and the Kolmogorov-Smirnov distance."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import exp, log, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from gnomon.engine.stats.interval import BadFigures, Interval, wilson, z_of


@dataclass(frozen=True, slots=True)
class Ks:
    """The largest distance between the two score distributions, reached at scores > `threshold`."""

    statistic: float
    threshold: float
    p: float
    positives: int
    negatives: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def delong_auc(positives: Sequence[float], negatives: Sequence[float], level: float = 0.95) -> Interval:
    """The chance that a positive scores above a negative (ties count half).

    Variance after DeLong, DeLong and Clarke-Pearson 1988 (Biometrics 44:837), by mid-ranks (Sun and Xu 2014), on the
    logit scale so that the interval stays inside (0, 1). With perfect separation that variance is zero, which claims
    too much: there the interval is Wilson's for as many observations as the smaller class has.
    """
    high, low = _arrays(positives, negatives)
    m, k = len(high), len(low)
    together, above, below = _midranks(np.concatenate([high, low])), _midranks(high), _midranks(low)
    places_high = (together[:m] - above) / k
    places_low = 1.0 - (together[m:] - below) / m
    auc = float(places_high.mean())
    # One observation in a class has no spread to estimate: the cautious fallback serves there too.
    variance = 0.0 if min(m, k) < 2 else float(places_high.var(ddof=1) / m + places_low.var(ddof=1) / k)
    if variance <= 0.0 or not 0.0 < auc < 1.0:
        return _few(auc, smaller=min(m, k), n=m + k, level=level)
    reach = z_of(level) * sqrt(variance) / (auc * (1 - auc))
    centre = log(auc / (1 - auc))
    return Interval(auc, _expit(centre - reach), _expit(centre + reach), level, m + k, "delong logit")


def ks(positives: Sequence[float], negatives: Sequence[float]) -> Ks:
    """The two-sample Kolmogorov-Smirnov statistic, as credit scoring uses it, with Smirnov's asymptotic p value.

    Asymptotic, because scores tie and the exact distribution does not know ties.
    """
    from scipy.special import kolmogorov  # heavy; only who tests pays for it

    high, low = _arrays(positives, negatives)
    m, k = len(high), len(low)
    places = np.unique(np.concatenate([high, low]))
    gaps = np.abs(
        np.searchsorted(np.sort(high), places, side="right") / m
        - np.searchsorted(np.sort(low), places, side="right") / k
    )
    widest = int(gaps.argmax())
    distance = float(gaps[widest])
    return Ks(distance, float(places[widest]), float(kolmogorov(sqrt(m * k / (m + k)) * distance)), m, k)


def _arrays(
    positives: Sequence[float], negatives: Sequence[float]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    high, low = np.asarray(positives, dtype=np.float64), np.asarray(negatives, dtype=np.float64)
    if not len(high) or not len(low):
        raise BadFigures(
            f"Ranking needs both classes: {len(high)} positives, {len(low)} negatives.",
            next_step="Use a set with both.",
        )
    if not (np.isfinite(high).all() and np.isfinite(low).all()):
        raise BadFigures("A score is not a finite number.", next_step="Leave items without a score out.")
    return high, low


def _midranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Ranks from 1; equal values share the middle of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    middle = last - (counts - 1) / 2
    return np.asarray(middle[place], dtype=np.float64)


def _few(auc: float, *, smaller: int, n: int, level: float) -> Interval:
    bound = wilson(round(auc * smaller), smaller, level)
    return Interval(auc, min(bound.low, auc), max(bound.high, auc), level, n, "wilson, smaller class")


def _expit(x: float) -> float:
    return 1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x))
