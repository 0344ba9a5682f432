"""A Redis that answers late, or never, or is not even reached; it knows which connections its clients left open."""

import contextlib
import hashlib
import socket
import ssl
import threading
import time
from typing import Self

from gnomon.backends.limits_scripts import ENTER, LEAVE, LOOK
from tests.fakes.raw_server import RawServer

NEVER_S = float("inf")
_SAID_OK = ("CLIENT", "SELECT")
_SCRIPTS = {hashlib.sha1(text.encode()).hexdigest(): text for text in (ENTER, LEAVE, LOOK)}
_ANSWERS = {
    ENTER: b"*10\r\n$0\r\n\r\n" + b"$1\r\n0\r\n" * 3 + b"$0\r\n\r\n" * 6,  # nothing refused, no limit told
    LOOK: b"*4\r\n$1\r\n1\r\n:1\r\n*0\r\n*0\r\n",
}


class SlowRedis(RawServer):
    """`with SlowRedis() as redis:`. Each answer takes `answer_s`, which tests may change at any time.

    Where `is_full`, connecting to it lasts until it ends: nobody accepts, and the queue before the door has no place.
    """

    def __init__(self, *, answer_s: float = 0.0, is_full: bool = False, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(backlog=0 if is_full else 64)
        self.answer_s = answer_s
        self.asked: list[str] = []  # in order: scripts by their text, other commands by their name
        self._tls = tls
        self._ended = threading.Event()
        self._queue = [self._knock() for _ in range(4)] if is_full else []

    @property
    def url(self) -> str:
        scheme, more = ("rediss", "?ssl_cert_reqs=none") if self._tls else ("redis", "")
        return f"{scheme}://{self.address}/9{more}"

    def __enter__(self) -> Self:
        return self if self._queue else super().__enter__()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        super().__exit__()
        for one in self._queue:
            one.close()

    def is_left_alone(self, *, within_s: float) -> bool:
        """Whether every client has closed its side by then."""
        until = time.monotonic() + within_s
        while self.open_connections() and time.monotonic() < until:
            time.sleep(0.01)
        return not self.open_connections()

    def talk(self, found: socket.socket) -> None:
        if self._tls is None:
            self._answer(found)
            return
        with self._tls.wrap_socket(found, server_side=True) as secured:
            self._answer(secured)
            if self.answer_s == NEVER_S:
                self._ended.wait()  # no goodbye either, which TLS would wait for

    def _knock(self) -> socket.socket:
        found = socket.socket()
        found.setblocking(False)
        found.connect_ex(self._door.getsockname())
        return found

    def _answer(self, found: socket.socket) -> None:
        data = b""
        while part := found.recv(65536):
            data, commands = _commands(data + part)
            self.asked += [_name(words) for words in commands]
            if self.answer_s != NEVER_S:
                self._ended.wait(self.answer_s)
                found.sendall(b"".join(map(_answer, commands)))


def _commands(data: bytes) -> tuple[bytes, list[list[bytes]]]:
    """All that have arrived whole, and what is left."""
    found = []
    with contextlib.suppress(ValueError):  # an unpacking of what is not there yet
        while data:
            head, rest = data.split(b"\r\n", 1)
            words = []
            for _ in range(int(head[1:])):
                length, rest = rest.split(b"\r\n", 1)
                word, end, rest = rest[: (n := int(length[1:]))], rest[n : n + 2], rest[n + 2 :]
                if end != b"\r\n":
                    raise ValueError
                words.append(word)
            data = rest
            found.append(words)
    return data, found


def _name(words: list[bytes]) -> str:
    name = words[0].decode()
    return _SCRIPTS.get(words[1].decode(), name) if name == "EVALSHA" else name


def _answer(words: list[bytes]) -> bytes:
    name = _name(words)
    return _ANSWERS.get(name, b"+OK\r\n" if name in _SAID_OK else b":0\r\n")
