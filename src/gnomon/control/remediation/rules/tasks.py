"""Tasks with dependencies: no cycles, dates that fit, and the path that decides when everything is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from graphlib import CycleError, TopologicalSorter

from gnomon.kit.errors import BadInput


class BadTasks(BadInput):
    code = "bad_tasks"


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """A task as planned; `end` is its last day. `depends_on` names the keys of tasks that must be done before."""

    key: str
    start: date
    end: date
    depends_on: tuple[str, ...] = ()

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1


@dataclass(frozen=True, slots=True)
class Scheduled:
    """Days from the first day of the plan: earliest and latest start that dependencies and the longest path allow."""

    key: str
    days: int
    earliest: int
    latest: int

    @property
    def slack(self) -> int:
        """Days that the task may slip without moving the end of the whole."""
        return self.latest - self.earliest


def check_tasks(tasks: Sequence[TaskSpec]) -> list[str]:
    """The keys in an order that respects dependencies.

    Raises BadTasks on a repeated or unknown key, a cycle, an end before its start, or a start before the end of
    what it waits for.
    """
    by_key = {task.key: task for task in tasks}
    if len(by_key) != len(tasks):
        raise BadTasks("Two tasks have the same key.", next_step="Give each task a key of its own.")
    for task in tasks:
        _check_names(task, by_key)
    order = _ordered(tasks)
    for task in tasks:  # after the cycle: with dates alone it could not be told which dependency is too much
        _check_dates(task, by_key)
    return order


def _ordered(tasks: Sequence[TaskSpec]) -> list[str]:
    try:
        return list(TopologicalSorter({task.key: task.depends_on for task in tasks}).static_order())
    except CycleError as error:
        cycle = [str(key) for key in error.args[1]]
        raise BadTasks(
            f"The tasks wait for each other: {' → '.join(cycle)}.",
            next_step="Take one of these dependencies away.",
            cycle=cycle,
        ) from error


def schedule(tasks: Sequence[TaskSpec]) -> list[Scheduled]:
    """Each task with its slack by the critical path method (Kelley and Walker 1959), by key order of dependencies."""
    order = check_tasks(tasks)
    by_key = {task.key: task for task in tasks}
    earliest: dict[str, int] = {}
    for key in order:
        task = by_key[key]
        earliest[key] = max((earliest[before] + by_key[before].days for before in task.depends_on), default=0)
    whole = max((earliest[key] + by_key[key].days for key in order), default=0)
    followers: dict[str, list[str]] = {key: [] for key in order}
    for task in tasks:
        for before in task.depends_on:
            followers[before].append(task.key)
    latest: dict[str, int] = {}
    for key in reversed(order):
        latest[key] = min((latest[after] for after in followers[key]), default=whole) - by_key[key].days
    return [Scheduled(key, by_key[key].days, earliest[key], latest[key]) for key in order]


def critical_path(tasks: Sequence[TaskSpec]) -> list[str]:
    """The keys of one longest chain of tasks, first to last: a day lost there is a day lost for the whole."""
    planned = {item.key: item for item in schedule(tasks)}
    by_key = {task.key: task for task in tasks}
    last = [item for item in planned.values() if item.slack == 0]
    if not last:
        return []
    key = max(last, key=lambda item: (item.earliest + item.days, item.key)).key
    path = [key]
    while by_key[key].depends_on:
        key = max(by_key[key].depends_on, key=lambda before: (planned[before].earliest + planned[before].days, before))
        path.append(key)
    return path[::-1]


def is_overdue(end: date, *, progress: int, today: date) -> bool:
    """Whether a task is late: its last day is over and it is not at 100 percent."""
    return progress < 100 and end < today


def _check_names(task: TaskSpec, by_key: Mapping[str, TaskSpec]) -> None:
    unknown = [key for key in task.depends_on if key not in by_key]
    if unknown:
        raise BadTasks(
            f"The task {task.key} waits for {unknown[0]}, which is none.", next_step="Name a task of this plan."
        )


def _check_dates(task: TaskSpec, by_key: Mapping[str, TaskSpec]) -> None:
    if task.end < task.start:
        raise BadTasks(
            f"The task {task.key} ends on {task.end} before it starts on {task.start}.",
            next_step="Correct the dates.",
            task=task.key,
        )
    for before in task.depends_on:
        if by_key[before].end > task.start:  # on the same day one hands over to the other
            raise BadTasks(
                f"The task {task.key} starts on {task.start}, before {before} ends on {by_key[before].end}.",
                next_step="Move one of them.",
                task=task.key,
            )
