"""What goes on for events with the ordinary ones in C and without, and chunks beside a parser."""

from collections.abc import Callable
from typing import Any

import httptools

from gnomon import native
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.guarding import TreeGuard
from gnomon.gateway.running import Field
from gnomon.gateway.streaming import EventStream, Garbage
from gnomon.guard.placeholders import Vault
from gnomon.guard.policy import DEFAULT_POLICY, Masker
from gnomon.guard.stream import StreamMasker

_MASKER = Masker(DEFAULT_POLICY, key=bytes(32))


class SlowField(Field):
    """A field that has every event taken apart."""

    __slots__ = ()

    def splice(self, data: bytes, mould: Any) -> None: ...


class Whole:
    """A guard of a stream that lends its text to nobody."""

    def __init__(self, masker: StreamMasker) -> None:
        self._masker = masker

    def __getattr__(self, name: str) -> Any:
        return getattr(self._masker, name)

    def lend(self) -> None: ...


def compare_events(data: bytes, sizes: list[int], *, of: type[Field] = Field) -> EventStream:
    """Reads of these sizes, again and again, make the same of the stream. Raises SystemExit where the two differ."""
    fast, slow = _stream(of), _stream(SlowField)
    at = n = 0
    while at < len(data):
        read = data[at : at + sizes[n % len(sizes)]]
        at, n = at + len(read), n + 1
        one, other = _said(fast.feed, read), _said(slow.feed, read)
        if one != other:
            raise SystemExit(f"events: {read!r} of {data!r}: {one!r} in C, {other!r} in Python")
        if one is None:
            return fast
    if _left(fast) != _left(slow):
        raise SystemExit(f"the end of {data!r}: {_left(fast)} in C, {_left(slow)} in Python")
    return fast


def slowly(data: bytes, masker: Masker = _MASKER) -> bytes:
    """What goes on for a whole stream when every event is taken apart."""
    stream = stream_of(masker, is_slow=True)
    return stream.feed(data) + stream.end()


def stream_of(masker: Masker = _MASKER, *, is_slow: bool = False) -> EventStream:
    """`is_slow`: every event is taken apart."""
    return _stream(lambda one, _: Field(Whole(one) if is_slow else one, None), masker)


def compare_chunks(data: bytes) -> bytes | None:
    """Whatever passes a parser by is what the parser would have said of it. Raises SystemExit where it is not."""
    body: bytes | None = native.load("events").chunks(data)
    seen = _Seen()
    parser = httptools.HttpResponseParser(seen)
    parser.feed_data(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    try:
        parser.feed_data(data)
    except httptools.HttpParserError:
        seen.is_between = False
    if body is not None and (b"".join(seen.body) != body or not seen.is_between or seen.is_over):
        raise SystemExit(f"chunks: {data!r}: {body!r} in C, {seen.body!r} by the parser")
    return body


def _stream(kind: Callable[..., Field], masker: Masker = _MASKER) -> EventStream:
    vault = Vault()
    return EventStream(
        Exchange("req", peer="", address=""),
        field=lambda _: kind(StreamMasker(masker, "output", vault), None),
        tree=lambda: TreeGuard(masker, "output", vault),
        hits=masker.hits,
        wants_usage=False,
    )


def _said(ask: Callable[..., bytes], *read: bytes) -> bytes | None:
    try:
        return ask(*read)
    except Garbage:
        return None


def _left(stream: EventStream) -> tuple[Any, ...]:
    """All that is known of it in the end."""
    spans = [(place, field.masker.spans) for place, field in stream._fields.items()]  # type: ignore[attr-defined]
    return _said(stream.end), stream.reply(), stream.counts(), spans


class _Seen:
    """What a parser told."""

    def __init__(self) -> None:
        self.body: list[bytes] = []
        self.is_between = self.is_over = False

    def on_body(self, data: bytes) -> None:
        self.body.append(data)

    def on_chunk_header(self) -> None:
        self.is_between = False

    def on_chunk_complete(self) -> None:
        self.is_between = True

    def on_message_complete(self) -> None:
        self.is_over = True
