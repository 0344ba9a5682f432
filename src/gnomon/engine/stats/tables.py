"""Two-by-two tables: whether two shares differ by more than chance."""

from collections.abc import Iterator
from itertools import accumulate
from math import exp, fsum, log

from gnomon.engine.stats.interval import BadFigures

_TIE = 1e-7  # tables as likely as the one seen but for rounding count as just as likely


def fisher(wrong: int, right: int, rest_wrong: int, rest_right: int) -> float:
    """The exact two-sided p that both shares of `wrong` are one, given the sums of the table (Fisher 1922).

    All tables with these sums that are no likelier than the one seen, by their hypergeometric probabilities. Written
    out, because what else has it takes a second and 60 MB to load. Raises BadFigures on negative counts.
    """
    if min(wrong, right, rest_wrong, rest_right) < 0:
        raise BadFigures(
            f"Counts cannot be negative: {wrong}, {right}, {rest_wrong}, {rest_right}.", next_step="Count again."
        )
    part, all_wrong, all_right = wrong + right, wrong + rest_wrong, right + rest_right
    least, most = max(0, part - all_right), min(part, all_wrong)
    logs = list(accumulate(_steps(least, most, part=part, wrong=all_wrong, right=all_right), initial=0.0))
    highest = max(logs)
    likely = [exp(one - highest) for one in logs]
    seen = likely[wrong - least] * (1 + _TIE)
    return min(1.0, fsum(one for one in likely if one <= seen) / fsum(likely))


def _steps(least: int, most: int, *, part: int, wrong: int, right: int) -> Iterator[float]:
    """By how much the logarithm changes from each number of wrong ones in the part to the next."""
    for count in range(least, most):
        yield log(wrong - count) + log(part - count) - log(count + 1) - log(right - part + count + 1)
