"""The waiting line: who is next, and who may share a forward pass with them."""

from collections.abc import Sequence

from gnomon.app.modelserver.task import Task


def next_batch(waiting: Sequence[Task], max_batch: int) -> list[Task]:
    """The longest-waiting task and those that fit it best: same adapter, answered in the same manner, like length.

    Padding is wasted work, so of the candidates those nearest in prompt length are taken; the first in line always is.
    """
    first = waiting[0]
    alike = [task for task in waiting[1:] if _kind(task) == _kind(first)]
    alike.sort(key=lambda task: abs(len(task.prompt) - len(first.prompt)))
    return [first, *alike[: max_batch - 1]]


def _kind(task: Task) -> tuple[str | None, bool]:
    return task.adapter, task.passes > 1
