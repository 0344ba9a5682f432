"""The rules of remediation, as claims about every case, plan, task graph and verdict."""

from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.contract.thresholds import Threshold
from gnomon.contract.verdicts import State
from gnomon.control.remediation import rules
from gnomon.kit.errors import GnomonError

FREEZE = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = date(2026, 3, 2)
people = st.sampled_from(["owner", "verifier", "other"])
states = st.sampled_from(list(State))


@given(st.lists(st.sampled_from(rules.CASE_STATES), max_size=30))
def test_a_case_reaches_closed_only_through_verified_and_never_leaves_it(wanted: list[str]) -> None:
    state, path = "open", ["open"]
    for to in wanted:
        try:
            state = rules.advance("ZG-2026-001", state, to)
        except rules.CaseStateConflict:
            continue
        path.append(state)
    if "closed" in path:
        place = path.index("closed")
        assert path[place - 1] == "verified"
        assert place == len(path) - 1
        assert path.index("planned") < path.index("approved") < path.index("implementing") < path.index("verifying")


@given(
    st.sampled_from(rules.CASE_STATES),
    st.sampled_from(["", "met", "not_met", "insufficient", "invalid"]),
    people,
    st.booleans(),
)
def test_only_a_third_person_closes_and_only_what_is_verified_met_and_served(
    state: str, verdict: str, actor: str, serves: bool
) -> None:
    closing = rules.Closing("ZG-2026-001", state, verdict, frozenset({"owner", "verifier"}), actor, serves)
    may = state == "verified" and verdict == "met" and actor == "other" and serves
    if may:
        rules.check_closing(closing)
        return
    with pytest.raises(GnomonError) as caught:
        rules.check_closing(closing)
    assert caught.value.next_step


@given(st.text(min_size=1), st.text())
def test_a_frozen_plan_takes_no_change(frozen: str, now: str) -> None:
    if frozen == now:
        rules.check_change("ZG-2026-001", frozen_sha256=frozen, content_sha256=now)
        return
    with pytest.raises(rules.PlanFrozen):
        rules.check_change("ZG-2026-001", frozen_sha256=frozen, content_sha256=now)


@given(
    st.lists(states, max_size=3),
    st.lists(states, max_size=3),
    st.lists(states, max_size=3),
    st.integers(-3600, 3600),
    st.booleans(),
)
def test_a_run_from_before_the_freeze_is_invalid_and_met_needs_everything(
    goals: list[State], guards: list[State], live: list[State], seconds: int, intact: bool
) -> None:
    found = rules.verdict(
        goals=goals,
        guards=guards,
        live=live,
        frozen_at=FREEZE,
        run_requested_at=FREEZE + timedelta(seconds=seconds),
        plan_intact=intact,
    )
    if seconds <= 0 or not intact:
        assert found == "invalid"
        return
    everything = [*goals, *guards, *live]
    assert (found == "met") == (bool(goals) and set(everything) == {State.MET})
    assert (found == "not_met") == (State.NOT_MET in everything)


def a_task(key: str, start: int, days: int, depends_on: tuple[str, ...] = ()) -> rules.TaskSpec:
    first = DAY + timedelta(days=start)
    return rules.TaskSpec(key, first, first + timedelta(days=days - 1), depends_on)


@st.composite
def graphs(draw: st.DrawFn) -> list[rules.TaskSpec]:
    """Up to six tasks in any order, each waiting for some of those before it, with dates that fit."""
    tasks: list[rules.TaskSpec] = []
    for number in range(draw(st.integers(1, 6))):
        before = [task for task in tasks if draw(st.booleans())]
        earliest = max(((task.end - DAY).days + 1 for task in before), default=0)
        start = earliest + draw(st.integers(0, 3))
        keys = tuple(task.key for task in before)
        tasks.append(a_task(f"t{number}", start, draw(st.integers(1, 5)), keys))
    return draw(st.permutations(tasks))


def longest(tasks: list[rules.TaskSpec]) -> int:
    """Length in days of the longest chain, by trying every order of every tail."""
    by_key = {task.key: task for task in tasks}

    def until(key: str) -> int:
        return by_key[key].days + max((until(before) for before in by_key[key].depends_on), default=0)

    return max(until(key) for key in by_key)


@settings(max_examples=150)
@given(graphs())
def test_the_critical_path_is_a_chain_as_long_as_the_longest_and_has_no_slack(tasks: list[rules.TaskSpec]) -> None:
    path = rules.critical_path(tasks)
    by_key = {task.key: task for task in tasks}
    assert sum(by_key[key].days for key in path) == longest(tasks)
    assert all(path[place] in by_key[path[place + 1]].depends_on for place in range(len(path) - 1))
    slack = {item.key: item.slack for item in rules.schedule(tasks)}
    assert all(slack[key] == 0 for key in path)
    assert min(slack.values()) >= 0
    order = rules.check_tasks(tasks)
    assert all(order.index(before) < order.index(task.key) for task in tasks for before in task.depends_on)


@settings(max_examples=150)
@given(graphs(), st.data())
def test_a_cycle_is_refused_and_named(tasks: list[rules.TaskSpec], data: st.DataObject) -> None:
    by_key = {task.key: task for task in tasks}
    task = data.draw(st.sampled_from(tasks))
    reached = {task.key}
    while more := {key for key in by_key if set(by_key[key].depends_on) & reached} - reached:
        reached |= more
    back = data.draw(st.sampled_from(sorted(reached)))  # task waits for something that waits for it
    looped = [
        rules.TaskSpec(one.key, one.start, one.end, (*one.depends_on, back) if one.key == task.key else one.depends_on)
        for one in tasks
    ]
    with pytest.raises(rules.BadTasks) as caught:
        rules.check_tasks(looped)
    cycle = caught.value.facts["cycle"]
    waits_for = {one.key: one.depends_on for one in looped}
    assert cycle[0] == cycle[-1]
    assert all(cycle[place] in waits_for[cycle[place + 1]] for place in range(len(cycle) - 1))


def test_the_refusal_of_a_cycle_shows_the_way_round() -> None:
    tasks = [a_task("a", 0, 1, ("a",))]
    with pytest.raises(rules.BadTasks, match="a → a"):
        rules.check_tasks(tasks)


@pytest.mark.parametrize(
    "tasks",
    [
        [a_task("a", 0, 1), a_task("a", 2, 1)],
        [a_task("a", 0, 1, ("b",))],
        [a_task("a", 0, 3), a_task("b", 1, 1, ("a",))],
        [rules.TaskSpec("a", DAY, DAY - timedelta(days=1))],
    ],
)
def test_tasks_whose_keys_or_dates_do_not_fit_are_refused(tasks: list[rules.TaskSpec]) -> None:
    with pytest.raises(rules.BadTasks):
        rules.check_tasks(tasks)


def test_a_task_may_start_on_the_day_on_which_the_one_before_ends() -> None:
    assert rules.check_tasks([a_task("b", 2, 1, ("a",)), a_task("a", 0, 3)]) == ["a", "b"]


estimates = st.integers(1, 5)
measures = st.lists(
    st.builds(
        rules.MeasureSpec,
        key=st.sampled_from("abcdef"),
        importance=estimates,
        urgency=estimates,
        difficulty=estimates,
        effect=estimates,
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda measure: measure.key,
)


@settings(max_examples=100)
@given(measures)
def test_ranking_does_not_depend_on_the_order_and_never_puts_the_better_second(
    planned: list[rules.MeasureSpec],
) -> None:
    ranked = rules.rank(planned)
    assert all(rules.rank(list(order)) == ranked for order in permutations(planned))
    assert [one.rank for one in ranked] == list(range(1, len(planned) + 1))
    assert [one.score for one in ranked] == sorted((one.score for one in ranked), reverse=True)


def goal(**changes: Any) -> rules.GoalSpec:
    given: dict[str, Any] = {"metric": "accuracy", "to_value": 0.75, "by": DAY + timedelta(days=30), "recipe": "r/1"}
    return rules.GoalSpec(**(given | {"from_value": 0.59} | changes))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"by": DAY}, "not after today"),
        ({"recipe": "r/2"}, "recipe"),
        ({"from_value": 0.5}, "baseline measured"),
        ({"to_value": 0.59}, "where it starts"),
        ({"from_value": None}, "from where"),
        ({"metric": "f1"}, "baseline measured None"),
    ],
)
def test_a_goal_that_cannot_be_judged_is_refused(changes: dict[str, Any], complaint: str) -> None:
    rules.check_goals([goal()], today=DAY, recipe="r/1", measured={"accuracy": 0.59})
    with pytest.raises(rules.BadPlan, match=complaint):
        rules.check_goals([goal(**changes)], today=DAY, recipe="r/1", measured={"accuracy": 0.59})


@given(
    st.dictionaries(
        st.sampled_from(["ok", "timeout", "upstream_error", "blocked", "bad_request"]), st.integers(0, 500)
    ),
    st.integers(1, 200),
)
def test_live_success_counts_what_the_rule_counts_and_few_requests_prove_nothing(
    outcomes: dict[str, int], min_n: int
) -> None:
    limit = Threshold("success_ratio", 0.995, "ratio", "at_least", "test", DAY, min_n=min_n)
    found = rules.live_result(
        limit,
        outcomes=outcomes,
        p95_ms=None,
        failures=("timeout", "upstream_error"),
        ignored=("blocked", "bad_request"),
    )
    counted = sum(n for name, n in outcomes.items() if name in ("ok", "timeout", "upstream_error"))
    if counted == 0:
        assert found.state is State.NOT_MEASURED
    elif counted < min_n:
        assert found.state is State.INSUFFICIENT
    else:
        assert (found.state is State.MET) == (outcomes.get("ok", 0) / counted >= 0.995)


@pytest.mark.parametrize("missing", rules.AIMS)
def test_an_assessment_speaks_of_all_four_aims(missing: str) -> None:
    aims = dict.fromkeys(rules.AIMS, "stated")
    rules.check_aims(aims)
    with pytest.raises(GnomonError, match=missing):
        rules.check_aims(aims | {missing: " "})


def test_the_group_crosses_teams_and_one_person_is_accountable() -> None:
    rules.check_group([("lin", "technical", "accountable"), ("bai", "business", "responsible")])
    for group in (
        [("lin", "technical", "accountable"), ("wei", "technical", "responsible")],
        [("lin", "technical", "accountable"), ("bai", "business", "accountable")],
        [("bai", "business", "responsible"), ("lin", "technical", "consulted")],
    ):
        with pytest.raises(GnomonError):
            rules.check_group(group)
