"""A model server that does with its socket whatever a test says, one thread a connection."""

import re
import socket
import struct
from collections.abc import Callable

from tests.fakes.raw_server import RawServer

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


class RawUpstream(RawServer):
    """`with RawUpstream() as upstream:`, then set `behave`: called with the socket once a request is read whole."""

    def __init__(self, behave: Callable[[socket.socket], None] | None = None) -> None:
        super().__init__(backlog=256)
        self.behave = behave or (lambda _: None)
        self.received = bytearray()

    @property
    def url(self) -> str:
        return f"http://{self.address}/v1"

    def talk(self, found: socket.socket) -> None:
        while self._read(found):
            self.behave(found)

    def _read(self, found: socket.socket) -> bool:
        """One whole request; False when the other side is gone."""
        data = b""
        while b"\r\n\r\n" not in data or len(data) < _end(data):
            part = found.recv(65536)
            if not part:
                return False
            data += part
        self.received += data
        return True


def _end(data: bytes) -> int:
    head = data.index(b"\r\n\r\n") + 4
    length = _LENGTH.search(data[:head])
    return head + (int(length.group(1)) if length else 0)


def says(*parts: bytes) -> Callable[[socket.socket], None]:
    """Sends these and waits for the next request."""
    return lambda to: to.sendall(b"".join(parts))


def says_and_closes(*parts: bytes) -> Callable[[socket.socket], None]:
    def behave(to: socket.socket) -> None:
        to.sendall(b"".join(parts))
        to.shutdown(socket.SHUT_RDWR)

    return behave


def says_and_resets(*parts: bytes) -> Callable[[socket.socket], None]:
    def behave(to: socket.socket) -> None:
        to.sendall(b"".join(parts))
        to.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        to.close()

    return behave


def response(body: bytes, *lines: bytes, status: int = 200, kind: bytes = b"application/json") -> bytes:
    head = [b"HTTP/1.1 %d X" % status, b"content-type: " + kind, b"content-length: %d" % len(body), *lines]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def stream(*events: bytes) -> bytes:
    """An event stream in one chunk an event, with its end."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in events) + b"0\r\n\r\n"
