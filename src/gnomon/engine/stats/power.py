"""What a test of this size could have shown at all."""

from math import ceil, sqrt
from statistics import NormalDist

from gnomon.engine.stats.interval import BadFigures, z_of

_NORMAL = NormalDist()


def paired_power(n: int, *, discordant: float, effect: float, alpha: float = 0.05) -> float:
    """The chance that McNemar's test on `n` pairs finds a true difference `effect`, where `discordant` pairs flip.

    Both are shares. Connor 1987 (Biometrics 43:207). Raises BadFigures unless 0 < |effect| <= discordant <= 1.
    """
    _check(discordant, effect)
    size = abs(effect)
    spread = discordant - size * size
    reach = size * sqrt(n) - z_of(1 - alpha) * sqrt(discordant)
    if spread <= 0:  # every pair flips the same way
        return 1.0 if reach > 0 else 0.0
    return _NORMAL.cdf(reach / sqrt(spread))


def paired_n(*, discordant: float, effect: float, power: float = 0.8, alpha: float = 0.05) -> int:
    """How many pairs McNemar's test needs to find `effect` with chance `power`. Connor 1987."""
    _check(discordant, effect)
    if not 0 < power < 1:
        raise BadFigures(f"Power is between 0 and 1, not {power}.", next_step="Give .8, for example.")
    size = abs(effect)
    z_sum = z_of(1 - alpha) * sqrt(discordant) + _NORMAL.inv_cdf(power) * sqrt(discordant - size * size)
    return ceil((z_sum / size) ** 2)


def two_sample_power(n1: int, n2: int, *, p1: float, p2: float, alpha: float = 0.05) -> float:
    """The chance that a two-sided test tells shares `p1` and `p2` of independent groups apart.

    Normal approximation with pooled variance under the hypothesis (Fleiss, Levin and Paik 2003, section 4.2).
    """
    if n1 < 1 or n2 < 1 or not (0 <= p1 <= 1 and 0 <= p2 <= 1):
        raise BadFigures(f"No two groups: n {n1} and {n2}, shares {p1} and {p2}.", next_step="Give two real groups.")
    pooled = (n1 * p1 + n2 * p2) / (n1 + n2)
    under_null = sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    under_effect = sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)
    reach = abs(p1 - p2) - z_of(1 - alpha) * under_null
    if under_effect == 0:
        return 1.0 if reach > 0 else 0.0
    return _NORMAL.cdf(reach / under_effect)


def _check(discordant: float, effect: float) -> None:
    if not 0 < abs(effect) <= discordant <= 1:
        raise BadFigures(
            f"An effect of {effect} cannot come from a share {discordant} of discordant pairs.",
            next_step="Give 0 < |effect| <= discordant <= 1.",
        )
