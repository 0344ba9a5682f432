"""Takes the model server's answer as it arrives: whole, or event by event."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec

from gnomon.gateway import http
from gnomon.gateway.counted import reply
from gnomon.gateway.deadline import Deadline
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.meters import token_count
from gnomon.gateway.off_loop import in_turn
from gnomon.gateway.quoting import is_utf8
from gnomon.gateway.streaming import EventStream, Garbage

MAX_REPLY_BYTES: Final = 16 << 20
_CODINGS: Final = (b"br", b"compress", b"deflate", b"gzip", b"zstd")  # nothing else that it says of itself is recorded
_MOST_PATIENCE: Final = 6  # 64 reads before a stream that came back so often may go on by itself again
_MARK: Final = b"\xef\xbb\xbf"  # of byte order: a stream may begin with one, which belongs to no event


class Out(Protocol):
    """The caller's end of the connection."""

    def write(self, data: bytes) -> None: ...

    def finish(self, data: bytes) -> None:
        """As `write`: the last of an answer."""
        ...

    def socket(self) -> int:
        """Its number, where bytes may go to the caller at once: nothing is on its way; or else -1."""
        ...


class Buffered:
    """Collects a whole answer."""

    __slots__ = ("_parts", "_size", "headers", "status")

    begun = False  # nothing goes to the caller before it is whole

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self._parts: list[bytes] = []
        self._size = 0

    def head(self, status: int, headers: dict[bytes, bytes]) -> None:
        self.status = status
        self.headers = headers
        coding = headers.get(b"content-encoding", b"identity").strip().lower()
        if status == 200 and coding not in (b"", b"identity"):
            name = coding.decode() if coding in _CODINGS else "in a way of its own"
            raise Garbage(f"the answer is compressed ({name}), which nobody asked for")

    def body(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > MAX_REPLY_BYTES:
            raise Garbage(f"the answer is longer than {MAX_REPLY_BYTES} bytes")
        self._parts.append(data)

    @property
    def data(self) -> bytes:
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)


class Streamed:
    """Sends events on as they arrive; an answer that is no event stream (an error) is collected instead."""

    __slots__ = (
        "_at_start", "_begin", "_ex", "_failed", "_is_over", "_offers", "_reads", "_under_way", "caught", "deadline",
        "events", "last", "out", "quick", "streaming", "whole",
    )  # fmt: skip

    def __init__(
        self,
        ex: Exchange,
        events: EventStream,
        *,
        out: Out,
        deadline: Deadline,
        begin: Callable[[], None],
    ) -> None:
        self.whole = Buffered()
        self.events = events
        self.streaming = False
        self.last = b""  # what [DONE] brought: it goes out only after the record is written
        self.quick = True  # guarded where it arrives, or else in turn by the thread for names
        self._at_start = True
        self._is_over = False
        self._failed: BaseException | None = None
        self._under_way: asyncio.Future[bytes] | None = None
        self._ex = ex
        self._begin = begin
        self._offers = self._reads = 0
        self.caught: bytes | None = None  # what would go out, while somebody else takes it there
        self.out = out
        self.deadline = deadline

    @property
    def status(self) -> int:
        return self.whole.status

    @property
    def begun(self) -> bool:
        return self.streaming

    def reset(self) -> None:
        self.whole.reset()

    def head(self, status: int, headers: dict[bytes, bytes]) -> None:
        self.whole.head(status, headers)
        self.streaming = status == 200 and headers.get(b"content-type", b"").startswith(b"text/event-stream")
        self.deadline.touch()
        if self.streaming:
            self._begin()

    def body(self, data: bytes) -> None:
        if not self.streaming:
            self.whole.body(data)
            return
        self.deadline.touch()
        if self._at_start:
            self._at_start = False
            data = data.removeprefix(_MARK)
        if self.quick:
            events = self.events
            out = events.feed(data, self.caught is not None)
            if events.done:
                self._over(out)
            elif out:
                self._send(out)
            self._offer()
            return
        if self._failed is not None:
            raise self._failed
        self._under_way = in_turn(self.events.feed, data)
        self._under_way.add_done_callback(self._guarded)

    async def settled(self) -> None:
        """All that arrived is guarded and sent on. Raises what went wrong with it."""
        await self.idle()
        if self._failed is not None:
            raise self._failed

    async def idle(self) -> None:
        """Nothing is being guarded any more: what arrived last was last in turn."""
        if self._under_way is not None:
            await asyncio.wait((self._under_way,))

    def _guarded(self, done: asyncio.Future[bytes]) -> None:
        if done.cancelled():
            return
        failed = done.exception()  # asked in any case: asyncio complains of one that nobody asked for
        self._failed = self._failed or failed
        if self._failed is None:
            self._out(done.result())

    def _send(self, data: bytes) -> None:
        if not self._ex.http10:
            data = http.chunk(data)
        if self.caught is None:
            self.out.write(data)
        else:
            self.caught += data

    def _offer(self) -> None:
        """Events that are ordinary may go on without us. Who came back waits longer each time."""
        if self.caught is not None:
            return  # it does
        if self._reads:
            self._reads -= 1
        elif self._ex.link is not None and not self._ex.http10 and self.events.lend() is not None:
            self._offers = min(self._offers + 1, _MOST_PATIENCE)
            self._reads = 1 << self._offers
            self._ex.link.offer(self)

    def _out(self, out: bytes) -> None:
        if self.events.done:
            self._over(out)
        elif out:
            self._send(out)

    def _over(self, out: bytes) -> None:
        """[DONE] has come: what follows it is nothing to wait for."""
        self.last += out
        link = self._ex.link
        if not self._is_over and link is not None:
            self._is_over = True
            link.enough()


def usage_of(data: bytes) -> tuple[int, int]:
    """(tokens in, tokens out) as the model server counted them; what is no count is 0.

    Raises Garbage when this is no JSON object.
    """
    try:
        usage = reply(data).usage
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Garbage(f"the answer is not a JSON object: {error}") from error
    return (token_count(usage.prompt_tokens), token_count(usage.completion_tokens)) if usage else (0, 0)


def checked(data: bytes) -> bytes:
    """Raises Garbage: bytes that are no UTF-8 would hide from the guard what a lenient reader puts together."""
    if not is_utf8(data):
        raise Garbage("the answer is not UTF-8")
    return data


def decoded(data: bytes) -> Any:
    """Raises Garbage."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Garbage(f"the answer is not JSON: {error}") from error
