"""The clause board: what counts as evidence, and that nothing else ever turns a clause green."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from gnomon.contract.verdicts import State
from gnomon.control.evidence import actions as evidence
from gnomon.control.evidence.tables import Artefact
from gnomon.control.rulebook import queries, routes, subjects
from gnomon.control.rulebook.rules import ClauseVerdict, NotInRulebook, load
from gnomon.control.rulebook.schemas import Control
from gnomon.kit.clock import FakeClock
from gnomon.kit.work import Platform
from tests.fakes.platform import MONDAY, do, make_platform

BOOK = load()


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    return make_platform(tmp_path)


def facts_of(control: Control) -> dict[str, Any]:
    return dict.fromkeys(BOOK.evidence_kind(control.evidence).facts, 1)


def attach(platform: Platform, control: Control, *, state: State = State.MET, **changes: Any) -> str:
    given: dict[str, Any] = {
        "source": control.source,
        "kind": control.evidence,
        "subject": ("installation", "gnomon"),
        "state": state,
        "facts": facts_of(control),
    }
    return do(platform, "system", evidence.record, **(given | changes)).id


def rename(platform: Platform, source: str, to: str) -> None:
    with platform.database.session() as session:
        session.execute(
            text("UPDATE evidence_artefact SET source = :to WHERE source = :source"), {"source": source, "to": to}
        )
        session.commit()


def board(platform: Platform) -> queries.Board:
    with platform.read() as session:
        return queries.board(session, platform.clock.now())


def state_of(platform: Platform, clause: str) -> ClauseVerdict:
    with platform.read() as session:
        return queries.clause(session, clause, platform.clock.now()).state.state


def prove(platform: Platform, clause: str) -> None:
    for control in BOOK.controls_of(clause):
        attach(platform, control)


def test_without_evidence_all_58_clauses_are_not_measured(platform: Platform) -> None:
    found = board(platform)
    assert found.total == 58
    assert found.counts == {"met": 0, "not_met": 0, "partial": 0, "expired": 0, "not_measured": 58}


def test_taking_any_one_artefact_away_ends_met_for_every_clause(platform: Platform) -> None:
    for control in BOOK.controls:
        attach(platform, control)
    assert board(platform).counts["met"] == 58
    for control in BOOK.controls:
        rename(platform, control.source, "gone")
        for clause in control.clauses:
            assert state_of(platform, clause) is not ClauseVerdict.MET, control.id
        rename(platform, "gone", control.source)
    assert board(platform).counts["met"] == 58


def test_evidence_that_grew_old_is_expired_and_not_green(platform: Platform) -> None:
    prove(platform, "OPS-3.2")
    assert state_of(platform, "OPS-3.2") is ClauseVerdict.MET
    assert isinstance(platform.clock, FakeClock)
    platform.clock.advance(timedelta(minutes=16))
    assert state_of(platform, "OPS-3.2") is ClauseVerdict.PARTIAL  # the diagnosis is good for half a year
    platform.clock.advance(timedelta(days=365))
    assert state_of(platform, "OPS-3.2") is ClauseVerdict.EXPIRED


def test_evidence_without_a_fact_that_its_kind_needs_does_not_count(platform: Platform) -> None:
    prove(platform, "OPS-3.2")
    control = BOOK.control("CTL-success")
    attach(platform, control, facts={key: 1 for key in facts_of(control) if key != "denominator"})
    with platform.read() as session:
        found = queries.clause(session, "OPS-3.2", platform.clock.now())
    assert found.state.state is ClauseVerdict.PARTIAL
    assert {one.control.id: one.refusal for one in found.controls}["CTL-success"] == "incomplete"


def test_altered_evidence_does_not_count_and_an_older_one_does_not_stand_in(platform: Platform) -> None:
    prove(platform, "OPS-3.2")
    bad = attach(platform, BOOK.control("CTL-success"), state=State.NOT_MET)
    with platform.database.session() as session:
        session.execute(text("UPDATE evidence_artefact SET state = 'met' WHERE id = :id"), {"id": bad})
        session.commit()
    assert state_of(platform, "OPS-3.2") is ClauseVerdict.PARTIAL


def test_evidence_of_another_kind_does_not_count(platform: Platform) -> None:
    prove(platform, "OPS-3.2")
    attach(platform, BOOK.control("CTL-success"), kind="approval")
    assert state_of(platform, "OPS-3.2") is ClauseVerdict.PARTIAL


def test_one_control_that_speaks_against_it_makes_the_clause_not_met(platform: Platform) -> None:
    prove(platform, "OPS-3.2")
    attach(platform, BOOK.control("CTL-success"), state=State.NOT_MET)
    assert state_of(platform, "OPS-3.2") is ClauseVerdict.NOT_MET


def test_counts_always_add_up_to_the_total(platform: Platform) -> None:
    prove(platform, "OPS-3.2")
    attach(platform, BOOK.control("CTL-latency"), state=State.INSUFFICIENT)
    found = board(platform)
    assert sum(found.counts.values()) == found.total


def test_the_csv_has_a_row_for_every_clause_and_control(platform: Platform) -> None:
    prove(platform, "OPS-3.2")
    lines = routes.board_csv(board(platform)).strip().splitlines()
    assert len(lines) == 1 + sum(len(BOOK.controls_of(clause.id)) for clause in BOOK.clauses)
    assert any("OPS-3.2" in line and ",met,CTL-success,met," in line for line in lines)


TESTED = "CTL-functional-normal"


@pytest.fixture
def things(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The things of this test that are in life."""
    alive: set[str] = set()
    monkeypatch.setitem(subjects.LIVING, "thing", lambda _session, ids: alive & set(ids))
    return alive


def verdict(platform: Platform, control: str) -> str:
    with platform.read() as session:
        return queries.control_standings(session, platform.clock.now())[control].state.state.value


def test_a_trivial_thing_that_passes_does_not_hide_one_that_failed(platform: Platform, things: set[str]) -> None:
    control = BOOK.control(TESTED)
    things |= {"a", "b"}
    attach(platform, control, state=State.NOT_MET, subject=("thing", "a"))
    attach(platform, control, subject=("thing", "b"))
    assert verdict(platform, TESTED) == "not_met"
    attach(platform, control, subject=("thing", "a"))  # mended
    assert verdict(platform, TESTED) == "met"
    attach(platform, control, state=State.NOT_MET, subject=("thing", "a"))
    things.remove("a")  # or retired
    assert verdict(platform, TESTED) == "met"
    things.remove("b")  # when nothing is in life the newest stands for what was
    assert verdict(platform, TESTED) == "not_met"


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(list(State))), min_size=1, max_size=8),
    st.sets(st.sampled_from("abcd"), min_size=1),
)
def test_a_control_is_met_only_if_the_newest_of_every_living_subject_is(
    told: list[tuple[str, State]], alive: set[str]
) -> None:
    artefacts = [
        Artefact(id=f"{n:03}", source="s", subject_kind="thing", subject_id=id, state=state.value)
        for n, (id, state) in enumerate(told)
    ]
    newest = {one.subject_id: one for one in artefacts}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(subjects.LIVING, "thing", lambda _session, ids: alive & set(ids))
        counted = subjects.counting(None, newest.values())["s"]  # type: ignore[arg-type]
    expected = [one for id, one in newest.items() if id in alive] or [max(newest.values(), key=lambda one: one.id)]
    assert sorted(one.id for one in counted) == sorted(one.id for one in expected)


def test_an_unknown_clause_is_named_in_the_error(platform: Platform) -> None:
    with platform.read() as session, pytest.raises(NotInRulebook, match="OPS-99"):
        queries.clause(session, "OPS-99.9", MONDAY)
