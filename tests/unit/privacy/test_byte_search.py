"""The search for planted values finds what a raw look would miss, and nothing that is not there."""

import sqlite3
import subprocess
import sys
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.engine.byte_search import Needles, search, search_apart


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
