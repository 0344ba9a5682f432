"""Paired, stratified, clustered bootstrap whose interval is a pure function of the data.

A statistic is a function of item weights, so that one draw serves before and after alike (that is the pairing), any
number of figures, and clusters of any size.
"""

import hashlib
from collections.abc import Callable, Hashable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from gnomon.engine.stats.interval import BadFigures, Interval

Floats = npt.NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
"""From weights (draws x items) to figures (draws x figures, or draws); NaN where a draw leaves a figure undefined."""

DRAWS = 10_000
_CELLS = 2_000_000  # weights held at a time: 16 MB
_MAX_UNDEFINED = 0.05  # more undefined draws than this: no interval rather than a biased one


def seed_of(item_ids: Sequence[str]) -> int:
    """The seed that belongs to a set of items: 64 bits of the SHA-256 of the sorted ids."""
    joined = "\n".join(sorted(item_ids)).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(joined).digest()[:8], "big")


def bootstrap(
    item_ids: Sequence[str],
    statistic: Statistic,
    *,
    strata: Sequence[Hashable] | None = None,
    clusters: Sequence[Hashable] | None = None,
    draws: int = DRAWS,
    level: float = 0.95,
) -> list[Interval | None]:
    """One percentile interval a figure (Efron and Tibshirani 1993, chapter 13), in the statistic's order.

    `strata` keep their sizes in every draw; `clusters` are drawn whole (within the stratum of their first item). The
    weights' columns are in the order of `item_ids`, yet the result does not depend on that order. An interval is
    widened to its estimate where a biased figure (calibration error, KS) would leave it outside. None: undefined.
    """
    if len(set(item_ids)) != len(item_ids) or not item_ids:
        raise BadFigures("A bootstrap needs at least one item, each id once.", next_step="Remove repeated items.")
    estimates = np.atleast_2d(_columns(statistic(np.ones((1, len(item_ids))))))[0]
    drawn = np.concatenate(
        [_columns(statistic(weights)) for weights in _weights(item_ids, strata, clusters, draws=draws)]
    )
    return [
        _interval(float(estimate), drawn[:, column], level=level, n=len(item_ids))
        for column, estimate in enumerate(estimates)
    ]


def _columns(figures: Floats) -> Floats:
    return figures[:, None] if figures.ndim == 1 else figures


def _interval(estimate: float, drawn: Floats, *, level: float, n: int) -> Interval | None:
    known = drawn[np.isfinite(drawn)]
    if not np.isfinite(estimate) or len(known) < (1 - _MAX_UNDEFINED) * len(drawn):
        return None
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    # Ten digits: the last bits of a sum depend on the machine's linear algebra, an interval must not.
    estimate = round(estimate, 10)
    low, high = min(round(float(low), 10), estimate), max(round(float(high), 10), estimate)
    return Interval(estimate, low, high, level, n, f"bootstrap {len(drawn)}")


def _weights(
    item_ids: Sequence[str],
    strata: Sequence[Hashable] | None,
    clusters: Sequence[Hashable] | None,
    *,
    draws: int,
) -> Iterator[Floats]:
    """Chunks of weights; the random stream runs over units sorted by id, so that the order of input is forgotten."""
    unit_of_item, groups = _units(item_ids, strata, clusters)
    generator = np.random.default_rng(seed_of(item_ids))
    units = sum(len(group) for group in groups)
    chunk = max(1, _CELLS // max(units, len(item_ids)))
    for start in range(0, draws, chunk):
        rows = min(chunk, draws - start)
        drawn = np.empty((rows, units))
        for group in groups:
            drawn[:, group] = _counts(generator, rows=rows, size=len(group))
        yield drawn[:, unit_of_item]


def _units(
    item_ids: Sequence[str], strata: Sequence[Hashable] | None, clusters: Sequence[Hashable] | None
) -> tuple[npt.NDArray[np.int64], list[list[int]]]:
    """For each item its unit (a cluster, or the item itself), and the units of each stratum."""
    for name, given in (("strata", strata), ("clusters", clusters)):
        if given is not None and len(given) != len(item_ids):
            raise BadFigures(f"{len(given)} {name} for {len(item_ids)} items.", next_step="Give one for each item.")
    unit_of_item = np.zeros(len(item_ids), dtype=np.int64)
    numbers: dict[Hashable, int] = {}
    groups: dict[Hashable, list[int]] = {}
    for position in sorted(range(len(item_ids)), key=item_ids.__getitem__):
        cluster = position if clusters is None else clusters[position]
        if cluster not in numbers:
            numbers[cluster] = len(numbers)
            groups.setdefault(None if strata is None else strata[position], []).append(numbers[cluster])
        unit_of_item[position] = numbers[cluster]
    return unit_of_item, list(groups.values())


def _counts(generator: np.random.Generator, *, rows: int, size: int) -> Floats:
    """How often each of `size` units comes up in `size` draws with replacement, `rows` times over."""
    picked = generator.integers(0, size, size=(rows, size))
    picked += np.arange(rows)[:, None] * size
    return np.bincount(picked.ravel(), minlength=rows * size).reshape(rows, size).astype(np.float64)
