"""A clause is met only while every one of its controls has fresh evidence that says so."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.contract.verdicts import State
from gnomon.control.rulebook.rules import ClauseState, ClauseVerdict, ControlVerdict, EvidenceFact, clause_state, load
from gnomon.kit.errors import BadInput

BOOK = load()
NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)
CLAUSES = [clause.id for clause in BOOK.clauses]
Facts = dict[str, EvidenceFact]


def _fact(control_id: str, state: State = State.MET, *, age: timedelta = timedelta(0)) -> EvidenceFact:
    return EvidenceFact(f"ev_{control_id}", NOW - age, state)


def _all_met(clause_id: str) -> Facts:
    return {c.id: _fact(c.id) for c in BOOK.controls_of(clause_id)}


def _decide(clause_id: str, facts: Facts) -> ClauseState:
    return clause_state(BOOK.clause(clause_id), BOOK.controls_of(clause_id), latest_evidence=facts, now=NOW)


@pytest.mark.parametrize("clause_id", CLAUSES)
def test_a_clause_without_evidence_is_not_measured(clause_id: str) -> None:
    assert _decide(clause_id, {}).state is ClauseVerdict.NOT_MEASURED


@pytest.mark.parametrize("clause_id", CLAUSES)
def test_a_clause_is_met_by_all_its_controls_and_taking_any_one_away_ends_it(clause_id: str) -> None:
    facts = _all_met(clause_id)
    assert _decide(clause_id, facts).state is ClauseVerdict.MET
    for control_id in facts:
        without = {k: v for k, v in facts.items() if k != control_id}
        left = _decide(clause_id, without)
        assert left.state is (ClauseVerdict.PARTIAL if without else ClauseVerdict.NOT_MEASURED)
        assert [c.control_id for c in left.reasons] == [control_id]


@pytest.mark.parametrize("clause_id", CLAUSES)
def test_evidence_that_grows_old_ends_met(clause_id: str) -> None:
    for control in BOOK.controls_of(clause_id):
        facts = _all_met(clause_id) | {control.id: _fact(control.id, age=control.max_age)}
        assert _decide(clause_id, facts).state is ClauseVerdict.MET
        facts[control.id] = _fact(control.id, age=control.max_age + timedelta(milliseconds=1))
        assert _decide(clause_id, facts).state in {ClauseVerdict.PARTIAL, ClauseVerdict.EXPIRED}


@pytest.mark.parametrize("clause_id", CLAUSES)
def test_one_control_that_speaks_against_it_makes_it_not_met(clause_id: str) -> None:
    for control in BOOK.controls_of(clause_id):
        facts = _all_met(clause_id) | {control.id: _fact(control.id, State.NOT_MET)}
        assert _decide(clause_id, facts).state is ClauseVerdict.NOT_MET


@given(data=st.data(), clause_id=st.sampled_from(CLAUSES))
@settings(max_examples=150, deadline=None)
def test_met_means_that_every_control_has_fresh_met_evidence(data: st.DataObject, clause_id: str) -> None:
    facts: Facts = {}
    for control in BOOK.controls_of(clause_id):
        share = data.draw(st.floats(-0.5, 2, allow_nan=False))
        state = data.draw(st.sampled_from(State))
        if data.draw(st.booleans()):
            facts[control.id] = _fact(control.id, state, age=control.max_age * share)
    decided = _decide(clause_id, facts)
    counts = [
        control.id in facts
        and facts[control.id].state is State.MET
        and -timedelta(minutes=1) <= NOW - facts[control.id].made_at <= control.max_age
        for control in BOOK.controls_of(clause_id)
    ]
    assert (decided.state is ClauseVerdict.MET) == all(counts)
    assert [c.state is ControlVerdict.MET for c in decided.controls] == counts


@given(
    clause_id=st.sampled_from(CLAUSES),
    seconds=st.integers(1, 10**8),
    state=st.sampled_from(State),
    held=st.sets(st.integers(0, 8)),
)
@settings(max_examples=150, deadline=None)
def test_adding_stale_evidence_never_makes_a_clause_met(
    clause_id: str, seconds: int, state: State, held: set[int]
) -> None:
    controls = BOOK.controls_of(clause_id)
    facts = {c.id: _fact(c.id) for i, c in enumerate(controls) if i in held}
    before = _decide(clause_id, facts)
    for control in controls:
        if control.id in facts:
            continue
        stale = _fact(control.id, state, age=control.max_age + timedelta(seconds=seconds))
        after = _decide(clause_id, facts | {control.id: stale})
        assert before.state is not ClauseVerdict.MET
        assert after.state is not ClauseVerdict.MET


def test_evidence_of_other_controls_counts_for_nothing() -> None:
    others = {c.id: _fact(c.id) for c in BOOK.controls if "OPS-2.1" not in c.clauses}
    assert _decide("OPS-2.1", others).state is ClauseVerdict.NOT_MEASURED


def test_too_small_a_sample_and_evidence_from_the_future_are_no_pass() -> None:
    first, *_ = BOOK.controls_of("OPS-3.1")
    few = _decide("OPS-3.1", _all_met("OPS-3.1") | {first.id: _fact(first.id, State.INSUFFICIENT)})
    assert (few.state, few.reasons[0].reason) == (ClauseVerdict.PARTIAL, "too_few_observations")
    ahead = _decide("OPS-3.1", _all_met("OPS-3.1") | {first.id: _fact(first.id, age=-timedelta(hours=1))})
    assert (ahead.state, ahead.reasons[0].reason) == (ClauseVerdict.PARTIAL, "in_the_future")


def test_old_evidence_alone_is_expired_whatever_it_said() -> None:
    control = BOOK.controls_of("OPS-2.1")[0]
    for state in State:
        old = {control.id: _fact(control.id, state, age=control.max_age * 2)}
        assert _decide("OPS-2.1", old).state is ClauseVerdict.EXPIRED


def test_every_reason_is_told_in_both_languages() -> None:
    control = BOOK.controls_of("OPS-2.1")[0]
    for state in State:
        told = _decide("OPS-2.1", {control.id: _fact(control.id, state)}).controls[0]
        assert told.explain("zh-CN")
        assert told.explain("en") != told.explain("zh-CN")


def test_a_time_without_a_zone_and_a_foreign_control_are_refused() -> None:
    control = BOOK.controls_of("OPS-2.1")[0]
    naive = {control.id: EvidenceFact("ev_1", NOW.replace(tzinfo=None), State.MET)}
    with pytest.raises(BadInput, match="time zone"):
        _decide("OPS-2.1", naive)
    with pytest.raises(BadInput, match="belongs to"):
        clause_state(BOOK.clause("OPS-1.1"), [control], latest_evidence={}, now=NOW)
