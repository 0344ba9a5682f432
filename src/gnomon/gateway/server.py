"""The caller's end: HTTP/1.1 over asyncio and httptools, with limits on everything that a caller can make grow.

Requests on one connection are answered in order; what is sent ahead (pipelining) waits, and past a few the connection
ends. A head is at most 16 KiB and 64 lines, arrives within 10 s, its body within 30 s; a connection without a request
is closed after 75 s. Ambiguous framing (Content-Length with Transfer-Encoding, two lengths) is refused, never guessed.
"""

import asyncio
import hmac
import secrets
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import httptools

from gnomon.gateway import chat
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.refusal import Refusal
from gnomon.gateway.services import Services
from gnomon.gateway.settle import settle

_WANTED = frozenset((b"authorization", b"content-length", b"transfer-encoding", b"expect", b"content-encoding"))
_TAG = b"x-gnomon-tag-"
_MAX_TAGS = 16
_MAX_TAG_NAME = 32
_MAX_TAG_VALUE = 200
_LINGER_S = 2.0  # how long a refused caller may go on sending into the void


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """What one caller may make us hold."""

    head_bytes: int = 16_384
    head_lines: int = 64
    path_bytes: int = 2_048
    head_s: float = 10.0
    body_s: float = 30.0
    idle_s: float = 75.0
    pipelined: int = 8
    connections: int = 20_000


class Server:
    """Makes one `Connection` per caller and sweeps those that take too long."""

    def __init__(self, services: Services, *, address_key: bytes, limits: ServerLimits | None = None) -> None:
        self.services = services
        self.limits = limits or ServerLimits()
        self.connections: set[Connection] = set()
        self.draining = False
        self.loop = asyncio.get_running_loop()
        self._address_key = address_key
        self._counter = 0
        self._start = secrets.token_hex(5)

    def __call__(self) -> "Connection":
        return Connection(self)

    def new_id(self) -> str:
        """Unique, sorts by time, 0.5 us: milliseconds, this process's random part, a counter."""
        self._counter = (self._counter + 1) & 0xFFFFFF
        return f"req_{int(time.time() * 1000):011x}{self._start}{self._counter:06x}"

    def address(self, peer: str) -> str:
        """The keyed digest under which an address appears in records."""
        return hmac.digest(self._address_key, peer.encode(), "sha256")[:12].hex()

    def sweep(self) -> None:
        """Close what idles or dawdles; called about once a second."""
        now = self.loop.time()
        for connection in tuple(self.connections):
            connection.check(now)

    async def drain(self, timeout_s: float) -> None:
        """No new requests; those under way end, or are cut after `timeout_s`."""
        self.draining = True
        until = self.loop.time() + timeout_s
        while self.connections and self.loop.time() < until:
            for connection in tuple(self.connections):
                connection.close_if_idle()
            await asyncio.sleep(0.05)
        for connection in tuple(self.connections):
            connection.abort()
        await asyncio.sleep(0)


class Connection(asyncio.Protocol):
    """One caller's connection. `_reading` is the request whose bytes arrive, `_current` the one being answered."""

    __slots__ = (
        "_address",
        "_answering",
        "_body",
        "_broken",
        "_current",
        "_head_bytes",
        "_head_lines",
        "_headers",
        "_parser",
        "_path",
        "_paused",
        "_peer",
        "_queue",
        "_reading",
        "_server",
        "_since",
        "_size",
        "_state",
        "_tags",
        "_task",
        "transport",
    )  # fmt: skip

    def __init__(self, server: Server) -> None:
        self.transport: Any = None
        self._server = server
        self._parser = httptools.HttpRequestParser(self)
        self._queue: deque[Exchange] = deque()
        self._reading: Exchange | None = None
        self._current: Exchange | None = None
        self._task: asyncio.Task[None] | None = None
        self._state = "idle"  # idle | head | body
        self._since = server.loop.time()
        self._paused = False
        self._body: list[bytes] = []
        self._answering = False
        self._broken = False  # nothing more is read from this caller
        self._peer = self._address = ""
        self._reset()

    # -- asyncio.Protocol ---------------------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        server = self._server
        if len(server.connections) >= server.limits.connections or server.draining:
            self._broken = True
            transport.abort()
            return
        server.connections.add(self)
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if peer else ""
        self._address = server.address(self._peer)

    def data_received(self, data: bytes) -> None:
        if self._broken:
            return
        if self._state == "idle":
            self._state, self._since = "head", self._server.loop.time()
        if self._state == "head":
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            cause = error.__context__
            if isinstance(cause, Refusal):
                self._fail(cause.status, cause.message, cause.code)
            elif not self._broken:
                self._fail(400, "HTTP 请求格式错误。 The request is not valid HTTP/1.1.", "invalid_http")
        if self._state == "head" and self._head_bytes > self._server.limits.head_bytes and not self._broken:
            self._fail(431, "请求头过大。 The request's head is too large.", "head_too_large")

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._server.connections.discard(self)
        self._broken = True
        self._settle_queue()
        if self._task is not None and self._answering:
            self._task.cancel()  # not before its first step: it would neither record nor give anything back
        if self._reading is not None:
            self._record_gone(self._reading)
            self._reading = None

    def pause_writing(self) -> None:
        """A slow caller slows the model server, not our memory."""
        self._paused = True
        if self._current is not None and self._current.link is not None:
            self._current.link.transport.pause_reading()

    def resume_writing(self) -> None:
        self._paused = False
        if self._current is not None and self._current.link is not None:
            self._current.link.transport.resume_reading()

    # -- httptools ----------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._state = "head"
        self._reset()

    def on_url(self, url: bytes) -> None:
        self._path += url
        if len(self._path) > self._server.limits.path_bytes:
            raise _refusal(431, "请求路径过长。 The path is too long.", "head_too_large")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_lines += 1
        self._head_bytes += len(name) + len(value)
        limits = self._server.limits
        if self._head_lines > limits.head_lines or self._head_bytes > 2 * limits.head_bytes:
            raise _refusal(431, "请求头过多或过大。 Too many headers, or too large.", "head_too_large")
        name = name.lower()
        if name in _WANTED:
            if name in self._headers:
                raise _refusal(
                    400, f"重复的请求头 {name.decode()}。 The header {name.decode()} came twice.", "invalid_http"
                )
            self._headers[name] = value
        elif name.startswith(_TAG):
            self._tag(name[len(_TAG) :], value)

    def on_headers_complete(self) -> None:
        if self._broken:
            return
        ex = Exchange(self._server.new_id(), peer=self._peer, address=self._address)
        ex.method = self._parser.get_method().decode("latin-1")
        ex.path = self._path.split(b"?", 1)[0].decode("latin-1")
        ex.headers = self._headers
        ex.tags = self._tags
        ex.http10 = self._parser.get_http_version() == "1.0"
        ex.close = not self._parser.should_keep_alive() or self._server.draining
        self._reading = ex
        self._state, self._since = "body", self._server.loop.time()
        chat.begin(ex, self._server.services)
        self._check_framing(ex)
        if ex.refusal is not None and self._expects_body(ex):
            # The body is not worth reading: answer now and hang up.
            ex.close = True
            self._broken = True
            self._enqueue(ex)
        elif b"expect" in ex.headers and self._current is None:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        if self._broken or self._reading is None:
            return
        self._size += len(data)
        if self._size > self._max_body(self._reading):
            self._reading.refusal = self._too_large(self._reading)
            self._reading.close = True
            self._broken = True
            self._enqueue(self._reading)
            return
        self._body.append(data)

    def on_message_complete(self) -> None:
        ex = self._reading
        if self._broken or ex is None:
            return
        ex.body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._state, self._since = "idle", self._server.loop.time()
        self._head_bytes = 0
        self._enqueue(ex)

    # -- order of answers ---------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        self.transport.write(data)

    def _enqueue(self, ex: Exchange) -> None:
        self._reading = None
        self._body = []
        if self._current is None:
            self._begin(ex)
            return
        self._queue.append(ex)
        # Reading goes on, or a caller who left would not be noticed; so what may be sent ahead is little.
        if len(self._queue) > self._server.limits.pipelined:
            self._broken = True
            ex.close = True

    def _begin(self, ex: Exchange) -> None:
        self._current = ex
        self._task = self._server.loop.create_task(self._run(ex))

    async def _run(self, ex: Exchange) -> None:
        if self.transport.is_closing():
            self._record_gone(ex)
        else:
            self._answering = True
            await chat.answer(ex, self, self._server.services)
            self._answering = False
        self._current = None
        self._task = None
        self._since = self._server.loop.time()
        if ex.close or self._server.draining or self.transport.is_closing():
            self._hang_up()
        elif self._queue:
            self._begin(self._queue.popleft())

    def _hang_up(self) -> None:
        """Close; where the caller may still be sending, first half-close, or a reset would eat the answer."""
        sending, self._broken = self._broken, True
        self._settle_queue()
        if sending and not self.transport.is_closing() and self.transport.can_write_eof():
            self.transport.write_eof()
            self._server.loop.call_later(_LINGER_S, self.transport.abort)
        else:
            self.transport.close()

    # -- limits -------------------------------------------------------------------------------------------------

    def check(self, now: float) -> None:
        limits = self._server.limits
        if self._current is not None or self._queue or self._broken:
            return
        age = now - self._since
        if self._state == "idle" and age > limits.idle_s:
            self.transport.close()
        elif (self._state == "head" and age > limits.head_s) or (self._state == "body" and age > limits.body_s):
            self._fail(408, "请求未在时限内到齐。 The request did not arrive in time.", "request_timeout")

    def close_if_idle(self) -> None:
        if self._current is None and not self._queue:
            self.transport.close()

    def abort(self) -> None:
        self.transport.abort()

    def _reset(self) -> None:
        self._path = b""
        self._headers: dict[bytes, bytes] = {}
        self._tags: dict[str, str] = {}
        self._head_lines = 0
        self._head_bytes = 0
        self._body = []
        self._size = 0

    def _tag(self, name: bytes, value: bytes) -> None:
        if len(self._tags) < _MAX_TAGS and 0 < len(name) <= _MAX_TAG_NAME and len(value) <= _MAX_TAG_VALUE:
            self._tags[name.decode("latin-1")] = value.decode("utf-8", "replace")
        else:
            raise _refusal(
                431,
                f"标签最多 {_MAX_TAGS} 个。 At most {_MAX_TAGS} tags of {_MAX_TAG_VALUE} bytes.",
                "too_many_tags",
            )

    def _check_framing(self, ex: Exchange) -> None:
        if self._parser.should_upgrade():
            raise _refusal(400, "不支持协议升级。 Protocol upgrades are not supported.", "upgrade_refused")
        length = ex.headers.get(b"content-length")
        coding = ex.headers.get(b"transfer-encoding")
        if coding is not None and (length is not None or coding.strip().lower() != b"chunked"):
            raise _refusal(400, "请求体长度含糊。 The length of the body is ambiguous.", "invalid_http")
        if length is not None and not length.isdigit():
            raise _refusal(400, "Content-Length 无效。 Content-Length is not a number.", "invalid_http")
        if b"content-encoding" in ex.headers and ex.refusal is None:
            ex.refusal = _refusal(415, "不接受压缩的请求体。 Compressed bodies are refused.", "unsupported_encoding")
        if length is not None and int(length) > self._max_body(ex) and ex.refusal is None:
            ex.refusal = self._too_large(ex)

    def _expects_body(self, ex: Exchange) -> bool:
        return b"transfer-encoding" in ex.headers or ex.headers.get(b"content-length", b"0") != b"0"

    def _max_body(self, ex: Exchange) -> int:
        return ex.snapshot.policy.max_body_bytes if ex.snapshot is not None else 0

    def _too_large(self, ex: Exchange) -> Refusal:
        limit = self._max_body(ex)
        return _refusal(413, f"请求体超过 {limit} 字节。 The body is longer than {limit} bytes.", "body_too_large")

    def _fail(self, status: int, message: str, code: str) -> None:
        """Something is wrong with the HTTP itself: answer in turn, record, hang up."""
        self._broken = True
        ex = self._reading or Exchange(self._server.new_id(), peer=self._peer, address=self._address)
        ex.snapshot = ex.snapshot or self._server.services.loader.current
        ex.close = True
        ex.refusal = _refusal(status, message, code)
        self._enqueue(ex)

    def _settle_queue(self) -> None:
        while self._queue:
            self._record_gone(self._queue.popleft())

    def _record_gone(self, ex: Exchange) -> None:
        ex.outcome, ex.status = "client_gone", 499
        services = self._server.services
        settle(ex, services)
        services.admission.release(ex)


def _refusal(status: int, message: str, code: str) -> Refusal:
    return Refusal("bad_request", status, message=message, code=code)
