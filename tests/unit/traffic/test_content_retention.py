"""Masked content does not outlive its time, and a purge that stops is seen."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gnomon.contract.verdicts import State
from gnomon.control.rulebook.rules import load
from gnomon.control.traffic import checks as _registers  # noqa: F401
from gnomon.control.traffic import jobs
from gnomon.kit import services
from gnomon.kit.jobs import JobContext
from gnomon.kit.outbox import JobRow
from gnomon.kit.work import Platform
from tests.fakes.platform import MONDAY, make_platform
from tests.fakes.records import StoredRecords
from tests.unit.rulebook_board.asking import ask

SOURCE = "traffic.content_retention"
LIMIT = timedelta(days=load().threshold("content_retention_days").limit)
DAY = timedelta(days=1)


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoredRecords]:
    monkeypatch.setattr(services, "_shared", {})
    store = StoredRecords(tmp_path)
    services.fill(records=store)
    yield store
    store.close()


@pytest.fixture
def platform(tmp_path: Path, records: StoredRecords) -> Platform:
    return make_platform(tmp_path)


def add(records: StoredRecords, *, age: timedelta) -> None:
    records.add(1, (MONDAY - age).timestamp(), request="{}", reply="ok")


def test_no_content_is_nothing_to_measure(platform: Platform, records: StoredRecords) -> None:
    records.add(1, MONDAY.timestamp())
    assert ask(platform, SOURCE, services={"records": records}) is None


def test_content_past_its_time_is_not_met(platform: Platform, records: StoredRecords) -> None:
    add(records, age=LIMIT - DAY)
    found = ask(platform, SOURCE, services={"records": records})
    assert found
    assert (found.state, found.facts["kept"]) == (State.MET, 1)
    add(records, age=LIMIT + DAY)
    found = ask(platform, SOURCE, services={"records": records})
    assert found
    assert found.state is State.NOT_MET


def test_the_daily_purge_keeps_the_limit_until_the_next_one_and_the_records_for_ever(
    platform: Platform, records: StoredRecords
) -> None:
    add(records, age=LIMIT - 2 * DAY)
    add(records, age=LIMIT - DAY)
    row = JobRow(id="job_1", name="traffic.drop_content", subject="", args={}, state="running", created_at=MONDAY,
                 actor_id="system:test", progress={})  # fmt: skip
    jobs.drop_content(JobContext(platform, row))
    assert records.query("content") == [{"n": 1, "oldest": (MONDAY - LIMIT + 2 * DAY).timestamp()}]
    (totals,) = records.query("totals", since=0.0, until=MONDAY.timestamp() + 1)
    assert totals["requests"] == 2


def test_lines_put_aside_past_their_time_are_not_met_until_the_daily_purge(
    platform: Platform, records: StoredRecords
) -> None:
    source = "traffic.quarantine_retention"
    limit = timedelta(days=load().threshold("quarantine_retention_days").limit)
    found = ask(platform, source, services={"records": records})
    assert found
    assert (found.state, found.facts["kept"], found.facts["oldest"]) == (State.MET, 0, None)
    for age in (limit + DAY, limit - 3 * DAY, timedelta(0)):
        records.quarantine.put("w-1.jsonl", b"{", (MONDAY - age).timestamp())
    found = ask(platform, source, services={"records": records})
    assert found
    assert (found.state, found.facts["kept"]) == (State.NOT_MET, 3)
    row = JobRow(id="job_2", name="traffic.drop_quarantine", subject="", args={}, state="running", created_at=MONDAY,
                 actor_id="system:test", progress={})  # fmt: skip
    jobs.drop_quarantine(JobContext(platform, row))
    found = ask(platform, source, services={"records": records})
    assert found
    assert (found.state, found.facts["kept"]) == (State.MET, 2)


def test_a_file_from_before_days_were_in_names_goes_by_when_it_was_last_written(records: StoredRecords) -> None:
    records.quarantine.put("w-1.jsonl", b"{", MONDAY.timestamp())
    (path,) = records.quarantine.folder.iterdir()
    old = path.rename(path.with_name("w-1.jsonl"))
    os.utime(old, (1000.0, 1000.0))
    assert records.quarantine.kept() == (1, 1000.0)
    assert (records.quarantine.drop(999.0), records.quarantine.drop(1001.0)) == (0, 1)
