"""When a request has waited long enough."""

import asyncio
import math
from collections.abc import Callable
from typing import Final

_NEAR_S: Final = 0.001  # a timer may come so much too early


def _nothing() -> None: ...


class Deadlines:
    """All requests under way that must not wait for ever; one timer for all, set for the one that could end first.

    Most requests end long before: to begin and to end one costs a place in a set. `first` is done before any ends: what
    has been read by then may be what they wait for.
    """

    __slots__ = ("_active", "_due", "_first", "_timer", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop, first: Callable[[], object] = _nothing) -> None:
        self.loop = loop
        self._first = first
        self._active: set[Deadline] = set()
        self._due = math.inf  # when the timer is set for
        self._timer: asyncio.TimerHandle | None = None

    def add(self, deadline: "Deadline") -> None:
        self._active.add(deadline)
        if deadline.due < self._due:
            self._set(deadline.due)

    def discard(self, deadline: "Deadline") -> None:
        self._active.discard(deadline)

    def _set(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due = due
        self._timer = self.loop.call_at(due, self._look)

    def _look(self) -> None:
        """Those whose time is over end; the timer is set for the next."""
        self._due, self._timer = math.inf, None
        now = self.loop.time()
        late = self._late(now)
        if late:
            self._first()
            late = self._late(now)
        self._active.difference_update(late)
        for deadline in late:
            deadline.expire()
        if self._active:
            self._set(min(self._due, *(deadline.due for deadline in self._active)))

    def _late(self, now: float) -> list["Deadline"]:
        return [deadline for deadline in self._active if deadline.due - now <= _NEAR_S]


class Deadline:
    """Calls `cancel` when nothing moved for `timeout_s`, or after `total_s` (0: never)."""

    __slots__ = ("_all", "_cancel", "_ends", "_moved", "_timeout_s", "expired")

    def __init__(
        self, deadlines: Deadlines, timeout_s: float, *, cancel: Callable[[], object], total_s: float = 0.0
    ) -> None:
        self.expired = False
        self._all = deadlines
        self._cancel = cancel
        self._timeout_s = timeout_s
        self._moved = now = deadlines.loop.time()
        self._ends = now + total_s if total_s else math.inf
        deadlines.add(self)

    @property
    def due(self) -> float:
        """On the loop's clock; it moves on as long as something moves."""
        return min(self._moved + self._timeout_s, self._ends)

    @property
    def left_s(self) -> float:
        """Seconds that the whole request has still; infinite where only silence ends it."""
        return max(self._ends - self._all.loop.time(), 0.0)

    def touch(self) -> None:
        self._moved = self._all.loop.time()

    def moved(self, at: float) -> None:
        """Something moved then, on the loop's clock."""
        self._moved = max(self._moved, at)

    def expire(self) -> None:
        self.expired = True
        self._cancel()

    def close(self) -> None:
        self._all.discard(self)
