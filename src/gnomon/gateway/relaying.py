"""Streams that go on by themselves: their ordinary events pass from socket to socket in C (`native/relay.c`).

A stream begins there as soon as its first ordinary event is known and nothing is on its way to the caller. It comes
back with anything else: what the guard has to look at, an end, a chunk that is cut, a caller who does not take his
events. Who came back is lent again after some reads, twice as many each time, up to a limit. Without C, over TLS, and
where somebody judges or restores the text, it stays where it was.
"""

import asyncio
import resource
from collections.abc import Callable
from typing import Any, Final

from gnomon import native
from gnomon.gateway.answers import Streamed
from gnomon.gateway.batch import Batch
from gnomon.gateway.moulds import Mould
from gnomon.gateway.running import Field
from gnomon.kit import log

_log: Final = log.get(__name__)
_native: Final = native.load("relay")
_Relay: Final = getattr(_native, "Relay", None)
_PORTION: Final = 64  # streams that are read in one turn


def plain_socket(transport: Any) -> int:
    """The number of its socket, where bytes written there are what is sent and none is waiting; or else -1."""
    if (
        transport.is_closing()
        or transport.get_write_buffer_size()
        or transport.get_extra_info("sslcontext") is not None
    ):
        return -1
    sock = transport.get_extra_info("socket")
    return sock.fileno() if sock is not None else -1


def _has_room(*files: int) -> bool:
    """Whether there may be two more files for each stream: others need some too. Files have the lowest free numbers."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return most == resource.RLIM_INFINITY or max(files) < most // 2


class Course:
    """One stream that goes on by itself, until it comes back or `end` is called."""

    __slots__ = (
        "_body",
        "_field",
        "_is_lent",
        "_mould",
        "_raw",
        "_relays",
        "_stream",
        "_streamed",
        "_transport",
        "is_over",
    )

    def __init__(
        self,
        relays: "Relays",
        streamed: Streamed,
        transport: Any,
        *,
        body: Callable[[bytes], None],
        raw: Callable[[bytes], None],
    ) -> None:
        self.is_over = True
        self._relays = relays
        self._streamed = streamed
        self._transport = transport
        self._body = body
        self._raw = raw
        self._field: Field | None = None
        self._mould: Mould | None = None
        self._is_lent = False  # what the field held is in the stream now
        self._stream: Any = None

    def begin(self, relay: Any) -> bool:
        """Whether it does."""
        come_from, to = plain_socket(self._transport), self._streamed.out.socket()
        if to < 0 or come_from < 0 or not _has_room(to, come_from) or not self._transport.is_reading():
            return False
        lent = self._lent()
        if lent is None:
            return False
        try:
            self._stream = relay.begin(come_from, to, self._back, *lent)
        except OSError as error:  # no more sockets, most likely: it stays where it is
            _log.warning("stream_not_relayed", why=str(error))
            return False
        self.is_over, self._is_lent = False, True
        self._transport.pause_reading()
        return True

    def look(self) -> None:
        """When it moved last counts."""
        self._streamed.deadline.moved(self._stream.moved)

    def end(self) -> None:
        """The field knows what went on, and the connection reads again."""
        if self.is_over:
            return
        self.is_over = True
        self._relays.forget(self)
        self._stream.stop()
        self._take_back()
        self.look()
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def _lent(self) -> tuple[Any, ...] | None:
        """What the stream needs to go on by itself; None where what follows is not ordinary."""
        lent = self._streamed.events.lend()
        window = None if lent is None else lent[0].lend()
        if lent is None or window is None:
            return None
        self._field, self._mould = lent
        return self._field.room, self._mould.parts, *window

    def _take_back(self) -> None:
        if self._is_lent and self._field is not None and self._mould is not None:
            self._is_lent = False
            events, *told = self._stream.take()
            self._field.take_back(*told)
            if events:
                self._streamed.events.passed(self._mould)

    def _back(self, unsent: bytes | None, body: bytes = b"", raw: bytes = b"") -> bytes | None:
        """For something else than ordinary events: what goes on for it, or None where the stream is over here.

        `unsent` is what the caller has not taken; behind it a body was read, or bytes as they are.
        """
        try:
            if unsent is None:
                raise MemoryError("for what was read of a stream")
            return self._told(unsent, body, raw)
        except Exception:  # noqa: BLE001 - whatever it is, it ends this stream and no other
            _log.exception("stream_failed")
            self._transport.abort()
            return None

    def _told(self, unsent: bytes, body: bytes, raw: bytes) -> bytes | None:
        streamed = self._streamed
        if unsent or raw or not body:
            self.end()
            if unsent:
                streamed.out.write(unsent)
            if body:
                self._body(body)
            if raw:
                self._raw(raw)
            return None
        self._take_back()
        streamed.caught = b""
        self._body(body)
        caught, streamed.caught = streamed.caught, None
        lent = None if self.is_over else self._lent()
        if lent is not None:
            self._stream.lend(*lent)
            self._is_lent = True
            return caught
        self.end()
        if caught:
            streamed.out.write(caught)
        return None


class Relays:
    """All streams of one loop that go on by themselves."""

    def __init__(self, loop: asyncio.AbstractEventLoop, batch: Batch) -> None:
        self._loop = loop
        self._batch = batch
        self._relay: Any = None
        self._courses: set[Course] = set()

    def begin(
        self, streamed: Streamed, transport: Any, *, body: Callable[[bytes], None], raw: Callable[[bytes], None]
    ) -> Course | None:
        """The course of a stream of which all is sent; None where it cannot go on by itself now."""
        if _Relay is None or self._batch.is_sending:
            return None
        if self._relay is None:
            try:
                relay = _Relay()
                self._loop.add_reader(relay.fileno(), relay.turn)
            except OSError as error:  # as below
                _log.warning("stream_not_relayed", why=str(error))
                return None
            self._relay = relay
        course = Course(self, streamed, transport, body=body, raw=raw)
        if not course.begin(self._relay):
            return None
        self._courses.add(course)
        return course

    def look(self) -> None:
        """What has come by now goes on, and counts as having moved."""
        portions = len(self._courses) // _PORTION + 2  # those that are told without an end are not waited for
        while self._relay is not None and portions and self._relay.turn():
            portions -= 1
        for course in tuple(self._courses):
            course.look()

    def forget(self, course: Course) -> None:
        self._courses.discard(course)

    def close(self) -> None:
        for course in tuple(self._courses):
            course.end()
        if self._relay is not None:
            self._loop.remove_reader(self._relay.fileno())
            self._relay.close()
            self._relay = None
