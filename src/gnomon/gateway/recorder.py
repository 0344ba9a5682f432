"""Writes each traffic record to the worker's spool before the last byte of its response goes out.

A record is in the kernel's hands (write(2)) when the response completes, so that the death of the process loses none:
at the end of a turn of the loop `gateway.batch` commits the turn's records in one write before it sends a byte;
every 256 records or 200 ms a thread calls fdatasync, which bounds what the death of the host can lose. The worker holds
an flock on its spool: who can lock a spool knows that its writer is gone. When the disk refuses, records wait in a
bounded backlog and `failing` is true; what does not fit is counted in `lost`, never silent.
"""

import asyncio
import contextlib
import fcntl
import os
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from gnomon.contract.traffic import DefenceNotice, Feedback, TrafficRecord
from gnomon.gateway.quoting import quoted
from gnomon.kit import log

_log: Final = log.get(__name__)
_SYNC_RECORDS: Final = 256
_SYNC_S: Final = 0.2
_ROTATE_BYTES: Final = 64 << 20
_BACKLOG_BYTES: Final = 8 << 20
_TURN_BYTES: Final = 1 << 20  # of records that one turn of the loop may hold back: written, though it is not over


class Recorder:
    def __init__(
        self, folder: Path, worker: str, *, rotate_bytes: int = _ROTATE_BYTES, backlog_bytes: int = _BACKLOG_BYTES
    ) -> None:
        self.failing = False
        self.lost = 0
        self.written = 0
        self._folder = folder
        self._worker = worker
        self._rotate_bytes = rotate_bytes
        self._backlog_bytes = backlog_bytes
        self._backlog: deque[bytes] = deque()
        self._waiting = 0
        self._lines: list[bytes] = []  # of this turn of the loop
        self._line_bytes = 0
        self.wake: Callable[[], None] | None = None
        self._encode = msgspec.json.Encoder().encode
        self._unsynced = 0
        self._full = asyncio.Event()
        self._retired: list[int] = []
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._fd, self.path = self._open()
        self._size = 0

    def record(self, record: TrafficRecord, *, request: bytes = b"", reply: bytes = b"") -> None:
        """`request`, `reply`: the record's masked content as UTF-8, which goes to the spool without a text between."""
        self._write(self._line(record, request, reply))

    def record_now(self, record: TrafficRecord, *, request: bytes = b"", reply: bytes = b"") -> bool:
        """As `record`, and it is in the kernel's hands; or else it is nowhere, never written late, and `failing` is
        true."""
        self.commit()
        if self._backlog:
            self._drain()
        return not self._backlog and self._append(self._line(record, request, reply), 1)

    def notice(self, notice: DefenceNotice) -> None:
        self._write(b'{"t":"notice","v":%b}\n' % self._encode(notice))

    def feedback(self, said: Feedback) -> None:
        self._write(b'{"t":"feedback","v":%b}\n' % self._encode(said))

    async def keep_synced(self) -> None:
        """Runs until cancelled: bounds what the death of the host can lose."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), _SYNC_S)
            self._full.clear()
            if self._backlog:
                self._drain()
            if self._unsynced or self._retired:
                self._unsynced = 0
                retired, self._retired = self._retired, []
                await asyncio.to_thread(_sync, self._fd, retired)

    def close(self) -> None:
        """The spool is on the disk and its lock is free."""
        self.commit()
        if self._backlog:
            self._drain()
        _sync(self._fd, [*self._retired, self._fd])

    def commit(self) -> None:
        """All records up to now are in the kernel's hands, or in the backlog and `failing` is true."""
        if not self._lines:
            return
        lines, self._lines, self._line_bytes = self._lines, [], 0
        if self._backlog:
            self._drain()
        if self._backlog or not self._append(lines[0] if len(lines) == 1 else b"".join(lines), len(lines)):
            for line in lines:
                self._keep(line)

    def _line(self, record: TrafficRecord, request: bytes, reply: bytes) -> bytes:
        told = self._encode(record)
        if request or reply:
            told = b'%b,"request":%b,"reply":%b}' % (told[:-1], _string(request), _string(reply))
        return b'{"t":"record","v":%b}\n' % told

    def _write(self, line: bytes) -> None:
        self._lines.append(line)
        self._line_bytes += len(line)
        if self.wake is None or self._line_bytes > _TURN_BYTES:
            self.commit()
        elif len(self._lines) == 1:
            self.wake()

    def _append(self, data: bytes, records: int) -> bool:
        try:
            done = os.write(self._fd, data)
            if done != len(data):
                os.ftruncate(self._fd, self._size)  # half a record would hide the next one
                return self._failed("short write")
        except OSError as error:
            return self._failed(str(error))
        if self.failing and not self._backlog:
            self._recovered()  # what could not wait was lost, or never left to wait
        self._size += done
        self.written += records
        self._unsynced += records
        if self._unsynced >= _SYNC_RECORDS:
            self._full.set()
        if self._size >= self._rotate_bytes:
            self._rotate()
        return True

    def _failed(self, why: str) -> bool:
        if not self.failing:
            _log.error("spool_failed", path=str(self.path), why=why)
        self.failing = True
        return False

    def _keep(self, line: bytes) -> None:
        if self._waiting + len(line) > self._backlog_bytes:
            self.lost += 1
            return
        self._backlog.append(line)
        self._waiting += len(line)

    def _drain(self) -> None:
        while self._backlog and self._append(self._backlog[0], 1):
            self._waiting -= len(self._backlog.popleft())
        if not self._backlog and self.failing:
            self._recovered()

    def _recovered(self) -> None:
        self.failing = False
        _log.info("spool_recovered", path=str(self.path), lost=self.lost)

    def _rotate(self) -> None:
        try:
            fd, path = self._open()
        except OSError as error:
            _log.error("spool_not_rotated", why=str(error))
            return
        self._retired.append(self._fd)
        self._fd, self.path, self._size = fd, path, 0

    def _open(self) -> tuple[int, Path]:
        path = self._folder / f"{self._worker}-{time.time_ns()}.jsonl"
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        fcntl.flock(fd, fcntl.LOCK_EX)
        return fd, path


def _string(content: bytes) -> bytes:
    """What cannot be read is replaced: a record is never lost for it."""
    return quoted(content) or msgspec.json.encode(content.decode("utf-8", "replace"))


def _sync(fd: int, retired: list[int]) -> None:
    """What cannot be synced is said and tried again with the next records: the one who calls this must go on."""
    for one in {fd, *retired}:
        try:
            os.fdatasync(one)
        except OSError as error:
            _log.error("spool_not_synced", why=str(error))
    for old in retired:
        os.close(old)
