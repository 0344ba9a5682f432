"""A server on a port of its own, one thread a connection; it knows which of them its clients left open."""

import contextlib
import socket
import threading
from abc import ABC, abstractmethod
from typing import Self


class RawServer(ABC):
    """`with` it; where it ends, so does every connection."""

    def __init__(self, *, backlog: int) -> None:
        self._door = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        self._open: set[socket.socket] = set()

    @abstractmethod
    def talk(self, found: socket.socket) -> None:
        """All of one connection. It may raise OSError when the other side is gone."""

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._door.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self._door, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def open_connections(self) -> int:
        return len(self._open)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                found, _ = self._door.accept()
                self._open.add(found)
                threading.Thread(target=self._serve, args=(found,), daemon=True).start()

    def _serve(self, found: socket.socket) -> None:
        with contextlib.suppress(OSError), found:
            self.talk(found)
        self._open.discard(found)
