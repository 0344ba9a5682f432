"""Many tests at once: p values adjusted so that the whole family keeps its promise."""

from collections.abc import Sequence

from gnomon.engine.stats.interval import BadFigures


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p values in the order given; rejecting those <= alpha keeps the chance of any false one <= alpha.

    Holm 1979 (Scand J Stat 6:65). For goals, where each claim must stand by itself.
    """
    order = _order(p_values)
    adjusted = [0.0] * len(order)
    running = 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, (len(order) - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """q values in the order given; keeping those <= q holds the expected share of false ones at q.

    Benjamini and Hochberg 1995 (JRSS B 57:289). For exploration, where a list of leads is wanted.
    """
    order = _order(p_values)
    adjusted = [0.0] * len(order)
    running = 1.0
    for rank in range(len(order), 0, -1):
        index = order[rank - 1]
        running = min(running, p_values[index] * len(order) / rank)
        adjusted[index] = running
    return adjusted


def _order(p_values: Sequence[float]) -> list[int]:
    for p in p_values:
        if not 0.0 <= p <= 1.0:
            raise BadFigures(f"A p value is between 0 and 1, not {p}.", next_step="Check the test that gave it.")
    return sorted(range(len(p_values)), key=lambda index: p_values[index])
