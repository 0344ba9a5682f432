"""Which rows in which step at which rate: a resumed run goes on as if it had never stopped."""

import random
from collections.abc import Sequence

# Batches are cut from stretches of this many batches sorted by length: little padding, still nearly random.
_STRETCH = 8


def batches(lengths: Sequence[int], *, steps: int, batch: int, seed: int) -> list[list[int]]:
    """`steps` lists of `batch` row numbers. Every row is used once before any is used again."""
    order = _endless(len(lengths), steps * batch, random.Random(f"{seed}/rows"))  # noqa: S311 - must be repeatable
    cut: list[list[int]] = []
    for start in range(0, len(order), _STRETCH * batch):
        stretch = sorted(order[start : start + _STRETCH * batch], key=lambda row: (lengths[row], row))
        cut += [stretch[at : at + batch] for at in range(0, len(stretch), batch)]
    random.Random(f"{seed}/batches").shuffle(cut)  # noqa: S311 - must be repeatable
    return cut


def learning_rate(step: int, *, steps: int, warmup: int, peak: float) -> float:
    """Rate of step 0 … steps-1: up in a line over the warm-up, then down in a line to a hundredth of the peak."""
    if step < warmup:
        return peak * (step + 1) / (warmup + 1)
    share = (step - warmup) / max(1, steps - warmup)
    return peak * max(0.01, 1.0 - share)


def _endless(rows: int, wanted: int, draw: random.Random) -> list[int]:
    order: list[int] = []
    while len(order) < wanted:
        epoch = list(range(rows))
        draw.shuffle(epoch)
        order += epoch
    return order[:wanted]
