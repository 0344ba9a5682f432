"""Erasing persons from the record store: rows, and the bytes that they leave in the file.

DuckDB only marks what it deletes and keeps the blocks for later, so the tables are copied to a file without those rows,
which takes the old one's place. Meanwhile nobody reads or writes; spools keep what gateways report.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from gnomon.contract.ports import Row
from gnomon.kit.errors import Unavailable

_IDS = "SELECT DISTINCT id FROM persons WHERE list_contains($tokens::VARCHAR[], token)"


def erase(db: duckdb.DuckDBPyConnection, tokens: Sequence[str]) -> Row:
    """In the caller's transaction: contents, comments and tags about these persons go, and all tokens of those rows.

    What stands beside a person in one request goes with it: a text without its content is about nobody.
    """
    db.execute(f"CREATE OR REPLACE TEMP TABLE erased AS {_IDS}", {"tokens": list(tokens)})
    try:
        return {
            "contents": _count(db, "DELETE FROM contents WHERE id IN (SELECT id FROM erased)"),
            "comments": _count(
                db, "UPDATE feedback SET comment = '' WHERE comment <> '' AND id IN (SELECT id FROM erased)"
            ),
            # Only those of the masked: an evaluation finds its requests by its tags.
            "tags": _count(
                db,
                "UPDATE records SET tags = MAP {} WHERE id IN (SELECT id FROM erased)"
                " AND contains(tags::VARCHAR, '\u27e6')",
            ),
            "tokens": _count(db, "DELETE FROM persons WHERE id IN (SELECT id FROM erased)"),
        }
    finally:
        db.execute("DROP TABLE erased")


def rewritten(
    db: duckdb.DuckDBPyConnection, path: Path, opened: Callable[[Path], duckdb.DuckDBPyConnection]
) -> duckdb.DuckDBPyConnection:
    """The same tables in a file that holds nothing else; the old connection is closed, the new one returned.

    Raises Unavailable when it cannot be; then the old file is as it was, open again.
    """
    fresh = path.with_suffix(".rewrite")
    fresh.unlink(missing_ok=True)
    name = db.execute("SELECT current_database()").fetchone()
    assert name is not None
    try:
        db.execute(f"ATTACH '{str(fresh).replace(chr(39), chr(39) * 2)}' AS rewrite")
        db.execute(f'COPY FROM DATABASE "{name[0]}" TO rewrite')
        db.execute("DETACH rewrite")
    except duckdb.Error as error:
        fresh.unlink(missing_ok=True)
        raise Unavailable(
            f"The record store cannot be written anew: {type(error).__name__}.",
            next_step="Make room on the disk, then erase again: the rows are gone, their bytes not yet.",
        ) from error
    db.close()
    try:
        if path.with_name(f"{path.name}.wal").exists():  # it would be read into the new file
            raise Unavailable("The record store did not close.", next_step="Erase again.")
        descriptor = os.open(fresh, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
        again = opened(path)
    return again


def without_lines(folder: Path, tokens: Sequence[str]) -> int:
    """Lines put aside that carry one of the tokens are gone from the files of the folder; how many."""
    wanted = [token.encode() for token in tokens]
    gone = 0
    for path in sorted(folder.glob("*")):
        lines = path.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if not any(token in line for token in wanted)]
        if len(kept) == len(lines):
            continue
        gone += len(lines) - len(kept)
        if not kept:
            path.unlink()
            continue
        draft = path.with_name(f".{path.name}.part")
        with draft.open("wb") as file:
            file.writelines(kept)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    return gone


def _count(db: duckdb.DuckDBPyConnection, statement: str) -> int:
    found = db.execute(statement).fetchone()
    return int(found[0]) if found else 0


class Turns:
    """Many look at the same time, or one has it alone."""

    def __init__(self) -> None:
        self._looking = 0
        self._free = threading.Condition()
        self._waiting = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        with self._free:
            self._free.wait_for(lambda: not self._waiting)
            self._looking += 1
        try:
            yield
        finally:
            with self._free:
                self._looking -= 1
                self._free.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self._free:
            self._waiting = True
            self._free.wait_for(lambda: self._looking == 0)
        try:
            yield
        finally:
            with self._free:
                self._waiting = False
                self._free.notify_all()
