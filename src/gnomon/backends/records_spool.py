"""Carries the gateways' spools into the record store: each line once.

A spool is deleted when it is stored and its writer gone.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from gnomon.backends.records_quarantine import Quarantine
from gnomon.contract.ports import RecordStore, Unstorable
from gnomon.contract.traffic import DefenceNotice, Feedback, TrafficRecord
from gnomon.kit import log

_log = log.get(__name__)
_READ_BYTES = 4 << 20  # of one spool at a time: bounds memory
_MAX_LINE_BYTES = 16 << 20


class SpooledStore(RecordStore, Protocol):
    def forget(self, names: list[str]) -> None: ...


class _Line(msgspec.Struct):
    t: Literal["record", "notice", "feedback"]
    v: msgspec.Raw


_line = msgspec.json.Decoder(_Line).decode
_SAYS: dict[str, Callable[[msgspec.Raw], TrafficRecord | DefenceNotice | Feedback]] = {
    "record": msgspec.json.Decoder(TrafficRecord).decode,
    "notice": msgspec.json.Decoder(DefenceNotice).decode,
    "feedback": msgspec.json.Decoder(Feedback).decode,
}


@dataclass(frozen=True, slots=True)
class Read:
    """A line of a spool, and what it says."""

    line: bytes
    says: TrafficRecord | DefenceNotice | Feedback


@dataclass
class Batch:
    """What was read from some spools, and how far; `bad` are the lines that say nothing, each with the reason."""

    read: list[Read] = field(default_factory=list)
    bad: list[tuple[bytes, str]] = field(default_factory=list)
    offsets: dict[str, int] = field(default_factory=dict)


class SpoolReader:
    """`sweep` once: all that lay in the spools when it began is stored when it returns. For one thread.

    A line that cannot be read or stored lies in `quarantine/` from then on, as it was, and stops no other.
    """

    def __init__(self, folder: Path, store: SpooledStore) -> None:
        self.stored = 0
        self.unreadable = 0
        self.quarantined = 0  # lines kept aside since the start; a fragment without its end is not kept
        self.quarantine = Quarantine(folder / "quarantine")
        self._folder = folder
        self._store = store
        self._offsets = store.offsets()

    def sweep(self) -> float:
        """The time (Unix seconds) up to which everything is stored. Raises what the store raises."""
        begun = time.time()
        paths = {path.name: path for path in sorted(self._folder.glob("*.jsonl"))}
        self._forget(set(self._offsets) - set(paths))
        for name, path in paths.items():
            with contextlib.suppress(FileNotFoundError):
                for batch in self._read(name, path):
                    self._take(name, batch)
                self._delete_if_done(name, path)
        return begun

    def _take(self, name: str, batch: Batch) -> None:
        """The batch is stored, or what of it can be; its offsets with the last piece."""
        for line, why in batch.bad:
            self.unreadable += 1
            self._quarantine(name, line, why)
        try:
            self._append(batch.read, offsets=batch.offsets)
        except Unstorable:
            self._take_apart(name, batch.read)
            self._append([], offsets=batch.offsets)
        self._offsets.update(batch.offsets)

    def _take_apart(self, name: str, read: list[Read]) -> None:
        """Halved again and again, until only what cannot be stored is left alone. Storing twice changes nothing."""
        try:
            self._append(read, offsets={})
        except Unstorable as error:
            if len(read) == 1:
                self._quarantine(name, read[0].line, str(error))
                return
            self._take_apart(name, read[: len(read) // 2])
            self._take_apart(name, read[len(read) // 2 :])

    def _append(self, read: list[Read], *, offsets: dict[str, int]) -> None:
        records = [r.says for r in read if isinstance(r.says, TrafficRecord)]
        notices = [r.says for r in read if isinstance(r.says, DefenceNotice)]
        feedback = [r.says for r in read if isinstance(r.says, Feedback)]
        self.stored += self._store.append(records, notices, offsets=offsets, feedback=feedback)

    def _quarantine(self, name: str, line: bytes, why: str) -> None:
        path = self.quarantine.put(name, line, time.time())  # on the disk before the offset passes it
        self.quarantined += 1
        _log.error("spool_line_quarantined", spool=name, kept=f"quarantine/{path.name}", why=why[:200])

    def _read(self, name: str, path: Path) -> Iterator[Batch]:
        with path.open("rb") as file:
            end = os.fstat(file.fileno()).st_size  # what comes meanwhile is the next sweep's
            at = self._offsets.get(name, 0)
            size = _READ_BYTES
            while at < end:
                file.seek(at)
                data = file.read(min(size, end - at))
                whole = data.rfind(b"\n") + 1
                if not whole:
                    if at + len(data) >= end or size >= _MAX_LINE_BYTES:
                        return  # the end of a line is still being written
                    size *= 2
                    continue
                at += whole
                yield self._batch(name, data[:whole], at)

    def _batch(self, name: str, data: bytes, at: int) -> Batch:
        batch = Batch(offsets={name: at})
        for line in data.splitlines():
            try:
                found = _line(line)
                says = _SAYS[found.t](found.v)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                batch.bad.append((line, str(error)))
            else:
                batch.read.append(Read(line, says))
        return batch

    def _delete_if_done(self, name: str, path: Path) -> None:
        """The writer holds a lock as long as it lives; under ours nothing more can come."""
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            rest = os.fstat(file.fileno()).st_size - self._offsets.get(name, 0)
            if rest:
                file.seek(-rest, os.SEEK_END)
                if b"\n" in file.read():
                    return  # whole lines came just before the writer went
                # Cut short by the death of the host or the process: its response was never completed.
                self.unreadable += 1
                _log.warning("spool_ended_in_a_fragment", spool=name, bytes=rest)
            path.unlink()
        self._forget({name})

    def _forget(self, names: set[str]) -> None:
        known = sorted(names & set(self._offsets))
        if known:
            self._store.forget(known)
            for name in known:
                del self._offsets[name]
