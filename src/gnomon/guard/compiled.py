"""Pattern databases that outlive a start: compiled once a host, then read in a millisecond.

A database is what says where to look, so a foreign one could switch detectors off: what is kept carries an HMAC over
itself and over all that it was compiled from, and whatever does not fit, in whatever way, is compiled again.
"""

import hashlib
import hmac
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import hyperscan

from gnomon.kit import log

_log = log.get(__name__)
_MAC = 32
_MAGIC = b"gnomon-patterns-1"


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where databases are kept, and the key that proves that this installation kept them."""

    folder: Path
    key: bytes


_shelf: Shelf | None = None


def keep_in(folder: Path, key: bytes) -> None:
    """From now on this process keeps what it compiles in `folder`. `key` must be known to this installation alone."""
    global _shelf
    _shelf = Shelf(folder, hmac.digest(key, _MAGIC, "sha256"))


def database(patterns: Sequence[bytes], flags: int) -> hyperscan.Database:
    """The database of these patterns, numbered in their order. Raises `hyperscan.error` for a pattern that is none."""
    shelf = _shelf
    if shelf is None:
        return _compiled(patterns, flags)
    source = _source(patterns, flags)
    path = shelf.folder / f"patterns-{source.hex()[:32]}.hs"
    kept = _read(path, source, shelf.key)
    if kept is None:
        kept = _compiled(patterns, flags)
        _write(path, source, key=shelf.key, data=hyperscan.dumpb(kept))
    return kept


def _compiled(patterns: Sequence[bytes], flags: int) -> hyperscan.Database:
    compiled, count = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK), len(patterns)
    compiled.compile(expressions=list(patterns), ids=list(range(count)), elements=count, flags=[flags] * count)
    return compiled


def _source(patterns: Sequence[bytes], flags: int) -> bytes:
    """A digest of all that a database depends on; another processor is found out by hyperscan when it reads one."""
    told = f"{metadata.version('hyperscan')} {platform.machine()} {flags}".encode()
    digest = hashlib.sha256(told)
    for pattern in patterns:
        digest.update(len(pattern).to_bytes(8, "big") + pattern)
    return digest.digest()


def _read(path: Path, source: bytes, key: bytes) -> hyperscan.Database | None:
    try:
        mac, data = (whole := path.read_bytes())[:_MAC], whole[_MAC:]
        if not hmac.compare_digest(mac, hmac.digest(key, source + data, "sha256")):
            _log.warning("patterns_refused", path=str(path), why="not written by this installation")
            return None
        return hyperscan.loadb(data, hyperscan.HS_MODE_BLOCK)
    except FileNotFoundError:
        return None
    except (OSError, hyperscan.error) as error:
        _log.warning("patterns_refused", path=str(path), why=str(error))
        return None


def _write(path: Path, source: bytes, *, key: bytes, data: bytes) -> None:
    """Whole or not at all, readable for the owner alone. Failing costs the next start half a second."""
    scratch = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(hmac.digest(key, source + data, "sha256") + data)
        scratch.replace(path)
    except OSError as error:
        _log.warning("patterns_not_kept", path=str(path), why=str(error))
