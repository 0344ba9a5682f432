"""What the gateways did by themselves is taken over whole, however much of it came at once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gnomon.contract.traffic import DefenceNotice
from gnomon.control.traffic import jobs
from gnomon.control.traffic.schemas import CanaryRetreated
from gnomon.control.traffic.tables import TakenNotice
from gnomon.kit import services
from gnomon.kit.jobs import JobContext
from gnomon.kit.outbox import JobRow
from gnomon.kit.work import Platform
from tests.fakes.platform import MONDAY, make_platform
from tests.fakes.records import StoredRecords


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    monkeypatch.setattr(services, "_shared", {})
    records = StoredRecords(tmp_path)
    made = make_platform(tmp_path)
    services.fill(records=records)
    yield made
    records.close()
    made.database.close()


def notice(number: int, at: float) -> DefenceNotice:
    return DefenceNotice(id=f"notice_{number:05d}", at=at, kind="canary_retreat", subject="c", reason="rule_broken")


def store(*notices: DefenceNotice) -> None:
    records: Any = services.get("records")
    records._store.append([], notices, offsets={})


def take(platform: Platform) -> None:
    row = JobRow(id="job_1", name="traffic.take_notices", subject="", args={}, state="running", created_at=MONDAY,
                 actor_id="system:test", progress={})  # fmt: skip
    jobs.take_notices(JobContext(platform, row))


def taken(platform: Platform) -> int:
    with platform.read() as session:
        return session.query(TakenNotice).count()


@pytest.mark.parametrize("together", [True, False])
def test_more_notices_in_a_minute_than_a_page_holds_are_all_taken(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, together: bool
) -> None:
    monkeypatch.setattr(jobs, "PAGE", 7)
    told: list[str] = []
    platform.bus.subscribe(CanaryRetreated, lambda _work, event: told.append(event.notice.id))
    store(*(notice(n, 1000.0 if together else 1000.0 + n / 10) for n in range(40)))
    take(platform)
    assert taken(platform) == 40
    assert len(set(told)) == len(told) == 40
    store(notice(99, 1001.0))
    take(platform)
    assert (taken(platform), len(told)) == (41, 41)


def test_a_notice_that_came_late_is_taken_too(platform: Platform) -> None:
    store(notice(1, 1000.0))
    take(platform)
    store(notice(0, 1000.0 - 120))
    take(platform)
    assert taken(platform) == 2
