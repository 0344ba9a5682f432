"""A batch on its way: one forward pass a turn, so that batches can take turns."""

from collections.abc import Iterator, Sequence

from gnomon.app.modelserver.model import LanguageModel
from gnomon.app.modelserver.task import Task


def run(tasks: Sequence[Task], model: LanguageModel) -> Iterator[None]:
    """Answers every task; yields after each forward pass. All tasks name the same adapter.

    A task that is cancelled leaves the batch before the next pass; a task with nothing to choose costs none.
    """
    rows = [task for task in tasks if not task.is_over]
    if not rows:
        return
    goes_on = any(task.passes > 1 for task in rows)
    cursor = model.begin([task.prompt for task in rows], rows[0].adapter, goes_on=goes_on)
    while True:
        for task, scores in zip(rows, cursor.scores([task.allowed() for task in rows]), strict=True):
            task.take(scores)
        yield
        kept = [number for number, task in enumerate(rows) if not task.is_over]
        if not kept:
            return
        rows = [rows[number] for number in kept]
        cursor.advance(kept, [task.tokens[-1] for task in rows])
