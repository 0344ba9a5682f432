"""When a request has waited long enough."""

import asyncio


class Deadline:
    """Cancels the task when nothing moved for `timeout_s`; one timer, however many events."""

    __slots__ = ("_handle", "_loop", "_moved", "_task", "_timeout_s", "expired")

    def __init__(self, loop: asyncio.AbstractEventLoop, timeout_s: float) -> None:
        self.expired = False
        self._loop = loop
        self._task = asyncio.current_task()
        self._timeout_s = timeout_s
        self._moved = loop.time()
        self._handle = loop.call_later(timeout_s, self._check)

    def touch(self) -> None:
        self._moved = self._loop.time()

    def close(self) -> None:
        self._handle.cancel()

    def _check(self) -> None:
        left = self._moved + self._timeout_s - self._loop.time()
        if left > 0.001:
            self._handle = self._loop.call_later(left, self._check)
        elif self._task is not None:
            self.expired = True
            self._task.cancel()
