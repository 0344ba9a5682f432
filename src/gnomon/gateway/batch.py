"""A turn of the event loop in three steps: all that came is read, then worked on, then what that made is sent.

Were each request worked on and answered as it is read, the kernel's ways in and out and the other sides' wake-ups would
stand between two requests and drive the code out of the processor's caches: requests that come together cost nearly
half as much so (docs/benchmarks/gateway.md). One that comes alone waits for nobody, nor do its bytes for what else
there is to do for it. Records go before bytes.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol

from gnomon.kit import log

_log: Final = log.get(__name__)
_MOST_READS: Final = 64  # held before they are worked on, though the turn is not over
_MOST_READ_BYTES: Final = 1 << 18
_MOST_SENDS: Final = 16  # so many go out though it is not: a slow caller's pause must come soon
_MOST_SEND_BYTES: Final = 1 << 17
_JOINED_BYTES: Final = 16_384  # to the same transport, one after the other: one write


class Receiver(Protocol):
    """A connection: what it reads is worked on by `arrived`, in the order of reading."""

    def arrived(self, data: bytes) -> None: ...

    def abort(self) -> None: ...


def _nothing() -> None:
    pass


class Batch:
    """Belongs to one event loop. `commit` puts the turn's records into the kernel's hands."""

    __slots__ = (
        "_after",
        "_commit",
        "_is_alone",
        "_is_awake",
        "_loop",
        "_read_bytes",
        "_reads",
        "_send_bytes",
        "_sends",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, commit: Callable[[], None] = _nothing) -> None:
        self._loop = loop
        self._commit = commit
        self._is_alone = False  # what is worked on is all that has been read
        self._is_awake = False
        self._reads: list[tuple[Receiver, bytes]] = []
        self._read_bytes = 0
        self._sends: list[tuple[Any, bytes]] = []
        self._send_bytes = 0
        self._after: list[Callable[[], object]] = []

    def take(self, receiver: Receiver, data: bytes) -> None:
        """`receiver.arrived(data)` once the turn has read what there is."""
        self._reads.append((receiver, data))
        self._read_bytes += len(data)
        if len(self._reads) >= _MOST_READS or self._read_bytes >= _MOST_READ_BYTES:
            self._work()
        self.wake()

    def put(self, transport: Any, data: bytes) -> None:
        """Sent at the end of the turn, after all that was put for this transport before, and after all records."""
        sends = self._sends
        self._send_bytes += len(data)
        if sends:
            before, waiting = sends[-1]
            if before is transport and len(waiting) + len(data) <= _JOINED_BYTES:
                sends[-1] = (transport, waiting + data)
                return
        sends.append((transport, data))
        if len(sends) >= _MOST_SENDS or self._send_bytes >= _MOST_SEND_BYTES:
            self.flush()
        self.wake()

    def put_last(self, transport: Any, data: bytes) -> None:
        """As `put`, of the last that a read leads to: sent at once where no other waits for its turn."""
        self.put(transport, data)
        if self._is_alone:
            self._send()

    @property
    def is_sending(self) -> bool:
        """Whether anything waits for the end of the turn."""
        return bool(self._sends)

    def after(self, work: Callable[[], object]) -> None:
        """Done once all that was put is sent."""
        self._after.append(work)
        self.wake()

    def wake(self) -> None:
        """There will be an `end` of this turn."""
        if not self._is_awake:
            self._is_awake = True
            self._loop.call_soon(self._turn)

    def flush(self) -> None:
        """All that was put is sent; who closes a transport calls this first. Where that fails the connection ends."""
        self._send()
        if self._after:
            after, self._after = self._after, []
            for work in after:
                try:
                    work()
                except Exception:  # noqa: BLE001 - nor the others' work
                    _log.exception("work_failed")

    def _send(self) -> None:
        try:
            self._commit()
        except Exception:  # noqa: BLE001 - it knows what it could not write; the answers are waited for all the same
            _log.exception("commit_failed")
        sends, self._sends, self._send_bytes = self._sends, [], 0
        for transport, data in sends:
            if transport.is_closing():
                continue  # nobody is there any more
            try:
                transport.write(data)
            except Exception:  # noqa: BLE001 - one broken connection must not keep the others' bytes
                _log.exception("send_failed")
                transport.abort()  # or what is sent next would follow a gap, or nothing ever would

    def end(self) -> None:
        """All that was read is worked on and what that made is sent: now, whatever else this turn will read."""
        self._work()
        self.flush()

    def _turn(self) -> None:
        try:
            self._work()
        finally:
            self._is_awake = False  # what is put while others' bytes are sent has a turn of its own
        self.flush()
        if self._reads:
            self.wake()  # read while others' were worked on

    def _work(self) -> None:
        reads, self._reads, self._read_bytes = self._reads, [], 0
        self._is_alone = len(reads) == 1
        for receiver, data in reads:
            try:
                receiver.arrived(data)
            except Exception:  # noqa: BLE001 - as a loop does with what raises there: this connection ends
                _log.exception("receiver_failed")
                try:
                    receiver.abort()
                except Exception:  # noqa: BLE001 - and no other
                    _log.exception("abort_failed")
        self._is_alone = False
