"""Search everything that is stored for values that must not be there.

Files are read as raw bytes, and what a format hides from a raw look is read through the format: rows of databases and
Parquet, members of archives. What another process keeps open (the record store) is asked by its owner.

`search` must never run in a process that uses one of those databases: closing ANY file handle of a SQLite file drops
all POSIX locks that the process holds on it, and with them its own and others' transactions (sqlite.org/howtocorrupt,
2.2). It was seen here: commits were lost while the search ran. `search_apart` runs it in a process of its own.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import hyperscan

from gnomon.engine.byte_sources import Unreadable, database_rows, parts_of, shown
from gnomon.kit.errors import Unavailable

_SLASHES: Final = 4  # JSON in JSON in JSON doubles the backslash every time
_PATIENCE_S: Final = 0.5
_PIECE: Final = 256 * 1024
_ESCAPED: Final = {"\n": "n", "\t": "t", "\r": "r", '"': '"', "\\": "\\", "/": "/"}


@dataclass(slots=True)
class Found:
    """How much a search read, where each value (by its place in the list) stands, and what could not be opened."""

    places: int = 0
    bytes: int = 0
    hits: dict[int, list[str]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    @property
    def values(self) -> int:
        return len(self.hits)


class Needles:
    """Literal values, compiled once: as UTF-8 and as JSON escapes them, ASCII letters in either case."""

    def __init__(self, values: Sequence[str]) -> None:
        self._longest = max((sum(_widest(char) for char in value) for value in values), default=0)
        self._database = hyperscan.Database()
        self._database.compile(
            expressions=[b"".join(_expression(char) for char in value) for value in values],
            ids=list(range(len(values))),
            flags=[hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_SINGLEMATCH] * len(values),
        )

    def scan(self, chunks: Iterable[bytes], seen: Callable[[int], None]) -> int:
        """Report each value in the joined `chunks` through `seen`; returns how many bytes were read."""
        tail, total = b"", 0

        def report(id: int, _start: int, _end: int, _flags: int, _context: object) -> None:
            seen(id)

        for chunk in _gathered(chunks):
            total += len(chunk)
            self._database.scan(tail + chunk, match_event_handler=report)
            tail = (tail + chunk)[-(self._longest - 1) :] if self._longest > 1 else b""
        return total


def search(
    root: Path,
    values: Sequence[str],
    *,
    databases: Sequence[str] = (),
    progress: Callable[[Path], None] | None = None,
) -> Found:
    """Look for `values` in every file below `root`, in what the files hold, and in every row of `databases` (URLs)."""
    found, needles = Found(), Needles(values)
    again = []
    for path in sorted(root.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        if progress:
            progress(path)
        if _scan_file(found, needles, path, root):
            again.append(path)
    for path in again:  # it may have been caught while it was written
        time.sleep(_PATIENCE_S)
        if path.exists():
            found.unread += _scan_file(found, needles, path, root)
    for url in databases:
        for table, chunks in database_rows(url):
            found.unread += _scan(found, needles, chunks, place=f"{shown(url)} ({table})")
    return found


def _scan_file(found: Found, needles: Needles, path: Path, root: Path) -> list[str]:
    """What of the file could not be read."""
    name = str(path.relative_to(root))
    return [
        line
        for inner, chunks in parts_of(path)
        for line in _scan(found, needles, chunks, place=f"{name} ({inner})" if inner else name)
    ]


def search_apart(root: Path, values: Sequence[str], *, databases: Sequence[str] = ()) -> Found:
    """`search` in a child process; values and URLs go through a pipe, never over the command line or the disk."""
    request = json.dumps({"root": str(root), "values": list(values), "databases": list(databases)})
    done = subprocess.run(
        [sys.executable, "-m", "gnomon.engine.byte_search"], input=request, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Unavailable(
            "The search of stored bytes did not finish.", next_step="See the log.", why=done.stderr.strip()[-400:]
        )
    told = json.loads(done.stdout)
    hits = {int(value): places for value, places in told["hits"].items()}
    return Found(told["places"], told["bytes"], hits, told["unread"])


def _main() -> None:
    request = json.load(sys.stdin)
    found = search(Path(request["root"]), request["values"], databases=request["databases"])
    told = {"places": found.places, "bytes": found.bytes, "hits": found.hits, "unread": found.unread}
    json.dump(told, sys.stdout)


def _scan(found: Found, needles: Needles, chunks: Iterable[bytes], *, place: str) -> list[str]:
    """One line when the place could not be read to its end."""
    seen: set[int] = set()
    found.places += 1
    unread = []
    try:
        found.bytes += needles.scan(chunks, seen.add)
    except (Unreadable, OSError) as error:
        unread = [f"{place}: {error if isinstance(error, Unreadable) else type(error).__name__}"]
    for value in seen:
        places = found.hits.setdefault(value, [])
        if place not in places:
            places.append(place)
    return unread


def _gathered(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in larger pieces: rows are short, and every scan has a price."""
    held: list[bytes] = []
    size = 0
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size >= _PIECE:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def _expression(char: str) -> bytes:
    """One character as a regular expression over bytes: as it is, or as some writer of JSON escaped it."""
    plain = b"".join(b"\\x%02x" % byte for byte in char.encode("utf-8", "surrogatepass"))
    slashes = b"\\x5c{1,%d}" % _SLASHES
    others = []
    if char in _ESCAPED:
        others.append(slashes + b"\\x%02x" % ord(_ESCAPED[char]))
    if not char.isascii():
        units = char.encode("utf-16-be", "surrogatepass")
        pairs = (units[at : at + 2].hex().encode() for at in range(0, len(units), 2))
        others.append(b"".join(slashes + b"u" + pair for pair in pairs))
    return b"(?:%b)" % b"|".join([plain, *others]) if others else plain


def _widest(char: str) -> int:
    if char.isascii():
        return _SLASHES + 1 if char in _ESCAPED else 1
    return (_SLASHES + 5) * (len(char.encode("utf-16-be", "surrogatepass")) // 2)


if __name__ == "__main__":
    _main()
