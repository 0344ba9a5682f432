"""The collector watches what it stores: suspicions are notices, and a restart remembers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gnomon.app.watching import WatchedStore
from gnomon.backends.records_duckdb import RecordsDuckDB
from gnomon.contract.traffic import TrafficRecord
from gnomon.engine.defence import Watch
from tests.unit.defence.samples import START, asked, unsafe, wrong

DAY = 86_400.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RecordsDuckDB]:
    made = RecordsDuckDB(tmp_path / "traffic.duckdb")
    yield made
    made.close()


def notices(store: RecordsDuckDB) -> list[tuple[str, str, float]]:
    return [
        (n["subject"], n["reason"], dict(n["facts"])["level"]) for n in store.query("notices", {"kind": "suspicion"})
    ]


def test_what_is_suspicious_is_a_notice_in_the_store(store: RecordsDuckDB) -> None:
    watched = WatchedStore(store, now=START)
    assert watched.append([wrong(60.0 * n, f"{n:04x}") for n in range(15)], [], offsets={"w": 7}) == 15
    assert notices(store) == [("address:stranger", "key_guessing", 3.0)]
    assert store.offsets() == {"w": 7}
    assert watched.health()["watched"] == 15


def test_a_restart_remembers_wrong_keys_refused_inputs_and_who_came_in(store: RecordsDuckDB) -> None:
    first = WatchedStore(store, now=START)
    first.append([wrong(60.0 * n, f"{n:04x}") for n in range(10)], [], offsets={})
    first.append([unsafe(700.0), unsafe(800.0), asked(900.0, address="office", key_id="k9")], [], offsets={})
    assert notices(store) == []
    second = WatchedStore(store, now=START + 1000.0)
    second.append([wrong(1000.0 + 60.0 * n, f"{n + 20:04x}") for n in range(5)], [], offsets={})
    second.append([unsafe(2000.0)], [], offsets={})
    assert notices(store) == [("address:stranger", "key_guessing", 3.0), ("key:k1", "illegal_input", 3.0)]
    assert "k9" in second._watch._addresses._table["office"].valid


def test_baselines_come_from_the_records_of_the_last_weeks(store: RecordsDuckDB) -> None:
    fortnight = [asked(day * DAY + 9 * 3600 + n * 36) for day in range(14) for n in range(100)]
    store.append(fortnight, [], offsets={})
    store.append([asked(9 * 3600 + 5, outcome="upstream_error", status=502, caller="down")], [], offsets={})
    watched = WatchedStore(store, now=START + 14 * DAY)
    base = watched._watch.baselines["shop"]
    assert base.at(START + 14 * DAY + 9 * 3600) == 100.0
    assert base.days > 13
    assert "down" not in watched._watch.baselines


def test_where_a_caller_came_from_is_known_but_for_today(store: RecordsDuckDB) -> None:
    store.append([asked(60.0 * n) for n in range(5)], [], offsets={})
    store.append([asked(3 * DAY - 60.0, address="since an hour")], [], offsets={})
    watched = WatchedStore(store, now=START + 3 * DAY)
    assert watched._watch._callers.homes == {"shop": frozenset(("home",))}


def test_a_fault_of_the_watch_loses_no_record(store: RecordsDuckDB, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_watch: Watch, _record: TrafficRecord) -> list[object]:
        raise ZeroDivisionError

    watched = WatchedStore(store, now=START)
    monkeypatch.setattr(Watch, "observe", broken)
    assert watched.append([asked(1.0)], [], offsets={"w": 3}) == 1
    assert watched.health()["problem"] == "ZeroDivisionError"
    monkeypatch.undo()
    watched.append([asked(2.0)], [], offsets={"w": 6})
    assert watched.health()["problem"] == ""
