"""What one turn of the event loop sends goes out together at its end: records first, then bytes.

A turn reads from every socket that has something. If each answer went out where it is made, the kernel's way down and
the other side's wake-up would stand between two requests and drive the code out of the processor's caches; sent
together, requests that come together cost a third less (docs/benchmarks/gateway.md). Alone, a request waits for nobody.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from gnomon.kit import log

_log = log.get(__name__)
_MOST = 16  # sends: nobody waits for more than these while a long turn goes on
_JOINED_BYTES = 16_384  # to the same transport, one after the other: one write


def _nothing() -> None:
    pass


class Outbox:
    """Belongs to one event loop. `commit` puts the turn's records into the kernel's hands."""

    __slots__ = ("_after", "_commit", "_is_awake", "_loop", "_sends")

    def __init__(self, loop: asyncio.AbstractEventLoop, commit: Callable[[], None] = _nothing) -> None:
        self._loop = loop
        self._commit = commit
        self._is_awake = False
        self._sends: list[tuple[Any, bytes]] = []
        self._after: list[Callable[[], object]] = []

    def put(self, transport: Any, data: bytes) -> None:
        """Sent at the end of the turn, after all that was put for this transport before, and after all records."""
        sends = self._sends
        if sends:
            before, waiting = sends[-1]
            if before is transport and len(waiting) + len(data) <= _JOINED_BYTES:
                sends[-1] = (transport, waiting + data)
                return
        sends.append((transport, data))
        if len(sends) >= _MOST:
            self.flush()
        else:
            self.wake()

    def wake(self) -> None:
        """There will be a `flush` at the end of this turn."""
        if not self._is_awake:
            self._is_awake = True
            self._loop.call_soon(self._end_turn)

    def after(self, work: Callable[[], object]) -> None:
        """Done once all that was put is sent."""
        self._after.append(work)
        self.wake()

    def flush(self) -> None:
        """All that was put is sent; who closes a transport calls this first. A send that fails is logged."""
        self._commit()
        sends, self._sends = self._sends, []
        for transport, data in sends:
            if transport.is_closing():
                continue  # nobody is there any more
            try:
                transport.write(data)
            except Exception:  # noqa: BLE001 - one broken connection must not keep the others' bytes
                _log.exception("send_failed")
        if self._after:
            after, self._after = self._after, []
            for work in after:
                try:
                    work()
                except Exception:  # noqa: BLE001 - nor the others' work
                    _log.exception("work_failed")

    def _end_turn(self) -> None:
        self._is_awake = False
        self.flush()
