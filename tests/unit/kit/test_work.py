"""Work: one transaction, authorised once, audited in it, told once."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from gnomon.control.audit.tables import AuditEntry
from gnomon.control.people.tables import Person
from gnomon.kit.errors import Conflict, Denied
from gnomon.kit.events import Event
from gnomon.kit.outbox import JobRow
from gnomon.kit.work import ACTIONS, Platform, Work, action, system_action
from tests.fakes.platform import actor, do, make_platform, run_jobs


@dataclass(frozen=True, slots=True)
class Renamed(Event):
    person: str


@action("test.rename")
def rename(work: Work, *, to: str, fail: bool = False) -> None:
    work.about("person", "wei", to=to)
    work.session.get_one(Person, "wei").name = to
    work.emit(Renamed("wei"))
    work.enqueue("test.greet", "wei")
    if fail:
        raise Conflict("no")


@action("test.outer")
def outer(work: Work) -> None:
    work.about("person", "wei")
    rename(work, to="外层")


@system_action("test.by_itself")
def by_itself(work: Work) -> None:
    work.about("test", "1")


@pytest.fixture
def platform(tmp_path: Path, database_url: str) -> Iterator[Platform]:
    everyone = {key: ["engineer"] for key in ACTIONS}
    made = make_platform(tmp_path, permissions=everyone | {"test.rename": ["technical_lead"]}, url=database_url)
    yield made
    made.database.close()


def trail(platform: Platform) -> list[tuple[str, str, str]]:
    with platform.read() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        return [(entry.permission, entry.outcome, entry.object_id) for entry in entries]


def name_of_wei(platform: Platform) -> str:
    with platform.read() as session:
        return session.get_one(Person, "wei").name


def test_change_job_and_audit_row_are_one_transaction(platform: Platform) -> None:
    do(platform, "lin", rename, to="新名")
    assert name_of_wei(platform) == "新名"
    assert trail(platform) == [("test.rename", "done", "wei")]
    with platform.read() as session:
        assert session.scalars(select(JobRow.name)).all() == ["test.greet"]


def test_failed_action_leaves_only_its_trace(platform: Platform) -> None:
    with pytest.raises(Conflict):
        do(platform, "lin", rename, to="新名", fail=True)
    assert name_of_wei(platform) == "魏工"
    assert trail(platform) == [("test.rename", "failed", "wei")]
    assert run_jobs(platform) == []


def test_denial_is_raised_before_anything_runs_and_is_audited(platform: Platform) -> None:
    with pytest.raises(Denied):
        do(platform, "bai", rename, to="新名")
    assert trail(platform) == [("test.rename", "denied", "")]


def test_only_the_outermost_action_authorises_and_every_action_is_in_the_trail(platform: Platform) -> None:
    do(platform, "wei", outer)  # an engineer may not rename, but may do the outer action that does
    assert name_of_wei(platform) == "外层"
    assert trail(platform) == [("test.outer", "done", "wei"), ("test.rename", "done", "wei")]


def test_people_cannot_do_what_the_platform_does_itself(platform: Platform) -> None:
    with pytest.raises(Denied):
        do(platform, "wei", by_itself)
    do(platform, "system", by_itself)


def test_subscribers_run_in_the_emitting_transaction(platform: Platform) -> None:
    def refuse(_work: Work, _event: Renamed) -> None:
        raise Conflict("subscriber says no")

    platform.bus.subscribe(Renamed, refuse)
    with pytest.raises(Conflict), platform.work(actor("lin")) as work:
        rename(work, to="新名")
    assert name_of_wei(platform) == "魏工"
