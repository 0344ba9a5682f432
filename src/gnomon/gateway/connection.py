"""The caller's end: HTTP/1.1 over asyncio and httptools, with limits on everything that a caller can make grow.

Requests on one connection are answered in order; what is sent ahead (pipelining) waits, and past a few the connection
ends. A head is at most 16 KiB and 64 lines, arrives within 10 s, its body within 30 s; a connection without a request
is closed after 75 s. Ambiguous framing (Content-Length with Transfer-Encoding, two lengths) is refused, never guessed.
"""

import asyncio
from collections import deque
from typing import Any, Final

import httptools

from gnomon.gateway import chat, framing
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.heads import MOST_TRIES, Head, learnt
from gnomon.gateway.hosting import Host
from gnomon.gateway.refusal import Refusal
from gnomon.gateway.relaying import plain_socket
from gnomon.gateway.settle import settle
from gnomon.gateway.story import Story

_WANTED: Final = frozenset(
    b"""
    authorization content-encoding content-length expect host idempotency-key transfer-encoding x-gnomon-cache
    x-gnomon-conversation x-gnomon-timeout-ms
    """.split()
)
_TAG: Final = b"x-gnomon-tag-"
_FORWARDED: Final = b"x-forwarded-for"
_MAX_TAGS: Final = 16
_MAX_TAG_NAME: Final = 32
_MAX_TAG_VALUE: Final = 200
_PIECES: Final = 1024
_WIRE_SPARE: Final = 65_536  # bytes that chunk sizes and extensions may take besides twice the body
_LINGER_S: Final = 2.0  # how long a refused caller may go on sending into the void


class Connection(asyncio.Protocol):
    """One caller's connection. `_reading` is the request whose bytes arrive, `_current` the one being answered."""

    __slots__ = (
        "_address", "_batch", "_body", "_broken", "_current", "_fields_bytes", "_head", "_head_bytes",
        "_head_lines", "_headers", "_known", "_parser", "_path", "_paused", "_peer", "_proxied", "_queue",
        "_reading", "_server", "_since", "_size", "_state", "_story", "_tags", "_tries", "_untaken", "_wire",
        "transport",
    )  # fmt: skip

    def __init__(self, server: Host) -> None:
        self.transport: Any = None
        self._server = server
        self._batch = server.services.pool.batch
        self._parser = httptools.HttpRequestParser(self)
        self._queue: deque[Exchange] = deque()
        self._reading: Exchange | None = None
        self._current: Exchange | None = None
        self._story: Story | None = None
        self._state = "idle"  # idle | head | body
        self._since = server.loop.time()
        self._paused = False
        self._untaken = 0  # bytes of an answer that the caller had not taken when last looked at
        self._body: list[bytes] = []
        self._broken = False  # nothing more is read from this caller
        self._peer = self._address = ""
        self._proxied = False  # the peer is a trusted proxy
        self._head: Head | None = None  # of the request that was read last
        self._known: Head | None = None  # one whose bytes are known
        self._tries = 0
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
        self._proxied = bool(server.proxies) and server.proxies.trust(self._peer)

    def write(self, data: bytes) -> None:
        """For the caller, at the end of this turn of the loop."""
        self._batch.put(self.transport, data)
        if self._paused:
            self._hold()  # the pause may have begun with an answer before this one

    def finish(self, data: bytes) -> None:
        """The last of an answer: at once where nobody else waits."""
        self._batch.put_last(self.transport, data)

    def socket(self) -> int:
        """Where bytes go to the caller at once, nothing of ours being on its way; -1 where there is no such place."""
        return -1 if self._paused else plain_socket(self.transport)

    def data_received(self, data: bytes) -> None:
        if not self._broken:
            self._batch.take(self, data)

    def arrived(self, data: bytes) -> None:
        if self._broken:
            return
        is_first = self._state == "idle"
        if is_first:
            self._since = self._server.loop.time()
            known = self._known
            if known is not None and self._current is None:
                body = known.body(data)
                if body is not None:
                    self._whole(known, body)
                    return
            self._state = "head"
        if self._state == "head":
            self._head_bytes += len(data)
        elif self._state == "body":
            self._wire += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            cause = error.__context__
            if isinstance(cause, Refusal):
                self._fail(cause.status, cause.message, cause.code)
            elif not self._broken:
                self._fail(400, "HTTP 请求格式错误。 The request is not valid HTTP/1.1.", "invalid_http")
        if is_first and self._state == "idle" and self._head is not None and self._tries < MOST_TRIES:
            self._tries += 1
            if learnt(self._head, data):
                self._known = self._head
        elif self._state == "head" and self._head_bytes > self._server.limits.head_bytes and not self._broken:
            self._fail(431, "请求头过大。 The request's head is too large.", "head_too_large")

    def eof_received(self) -> bool:
        self._batch.end()  # what can be answered at once is; for the rest who closes his side has left (decision 0003)
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._server.connections.discard(self)
        self._broken = True
        self._settle_queue()
        if self._story is not None:
            self._story.cancel()
        if self._reading is not None:
            self._record_gone(self._reading)
            self._reading = None

    def pause_writing(self) -> None:
        """A slow caller slows the model server, not our memory."""
        self._paused = True
        self._hold()

    def _hold(self) -> None:
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
            raise framing.refusal(431, "请求路径过长。 The path is too long.", "head_too_large")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_lines += 1
        self._fields_bytes += len(name) + len(value)
        limits = self._server.limits
        if self._head_lines > limits.head_lines or self._fields_bytes > limits.head_bytes:
            raise framing.refusal(431, "请求头过多或过大。 Too many headers, or too large.", "head_too_large")
        if self._state == "body":
            return  # a trailer: everything is decided, and nothing in it may change that
        name = name.lower()
        if name in _WANTED:
            if name in self._headers:
                raise framing.refusal(
                    400, f"重复的请求头 {name.decode()}。 The header {name.decode()} came twice.", "invalid_http"
                )
            self._headers[name] = value
        elif self._proxied and name == _FORWARDED:
            before = self._headers.get(name)
            self._headers[name] = value if before is None else before + b"," + value
        elif name.startswith(_TAG):
            self._tag(name[len(_TAG) :], value)

    def on_headers_complete(self) -> None:
        if self._broken:
            return
        head = Head(
            method=self._parser.get_method().decode("latin-1"),
            path=framing.path_of(self._path),
            headers=self._headers,
            tags=self._tags,
            http10=self._parser.get_http_version() == "1.0",
        )
        self._reading = ex = self._exchange(head)
        self._state, self._since = "body", self._server.loop.time()
        ex.close = not self._parser.should_keep_alive() or self._server.draining
        self._head = None if ex.close else head
        framing.check_version(self._parser.get_http_version())
        chat.begin(ex, self._server.services)
        head.proof = ex.proof
        framing.check(ex, upgrade=self._parser.should_upgrade())
        if ex.refusal is not None and framing.expects_body(ex):
            # The body is not worth reading: answer now and hang up.
            ex.close = True
            self._broken = True
            self._enqueue(ex)
        elif b"expect" in ex.headers and self._current is None:
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        if self._broken or self._reading is None:
            return
        self._size += len(data)
        limit = framing.max_body(self._reading)
        if self._size > limit or self._wire > 2 * limit + _WIRE_SPARE:
            self._reading.refusal = framing.too_large(self._reading)
            self._reading.close = True
            self._broken = True
            self._enqueue(self._reading)
            return
        self._body.append(data)
        if len(self._body) == _PIECES:
            self._body[:] = [b"".join(self._body)]  # a million pieces of one byte would take 42 MB

    def on_message_complete(self) -> None:
        ex = self._reading
        if self._broken or ex is None:
            return
        ex.body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._state, self._since = "idle", self._server.loop.time()
        self._head_bytes = 0
        self._enqueue(ex)

    def _exchange(self, head: Head) -> Exchange:
        peer, address = self._caller(head.headers)
        ex = Exchange(self._server.new_id(), peer=peer, address=address)
        ex.method, ex.path, ex.headers, ex.tags = head.method, head.path, head.headers, head.tags
        ex.http10, ex.proof = head.http10, head.proof
        return ex

    def _whole(self, head: Head, body: bytes) -> None:
        """A request whose head is known came in one piece: judged as one that the parser took apart."""
        ex = self._exchange(head)
        ex.close = self._server.draining
        chat.begin(ex, self._server.services)
        head.proof = ex.proof
        if len(body) > framing.max_body(ex) and ex.refusal is None:
            ex.refusal = framing.too_large(ex)
        if ex.refusal is not None and body:
            ex.close = self._broken = True
        ex.body = body
        self._enqueue(ex)

    def _caller(self, headers: dict[bytes, bytes]) -> tuple[str, str]:
        """The address of who asks and its digest: the peer's, or what a trusted proxy says."""
        forwarded = headers.get(_FORWARDED) if self._proxied else None
        if forwarded is None:
            return self._peer, self._address
        peer = self._server.proxies.client(self._peer, forwarded)
        return peer, self._server.address(peer)

    # -- order of answers ---------------------------------------------------------------------------------------

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
        if self.transport.is_closing():
            self._record_gone(ex)
            self._next(ex)
            return
        self._story = story = Story(self._server.services.pool.stage, self._run(ex))
        ex.cancel = story.cancel
        story.step()

    async def _run(self, ex: Exchange) -> None:
        await chat.answer(ex, self, self._server.services)
        self._story = None
        self._next(ex)

    def _next(self, ex: Exchange) -> None:
        self._current = None
        self._since = self._server.loop.time()
        if ex.close or self._server.draining or self.transport.is_closing():
            self._hang_up()
        elif self._queue:
            self._begin(self._queue.popleft())

    def _hang_up(self) -> None:
        """Close; where the caller may still be sending, first half-close, or a reset would eat the answer."""
        sending, self._broken = self._broken, True
        self._settle_queue()
        self._batch.flush()
        if sending and not self.transport.is_closing():
            if self.transport.can_write_eof():  # TLS cannot: what comes is read into the void all the same
                self.transport.write_eof()
            self._server.loop.call_later(_LINGER_S, self.transport.abort)
        else:
            self.transport.close()

    # -- limits -------------------------------------------------------------------------------------------------

    def check(self, now: float, idle_s: float) -> None:
        limits = self._server.limits
        if self._current is not None or self._queue:
            return
        age = now - self._since
        waiting = self.transport.get_write_buffer_size()
        if waiting < self._untaken:
            self._since = now  # he takes his answer, however slowly
        elif waiting and age > limits.idle_s:
            self.transport.abort()  # closing would wait for him for ever
        self._untaken = waiting
        most_s = idle_s if self._state == "idle" else limits.head_s if self._state == "head" else limits.body_s
        if waiting or self._broken or age <= most_s:
            return
        since = self._since
        self._batch.end()  # what has been read by now is in time
        if self._has_moved(since):
            return
        if self._state == "idle":
            self.transport.close()
        else:
            self._fail(408, "请求未在时限内到齐。 The request did not arrive in time.", "request_timeout")

    def _has_moved(self, since: float) -> bool:
        """Asked in a call of its own: compiled, `check` would take `_current` for what it was before."""
        return self._current is not None or self._broken or self._since != since

    def close_if_idle(self) -> None:
        self._batch.end()
        if self._current is None and not self._queue:
            self.transport.close()

    def abort(self) -> None:
        self.transport.abort()

    def _reset(self) -> None:
        self._path = b""
        self._headers: dict[bytes, bytes] = {}
        self._tags: dict[str, str] = {}
        self._head_lines = 0
        self._head_bytes = 0  # as they were read, while no end of the head is in sight
        self._fields_bytes = 0  # as the parser told them
        self._body = []
        self._size = 0
        self._wire = 0

    def _tag(self, name: bytes, value: bytes) -> None:
        if len(self._tags) < _MAX_TAGS and 0 < len(name) <= _MAX_TAG_NAME and len(value) <= _MAX_TAG_VALUE:
            self._tags[name.decode("latin-1")] = value.decode("utf-8", "replace")
        else:
            raise framing.refusal(
                431,
                f"标签最多 {_MAX_TAGS} 个。 At most {_MAX_TAGS} tags of {_MAX_TAG_VALUE} bytes.",
                "too_many_tags",
            )

    def _fail(self, status: int, message: str, code: str) -> None:
        """Something is wrong with the HTTP itself: answer in turn, record, hang up."""
        self._broken = True
        ex = self._reading or Exchange(self._server.new_id(), peer=self._peer, address=self._address)
        ex.snapshot = ex.snapshot or self._server.services.loader.current
        ex.close = True
        ex.refusal = framing.refusal(status, message, code)
        self._enqueue(ex)

    def _settle_queue(self) -> None:
        while self._queue:
            self._record_gone(self._queue.popleft())

    def _record_gone(self, ex: Exchange) -> None:
        ex.outcome, ex.status = "client_gone", 499
        services = self._server.services
        settle(ex, services)
        services.admission.release(ex)
