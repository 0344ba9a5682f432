"""What is erased from the record store leaves no byte in its file, and what was put aside goes too."""

import json
import threading
from pathlib import Path

import pytest

from gnomon.app.collector import Collector
from gnomon.backends.records_duckdb import RecordsDuckDB
from gnomon.backends.records_erasing import Turns, without_lines
from gnomon.contract.traffic import Timings, TrafficRecord
from gnomon.kit.errors import BadInput

TOKEN, OTHER = "a" * 32, "b" * 32
COPY = "kAh7f1Qm" * 8  # stands for a sealed copy: what must not stay, although nobody can read it


def record(number: int, *persons: str, sealed: str = "") -> TrafficRecord:
    return TrafficRecord(
        id=f"req_{number}", at=float(number), outcome="ok", status=200, timings=Timings(total=1.0),
        request=f"问{number}", reply="答", persons=persons, sealed=sealed,
    )  # fmt: skip


def test_no_byte_of_a_copy_stays_in_the_file(tmp_path: Path) -> None:
    store = RecordsDuckDB(tmp_path / "traffic.duckdb")
    store.append([record(1, TOKEN, sealed=COPY), record(2, OTHER)], [], offsets={"w": 9})
    store.erase_persons([TOKEN])
    store.close()
    assert [path.name for path in tmp_path.iterdir()] == ["traffic.duckdb"]
    raw = (tmp_path / "traffic.duckdb").read_bytes()
    assert COPY.encode() not in raw
    assert TOKEN.encode() not in raw
    again = RecordsDuckDB(tmp_path / "traffic.duckdb")
    assert again.offsets() == {"w": 9}
    assert again.query("record", {"id": "req_2"})[0]["request"] == "问2"
    again.close()


def test_lines_put_aside_go_when_they_carry_the_token(tmp_path: Path) -> None:
    (tmp_path / "w1.jsonl").write_text(f'{{"persons":["{TOKEN}"]}}\n{{"persons":["{OTHER}"]}}\nnonsense\n')
    (tmp_path / "w2.jsonl").write_text(f'{{"persons":["{TOKEN}"]}}\n')
    assert without_lines(tmp_path, [TOKEN]) == 2
    assert (tmp_path / "w1.jsonl").read_text() == f'{{"persons":["{OTHER}"]}}\nnonsense\n'
    assert not (tmp_path / "w2.jsonl").exists()


def test_who_wants_it_alone_waits_for_those_who_look_and_keeps_new_ones_out() -> None:
    turns, seen = Turns(), []
    looking, let_go = threading.Event(), threading.Event()

    def look() -> None:
        with turns.shared():
            looking.set()
            let_go.wait(5)
            seen.append("looked")

    def alone() -> None:
        with turns.alone():
            seen.append("alone")

    first, second = threading.Thread(target=look), threading.Thread(target=alone)
    first.start()
    looking.wait(5)
    second.start()
    let_go.set()
    first.join(5)
    second.join(5)
    assert seen == ["looked", "alone"]


def test_the_collector_erases_what_it_is_asked_and_refuses_what_is_no_token(tmp_path: Path) -> None:
    collector = Collector(tmp_path)
    collector.store.append([record(1, TOKEN), record(2, OTHER)], [], offsets={})
    folder = tmp_path / "spool" / "quarantine"
    folder.mkdir(parents=True)
    (folder / "w1.jsonl").write_text(f'{{"persons":["{TOKEN}"]}}\n')
    gone = collector.erase_persons(json.dumps({"tokens": [TOKEN]}).encode())
    assert gone == {"contents": 1, "comments": 0, "tags": 0, "tokens": 1, "quarantined": 1}
    assert collector.store.query("of_persons", {"tokens": [TOKEN]}) == []
    for bad in (b"{}", b'{"tokens": []}', b'{"tokens": ["13812345678"]}', b"\xff"):
        with pytest.raises(BadInput):
            collector.erase_persons(bad)
    collector.store.close()
