"""Raw pooled connections to model servers: one request at a time each, kept alive, aborted when the caller is gone."""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import httptools

from gnomon import native
from gnomon.gateway.batch import Batch
from gnomon.gateway.deadline import Deadlines
from gnomon.gateway.snapshot import Origin, PreparedTarget
from gnomon.gateway.story import Stage, Turn

_native = native.load("events")
_chunks = _native.chunks if _native is not None else None
_BEFORE_S = 0.005  # how long before a connection's time is over it is asked whether the loop is late
_GRACE_S = 0.25  # between the last event and the end of the answer: only with it the connection is used again
_MAX_IDLE = 256  # kept connections per upstream
_MAX_IDLE_S = 60.0  # a firewall forgets what idles longer, and tells nobody
_MAX_HEADER_BYTES = 32_768


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


def _idle() -> None: ...


class _Closed(Exception):
    """A kept connection turned out to be closed before a byte came: the request may go out again on a fresh one."""


class Link(asyncio.Protocol):
    """One connection. `busy` from `send` until the answer is whole."""

    __slots__ = (
        "_answered", "_between", "_bounded", "_done", "_ended", "_fresh", "_head_bytes", "_headers", "_is_enough",
        "_keeps", "_origin", "_parser", "_pieces", "_pool", "_received", "_sink", "_unread", "_waiting",
        "idle_since", "is_lost", "transport",
    )  # fmt: skip

    def __init__(self, pool: "Pool", origin: Origin) -> None:
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

    async def send(
        self, data: bytes, sink: Sink, *, silence_s: float, meanwhile: Callable[[], object] = _idle
    ) -> float:
        """The whole answer has gone to the sink; the loop's time of its first byte. Raises UpstreamError, or what the
        sink or `meanwhile` raised, which is called once the request is out.

        Without a byte of an answer within `silence_s` (0: however long that takes) it is given up.
        """
        self._sink = sink
        self._received = False
        self._unread = 0
        self._ended = self._is_enough = False
        self._done = done = Turn(self._pool.stage)
        self._pool.batch.put(self.transport, data)
        self._pool.batch.after(partial(self._work, done, meanwhile))
        timer = self._pool.loop.call_later(silence_s, self._give_up) if silence_s else None
        try:
            await done
            return self._answered
        finally:
            if timer is not None:
                timer.cancel()
            # Cancelled (caller gone, deadline) or failed: the model server must not go on for nobody.
            if not done.went_well:
                self._sink = None
                self._done = None
                self.abort()

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def _work(self, done: Turn, meanwhile: Callable[[], object]) -> None:
        if self._done is not done:
            return  # nobody waits for this answer any more
        try:
            meanwhile()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised where the answer is waited for
            self._fail(error)

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
        self._pool.forget(self, self._origin)
        if self._done is None:
            return
        if self._received and self._headers and not self._bounded and error is None:
            done, self._done, self._sink = self._done, None, None
            done.finish()  # an answer that ends with its connection
        elif not self._received and not self._fresh:
            self._fail(_Closed())
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
        done, self._done, self._sink = self._done, None, None
        if self.transport is not None:
            self.transport.abort()
        if done is not None:
            done.finish(None if self._is_enough and isinstance(error, UpstreamError) else error)


def _turn_away(coming: "asyncio.Task[Link]") -> None:
    """A connection that comes when nobody waits for it any more is closed."""
    if not coming.cancelled() and coming.exception() is None:
        coming.result().abort()


class Pool:
    """Idle connections by origin, newest first. Belongs to one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, batch: Batch | None = None) -> None:
        self.loop = loop
        self.batch = batch or Batch(loop)
        self.stage = Stage(loop)
        self.deadlines = Deadlines(loop, first=self.batch.end)
        self.opened = 0
        self._idle: dict[Origin, deque[Link]] = {}

    async def call(
        self,
        target: PreparedTarget,
        data: bytes,
        sink: Sink,
        *,
        ex: Line,
        silence_s: float = 0.0,
        meanwhile: Callable[[], object] = _idle,
    ) -> float:
        """Send and wait for the whole answer; the loop's time of its first byte. `meanwhile` is what can be done then.

        Raises Unreachable, UpstreamError, or what the sink raised.
        """
        link = self._take(target.origin)
        try:
            if link is not None:
                try:
                    ex.link = link
                    return await link.send(data, sink, silence_s=silence_s, meanwhile=meanwhile)
                except _Closed:
                    pass  # it had idled out while the request was on its way
            coming = self.loop.create_task(self._connect(target))  # its timeout needs a task
            try:
                link = await coming
            except asyncio.CancelledError:
                coming.add_done_callback(_turn_away)
                raise
            ex.connect_ms = ex.elapsed_ms()
            if link.is_lost or link.transport.is_closing():
                raise Unreachable(f"{target.upstream.id}: the connection closed as soon as it was made")
            ex.link = link
            return await link.send(data, sink, silence_s=silence_s, meanwhile=meanwhile)
        finally:
            ex.link = None  # from here on a slow caller must not hold up the connection's next user

    def give_back(self, link: Link, origin: Origin) -> None:
        idle = self._idle.setdefault(origin, deque())
        if len(idle) >= _MAX_IDLE:
            link.transport.close()
        else:
            link.transport.resume_reading()  # a slow caller may have paused it
            link.idle_since = self.loop.time()
            idle.append(link)

    def forget(self, link: Link, origin: Origin) -> None:
        idle = self._idle.get(origin)
        if idle and link in idle:
            idle.remove(link)

    def close(self) -> None:
        for idle in self._idle.values():
            for link in tuple(idle):
                link.abort()

    def _take(self, origin: Origin) -> Link | None:
        idle = self._idle.get(origin)
        while idle:
            link = idle.pop()
            if link.transport.is_closing():
                continue
            if self.loop.time() - link.idle_since <= _MAX_IDLE_S:
                return link
            link.abort()
        return None

    async def _connect(self, target: PreparedTarget) -> Link:
        due = self.loop.time() + target.upstream.connect_timeout_s
        try:
            async with asyncio.timeout_at(due) as limit:
                excuse = self.loop.call_at(due - _BEFORE_S, self._excuse, limit, due)
                try:
                    _, link = await self.loop.create_connection(
                        lambda: Link(self, target.origin),
                        target.host,
                        target.port,
                        ssl=target.tls,
                        server_hostname=target.server_name if target.tls else None,
                    )
                finally:
                    excuse.cancel()
        except (OSError, TimeoutError) as error:
            raise Unreachable(f"{target.upstream.id}: {str(error) or 'no connection in time'}") from error
        self.opened += 1
        return link

    def _excuse(self, limit: asyncio.Timeout, due: float) -> None:
        """A loop that comes late has not looked at what arrived meanwhile: it waits once more before it blames."""
        now = self.loop.time()
        if now > due and not limit.expired():
            limit.reschedule(now + (now - due) + _BEFORE_S)
