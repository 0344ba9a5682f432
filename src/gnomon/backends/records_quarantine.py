"""Lines of spools that cannot be read or stored, put aside as they were: a file a spool and day, `<day>.<spool>`."""

import os
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import NamedTuple


class Kept(NamedTuple):
    """What lies there: how many lines, and the beginning (Unix seconds) of the day of the oldest; None where none."""

    lines: int
    oldest: float | None


class Quarantine:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, spool: str, line: bytes, now: float) -> Path:
        """The line is on the disk when this returns."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        path = self.folder / f"{datetime.fromtimestamp(now, UTC).date()}.{spool}"
        with path.open("ab") as file:
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return path

    def drop(self, before: float) -> int:
        """Files of days that began before then are gone; how many lines."""
        old = [path for path in self._files() if _began(path) < before]
        dropped = sum(_lines(path) for path in old)
        for path in old:
            path.unlink(missing_ok=True)
        return dropped

    def kept(self) -> Kept:
        files = self._files()
        return Kept(sum(_lines(path) for path in files), min((_began(path) for path in files), default=None))

    def _files(self) -> list[Path]:
        return sorted(path for path in self.folder.glob("*") if path.is_file())


def _began(path: Path) -> float:
    """Of a file without a day in its name, when it was last written to."""
    try:
        day = date.fromisoformat(path.name[:10])
    except ValueError:
        return path.stat().st_mtime
    return datetime.combine(day, time(), UTC).timestamp()


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
