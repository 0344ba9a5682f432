"""Spools into the store, questions out of it."""

import asyncio
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gnomon.app.collector import Collector
from gnomon.backends.records_client import CollectorDown, RecordsClient
from gnomon.backends.records_duckdb import _LATER, RecordsDuckDB
from gnomon.backends.records_quarantine import Quarantine
from gnomon.backends.records_spool import SpoolReader
from gnomon.contract.traffic import DefenceNotice, Feedback, Timings, TrafficRecord
from gnomon.gateway.recorder import Recorder
from gnomon.kit.errors import BadInput, NotFound
from tests.fakes.records import empty_store


def record(number: int) -> TrafficRecord:
    return TrafficRecord(id=f"req_{number}", at=1000.0 + number, outcome="ok", status=200, timings=Timings(total=1.0))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RecordsDuckDB]:
    found = RecordsDuckDB(shutil.copyfile(empty_store(), tmp_path / "traffic.duckdb"))
    yield found
    found.close()


def recorder(folder: Path, **options: int) -> Recorder:
    async def make() -> Recorder:
        return Recorder(folder, "w1", **options)

    return asyncio.run(make())


def ids(store: RecordsDuckDB) -> list[str]:
    return sorted(r["id"] for r in store.query("recent", {}))


def test_a_living_workers_spool_is_read_and_kept_and_a_dead_ones_is_read_and_deleted(
    tmp_path: Path, store: RecordsDuckDB
) -> None:
    spool = recorder(tmp_path / "spool")
    reader = SpoolReader(tmp_path / "spool", store)
    spool.record(record(1))
    reader.sweep()
    assert ids(store) == ["req_1"]
    assert spool.path.exists()
    spool.record(record(2))
    spool.notice(DefenceNotice(id="n", at=1.0, kind="ban", subject="192.0.2.1", reason="key_guessing"))
    spool.close()
    reader.sweep()
    assert ids(store) == ["req_1", "req_2"]
    assert len(store.query("notices", {})) == 1
    assert not spool.path.exists()
    assert store.offsets() == {}


def test_a_line_that_was_cut_waits_for_its_end_and_a_dead_writers_fragment_is_dropped(
    tmp_path: Path, store: RecordsDuckDB
) -> None:
    spool = recorder(tmp_path / "spool")
    spool.record(record(1))
    whole = spool.path.read_bytes()
    reader = SpoolReader(tmp_path / "spool", store)
    with spool.path.open("ab") as file:
        file.write(whole[:20])
    reader.sweep()
    assert ids(store) == ["req_1"]
    with spool.path.open("ab") as file:
        file.write(whole[20:].replace(b"req_1", b"req_2"))
        file.write(whole[:9])
    spool.close()
    reader.sweep()
    reader.sweep()
    assert ids(store) == ["req_1", "req_2"]
    assert reader.unreadable == 1
    assert not spool.path.exists()


def test_a_garbled_line_is_counted_and_hides_no_other(tmp_path: Path, store: RecordsDuckDB) -> None:
    spool = recorder(tmp_path / "spool")
    spool.record(record(1))
    with spool.path.open("ab") as file:
        file.write(b'{"t":"record","v":{}}\n\xff\xfe\n')
    spool.record(record(2))
    reader = SpoolReader(tmp_path / "spool", store)
    reader.sweep()
    assert ids(store) == ["req_1", "req_2"]
    assert (reader.unreadable, reader.quarantined) == (2, 2)
    (kept,) = (tmp_path / "spool" / "quarantine").glob(f"*.{spool.path.name}")
    assert kept.read_bytes() == b'{"t":"record","v":{}}\n\xff\xfe\n'
    spool.close()


@given(numbers=st.sets(st.integers(0, 6), max_size=4))
@settings(max_examples=8, deadline=None)
def test_what_no_column_holds_is_put_aside_and_all_the_rest_arrives(numbers: set[int]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = RecordsDuckDB(shutil.copyfile(empty_store(), folder / "traffic.duckdb"))
        spool = recorder(folder / "spool")
        for number in range(7):
            spool.record(replace(record(number), status=70_000 if number in numbers else 200))
        spool.close()
        reader = SpoolReader(folder / "spool", store)
        reader.sweep()
        assert len(ids(store)) == 7 - len(numbers)
        assert reader.quarantined == len(numbers)
        assert (store.offsets(), spool.path.exists()) == ({}, False)
        store.close()


def test_a_count_of_tokens_that_cannot_be_is_put_aside_with_its_line(tmp_path: Path, store: RecordsDuckDB) -> None:
    spool = recorder(tmp_path / "spool")
    spool.record(replace(record(1), tokens_in=10**12))
    spool.record(record(2))
    SpoolReader(tmp_path / "spool", store).sweep()
    assert ids(store) == ["req_2"]
    spool.close()


def test_a_store_that_fails_by_itself_puts_nothing_aside(tmp_path: Path, store: RecordsDuckDB) -> None:
    spool = recorder(tmp_path / "spool")
    spool.record(record(1))
    reader = SpoolReader(tmp_path / "spool", store)
    store.close()
    with pytest.raises(duckdb.Error):
        reader.sweep()
    assert reader.quarantined == 0
    spool.close()


def test_a_store_of_narrow_counts_is_widened_when_it_is_opened(tmp_path: Path) -> None:
    RecordsDuckDB(tmp_path / "old.duckdb").close()
    with duckdb.connect(str(tmp_path / "old.duckdb")) as old:
        old.execute("ALTER TABLE records ALTER tokens_in TYPE INTEGER")
    store = RecordsDuckDB(tmp_path / "old.duckdb")
    assert store.append([replace(record(1), tokens_in=10**10)], [], offsets={}) == 1
    store.close()


def test_a_store_from_before_routing_was_recorded_opens_with_what_it_holds(tmp_path: Path) -> None:
    before = RecordsDuckDB(tmp_path / "old.duckdb")
    before.append([record(1)], [], offsets={})
    before.close()
    with duckdb.connect(str(tmp_path / "old.duckdb")) as old:
        old.execute("DROP TABLE feedback")
        for column in _LATER:
            old.execute(f"ALTER TABLE records DROP COLUMN {column}")
    store = RecordsDuckDB(tmp_path / "old.duckdb")
    store.append([replace(record(2), arm="e:a", cost=0.5, attempts=2, unscanned={"image": 1})], [], offsets={})
    old_one, new_one = (store.query("record", {"id": f"req_{n}"})[0] for n in (1, 2))
    assert (old_one["role"], old_one["cost"], old_one["unscanned"], old_one["queue_ms"]) == ("", 0.0, {}, None)
    assert (new_one["arm"], new_one["cost"], new_one["attempts"], new_one["unscanned"]) == ("e:a", 0.5, 2, {"image": 1})
    store.close()


def test_what_callers_say_of_answers_is_carried_too(tmp_path: Path, store: RecordsDuckDB) -> None:
    spool = recorder(tmp_path / "spool")
    spool.record(replace(record(1), caller="anna"))
    spool.feedback(Feedback(id="fb_1", at=5.0, request="req_1", caller="anna", rating=1))
    spool.close()
    SpoolReader(tmp_path / "spool", store).sweep()
    assert [r["rating"] for r in store.query("feedback", {"since": 0.0, "until": 9.0})] == [1]


def test_a_reader_that_starts_again_stores_nothing_twice(tmp_path: Path, store: RecordsDuckDB) -> None:
    spool = recorder(tmp_path / "spool", rotate_bytes=300)
    for number in range(20):
        spool.record(record(number))
    assert len(list((tmp_path / "spool").iterdir())) > 3
    SpoolReader(tmp_path / "spool", store).sweep()
    again = SpoolReader(tmp_path / "spool", store)
    again.sweep()
    assert again.stored == 0
    assert len(ids(store)) == 20
    spool.close()


def test_the_collector_answers_on_its_socket(tmp_path: Path) -> None:
    spool = recorder(tmp_path / "spool")
    spool.record(record(1))
    day = 86_400.0
    collector = Collector(tmp_path)
    thread = threading.Thread(target=collector.run)
    client = RecordsClient(tmp_path)
    with pytest.raises(CollectorDown):
        client.query("recent")
    thread.start()
    try:
        while not client.is_alive():
            pass
        while not client.query("recent") or not client.as_of:
            pass
        assert client.as_of > 1_700_000_000
        assert client.health()["quarantined"] == 0
        assert client.health()["quarantine"] == {"lines": 0, "oldest": None}
        Quarantine(tmp_path / "spool" / "quarantine").put("w-1.jsonl", b"garbled", day)
        assert client.health()["quarantine"] == {"lines": 1, "oldest": day}
        assert [client.drop_quarantine(before) for before in (day, day + 1, day + 1)] == [0, 1, 0]
        assert client.query("totals", since=0.0, until=2000.0)[0]["requests"] == 1
        with pytest.raises(NotFound):
            client.query("nothing")
        with pytest.raises(BadInput, match="needs run"):
            client.query("rows_for_run")
    finally:
        collector.stop()
        thread.join(10)
        client.close()
        spool.close()
    assert not (tmp_path / "run" / "collector.sock").exists()
