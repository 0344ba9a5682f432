"""The waiting line: who is next, and who may share a forward pass with them."""

from collections.abc import Sequence

from gnomon.app.modelserver.task import Task

# Padded tokens a prompt token that a single pass may cost. Taking whoever waits costs 1.8 on short texts of mixed
# length, and a pass over 100 tokens is already as efficient as one over 1,000 (docs/benchmarks/model.md).
_PADDING = 1.2


def next_batch(waiting: Sequence[Task], max_batch: int) -> list[Task]:
    """The longest-waiting task and those that fit it best: same adapter, answered in the same manner, like length.

    A batch that generates token by token gains more from company than it loses by padding, so there only the number
    counts.
    """
    first = waiting[0]
    alike = sorted((task for task in waiting if _kind(task) == _kind(first)), key=lambda task: len(task.prompt))
    most = _PADDING if first.passes <= 1 else float("inf")
    low = next(place for place, task in enumerate(alike) if task is first)
    high = low + 1
    while high - low < max_batch and (wider := _wider(alike, low, high)) and _padding(alike, *wider) <= most:
        low, high = wider
    return [first, *(task for task in alike[low:high] if task is not first)]


def _kind(task: Task) -> tuple[str | None, bool]:
    return task.adapter, task.passes > 1


def _wider(ordered: Sequence[Task], low: int, high: int) -> tuple[int, int] | None:
    """The range with the neighbour nearer in length, None when there is no neighbour."""
    shorter = len(ordered[low].prompt) - len(ordered[low - 1].prompt) if low > 0 else None
    longer = len(ordered[high].prompt) - len(ordered[high - 1].prompt) if high < len(ordered) else None
    if shorter is None and longer is None:
        return None
    if longer is None or (shorter is not None and shorter <= longer):
        return low - 1, high
    return low, high + 1


def _padding(ordered: Sequence[Task], low: int, high: int) -> float:
    """Padded tokens over real ones when these are run as one batch."""
    return len(ordered[high - 1].prompt) * (high - low) / sum(len(task.prompt) for task in ordered[low:high])
