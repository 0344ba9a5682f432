"""Locks on single bytes of a file, and on its table: a worker's end, however it comes, leaves none behind."""

import fcntl
import mmap
import os
import struct
import time
from typing import Any, Final

from gnomon.backends import limits_layout as layout

_WORD: Final = struct.Struct("<Q")
_WAIT_S: Final = 0.001  # a change takes microseconds


def flock(kind: int, place: int, count: int = 1) -> bytes:
    """Linux `struct flock` for bytes of the file; open-file-description locks want pid 0."""
    return struct.pack("@hhqqi4x", kind, os.SEEK_SET, place, count, 0)


class Locked:
    """A byte of the file, locked while the block runs; waits for other workers, microseconds at most."""

    __slots__ = ("_fd", "_give", "_take")

    def __init__(self, fd: int, place: int) -> None:
        self._fd = fd
        self._take, self._give = flock(fcntl.F_WRLCK, place), flock(fcntl.F_UNLCK, place)

    def __enter__(self) -> None:
        fcntl.fcntl(self._fd, fcntl.F_OFD_SETLKW, self._take)

    def __exit__(self, *_: object) -> None:
        fcntl.fcntl(self._fd, fcntl.F_OFD_SETLKW, self._give)


class Word:
    """The table, locked while the block runs by a word in its header: C's own lock, for its twin."""

    __slots__ = ("_at", "_quick")

    def __init__(self, quick: Any, shared: mmap.mmap, fd: int, mine: int) -> None:
        self._quick = quick
        self._at = shared, fd, mine

    def __enter__(self) -> None:
        self._quick.lock(*self._at)

    def __exit__(self, *_: object) -> None:
        self._quick.unlock(*self._at)


def begin_alone(shared: mmap.mmap) -> None:
    """Nobody else uses the file: whoever did left nothing locked."""
    _WORD.pack_into(shared, layout.WORD, 0)
    shared[layout.PLAIN] = 0


def forget_owner(quick: Any, shared: mmap.mmap, fd: int, column: int) -> None:
    """What the last worker of this column had locked is free. Its column is ours, so that it is no more."""
    owner = _WORD.unpack_from(shared, layout.WORD)[0]
    if owner & 0xFF == column + 1:
        quick.unlock(shared, fd, owner)


def keep_plain(shared: mmap.mmap, fd: int) -> None:
    """From here on every worker locks a byte of the file, which needs no C; who has the word lets go of it first."""
    shared[layout.PLAIN] = 1
    while True:
        time.sleep(_WAIT_S)  # every core has seen it then
        owner = _WORD.unpack_from(shared, layout.WORD)[0]
        if not owner:
            return
        if not _is_held(fd, layout.WORKER + (owner & 0xFF) - 1):
            _WORD.pack_into(shared, layout.WORD, 0)  # of a worker that is no more


def _is_held(fd: int, place: int) -> bool:
    """Whether another worker has locked this byte of the file."""
    asked = fcntl.fcntl(fd, fcntl.F_OFD_GETLK, flock(fcntl.F_WRLCK, place))
    return bool(struct.unpack_from("@h", asked)[0] != fcntl.F_UNLCK)
