"""A core for those that are measured alone: every other thread of the machine goes to the other cores meanwhile.

Threads that belong to one core (the kernel's own) stay, as do those of other users where the bench is not root's. All
get back what they had, as does what they start meanwhile; a bench that is killed (SIGKILL) cannot give it back.
"""

import contextlib
import os
from collections.abc import Iterator

import psutil


@contextlib.contextmanager
def kept_off(own: set[int], others: set[int]) -> Iterator[int]:
    """How many threads were sent from `own` to `others`: none where there is one core, or no affinity (not Linux)."""
    if not others or own == others or not hasattr(os, "sched_setaffinity"):
        yield 0
        return
    before: dict[int, set[int]] = {}
    try:
        for thread in _threads():
            had = _sent(thread, away_from=own)
            if had is not None:
                before[thread] = had
        yield len(before)
    finally:
        for thread, had in before.items():
            _set(thread, had)
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                starter = before.get(process.ppid())
                if starter is not None and process.pid not in before:
                    for thread in process.threads():
                        _set(thread.id, starter)


def _threads() -> Iterator[int]:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            yield from (thread.id for thread in process.threads())


def _sent(thread: int, *, away_from: set[int]) -> set[int] | None:
    """The cores that it had; None where it had none of these, has to stay, or has ended."""
    with contextlib.suppress(OSError):
        had = os.sched_getaffinity(thread)
        if had & away_from and had - away_from and _set(thread, had - away_from):
            return had
    return None


def _set(thread: int, cores: set[int]) -> bool:
    try:
        os.sched_setaffinity(thread, cores)
    except OSError:
        return False
    return True
