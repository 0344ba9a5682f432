"""Streams lent to C over real sockets, cut anywhere: what a caller reads is what the guard lets pass."""

import random
import socket
from typing import Any

import httptools

from gnomon.gateway.answers import Streamed
from gnomon.gateway.batch import Batch
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.relaying import Course, Relays
from gnomon.gateway.streaming import EventStream, Garbage
from tests.fuzz.native_events import stream_of

_HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


class Wire:
    """A transport as far as a lent stream knows one, over a socket of its own."""

    def __init__(self, one: socket.socket) -> None:
        self.socket = one
        self.reads = True

    def get_extra_info(self, name: str) -> Any:
        return self.socket if name == "socket" else None

    def is_closing(self) -> bool:
        return False

    def is_reading(self) -> bool:
        return self.reads

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True


class Ends:
    """Both ends of a stream that may be lent, and the loop, deadline and caller that it asks for."""

    def __init__(self, relays: Relays | None = None) -> None:
        with socket.create_server(("127.0.0.1", 0)) as door:
            self.server, self.model = _pair(door)
            self.caller, self.client = _pair(door)
        self.wire = Wire(self.model)
        self.events = stream_of()
        self.streamed = Streamed(
            Exchange("req", peer="", address=""), self.events, out=self, deadline=self, begin=lambda: None  # type: ignore[arg-type]
        )  # fmt: skip
        self.streamed.streaming = True
        self.relays = relays or Relays(self, Batch(self))  # type: ignore[arg-type]
        self.course: Course | None = None
        self.parser = httptools.HttpResponseParser(self)
        self.parser.feed_data(_HEAD)
        self.is_between = True
        self.garbage = False
        self.read = b""
        self.lent = 0

    # What a loop, a deadline, a caller's connection and a parser are asked for.
    def add_reader(self, *_: Any) -> None: ...

    remove_reader = call_soon = touch = moved = enough = add_reader

    def write(self, data: bytes) -> None:
        self.caller.sendall(data)

    def socket(self) -> int:
        return self.caller.fileno()

    def on_body(self, data: bytes) -> None:
        self.body(data)

    def on_chunk_header(self) -> None:
        self.is_between = False

    def on_chunk_complete(self) -> None:
        self.is_between = True

    def body(self, data: bytes) -> None:
        try:
            if not self.garbage:
                self.streamed.body(data)
        except Garbage:
            self.garbage = True
            if self.course is not None:
                self.course.end()

    def raw(self, data: bytes) -> None:
        self.parser.feed_data(data)
        self.is_between = self.is_between and data.endswith(b"\r\n")

    # One step.
    def step(self, data: bytes) -> None:
        self.server.sendall(data)
        if (self.course is None or self.course.is_over) and self.is_between and not self.garbage:
            self.course = self.relays.begin(self.streamed, self.wire, body=self.body, raw=self.raw)
            self.lent += self.course is not None
        if self.relays._relay is not None:
            self.relays.look()
        while self.wire.reads and (read := _now(self.model)):
            self.raw(read)
        self.read += _now(self.client)

    def close(self) -> None:
        self.relays.close()
        for one in (self.server, self.model, self.caller, self.client):
            one.close()


def compare_relayed(rng: random.Random, data: bytes) -> int:
    """How often the stream was lent. Raises SystemExit where the caller reads something else."""
    ends, blocks = Ends(), [block + b"\n\n" for block in data.split(b"\n\n") if block]
    wire = b"".join(b"%x\r\n%b\r\n" % (len(block), block) for block in blocks)
    try:
        while wire:
            size = rng.choice((1, 7, 300, 300, 2000, len(wire)))
            end = wire.find(b"\r\ndata", size) + 2 if rng.random() < 0.7 else size
            end = end if end > 1 else size
            ends.step(wire[:end])
            wire = wire[end:]
        ends.step(b"")
        told, expected = _unchunked(ends.read), _fed(blocks)
        if ends.garbage != (expected is None) or (expected is not None and told != expected):
            raise SystemExit(f"relayed: {data!r}: {told!r} over sockets, {expected!r} event by event")
        return ends.lent
    finally:
        ends.close()


def _fed(blocks: list[bytes]) -> bytes | None:
    """None for garbage."""
    stream: EventStream = stream_of(is_slow=True)
    try:
        return b"".join([stream.feed(block) for block in blocks])
    except Garbage:
        return None


def _pair(door: socket.socket) -> tuple[socket.socket, socket.socket]:
    one = socket.create_connection(door.getsockname())
    other, _ = door.accept()
    for end in (one, other):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return other, one


def _now(one: socket.socket) -> bytes:
    try:
        return one.recv(1 << 20, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return b""


def _unchunked(data: bytes) -> bytes:
    out = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        out, data = out + data[: int(size, 16)], data[int(size, 16) + 2 :]
    return out
