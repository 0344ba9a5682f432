"""Search everything that is stored for values that must not be there.

Files are read as raw bytes, and what a file format hides from a raw look is read through the format: every text of a
SQLite database. What another process keeps open (the record store) is asked by its owner.

`search` must never run in a process that uses one of those databases: closing ANY file handle of a SQLite file drops
all POSIX locks that the process holds on it, and with them its own and others' transactions (sqlite.org/howtocorrupt,
2.2). It was seen here: commits were lost while the search ran. `search_apart` runs it in a process of its own.
"""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import hyperscan

from gnomon.kit.errors import Unavailable

CHUNK = 4 * 1024 * 1024


@dataclass(slots=True)
class Found:
    """What a search saw: how much it read, and where each value (by its place in the list) stands."""

    places: int = 0
    bytes: int = 0
    hits: dict[int, list[str]] = field(default_factory=dict)

    @property
    def values(self) -> int:
        return len(self.hits)


class Needles:
    """Literal values, compiled once. Values are compared as UTF-8 bytes, ASCII letters in either case."""

    def __init__(self, values: Sequence[str]) -> None:
        encoded = [value.encode() for value in values]
        self._longest = max(map(len, encoded), default=0)
        self._database = hyperscan.Database()
        self._database.compile(
            expressions=[b"".join(b"\\x%02x" % byte for byte in value) for value in encoded],
            ids=list(range(len(encoded))),
            flags=[hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_SINGLEMATCH] * len(encoded),
        )

    def scan(self, chunks: Iterable[bytes], seen: Callable[[int], None]) -> int:
        """Report each value in the joined `chunks` through `seen`; returns how many bytes were read."""
        tail, total = b"", 0

        def report(id: int, _start: int, _end: int, _flags: int, _context: object) -> None:
            seen(id)

        for chunk in chunks:
            total += len(chunk)
            self._database.scan(tail + chunk, match_event_handler=report)
            tail = (tail + chunk)[-(self._longest - 1) :] if self._longest > 1 else b""
        return total


def search(root: Path, values: Sequence[str], *, progress: Callable[[Path], None] | None = None) -> Found:
    """Look for `values` in every file below `root`, and in every text of its SQLite databases."""
    found, needles = Found(), Needles(values)
    for path in sorted(root.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        if progress:
            progress(path)
        _scan(found, needles, _chunks(path), place=str(path.relative_to(root)))
        if path.suffix == ".sqlite":
            _scan(found, needles, _texts(path), place=f"{path.relative_to(root)} (rows)")
    return found


def search_apart(root: Path, values: Sequence[str]) -> Found:
    """`search` in a child process; the values go through a pipe, never over the command line or the disk."""
    request = json.dumps({"root": str(root), "values": list(values)})
    done = subprocess.run(
        [sys.executable, "-m", "gnomon.engine.byte_search"], input=request, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Unavailable(
            "The search of stored bytes did not finish.", next_step="See the log.", why=done.stderr.strip()[-400:]
        )
    told = json.loads(done.stdout)
    return Found(told["places"], told["bytes"], {int(value): places for value, places in told["hits"].items()})


def _main() -> None:
    request = json.load(sys.stdin)
    found = search(Path(request["root"]), request["values"])
    json.dump({"places": found.places, "bytes": found.bytes, "hits": found.hits}, sys.stdout)


def _scan(found: Found, needles: Needles, chunks: Iterable[bytes], *, place: str) -> None:
    seen: set[int] = set()
    found.bytes += needles.scan(chunks, seen.add)
    found.places += 1
    for value in seen:
        found.hits.setdefault(value, []).append(place)


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk
    except FileNotFoundError:
        return  # a spool file that was collected, or a draft that was renamed, while we looked


def _texts(path: Path) -> Iterator[bytes]:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            for row in connection.execute(f'SELECT * FROM "{name}"'):  # noqa: S608 - a name from the database itself
                for value in row:
                    if isinstance(value, str):
                        yield value.encode() + b"\n"
                    elif isinstance(value, bytes):
                        yield value + b"\n"
    finally:
        connection.close()


if __name__ == "__main__":
    _main()
