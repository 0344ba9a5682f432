"""The bytes behind a file or a database, as a thief would get at them: raw, unpacked, and row by row.

Formats are told by their first bytes, not by names: objects of the store have none.
"""

import gzip
import io
import json
import sqlite3
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Final

import zstandard

from gnomon.kit.archives import DAMAGED

CHUNK: Final = 4 * 1024 * 1024
UNPACKED_MAX: Final = 8 * 2**30  # bytes out of one archive; a bomb must not keep the search from its end
DEPTH_MAX: Final = 4  # archives in archives
_SYSTEM_SCHEMAS: Final = frozenset({"information_schema", "pg_catalog", "pg_toast"})

_BROKEN = (*DAMAGED, zstandard.ZstdError)
"""What the readers of archives raise on bytes that are none, or that need a password."""

Part = tuple[str, Iterable[bytes]]
"""A name within the file ("" for its raw bytes) and its bytes; reading may raise Unreadable."""


class Unreadable(Exception):
    """What is there and could not be looked into; the text says why and quotes nothing."""


def parts_of(path: Path) -> Iterator[Part]:
    """Everything that the file holds. A file that went away meanwhile gives nothing."""
    yield "", _file(path)
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:
        return  # it went away; one that may not be read was told with its raw bytes
    if head.startswith(b"SQLite format 3\0"):
        yield "rows", _sqlite(path)
    elif head[8:12] == b"DUCK":
        yield "rows", _duckdb(path)
    elif head.startswith(b"PAR1"):
        yield "rows", _parquet(path)
    elif _is_packed(head):
        with path.open("rb") as file:
            yield from _unpacked(file, head, depth=1, budget=_Budget())


def database_rows(url: str) -> Iterator[Part]:
    """Every column of every table at `url`, of all schemas, whatever the dialect; JSON with its own characters."""
    # Most searches read files alone, and a process without this starts in a third of the time.
    from sqlalchemy import create_engine, inspect

    engine = create_engine(_driven(url))
    try:
        found = inspect(engine)
        for schema in found.get_schema_names():
            if schema in _SYSTEM_SCHEMAS or schema.startswith("pg_"):
                continue
            for table in found.get_table_names(schema=schema):
                yield f"{schema}.{table}", _table(engine, schema, table)
    finally:
        engine.dispose()


def shown(url: str) -> str:
    """The database by name, without its password."""
    from sqlalchemy.engine import make_url

    return make_url(url).render_as_string(hide_password=True)


class _Budget:
    """How many bytes may still come out of one file."""

    def __init__(self) -> None:
        self._left = UNPACKED_MAX

    def spend(self, n: int) -> None:
        self._left -= n
        if self._left < 0:
            raise Unreadable(f"more than {UNPACKED_MAX >> 30} GiB come out of it")


def _is_packed(head: bytes) -> bool:
    return head.startswith((b"PK\x03\x04", b"\x1f\x8b", b"\x28\xb5\x2f\xfd"))


def _unpacked(file: IO[bytes], head: bytes, *, depth: int, budget: _Budget) -> Iterator[Part]:
    """Members of a zip (docx, xlsx …), or the content of a gzip or zstd stream; archives within are opened too."""
    if depth > DEPTH_MAX:
        yield f"depth {depth}", _fails(f"archives are nested more than {DEPTH_MAX} deep")
        return
    try:
        if not head.startswith(b"PK"):
            opener: Any = gzip.GzipFile(fileobj=file) if head.startswith(b"\x1f\x8b") else _zstd(file)
            yield from _inner("unpacked", opener, depth=depth, budget=budget)
            return
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                if not member.filename.endswith("/"):  # `is_dir` fails where there is no name
                    with archive.open(member) as opened:
                        yield from _inner(member.filename, opened, depth=depth, budget=budget)
    except Unreadable as error:
        yield "unpacked", _fails(str(error))
    except _BROKEN as error:
        yield "unpacked", _fails(type(error).__name__)


def _inner(name: str, opened: IO[bytes], *, depth: int, budget: _Budget) -> Iterator[Part]:
    first = opened.read(CHUNK)
    if not _is_packed(first):
        yield name, _rest(first, opened, budget)
        return
    whole = io.BytesIO()
    for chunk in _rest(first, opened, budget):
        whole.write(chunk)
    whole.seek(0)
    for inner, content in _unpacked(whole, first[:16], depth=depth + 1, budget=budget):
        yield f"{name}/{inner}", content


def _rest(first: bytes, opened: IO[bytes], budget: _Budget) -> Iterator[bytes]:
    chunk = first
    try:
        while chunk:
            budget.spend(len(chunk))
            yield chunk
            chunk = opened.read(CHUNK)
    except _BROKEN as error:
        raise Unreadable(type(error).__name__) from error


def _zstd(file: IO[bytes]) -> IO[bytes]:
    return zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)


def _fails(why: str) -> Iterator[bytes]:
    raise Unreadable(why)
    yield b""


def _file(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk
    except FileNotFoundError:
        return  # a spool file that was collected, or a draft that was renamed, while we looked


def _sqlite(path: Path) -> Iterator[bytes]:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    connection.text_factory = bytes
    try:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            quoted = name.decode().replace('"', '""')
            for row in connection.execute(f'SELECT * FROM "{quoted}"'):  # noqa: S608 - a name from the database itself
                yield _line(row)
    except sqlite3.DatabaseError as error:
        raise Unreadable(type(error).__name__) from error
    finally:
        connection.close()


def _duckdb(path: Path) -> Iterator[bytes]:
    """The rows, unless another process has the file open: then its owner is asked, and here is nothing to read."""
    import duckdb

    try:
        database = duckdb.connect(str(path), read_only=True)
    except duckdb.IOException:
        return
    try:
        for (name,) in database.execute("SELECT table_name FROM duckdb_tables()").fetchall():
            quoted = str(name).replace('"', '""')
            yield from _duck_rows(database.execute(f'SELECT * FROM "{quoted}"'))  # noqa: S608 - its own name
    finally:
        database.close()


def _parquet(path: Path) -> Iterator[bytes]:
    import duckdb

    database = duckdb.connect()
    try:
        yield from _duck_rows(database.execute("SELECT * FROM read_parquet(?)", [str(path)]))
    except duckdb.Error as error:
        raise Unreadable(type(error).__name__) from error
    finally:
        database.close()


def _duck_rows(result: Any) -> Iterator[bytes]:
    while rows := result.fetchmany(2_000):
        for row in rows:
            yield _line(row)


def _table(engine: Any, schema: str, table: str) -> Iterator[bytes]:
    quote = engine.dialect.identifier_preparer.quote
    statement = f"SELECT * FROM {quote(schema)}.{quote(table)}"  # noqa: S608 - names from the database itself
    with engine.connect() as connection:
        for row in connection.execution_options(stream_results=True).exec_driver_sql(statement):
            yield _line(row)


def _line(row: Iterable[Any]) -> bytes:
    return b"\x1f".join(_bytes(value) for value in row) + b"\n"


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes | memoryview | bytearray):
        return bytes(value)
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")
    return str(value).encode("utf-8", "surrogatepass")


def _driven(url: str) -> Any:
    from sqlalchemy.engine import make_url

    parsed = make_url(url)
    return parsed.set(drivername="postgresql+psycopg") if parsed.get_backend_name() == "postgresql" else parsed
