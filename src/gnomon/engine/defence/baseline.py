"""What is usual for a caller: by hour of the week, robust, from the hours of the past weeks.

An hour counts as busy as the busiest of itself and the two on either side of it, so that a job may begin an hour early
or late: if it was early on most days that are known and is late today, two hours lie between. Usual in an hour of
the week is the median of those; and never less than half of what the caller's busy hours have, so that overtime is no
attack. How far the caller strays from that by itself is the `tail`: the 99.5th percentile of count over usual. Medians
and a quantile, so that days of attack in the past do not become the measure.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

WEEK_H = 168
LONG_H = 6
"""Hours of the long window: what is too little for one hour shows in several."""
_NEIGHBOURS = 2
Values = np.ndarray[tuple[int], np.dtype[np.float64]]
_BUSY_QUANTILE = 0.75  # of the hours with anything in them
_BUSY_SHARE = 0.5
_TAIL_QUANTILE = 0.995


@dataclass(frozen=True, slots=True)
class Baseline:
    """`usual` requests in each of the 168 hours of the week (UTC, from Thursday 00:00, the epoch's day).

    `usual_long` and `tail_long` say the same of the LONG_H hours that end with that hour; empty where nobody knows.
    """

    usual: tuple[float, ...]
    tail: float
    days: float
    usual_long: tuple[float, ...] = ()
    tail_long: float = 1.0
    busiest: float = 0.0
    """Requests of the busiest hour that the caller ever had; 0 where nobody knows."""

    def at(self, when: float) -> float:
        """Requests that are usual in the hour of `when` (Unix seconds)."""
        return self.usual[int(when // 3600) % WEEK_H]

    def limit(self, when: float, *, factor: float, margin: float) -> float:
        """Requests within the hour up to `when` from which on they are abnormal for this caller.

        Of the two hours of the clock that this hour lies in, the one with more decides.
        """
        return max(self.at(when), self.at(when - 3600.0)) * max(factor, margin * self.tail)

    def limit_long(self, when: float, *, factor: float, margin: float) -> float:
        """The same for the LONG_H hours up to `when`; infinite where nobody knows what is usual in so many."""
        if not self.usual_long:
            return math.inf
        hour = int(when // 3600) % WEEK_H
        usual = max(self.usual_long[hour], self.usual_long[hour - 1])
        return usual * max(factor, margin * self.tail_long)

    def limit_ever(self, *, times: float) -> float:
        """Requests in an hour from which on they are abnormal at any time of the week; infinite where nobody knows."""
        return self.busiest * times or math.inf


def fitted(hours: Mapping[int, float], until: float) -> Baseline:
    """From requests by hour (Unix hours, those without any left out); the first one known is the caller's first day."""
    last = int(until // 3600)
    first = min(hours, default=last)
    counts = np.zeros(max(last - first, 1))
    for hour, n in hours.items():
        if first <= hour < last:
            counts[hour - first] = n
    weekly = (np.arange(len(counts)) + first) % WEEK_H
    busy = counts[counts > 0]
    floor = _BUSY_SHARE * float(np.quantile(busy, _BUSY_QUANTILE)) if len(busy) else 0.0
    near = np.lib.stride_tricks.sliding_window_view(np.pad(counts, _NEIGHBOURS), 2 * _NEIGHBOURS + 1)
    widened = near.max(axis=1)
    usual = np.maximum([_median(widened[weekly == hour]) for hour in range(WEEK_H)], floor)
    strayed = counts / np.maximum(usual[weekly], 1.0)
    tail = max(1.0, float(np.quantile(strayed, _TAIL_QUANTILE)))
    long = np.sum([np.roll(usual, back) for back in range(LONG_H)], axis=0)
    sums = np.convolve(counts, np.ones(LONG_H))[: len(counts)]
    tail_long = max(1.0, float(np.quantile(sums / np.maximum(long[weekly], 1.0), _TAIL_QUANTILE)))
    return Baseline(tuple(usual.tolist()), tail, len(counts) / 24, tuple(long.tolist()), tail_long, float(counts.max()))


def _median(values: Values) -> float:
    return float(np.median(values)) if len(values) else 0.0
