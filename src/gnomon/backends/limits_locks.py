"""Locks on single bytes of a file: a worker's end, however it comes, leaves none behind."""

import fcntl
import os
import struct


def flock(kind: int, place: int) -> bytes:
    """Linux `struct flock` for one byte of the file; open-file-description locks want pid 0."""
    return struct.pack("@hhqqi4x", kind, os.SEEK_SET, place, 1, 0)


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
