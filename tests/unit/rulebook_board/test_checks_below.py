"""Checks of people, audit and approvals: each can be met, can fail, and says nothing where there is nothing."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from gnomon.contract.verdicts import State
from gnomon.control.approvals.tables import ApprovalRequest
from gnomon.control.audit import queries as audit
from gnomon.control.audit.sealer import Sealer
from gnomon.control.audit.tables import AuditEntry
from gnomon.control.evidence import actions as _rights_that_people_hold  # noqa: F401
from gnomon.control.people.tables import MatrixVersion, Person
from gnomon.control.rulebook import checks_below  # noqa: F401 - registers the checks
from gnomon.kit.db import Base
from gnomon.kit.work import Platform
from tests.fakes.platform import MONDAY, make_platform
from tests.unit.rulebook_board.asking import ask, state

KEY = Ed25519PrivateKey.generate()
SERVICES = {"audit_key": KEY}


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    return make_platform(tmp_path)


def run(platform: Platform, statement: str) -> None:
    with platform.database.session() as session:
        session.execute(text(statement))
        session.commit()


def add(platform: Platform, *rows: Base) -> None:
    with platform.database.session() as session:
        session.add_all(rows)
        session.commit()


def edit(platform: Platform, login: str, change: Callable[[Person], Any]) -> None:
    with platform.database.session() as session:
        change(session.get_one(Person, login))
        session.commit()


def deed(permission: str, object_kind: str, object_id: str, *, days: float = 0, actor: str = "wei") -> AuditEntry:
    return AuditEntry(
        at=MONDAY + timedelta(days=days),
        actor_id=actor,
        actor_name=actor,
        actor_kind="person",
        address="",
        sign_in="",
        permission=permission,
        outcome="done",
        object_kind=object_kind,
        object_id=object_id,
        facts={},
    )


def request(id: str, kind: str, subject: str, *, verdict: str, made: float, decided: float | None) -> ApprovalRequest:
    return ApprovalRequest(
        id=id,
        kind=kind,
        subject_id=subject,
        title="t",
        content={},
        content_sha256="0" * 64,
        quorum={"seats": [], "barred": []},
        state=verdict,
        lapses_at=MONDAY + timedelta(days=30),
        author_id="lin",
        created_at=MONDAY + timedelta(days=made),
        decided_at=None if decided is None else MONDAY + timedelta(days=decided),
    )


def seal(platform: Platform) -> None:
    sealer = Sealer(platform, KEY)
    sealer.run_once()
    sealer.checkpoint()


# --- people


def test_posts_that_exclude_each_other_in_one_hand_are_found(platform: Platform) -> None:
    assert state(platform, "people.conflicting_grants") is State.MET
    edit(platform, "shen", lambda person: setattr(person, "posts", ["auditor", "technical_lead"]))
    found = ask(platform, "people.conflicting_grants")
    assert found
    assert found.state is State.NOT_MET
    assert found.facts["broken"] == ["shen"]


def test_a_conflict_of_somebody_who_left_does_not_count(platform: Platform) -> None:
    edit(platform, "shen", lambda person: setattr(person, "posts", ["auditor", "technical_lead"]))
    edit(platform, "shen", lambda person: setattr(person, "active", False))
    assert state(platform, "people.conflicting_grants") is State.MET


@pytest.mark.parametrize(
    ("team", "leaver"), [("technical", "lin"), ("risk", "ren")], ids=["technical_lead", "risk_officer"]
)
def test_a_team_with_an_empty_post_is_not_staffed(platform: Platform, team: str, leaver: str) -> None:
    assert state(platform, f"people.{team}_posts_held") is State.MET
    edit(platform, leaver, lambda person: setattr(person, "active", False))
    assert state(platform, f"people.{team}_posts_held") is State.NOT_MET


def test_the_empty_posts_are_named(platform: Platform) -> None:
    found = ask(platform, "people.business_posts_held")  # the cast has no business user
    assert found
    assert found.state is State.NOT_MET
    assert found.facts["unassigned"] == ["business_user"]


def test_nobody_hired_is_nothing_to_measure(platform: Platform) -> None:
    run(platform, "DELETE FROM people_person")
    for source in ("people.conflicting_grants", "people.technical_posts_held"):
        assert state(platform, source) is None


def test_unused_rights_can_be_told_only_from_a_trail_that_is_as_old_as_the_window(platform: Platform) -> None:
    source = "people.unused_grants_flagged"
    assert state(platform, source) is None
    add(platform, deed("control.run", "control", "CTL-x", days=-1))
    assert state(platform, source) is State.INSUFFICIENT
    add(platform, deed("control.run", "control", "CTL-x", days=-33))
    found = ask(platform, source)
    assert found
    assert found.state is State.MET
    assert "control.run" not in found.facts["decision"]["unused"].get("wei", [])
    assert "lin" in found.facts["decision"]["flagged"]


# --- audit


def test_a_whole_chain_is_met_and_an_edited_entry_breaks_it(platform: Platform) -> None:
    source = "audit.chain_verified"
    assert state(platform, source, services=SERVICES) is None
    add(platform, *(deed("control.run", "control", str(n)) for n in range(3)))
    seal(platform)
    found = ask(platform, source, services=SERVICES)
    assert found
    assert (found.state, found.facts["records"]) == (State.MET, 3)
    run(platform, "DROP TRIGGER audit_entry_no_update")
    run(platform, "UPDATE audit_entry SET actor_id = 'somebody else' WHERE id = 2")
    assert state(platform, source, services=SERVICES) is State.NOT_MET


def test_a_trail_that_is_not_being_sealed_is_not_met(platform: Platform) -> None:
    add(platform, deed("control.run", "control", "1", days=-1))
    found = ask(platform, "audit.chain_verified", services=SERVICES)
    assert found
    assert (found.state, found.facts["unsealed"]) == (State.NOT_MET, 1)
    seal(platform)
    assert state(platform, "audit.chain_verified", services=SERVICES) is State.MET


def test_a_chain_signed_by_another_key_is_broken(platform: Platform) -> None:
    add(platform, deed("control.run", "control", "1"))
    seal(platform)
    stranger = {"audit_key": Ed25519PrivateKey.generate()}
    assert state(platform, "audit.chain_verified", services=stranger) is State.NOT_MET


def test_the_trail_is_kept_while_the_database_refuses_to_delete(platform: Platform) -> None:
    source = "audit.retention_checked"
    assert state(platform, source) is None
    add(platform, deed("control.run", "control", "1"), deed("control.run", "control", "2"))
    seal(platform)
    assert state(platform, source) is State.MET
    found = ask(platform, source)
    assert found
    assert (found.facts["retention_days"], found.facts["oldest_age_days"]) == (None, 0)
    assert "audit_entry" in found.facts["deletion_refused"]
    run(platform, "DROP TRIGGER audit_entry_no_delete")
    assert state(platform, source) is State.NOT_MET


def test_deleting_is_tried_on_both_databases(database_url: str, tmp_path: Path) -> None:
    platform = make_platform(tmp_path, url=database_url)
    add(platform, deed("control.run", "control", "1"))
    seal(platform)
    found = ask(platform, "audit.retention_checked")
    platform.database.close()
    assert found
    assert (found.state, found.facts["unguarded"]) == (State.MET, [])


def test_a_trigger_that_is_there_and_refuses_nothing_is_seen(platform: Platform) -> None:
    add(platform, deed("control.run", "control", "1"))
    seal(platform)
    run(platform, "DROP TRIGGER audit_entry_no_delete")
    run(platform, "CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry WHEN 0 BEGIN SELECT 1; END")
    found = ask(platform, "audit.retention_checked")
    assert found
    assert (found.state, found.facts["unguarded"]) == (State.NOT_MET, ["audit_entry"])
    with platform.read() as session:
        assert audit.oldest(session) is not None  # what was tried was rolled back


def test_a_deleted_entry_is_seen_even_when_the_guard_is_back(platform: Platform) -> None:
    add(platform, deed("control.run", "control", "1"), deed("control.run", "control", "2"))
    seal(platform)
    run(platform, "DROP TRIGGER audit_entry_no_delete")
    run(platform, "DELETE FROM audit_entry WHERE id = 1")
    run(
        platform,
        "CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    found = ask(platform, "audit.retention_checked")
    assert found
    assert found.state is State.NOT_MET
    assert found.facts["deleted_early"] == 1


# --- approvals

APPROVED = "approvals.executed_without_valid_approval"


def test_nothing_carried_out_is_nothing_to_measure(platform: Platform) -> None:
    assert state(platform, APPROVED) is None


def test_an_installation_after_its_approval_is_met_and_one_before_it_is_not(platform: Platform) -> None:
    add(platform, request("a1", "deployment_plan", "d1", verdict="approved", made=0, decided=2))
    add(platform, deed("deployment.install", "deployment", "d1", days=3))
    assert state(platform, APPROVED) is State.MET
    add(platform, deed("deployment.install", "deployment", "d1", days=1))
    assert state(platform, APPROVED) is State.NOT_MET


def test_an_approval_that_a_newer_request_made_void_does_not_cover_a_deed(platform: Platform) -> None:
    add(platform, request("a1", "release", "r1", verdict="approved", made=0, decided=1))
    add(platform, request("a2", "release", "r1", verdict="rejected", made=2, decided=3))
    add(platform, deed("canary.start", "release", "r1", days=4))
    assert state(platform, APPROVED) is State.NOT_MET


def test_an_approval_of_something_else_does_not_cover_a_deed(platform: Platform) -> None:
    add(platform, request("a1", "release", "r2", verdict="approved", made=0, decided=1))
    add(platform, deed("canary.start", "release", "r1", days=4))
    assert state(platform, APPROVED) is State.NOT_MET


MATRIX = "approvals.matrix_changed_without_approval"


def matrix(version: int, source: str) -> MatrixVersion:
    return MatrixVersion(
        version=version,
        permissions={},
        exclusive=[],
        made_at=MONDAY + timedelta(days=version),
        made_by="system:worker",
        source=source,
    )


def test_the_matrix_of_the_installation_stands_and_later_ones_need_an_approval(platform: Platform) -> None:
    assert state(platform, MATRIX) is State.MET
    add(platform, request("approval_1", "matrix_change", "m", verdict="approved", made=0, decided=1))
    add(platform, matrix(2, "approval approval_1"))
    assert state(platform, MATRIX) is State.MET
    add(platform, matrix(3, "somebody's idea"))
    found = ask(platform, MATRIX)
    assert found
    assert found.state is State.NOT_MET
    assert found.facts["broken"] == ["3"]


def test_a_rejected_request_covers_no_change_of_the_matrix(platform: Platform) -> None:
    add(platform, request("approval_1", "matrix_change", "m", verdict="rejected", made=0, decided=1))
    add(platform, matrix(2, "approval approval_1"))
    assert state(platform, MATRIX) is State.NOT_MET


def test_a_platform_without_a_matrix_has_none_to_check(platform: Platform) -> None:
    run(platform, "DELETE FROM people_matrix")
    assert state(platform, MATRIX) is None
