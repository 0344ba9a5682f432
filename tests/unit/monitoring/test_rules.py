"""Budgets, burn rates, alerts and diagnoses as pure functions."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnomon.contract.verdicts import State
from gnomon.control.monitoring import rules
from gnomon.control.rulebook.rules import load
from tests.fakes.platform import MONDAY

BOOK = load()
shares = st.floats(0.5, 0.9999)
states = st.sampled_from(list(State))


def test_a_burn_of_14_6_and_1_times_is_an_error_ratio_of_7_2_3_0_and_half_a_percent() -> None:
    objective = BOOK.threshold("success_ratio").limit
    for window in BOOK.slo.burn_windows:
        limit = rules.burn_limit(window.factor, objective=objective)
        assert limit == pytest.approx(BOOK.threshold(window.indicator).limit)
    assert rules.burn_limit(14.4, objective=0.995) == pytest.approx(0.072)
    assert rules.burn_limit(6, objective=0.995) == pytest.approx(0.03)
    assert rules.burn_limit(1, objective=0.995) == pytest.approx(0.005)


def test_99_5_percent_of_thirty_days_leave_216_minutes_and_a_quarter_of_an_hour_spends_6_9_percent() -> None:
    assert rules.budget_minutes(0.995, days=30) == pytest.approx(216.0)
    assert 15 / rules.budget_minutes(0.995, days=30) == pytest.approx(0.069, abs=5e-4)


@pytest.mark.parametrize("objective", [0.0, 1.0, 1.5, -0.1])
def test_an_objective_outside_nought_and_one_has_no_budget(objective: float) -> None:
    with pytest.raises(rules.BadObjective, match=str(objective)):
        rules.error_budget(objective)


@given(shares, st.integers(0, 500), st.integers(1, 500))
def test_the_budget_is_spent_exactly_when_the_burn_rate_over_the_period_is_one(
    objective: float, bad: int, total: int
) -> None:
    bad = min(bad, total)
    spent = rules.spending(bad, total, objective=objective, days=30)
    rate = rules.burn_rate(bad, total, objective=objective)
    assert spent.left is not None
    assert rate is not None
    assert spent.left == pytest.approx(1.0 - rate)
    assert (spent.minutes_left or 0.0) == pytest.approx(spent.left * spent.minutes)


@given(shares, st.integers(1, 500), st.integers(0, 500))
def test_one_more_failure_never_leaves_more_budget(objective: float, total: int, bad: int) -> None:
    bad = min(bad, total - 1)
    before = rules.spending(bad, total, objective=objective, days=30)
    after = rules.spending(bad + 1, total, objective=objective, days=30)
    assert (after.left or 0.0) < (before.left or 0.0)


def test_nothing_seen_spends_nothing_and_leaves_no_figure() -> None:
    found = rules.spending(0, 0, objective=0.995, days=30)
    assert (found.left, found.minutes_left) == (None, None)
    assert rules.burn_rate(0, 0, objective=0.995) is None


@given(states, states)
def test_a_burn_rule_breaks_only_when_both_windows_do(long: State, short: State) -> None:
    assert (rules.both(long, short) is State.NOT_MET) == (long is short is State.NOT_MET)
    assert (rules.both(long, short) is State.MET) == (State.MET in (long, short))
    assert rules.both(long, short) is rules.both(short, long)


@given(st.lists(states, max_size=30))
def test_an_alert_is_open_from_the_first_broken_judgement_to_the_first_met_one(seen: list[State]) -> None:
    is_open = False
    for state in seen:
        verb = rules.change(state, is_open=is_open)
        assert not (verb == "open" and is_open)
        assert not (verb == "close" and not is_open)
        is_open = verb == "open" or (is_open and verb != "close")
        if state is State.NOT_MET:
            assert is_open
        if state is State.MET:
            assert not is_open


def test_silence_is_no_recovery() -> None:
    assert rules.change(State.NOT_MEASURED, is_open=True) == "none"
    assert rules.change(State.INSUFFICIENT, is_open=True) == "none"


@pytest.mark.parametrize(
    ("outcomes", "fault"),
    [
        ({"upstream_unreachable": 9, "timeout": 1}, "network"),
        ({"internal": 5}, "server"),
        ({"timeout": 4, "upstream_error": 3}, "model"),
        ({"upstream_refused": 8, "timeout": 2}, "caller"),
        ({"timeout": 5, "internal": 5}, "unclear"),
        ({}, "unclear"),
        ({"ok": 100}, "unclear"),
    ],
)
def test_a_first_diagnosis_names_the_side_with_more_than_half_of_the_failures(
    outcomes: dict[str, int], fault: str
) -> None:
    assert rules.diagnose(outcomes).fault == fault


@pytest.mark.parametrize(("saturated", "fault"), [(True, "server"), (False, "model"), (None, "unclear")])
def test_slow_answers_point_to_the_host_only_where_it_is_known_to_be_exhausted(
    saturated: bool | None, fault: str
) -> None:
    assert rules.diagnose({}, slow=20, saturated=saturated).fault == fault


@given(st.dictionaries(st.sampled_from(list(rules.FAULT_OF)), st.integers(0, 200)))
def test_confidence_never_exceeds_the_share_it_is_about(outcomes: dict[str, int]) -> None:
    found = rules.diagnose(outcomes)
    assert 0.0 <= found.confidence <= found.share <= 1.0
    assert found.n == sum(outcomes.values())


def test_the_longest_gap_counts_the_time_since_the_last_sample() -> None:
    at = [MONDAY, MONDAY + timedelta(minutes=1)]
    assert rules.longest_gap(at, until=MONDAY + timedelta(minutes=9)) == timedelta(minutes=8)
    assert rules.longest_gap([], until=MONDAY) is None
