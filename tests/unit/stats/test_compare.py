"""A comparison refuses what cannot be compared, and says met only where the data carry it."""

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest

from gnomon.contract.verdicts import State
from gnomon.engine.scoring import Answer
from gnomon.engine.stats import CannotMeasure, Goal, Guard, UnknownMetric
from gnomon.engine.stats.compare import Comparison, NotComparable, compare, overall
from gnomon.kit.errors import BadInput

SAME = {"item_set": "sha", "recipe": "r/1", "decoding": "greedy", "mask_policy": "p/1", "hardware": "cpu-2"}
GOAL = Goal("accuracy", 0.75, set="reviews", from_value=0.59, by=date(2026, 3, 1))


def answers(right: Sequence[bool], *, latency_ms: float = 200.0, scores: bool = False) -> list[Answer]:
    made = []
    for i, is_right in enumerate(right):
        expected = "正面" if i % 2 else "负面"
        predicted = expected if is_right else ("负面" if i % 2 else "正面")
        other = "负面" if predicted == "正面" else "正面"
        given = {predicted: 0.8, other: 0.2} if scores else None
        made.append(Answer(f"i{i:04}", expected, predicted, given, "ok", latency_ms + i % 40, f"r{i}"))
    return made


def pattern(n: int, share: float, seed: int) -> list[bool]:
    draw = random.Random(seed)
    return [draw.random() < share for _ in range(n)]


def check(before: list[Answer], after: list[Answer], goal: Goal = GOAL, guards: Sequence[Guard] = ()) -> Comparison:
    return compare(before, after, goal=goal, guards=guards, comparable_before=SAME, comparable_after=SAME)


BEFORE = answers(pattern(600, 0.59, 1))
AFTER = answers(pattern(600, 0.83, 2))


def test_a_clear_improvement_meets_its_goal() -> None:
    guards = [Guard("latency_p95_ms", 0.10, relative=True), Guard("answered_rate", 0.01), Guard("recall:正面", 0.03)]
    found = check(BEFORE, AFTER, guards=guards)
    assert found.state is found.goal_state is State.MET
    assert found.flips.fixed == len(found.fixed_ids) == found.test.fixed
    assert found.effect.estimate == pytest.approx((found.test.fixed - found.test.broken) / 600)
    assert found.sentence["zh-CN"].startswith("目标达成：准确率由 ")
    assert found.sentence["en"].startswith("Goal met: accuracy went from ")
    assert {row.name: row.state for row in found.slices} == {"label=正面": "better", "label=负面": "better"}


def test_the_same_answers_give_the_same_bytes_in_any_order() -> None:
    goal = Goal("macro_f1", 0.7, from_value=0.59)
    one = check(BEFORE, AFTER, goal).as_dict()
    other = check(BEFORE[::-1], sorted(AFTER, key=lambda answer: answer.latency_ms or 0), goal).as_dict()
    assert json.dumps(one) == json.dumps(other)


@pytest.mark.parametrize("key", sorted(SAME))
def test_runs_that_differ_in_more_than_the_model_are_refused(key: str) -> None:
    with pytest.raises(NotComparable) as refused:
        compare(BEFORE, AFTER, goal=GOAL, comparable_before=SAME, comparable_after=SAME | {key: "other"})
    assert refused.value.facts["differs"] == {key: {"before": SAME[key], "after": "other"}}


def test_what_is_not_stated_is_not_the_same() -> None:
    without = {key: value for key, value in SAME.items() if key != "hardware"}
    with pytest.raises(NotComparable, match="hardware"):
        compare(BEFORE, AFTER, goal=GOAL, comparable_before=without, comparable_after=without)


@pytest.mark.parametrize("after", [AFTER[:-1], [*AFTER[:-1], replace(AFTER[-1], expected="负面", predicted="负面")]])
def test_other_items_or_other_right_answers_are_refused(after: list[Answer]) -> None:
    with pytest.raises(NotComparable, match="items") as refused:
        check(BEFORE, after)
    assert refused.value.facts["differs"]["items"]["examples"] == ["i0599"]


def test_a_goal_reached_only_by_luck_is_insufficient_and_says_how_many_items_it_takes() -> None:
    before, after = [i % 5 < 3 for i in range(100)], [i % 25 < 19 for i in range(100)]
    found = check(answers(before), answers(after))
    assert found.goal_state is found.state is State.INSUFFICIENT
    assert found.needed_n is not None
    assert found.needed_n > 1000
    assert "数据不足" in found.sentence["zh-CN"]
    assert str(found.needed_n) in found.sentence["en"]


def test_too_few_items_decide_nothing_even_when_all_are_right() -> None:
    found = check(answers([False] * 20), answers([True] * 20))
    assert found.goal_state is State.INSUFFICIENT
    assert {row.state for row in found.slices} == {"insufficient"}


def test_a_value_below_the_goal_is_not_met() -> None:
    found = check(BEFORE, answers(pattern(600, 0.7, 3)))
    assert found.state is State.NOT_MET
    assert "Goal not met" in found.sentence["en"]


def test_no_change_from_a_high_start_is_no_success() -> None:
    high = answers(pattern(600, 0.9, 5))
    assert check(high, high).goal_state is State.INSUFFICIENT
    assert check(high, high, replace(GOAL, from_value=None)).goal_state is State.MET  # only the level was promised


def test_a_broken_guard_outweighs_a_met_goal() -> None:
    slow = [replace(answer, latency_ms=(answer.latency_ms or 0) * 1.5) for answer in AFTER]
    found = check(BEFORE, slow, guards=[Guard("latency_p95_ms", 0.10, relative=True)])
    assert (found.goal_state, found.state) == (State.MET, State.NOT_MET)
    assert "Guards broken: latency p95." in found.sentence["en"]
    assert "护栏被突破：延迟 p95。因此本轮不能判定为达成。" in found.sentence["zh-CN"]


def test_a_guard_without_data_is_not_measured_and_never_met() -> None:
    found = check(BEFORE, AFTER, guards=[Guard("log_loss", 0.05)])
    assert (found.guards[0].state, found.state) == (State.NOT_MEASURED, State.INSUFFICIENT)
    assert found.guards[0].reason == "No answer has scores."


def test_a_lost_answer_counts_as_broken() -> None:
    lost = [replace(answer, predicted=None, outcome="timeout") for answer in AFTER]
    found = check(AFTER, lost, replace(GOAL, from_value=None), guards=[Guard("answered_rate", 0.01)])
    assert found.test.fixed == 0
    assert found.guards[0].state is State.NOT_MET


def test_a_goal_below_is_reached_from_above() -> None:
    fast = [replace(answer, latency_ms=(answer.latency_ms or 0) / 2) for answer in BEFORE]
    goal = Goal("latency_p95_ms", 150.0, from_value=237.0)
    assert check(BEFORE, fast, goal).state is State.MET
    assert check(fast, BEFORE, goal).state is State.NOT_MET


def test_scores_can_be_goal_and_guard() -> None:
    before, after = answers(pattern(300, 0.6, 1), scores=True), answers(pattern(300, 0.9, 2), scores=True)
    found = compare(
        before,
        after,
        goal=Goal("auc", 0.8, from_value=0.6),
        guards=[Guard("calibration_error", 0.02), Guard("ks", 0.02), Guard("log_loss", 0.02)],
        comparable_before=SAME,
        comparable_after=SAME,
        positive="正面",
    )
    assert found.state is State.MET


def test_a_slice_can_be_the_goal_and_a_missing_one_is_named() -> None:
    found = check(BEFORE, AFTER, replace(GOAL, slice="label=正面"))
    assert found.n == 300
    with pytest.raises(BadInput, match="no slice 'label=x'"):
        check(BEFORE, AFTER, replace(GOAL, slice="label=x"))
    with pytest.raises(UnknownMetric, match="no metric 'acuracy'"):
        check(BEFORE, AFTER, replace(GOAL, metric="acuracy"))
    with pytest.raises(CannotMeasure):
        check(BEFORE, AFTER, replace(GOAL, metric="auc"))


def test_goals_and_guards_survive_json() -> None:
    assert Goal.from_dict(json.loads(json.dumps(GOAL.as_dict()))) == GOAL
    guard = Guard("latency_p95_ms", 0.1, relative=True)
    assert Guard.from_dict(json.loads(json.dumps(guard.as_dict()))) == guard
    with pytest.raises(BadInput, match="Not a goal"):
        Goal.from_dict({"metric": "accuracy"})
    with pytest.raises(BadInput, match="Not a guard"):
        Guard.from_dict({"metric": "accuracy", "margin": "wide"})


def test_overall_needs_everything() -> None:
    assert overall([]) is State.INSUFFICIENT
    assert overall([State.MET, State.MET]) is State.MET
    assert overall([State.MET, State.NOT_MEASURED]) is State.INSUFFICIENT
    assert overall([State.INSUFFICIENT, State.NOT_MET]) is State.NOT_MET
