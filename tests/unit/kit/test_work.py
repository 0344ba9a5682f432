"""Work: one transaction, authorised once, audited in it, told once."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from gnomon.control.audit.sealer import Sealer
from gnomon.control.audit.tables import AuditEntry
from gnomon.control.people.tables import Person
from gnomon.kit.canonical import NotExact
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


@action("test.tolerant")
def tolerant(work: Work) -> None:
    work.about("person", "wei")
    with contextlib.suppress(Conflict):
        rename(work, to="外层", fail=True)


@action("test.tell")
def tell(work: Work, *, fact: object, id: str = "wei") -> None:
    work.about("person", id, fact=fact)
    work.session.get_one(Person, "wei").name = "新名"


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


def test_a_nested_action_that_failed_is_in_the_trail_as_failed_though_its_caller_went_on(platform: Platform) -> None:
    do(platform, "wei", tolerant)
    assert trail(platform) == [("test.tolerant", "done", "wei"), ("test.rename", "failed", "wei")]
    with platform.read() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.permission == "test.rename")).one()
    assert entry.facts["error"] == "conflict"


@pytest.mark.parametrize("fact", [2**60, float("nan"), float("inf"), "\ud800", "a\x00b", b"bytes", {1: "key"}])
def test_what_cannot_be_sealed_is_refused_with_a_trace_that_can_be(platform: Platform, fact: object) -> None:
    with pytest.raises(NotExact):
        do(platform, "wei", tell, fact=fact)
    assert name_of_wei(platform) == "魏工"
    assert trail(platform) == [("test.tell", "failed", "")]
    assert Sealer(platform, Ed25519PrivateKey.generate()).run_once() == 1


@pytest.mark.parametrize("fact", [1.5, 1.0, 2**53 - 1, -0.0, "\\u0000 as text", "😀", None, [True]])
def test_what_can_be_sealed_is(platform: Platform, fact: object) -> None:
    do(platform, "wei", tell, fact=fact)
    assert Sealer(platform, Ed25519PrivateKey.generate()).run_once() == 1


def test_an_id_that_cannot_be_sealed_is_refused_too(platform: Platform) -> None:
    with pytest.raises(NotExact):
        do(platform, "wei", tell, fact=1, id="\ud800")
    assert trail(platform) == [("test.tell", "failed", "")]


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
