"""Many byte patterns as one hyperscan database, compiled once a host where there is a folder to remember it in.

Compiling the book takes some two seconds of CPU, loading it some milliseconds. What is remembered is machine code of a
kind: the folder must belong to the process alone.
"""

import hashlib
import logging
import os
import platform
import threading
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import hyperscan

_FLAGS = hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_DOTALL
_log = logging.getLogger(__name__)


class Patterns:
    """Caseless byte patterns. Safe to share between threads; each thread has its own scratch space."""

    def __init__(self, patterns: Sequence[bytes], *, once: bool = False, memory: Path | None = None) -> None:
        flags = _FLAGS | (hyperscan.HS_FLAG_SINGLEMATCH if once else 0)
        self._database = _remembered(patterns, flags, memory) or _compiled(patterns, flags, memory)
        self._local = threading.local()

    def found(self, data: bytes) -> list[tuple[int, int]]:
        """(where it ends, number of the pattern) of every match. Raises `hyperscan.error` rather than miss one."""
        ends: list[tuple[int, int]] = []
        add = ends.append
        scratch = getattr(self._local, "scratch", None)
        if scratch is None:
            scratch = self._local.scratch = hyperscan.Scratch(self._database)
        self._database.scan(data, match_event_handler=lambda n, _, end, *__: add((end, n)), scratch=scratch)
        return ends


def _compiled(patterns: Sequence[bytes], flags: int, memory: Path | None) -> hyperscan.Database:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    count = len(patterns)
    database.compile(expressions=list(patterns), ids=list(range(count)), elements=count, flags=[flags] * count)
    if memory is not None:
        _remember(database, _file(patterns, flags, memory))
    return database


def _remembered(patterns: Sequence[bytes], flags: int, memory: Path | None) -> hyperscan.Database | None:
    if memory is None:
        return None
    try:
        data = _file(patterns, flags, memory).read_bytes()
        return hyperscan.loadb(data, hyperscan.HS_MODE_BLOCK)
    except FileNotFoundError:
        return None
    except (OSError, hyperscan.error) as error:
        _log.warning("patterns_not_read: %s", error)
        return None


def _remember(database: hyperscan.Database, file: Path) -> None:
    """Whole or not at all; that it cannot be written costs time at the next start, no more."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        scratch = file.with_suffix(f".{os.getpid()}")
        scratch.write_bytes(hyperscan.dumpb(database))
        scratch.replace(file)
    except OSError as error:
        _log.warning("patterns_not_kept: %s", error)


def _file(patterns: Sequence[bytes], flags: int, memory: Path) -> Path:
    """Another pattern, flag, library or kind of processor is another file."""
    told = [str(flags), metadata.version("hyperscan"), platform.machine(), platform.processor(), _processor()]
    digest = hashlib.sha256(b"\0".join([*(part.encode() for part in told), *patterns])).hexdigest()
    return memory / f"patterns-{digest[:24]}.hs"


def _processor() -> str:
    """What the compiled code may have been made for."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            return next((line for line in info if line.startswith("flags")), "")
    except OSError:
        return ""
