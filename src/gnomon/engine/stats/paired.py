"""The same items before and after: how many flipped, whether that is chance, and how large the difference is."""

from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

from gnomon.engine.stats.interval import BadFigures, Interval, wilson


@dataclass(frozen=True, slots=True)
class McNemar:
    """`fixed` items went from wrong to right, `broken` from right to wrong; `p` is exact and two-sided."""

    fixed: int
    broken: int
    p: float
    p_mid: float

    @property
    def discordant(self) -> int:
        return self.fixed + self.broken

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"discordant": self.discordant}


def mcnemar(fixed: int, broken: int) -> McNemar:
    """The exact conditional test that flips in both directions are equally likely, at every number of flips.

    McNemar 1947 (Psychometrika 12:153) in its binomial form; `p_mid` is the mid-p value of Fagerland, Lydersen and
    Laake 2013 (BMC Med Res Methodol 13:91), less conservative when flips are few. No flips at all: both are 1.
    """
    if fixed < 0 or broken < 0:
        raise BadFigures(f"Flip counts cannot be negative: fixed {fixed}, broken {broken}.", next_step="Count again.")
    n = fixed + broken
    if n == 0:
        return McNemar(0, 0, 1.0, 1.0)
    from scipy.special import bdtr  # heavy; only who tests pays for it

    fewer = min(fixed, broken)
    below = float(bdtr(fewer - 1, n, 0.5)) if fewer else 0.0
    point = float(bdtr(fewer, n, 0.5)) - below
    if fixed == broken:
        return McNemar(fixed, broken, 1.0, 1.0 - point / 2)
    return McNemar(fixed, broken, min(1.0, 2 * (below + point)), min(1.0, 2 * below + point))


@dataclass(frozen=True, slots=True)
class Flips:
    """A paired table: right both times, right only before, right only after, wrong both times."""

    both: int
    broken: int
    fixed: int
    neither: int

    def __post_init__(self) -> None:
        if min(self.both, self.broken, self.fixed, self.neither) < 0 or self.n == 0:
            raise BadFigures(
                f"Not a paired table: {self.both}, {self.broken}, {self.fixed}, {self.neither}.",
                next_step="Count at least one item, nothing below zero.",
            )

    @property
    def n(self) -> int:
        return self.both + self.broken + self.fixed + self.neither

    @property
    def before(self) -> int:
        return self.both + self.broken

    @property
    def after(self) -> int:
        return self.both + self.fixed

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"n": self.n}


def paired_difference(flips: Flips, level: float = 0.95) -> Interval:
    """Share right after minus share right before, with Newcombe's interval for paired proportions.

    Method 10 of Newcombe 1998 (Stat Med 17:2635): Wilson's intervals squared and added, with the continuity-corrected
    correlation of the two answers.
    """
    n = flips.n
    after, before = wilson(flips.after, n, level), wilson(flips.before, n, level)
    estimate = (flips.fixed - flips.broken) / n
    phi = _correlation(flips)
    low = _spread(after.estimate - after.low, before.high - before.estimate, phi)
    high = _spread(after.high - after.estimate, before.estimate - before.low, phi)
    return Interval(estimate, max(-1.0, estimate - low), min(1.0, estimate + high), level, n, "newcombe-paired")


def _spread(one: float, other: float, phi: float) -> float:
    return sqrt(max(0.0, one * one - 2 * phi * one * other + other * other))


def _correlation(flips: Flips) -> float:
    margins = flips.before * flips.after * (flips.n - flips.before) * (flips.n - flips.after)
    if margins == 0:
        return 0.0
    cross = flips.both * flips.neither - flips.broken * flips.fixed
    corrected = cross if cross < 0 else max(0.0, cross - flips.n / 2)
    return corrected / sqrt(margins)
