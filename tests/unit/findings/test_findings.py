"""Findings are proved, numbered, and end once, by somebody else or with their case."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.contract.verdicts import State
from gnomon.control.evidence import actions as evidence
from gnomon.control.findings import actions, queries, rules
from gnomon.control.findings.schemas import NewFinding
from gnomon.kit import services
from gnomon.kit.errors import NotFound
from gnomon.kit.settings import Settings
from gnomon.kit.work import Platform
from tests.fakes.platform import do, make_platform

ids = st.sampled_from(["f1", "f2", "f3", "f4"])


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    monkeypatch.setattr(services, "_shared", {})
    services.fill(settings=Settings(home=tmp_path))
    made = make_platform(tmp_path)
    yield made
    made.database.close()


def proof(platform: Platform) -> str:
    seen = {"source": "test.seen", "kind": "measurement", "subject": ("run", "r"), "state": State.MET}
    return do(platform, "system", evidence.record, **seen).id


def weakness(evidence_id: str, source: str = "people") -> NewFinding:
    return NewFinding(
        title="Long reviews are misread",
        severity="high",
        clauses=["REM-1.4"],
        source=source,
        subject_kind="evaluation_run",
        subject_id="run_1",
        evidence_ids=[evidence_id],
    )


@given(st.lists(st.integers(1, 9999), max_size=20))
def test_a_number_is_never_given_twice(taken: list[int]) -> None:
    numbers = [f"F-2026-{n:04d}" for n in taken]
    assert rules.next_number(2026, [*numbers, "F-2025-9999"]) not in numbers


@given(st.lists(st.sampled_from(rules.STATES), max_size=50))
def test_the_states_add_up_to_what_was_raised(states: list[str]) -> None:
    assert sum(rules.tally(states).values()) == len(states)


@settings(max_examples=200)
@given(st.dictionaries(ids, st.sampled_from(["", "c1", "c2"])))
def test_registers_that_agree_reconcile_and_any_single_change_is_told(where: dict[str, str]) -> None:
    standings = [rules.Standing(id, "in_case" if case else "open", case) for id, case in where.items()]
    cases = {case: [id for id, at in where.items() if at == case] for case in ("c1", "c2")}
    assert rules.reconcile(standings, cases) == []
    for id, case in where.items():
        moved = {name: [other for other in held if other != id] for name, held in cases.items()}
        if case:
            assert rules.reconcile(standings, moved)
        else:
            assert rules.reconcile(standings, moved | {"c1": [*moved["c1"], id]})
    assert rules.reconcile(standings, cases | {"c3": ["unheard of"]})


def test_a_finding_needs_evidence_that_exists(platform: Platform) -> None:
    with pytest.raises(NotFound):
        do(platform, "ren", actions.raise_finding, weakness("evidence_none"))
    found = do(platform, "ren", actions.raise_finding, weakness(proof(platform)))
    assert (found.number, found.state) == ("F-2026-0001", "open")


def test_a_program_that_sees_the_same_again_adds_evidence_and_people_raise_anew(platform: Platform) -> None:
    one, two = proof(platform), proof(platform)
    first = do(platform, "ren", actions.raise_finding, weakness(one, source="evaluation.slices"))
    again = do(platform, "ren", actions.raise_finding, weakness(two, source="evaluation.slices"))
    assert (again.id, again.evidence_ids) == (first.id, [one, two])
    do(platform, "ren", actions.raise_finding, weakness(one))
    do(platform, "ren", actions.raise_finding, weakness(one))
    with platform.read() as session:
        assert queries.tally(session) == {"open": 3, "in_case": 0, "closed": 0, "rejected": 0}


def test_who_raised_it_does_not_settle_it_and_it_ends_once(platform: Platform) -> None:
    evidence_id = proof(platform)
    found = do(platform, "ren", actions.raise_finding, weakness(evidence_id))
    with pytest.raises(rules.OwnFinding):
        do(platform, "ren", actions.close_finding, found.id, reason="done", evidence_ids=[evidence_id])
    with pytest.raises(rules.NoEvidence):
        do(platform, "rong", actions.close_finding, found.id, reason="done", evidence_ids=[])
    do(platform, "rong", actions.close_finding, found.number, reason="done", evidence_ids=[evidence_id])
    with pytest.raises(rules.FindingSettled):
        do(platform, "lin", actions.reject_finding, found.id, reason="was none")


def test_a_finding_in_a_case_ends_with_that_case_only(platform: Platform) -> None:
    evidence_id = proof(platform)
    found = do(platform, "ren", actions.raise_finding, weakness(evidence_id))
    do(platform, "lin", actions.link_to_case, found.id, case_id="case_1")
    with pytest.raises(rules.FindingSettled):
        do(platform, "lin", actions.link_to_case, found.id, case_id="case_2")
    for case in ("", "case_2"):
        with pytest.raises(rules.FindingInCase):
            do(platform, "lin", actions.close_finding, found.id, reason="x", evidence_ids=[evidence_id], by_case=case)
    closed = do(
        platform, "ren", actions.close_finding, found.id, reason="x", evidence_ids=[evidence_id], by_case="case_1"
    )
    assert closed.state == "closed"
