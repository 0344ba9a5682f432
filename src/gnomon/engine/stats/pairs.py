"""Two sheets over the same items: their flips, and figures of both sides from the same draws."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from gnomon.engine.stats.interval import Interval
from gnomon.engine.stats.metrics import CannotMeasure, Metric
from gnomon.engine.stats.paired import Flips
from gnomon.engine.stats.resampling import Floats, bootstrap
from gnomon.engine.stats.sheet import Sheet


@dataclass(frozen=True, slots=True)
class Pair:
    """The same items in the same order, before and after."""

    before: Sheet
    after: Sheet

    def only(self, ids: Collection[str]) -> "Pair":
        return Pair(self.before.only(ids), self.after.only(ids))

    @property
    def n(self) -> int:
        return self.before.n


def flips_of(pair: Pair, wanted: Metric) -> tuple[Flips, tuple[str, ...], tuple[str, ...]]:
    """The paired table of the metric's hits (of right answers where it has none), ids that were fixed and broken.

    Raises CannotMeasure where no item counts.
    """
    counted = np.ones(pair.n, dtype=bool)
    one, other = pair.before.right, pair.after.right
    if wanted.hits:
        (counted, one), (_, other) = wanted.hits(pair.before), wanted.hits(pair.after)
    if not counted.any():
        raise CannotMeasure(f"No item counts for {wanted.name}.", next_step="Use a set that has such items.")
    flips = Flips(
        both=int((counted & one & other).sum()),
        broken=int((counted & one & ~other).sum()),
        fixed=int((counted & ~one & other).sum()),
        neither=int((counted & ~one & ~other).sum()),
    )
    ids = np.array(pair.before.ids, dtype=object)
    return flips, tuple(ids[counted & ~one & other]), tuple(ids[counted & one & ~other])


def resampled(
    pair: Pair, wanted: Metric, change: Callable[[Floats, Floats], Floats], *, level: float
) -> list[Interval]:
    """Intervals of before, after and their change, from the same draws of items, each label keeping its size.

    Raises CannotMeasure where one of them is undefined.
    """
    first, second = wanted.statistic(pair.before), wanted.statistic(pair.after)

    def statistic(weights: Floats) -> Floats:
        one, other = first(weights), second(weights)
        return np.stack([one, other, change(one, other)], axis=1)

    found = bootstrap(pair.before.ids, statistic, strata=pair.before.expected.tolist(), level=level)
    known = [interval for interval in found if interval is not None]
    if len(known) < len(found):
        raise CannotMeasure(f"{wanted.name} is undefined on these answers.", next_step="Use a larger set.")
    return known


def absolute(before: Floats, after: Floats) -> Floats:
    return after - before


def ratio(before: Floats, after: Floats) -> Floats:
    """NaN where there was nothing before."""
    out: Floats = np.full(after.shape, np.nan)
    np.divide(after, before, out=out, where=before > 0)
    return out


def relative(before: Floats, after: Floats) -> Floats:
    return ratio(before, after) - 1.0
