"""The search for planted values finds what a raw look would miss, and nothing that is not there."""

import gzip
import io
import json
import random
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.engine.byte_search import Needles, search, search_apart
from gnomon.kit.db import Database


def test_values_are_found_in_files_and_in_rows(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "log.txt").write_text("电话 13800138000 已脱敏")
    with sqlite3.connect(tmp_path / "a.sqlite") as connection:
        connection.execute("CREATE TABLE t (x TEXT)")
        connection.execute("INSERT INTO t VALUES ('li@example.com')")
    connection.close()
    found = search(tmp_path, ["13800138000", "LI@example.com", "13900139000"])
    assert sorted(found.hits) == [0, 1]
    assert found.hits[0] == ["deep/log.txt"]
    assert found.bytes > 0


@settings(max_examples=60)
@given(st.binary(max_size=200), st.integers(1, 40))
def test_a_value_across_chunks_is_found(noise: bytes, size: int) -> None:
    text = noise + b"13800138000" + noise
    chunks = [text[at : at + size] for at in range(0, len(text), size)]
    seen: set[int] = set()
    assert Needles(["13800138000"]).scan(chunks, seen.add) == len(text)
    assert seen == {0}


@settings(max_examples=80)
@given(st.text(alphabet='京军字第号\U0001f600ab1\n"\\/é', min_size=1, max_size=12), st.integers(0, 2), st.booleans())
def test_a_value_is_found_however_json_wrote_it(value: str, times: int, ascii_only: bool) -> None:
    text = value
    for _ in range(times):
        text = json.dumps({"x": text}, ensure_ascii=ascii_only)
    seen: set[int] = set()
    Needles([value]).scan([text.encode()], seen.add)
    assert seen == {0}


def zipped(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", data)
    return out.getvalue()


def parquet(data: bytes, folder: Path) -> bytes:
    path = folder / "x.parquet"
    with duckdb.connect() as database:
        database.execute("CREATE TABLE t AS SELECT ?::VARCHAR AS text, {'deep': ?} AS s", [data.decode()] * 2)
        database.execute(f"COPY t TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
    found = path.read_bytes()
    path.unlink()
    return found


PACKED: dict[str, Callable[[bytes, Path], bytes]] = {
    "zip, docx, xlsx": lambda data, _: zipped(data),
    "gzip": lambda data, _: gzip.compress(data),
    "zstd": lambda data, _: zstandard.compress(data),
    "zstd of unknown size": lambda data, _: zstandard.ZstdCompressor(write_content_size=False).compress(data),
    "zip in zip in gzip": lambda data, _: gzip.compress(zipped(zipped(data))),
    "parquet": parquet,
}


@pytest.mark.parametrize("how", PACKED)
def test_what_is_packed_is_opened_whatever_it_is_called(how: str, tmp_path: Path) -> None:
    letters = "".join(random.Random(7).choices("abcdefgh", k=6000))  # coded in less than a byte each, as any text is
    text = f"{letters}京A13801{letters[::-1]}"
    packed = PACKED[how](text.encode(), tmp_path)
    assert "京A13801".encode() not in packed
    (tmp_path / "0a1b2c").write_bytes(packed)
    found = search(tmp_path, ["京A13801", "沪B00000"])
    assert sorted(found.hits) == [0]
    assert found.hits[0][0].startswith("0a1b2c (")
    assert found.unread == []


def test_rows_of_databases_are_read_without_a_telling_name(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "backup") as connection:
        connection.execute("CREATE TABLE t (x TEXT, y BLOB)")
        connection.execute("INSERT INTO t VALUES (?, ?)", (json.dumps({"plate": "京A13801"}), b"\xff\xfe"))
    connection.close()
    with duckdb.connect(str(tmp_path / "records")) as database:
        database.execute("CREATE TABLE r AS SELECT 'li@example.com' AS mail FROM range(5000)")
    found = search(tmp_path, ["京A13801", "li@example.com"])
    assert sorted(found.hits) == [0, 1]
    assert "records (rows)" in found.hits[1]


def test_an_archive_that_cannot_be_opened_is_told_and_not_passed_over(tmp_path: Path) -> None:
    whole = bytearray(zipped(random.Random(1).randbytes(4000)))
    whole[200:260] = bytes(60)
    (tmp_path / "broken.docx").write_bytes(whole)
    (tmp_path / "cut.gz").write_bytes(gzip.compress(random.Random(2).randbytes(4000))[:-50])
    (tmp_path / "not.zip").write_bytes(b"PK\x03\x04 and nothing more")
    found = search(tmp_path, ["13800138000"])
    assert {line.partition(" ")[0] for line in found.unread} == {"broken.docx", "cut.gz", "not.zip"}


def test_every_column_of_a_database_is_read_whatever_the_dialect(database_url: str, tmp_path: Path) -> None:
    url = database_url or f"sqlite:///{tmp_path / 'a.sqlite'}"
    database = Database(url)
    with database.session() as session:
        connection = session.connection()
        connection.exec_driver_sql("DROP TABLE IF EXISTS byte_search_probe")
        connection.exec_driver_sql("CREATE TABLE byte_search_probe (a TEXT, b JSON)")
        escaped = json.dumps({"plate": "京A13801"})
        connection.exec_driver_sql(f"INSERT INTO byte_search_probe VALUES ('13800138000', '{escaped}')")
        session.commit()
    try:
        found = search_apart(tmp_path / "nothing here", ["13800138000", "京A13801", "沪B00000"], databases=[url])
    finally:
        with database.session() as session:
            session.connection().exec_driver_sql("DROP TABLE byte_search_probe")
            session.commit()
        database.close()
    assert sorted(found.hits) == [0, 1]
    assert all("byte_search_probe" in place for places in found.hits.values() for place in places)


def test_a_search_leaves_the_locks_of_its_caller_alone(tmp_path: Path) -> None:
    """Reading a SQLite file in the process that uses it would drop that process's locks on it."""
    path = tmp_path / "a.sqlite"
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("CREATE TABLE t (x TEXT)")
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO t VALUES ('13800138000')")
    search_apart(tmp_path, ["13900139000"])
    code = f"import sqlite3; sqlite3.connect({str(path)!r}, timeout=0.1).execute('BEGIN IMMEDIATE')"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "locked" in other.stderr
    writer.execute("COMMIT")
    writer.close()
    assert search_apart(tmp_path, ["13800138000"]).values == 1
