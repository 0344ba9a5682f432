"""A raw connection to a model server: one request at a time, kept alive, aborted when the caller is gone."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any, Final, Protocol

import httptools

from gnomon import native
from gnomon.gateway.answers import Streamed
from gnomon.gateway.batch import Batch
from gnomon.gateway.relaying import Course, Relays
from gnomon.gateway.snapshot import Origin
from gnomon.gateway.story import Stage, Turn

_native: Final = native.load("events")
_chunks: Final = _native.chunks if _native is not None else None
_GRACE_S: Final = 0.25  # between the last event and the end of the answer: only with it the connection is used again
_MAX_HEADER_BYTES: Final = 32_768


class UpstreamError(Exception):
    """The model server did not answer properly; `received` says whether any byte of an answer came."""

    def __init__(self, message: str, *, received: bool) -> None:
        super().__init__(message)
        self.received = received


class Unreachable(UpstreamError):
    """No connection could be made."""

    def __init__(self, message: str) -> None:
        super().__init__(message, received=False)


class Sink(Protocol):
    """Where an answer goes, called from the connection as bytes arrive. What it raises ends the call."""

    def head(self, status: int, headers: dict[bytes, bytes]) -> None: ...

    def body(self, data: bytes) -> None: ...


class Line(Protocol):
    """Who waits for the answer; `link` is set while a connection works for it."""

    link: Any
    connect_ms: float | None

    def elapsed_ms(self) -> float: ...


def idly() -> None: ...


class Keeper(ABC):
    """Who keeps connections, as each of them knows it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, batch: Batch) -> None:
        self.loop = loop
        self.batch = batch
        self.stage = Stage(loop)
        self.relays = Relays(loop, batch)

    @abstractmethod
    def give_back(self, link: "Link", origin: Origin) -> None:
        """Its answer is whole: it may be used again."""

    @abstractmethod
    def forget(self, link: "Link", origin: Origin) -> None:
        """It is lost."""


class Closed(Exception):
    """A kept connection turned out to be closed before a byte came: the request may go out again on a fresh one."""


class Link(asyncio.Protocol):
    """One connection. `busy` from `send` until the answer is whole."""

    __slots__ = (
        "_answered", "_between", "_bounded", "_course", "_done", "_ended", "_fresh", "_head_bytes", "_headers",
        "_is_enough", "_keeps", "_origin", "_parser", "_pieces", "_pool", "_received", "_sink", "_unread", "_waiting",
        "idle_since", "is_lost", "transport",
    )  # fmt: skip

    def __init__(self, pool: Keeper, origin: Origin) -> None:
        self.transport: Any = None
        self.idle_since = 0.0
        self.is_lost = False
        self._pool = pool
        self._origin = origin
        self._parser = httptools.HttpResponseParser(self)
        self._sink: Sink | None = None
        self._done: Turn | None = None
        self._keeps = False
        self._ended = False  # the answer is whole; what waits for it goes on once the parser has returned
        self._headers: dict[bytes, bytes] = {}
        self._head_bytes = 0
        self._unread = 0  # bytes that the parser keeps to itself
        self._waiting = 0  # reads that the batch has still to work on
        self._pieces: list[bytes] = []  # of the body, from one read
        self._received = False
        self._answered = 0.0
        self._bounded = False  # the answer says where it ends
        self._between = False  # the parser stands behind a whole chunk: others like it may pass it by
        self._fresh = True
        self._is_enough = False
        self._course: Course | None = None  # on which the answer goes on without this connection

    async def send(self, data: bytes, sink: Sink, *, silence_s: float, meanwhile: Callable[[], object] = idly) -> float:
        """The whole answer has gone to the sink; the loop's time of its first byte. Raises UpstreamError, or what the
        sink or `meanwhile` raised, which is called once the request is out.

        Without a byte of an answer within `silence_s` (0: however long that takes) it is given up.
        """
        self._sink = sink
        self._received = False
        self._unread = 0
        self._ended = self._is_enough = False
        self._done = done = Turn(self._pool.stage)
        self._pool.batch.put_last(self.transport, data)
        self._pool.batch.after(partial(self._work, done, meanwhile))
        timer = self._pool.loop.call_later(silence_s, self._give_up) if silence_s else None
        try:
            await done
            return self._answered
        finally:
            if timer is not None:
                timer.cancel()
            self._leave()
            # Cancelled (caller gone, deadline) or failed: the model server must not go on for nobody.
            if not done.went_well:
                self._sink = None
                self._done = None
                self.abort()

    def abort(self) -> None:
        self._leave()
        if self.transport is not None:
            self.transport.abort()

    def _work(self, done: Turn, meanwhile: Callable[[], object]) -> None:
        if self._done is not done:
            return  # nobody waits for this answer any more
        try:
            meanwhile()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised where the answer is waited for
            self._fail(error)

    def offer(self, streamed: Streamed) -> None:
        """What comes for it is ordinary: it may go on by itself, once all that came before it is sent."""
        self._pool.loop.call_soon(self._lend, self._done, streamed)

    def _lend(self, done: Turn | None, streamed: Streamed) -> None:
        if done is None or self._done is not done or self._waiting or not self._between or self.transport.is_closing():
            return
        if self._course is None or self._course.is_over:
            self._course = self._pool.relays.begin(streamed, self.transport, body=self._pass_on, raw=self.data_received)

    def _leave(self) -> None:
        if self._course is not None:
            self._course.end()
            self._course = None

    def enough(self) -> None:
        """The sink has all that it wants: who does not end his answer now is not waited for."""
        self._is_enough = True
        self._pool.loop.call_later(_GRACE_S, self._stop_waiting, self._done)

    def _stop_waiting(self, done: Turn | None) -> None:
        if done is not None and self._done is done:
            self._fail(UpstreamError("the answer has no end", received=True))

    def _give_up(self) -> None:
        if not self._received:
            self._fail(UpstreamError("no byte of an answer in time", received=False))

    # -- asyncio.Protocol ---------------------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self._done is None:
            self.transport.abort()  # nobody asked: garbage between answers, and never the next question's
            return
        if not self._received:
            self._received, self._answered = True, self._pool.loop.time()
        self._waiting += 1
        self._pool.batch.take(self, data)

    def arrived(self, data: bytes) -> None:
        self._waiting -= 1
        if self._done is None:
            self.transport.abort()  # it came behind a whole answer, or nobody waits for it any more
            return
        if self._between:
            body = _chunks(data)  # type: ignore[misc]  # or nothing was ever between
            if body is not None:
                self._pass_on(body)
                return
            self._between = False
        self._unread += len(data)
        try:
            try:
                self._parser.feed_data(data)
            finally:
                if self._pieces:
                    self._deliver()
            if self._ended:
                self._conclude()
            elif self._between and not data.endswith(b"\r\n"):
                self._between = False  # the next chunk has begun
            elif self._unread > _MAX_HEADER_BYTES:
                raise UpstreamError("a line of the answer's head does not end", received=True)
        except httptools.HttpParserError as error:
            cause = error.__context__
            if self._ended:  # the answer is whole: what came behind it ends the connection, and nothing else
                self._keeps = False
                self._conclude()
            elif isinstance(cause, Exception) and not isinstance(cause, httptools.HttpParserError):
                self._fail(cause)
            else:
                self._fail(UpstreamError(f"not HTTP: {error}", received=True))
        except Exception as error:  # noqa: BLE001 - whatever the sink raised belongs to the caller
            self._fail(error)

    def _pass_on(self, body: bytes) -> None:
        try:
            if self._sink is not None:
                self._sink.body(body)
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(error)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self.is_lost = True
        self._leave()
        self._pool.forget(self, self._origin)
        if self._done is None:
            return
        if self._received and self._headers and not self._bounded and error is None:
            done, self._done, self._sink = self._done, None, None
            done.finish()  # an answer that ends with its connection
        elif not self._received and not self._fresh:
            self._fail(Closed())
        else:
            self._fail(UpstreamError("the connection closed before the answer ended", received=self._received))

    # -- httptools ----------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._done is None or self._ended:
            self.transport.abort()  # more than was asked for: nobody's, least of all the next caller's
        self._headers = {}
        self._head_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        self._unread = 0
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > _MAX_HEADER_BYTES:
            raise UpstreamError("the head of the answer is too large", received=True)
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status >= 200 and self._sink is not None and not self._ended:
            self._bounded = b"content-length" in self._headers or b"transfer-encoding" in self._headers
            self._sink.head(status, self._headers)

    def on_body(self, data: bytes) -> None:
        self._unread = 0
        if not self._ended:
            self._pieces.append(data)

    def on_chunk_header(self) -> None:
        self._between = False

    def on_chunk_complete(self) -> None:
        self._between = _chunks is not None

    def on_message_complete(self) -> None:
        self._between = False
        if self._parser.get_status_code() < 200 or self._done is None or self._ended:
            return
        self._ended = True
        # What was read behind it is not the answer to what is asked next.
        self._keeps = self._bounded and not self._waiting and self._parser.should_keep_alive()

    def _deliver(self) -> None:
        """What one read brought goes on as one: a caller is written to once, however many chunks it came in."""
        pieces, self._pieces = self._pieces, []
        if self._sink is not None:
            self._sink.body(pieces[0] if len(pieces) == 1 else b"".join(pieces))

    def _conclude(self) -> None:
        """The connection is anybody's again before the request goes on: it may want to ask once more."""
        done, self._done, self._sink, self._fresh = self._done, None, None, False
        if self._keeps:
            self._pool.give_back(self, self._origin)
        else:
            self.transport.close()
        if done is not None:
            done.finish()

    def _fail(self, error: BaseException) -> None:
        self._leave()
        done, self._done, self._sink = self._done, None, None
        if self.transport is not None:
            self.transport.abort()
        if done is not None:
            done.finish(None if self._is_enough and isinstance(error, UpstreamError) else error)
