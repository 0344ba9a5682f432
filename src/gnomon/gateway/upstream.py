"""Raw pooled connections to model servers: one request at a time each, kept alive, aborted when the caller is gone."""

import asyncio
import ssl
from collections import deque
from typing import Any, Protocol

import httptools

from gnomon.gateway.snapshot import PreparedTarget

_MAX_IDLE = 256  # kept connections per upstream
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


class _Closed(Exception):
    """A kept connection turned out to be closed before a byte came: the request may go out again on a fresh one."""


class Link(asyncio.Protocol):
    """One connection. `busy` from `send` until the answer is whole."""

    __slots__ = (
        "_bounded", "_done", "_fresh", "_head_bytes", "_headers", "_origin", "_parser", "_pool", "_received", "_sink",
        "transport",
    )  # fmt: skip

    def __init__(self, pool: "Pool", origin: tuple[str, int, bool]) -> None:
        self.transport: Any = None
        self._pool = pool
        self._origin = origin
        self._parser = httptools.HttpResponseParser(self)
        self._sink: Sink | None = None
        self._done: asyncio.Future[None] | None = None
        self._headers: dict[bytes, bytes] = {}
        self._head_bytes = 0
        self._received = False
        self._bounded = False  # the answer says where it ends
        self._fresh = True

    async def send(self, data: bytes, sink: Sink) -> None:
        """The whole answer has gone to the sink. Raises UpstreamError, or what the sink raised."""
        self._sink = sink
        self._received = False
        self._done = done = self._pool.loop.create_future()
        self.transport.write(data)
        try:
            await done
        finally:
            # Cancelled (caller gone, deadline) or failed: the model server must not go on for nobody.
            if done.cancelled() or not done.done() or done.exception() is not None:
                self._sink = None
                self._done = None
                self.abort()

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    # -- asyncio.Protocol ---------------------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self._done is None:
            self.transport.abort()  # nobody asked: garbage between answers
            return
        self._received = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            cause = error.__context__
            if isinstance(cause, Exception) and not isinstance(cause, httptools.HttpParserError):
                self._fail(cause)
            else:
                self._fail(UpstreamError(f"not HTTP: {error}", received=True))
        except Exception as error:  # noqa: BLE001 - whatever the sink raised belongs to the caller
            self._fail(error)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._pool.forget(self, self._origin)
        if self._done is None or self._done.done():
            return
        if self._received and self._headers and not self._bounded and error is None:
            self._done.set_result(None)  # an answer that ends with its connection
        elif not self._received and not self._fresh:
            self._fail(_Closed())
        else:
            self._fail(UpstreamError("the connection closed before the answer ended", received=self._received))

    # -- httptools ----------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._headers = {}
        self._head_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > _MAX_HEADER_BYTES:
            raise UpstreamError("the head of the answer is too large", received=True)
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status >= 200 and self._sink is not None:
            self._bounded = b"content-length" in self._headers or b"transfer-encoding" in self._headers
            self._sink.head(status, self._headers)

    def on_body(self, data: bytes) -> None:
        if self._sink is not None:
            self._sink.body(data)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() < 200 or self._done is None or self._done.done():
            return
        done, self._done, self._sink, self._fresh = self._done, None, None, False
        if self._bounded and self._parser.should_keep_alive():
            self._pool.give_back(self, self._origin)
        else:
            self.transport.close()
        done.set_result(None)

    def _fail(self, error: BaseException) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_exception(error)
        if self.transport is not None:
            self.transport.abort()


class Pool:
    """Idle connections by origin, newest first. Belongs to one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.opened = 0
        self._idle: dict[tuple[str, int, bool], deque[Link]] = {}
        self._tls: ssl.SSLContext | None = None

    async def call(self, target: PreparedTarget, data: bytes, sink: Sink, *, ex: Any) -> None:
        """Send and wait for the whole answer. Raises Unreachable, UpstreamError, or what the sink raised."""
        link = self._take((target.host, target.port, target.tls))
        try:
            if link is not None:
                try:
                    ex.link = link
                    await link.send(data, sink)
                    return
                except _Closed:
                    pass  # it had idled out while the request was on its way
            link = await self._connect(target)
            ex.connect_ms = ex.elapsed_ms()
            ex.link = link
            await link.send(data, sink)
        finally:
            ex.link = None  # from here on a slow caller must not hold up the connection's next user

    def give_back(self, link: Link, origin: tuple[str, int, bool]) -> None:
        idle = self._idle.setdefault(origin, deque())
        if len(idle) >= _MAX_IDLE:
            link.transport.close()
        else:
            link.transport.resume_reading()  # a slow caller may have paused it
            idle.append(link)

    def forget(self, link: Link, origin: tuple[str, int, bool]) -> None:
        idle = self._idle.get(origin)
        if idle and link in idle:
            idle.remove(link)

    def close(self) -> None:
        for idle in self._idle.values():
            for link in tuple(idle):
                link.abort()

    def _take(self, origin: tuple[str, int, bool]) -> Link | None:
        idle = self._idle.get(origin)
        while idle:
            link = idle.pop()
            if not link.transport.is_closing():
                return link
        return None

    async def _connect(self, target: PreparedTarget) -> Link:
        origin = (target.host, target.port, target.tls)
        if target.tls and self._tls is None:
            self._tls = ssl.create_default_context()
        try:
            async with asyncio.timeout(target.upstream.connect_timeout_s):
                _, link = await self.loop.create_connection(
                    lambda: Link(self, origin), target.host, target.port, ssl=self._tls if target.tls else None
                )
        except (OSError, TimeoutError) as error:
            raise Unreachable(f"{target.upstream.id}: {error or 'no connection in time'}") from error
        self.opened += 1
        return link
