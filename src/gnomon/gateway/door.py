"""The port that callers come to: shared by the workers of one home, and by nobody else.

The kernel lets any process of the same user listen beside others that allow it (SO_REUSEPORT) and deals callers out
among them. Two installations on one port would each refuse the other's keys, so the first worker of a home makes sure
that nobody listens yet; the others know by its lock, which ends with it, that the listeners are their own.
"""

import fcntl
import os
import socket
from pathlib import Path
from typing import Self

from gnomon.kit.errors import BadInput

_WAITING = 2048  # callers who were not yet accepted


class Door:
    """Listens on `port` (0: any that is free) until closed. Raises BadInput where somebody else has it, or OSError."""

    def __init__(self, home: Path, host: str, port: int) -> None:
        folder = home / "run"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._ours = _opened(folder / f"port-{port}.lock")  # shared by the workers that listen
        look = _opened(folder / f"port-{port}.look")  # one at a time, or two would be in each other's way
        try:
            fcntl.flock(look, fcntl.LOCK_EX)
            if port and self._is_first():
                _check_free(host, port)
            fcntl.flock(self._ours, fcntl.LOCK_SH)
            self.socket = _bound(host, port, shared=True)
            self.socket.listen(_WAITING)
        except BaseException:
            os.close(self._ours)
            raise
        finally:
            os.close(look)

    @property
    def port(self) -> int:
        found: int = self.socket.getsockname()[1]
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """The socket is closed and counts no more; harmless the second time."""
        self.socket.close()
        if self._ours >= 0:
            os.close(self._ours)
            self._ours = -1

    def _is_first(self) -> bool:
        """Whether no other worker of this home listens there."""
        try:
            fcntl.flock(self._ours, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _check_free(host: str, port: int) -> None:
    """Raises BadInput where anybody listens on this port, or nobody may."""
    try:
        _bound(host, port, shared=False).close()
    except OSError as error:
        raise BadInput(
            f"端口 {port} 无法使用，可能已被别的程序占用。 Port {port} cannot be used: {error.strerror or error}.",
            next_step="换一个 --port，或停掉占用它的程序。 Choose another --port, or stop the program that has it.",
        ) from error


def _bound(host: str, port: int, *, shared: bool) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1 if shared else 0)
    try:
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock
