"""Scores say what they were counted from, and unanswered items are wrong in every one of them."""

import json
import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.engine.scoring import Answer, score
from gnomon.engine.stats import BadAnswers

LABELS = ("a", "b", "c")


def made(rows: list[tuple[str, str | None]]) -> list[Answer]:
    return [
        Answer(f"i{i:03}", expected, predicted, None, "ok" if predicted else "timeout", 100.0 + i, f"r{i}")
        for i, (expected, predicted) in enumerate(rows)
    ]


HAND = made(
    [("a", "a")] * 6 + [("a", "b")] * 2 + [("b", "b")] * 5 + [("b", None)] * 3 + [("c", "a")] + [("c", "x")] * 3
)


def test_every_figure_is_the_one_counted_by_hand() -> None:
    scores = score(HAND, LABELS)
    assert (scores.n, scores.unanswered, scores.outside) == (20, 3, 3)
    accuracy = scores.figure("accuracy")
    assert (accuracy.numerator, accuracy.denominator, accuracy.unknown) == (11, 20, 3)
    assert scores.figure("precision", "a").value == pytest.approx(6 / 7)
    assert scores.figure("recall", "b").value == pytest.approx(5 / 8)
    assert scores.figure("recall", "b").unknown == 3
    assert scores.figure("f1", "a").value == pytest.approx(12 / 15)
    assert scores.figure("f1", "b").value == pytest.approx(10 / 15)
    assert scores.figure("f1", "c").value == 0
    assert scores.figure("macro_f1").value == pytest.approx((12 / 15 + 10 / 15 + 0) / 3)
    assert scores.figure("micro_precision").value == pytest.approx(11 / 17)
    assert scores.figure("micro_recall").value == pytest.approx(11 / 20)
    assert scores.confusion.counts == ((6, 2, 0), (0, 5, 0), (1, 0, 0))
    assert scores.confusion.outside == (0, 0, 3)
    assert scores.confusion.unanswered == (0, 3, 0)
    assert scores.outcomes == {"ok": 17, "timeout": 3}


def test_an_undefined_figure_is_absent_and_not_zero() -> None:
    scores = score(HAND, LABELS)
    assert scores.figure("precision", "c").value is None
    assert scores.figure("precision", "c").reason
    assert scores.figure("log_loss").reason == "no answer has scores"


def test_sensitivity_and_specificity_need_a_positive_label() -> None:
    scores = score(HAND, LABELS, positive="a")
    assert (scores.figure("sensitivity").numerator, scores.figure("sensitivity").denominator) == (6, 8)
    # Of 12 negatives five were called b; three unanswered, three outside the labels and one called a are wrong.
    assert (scores.figure("specificity").numerator, scores.figure("specificity").denominator) == (5, 12)
    with pytest.raises(KeyError):
        score(HAND, LABELS).figure("sensitivity")


def test_probabilities_give_ranking_and_calibration() -> None:
    answers = [
        Answer(f"i{i}", "a" if p > 0.5 else "b", "a" if p >= 0.4 else "b", {"a": p, "b": 1 - p}, latency_ms=1.0)
        for i, p in enumerate([0.9, 0.8, 0.6, 0.4, 0.2, 0.1])
    ]
    scores = score([*answers, Answer("i9", "b", None, None, "timeout")], ("a", "b"), positive="a")
    assert scores.figure("auc").value == 1.0
    assert scores.figure("ks").value == 1.0
    assert (scores.figure("auc").n, scores.figure("auc").unknown) == (6, 1)
    expected = -sum(math.log(p) for p in (0.9, 0.8, 0.6, 0.6, 0.8, 0.9)) / 6
    assert scores.figure("log_loss").value == pytest.approx(expected)
    assert scores.figure("calibration_error").value == pytest.approx((0.1 + 0.2 + 0.4) * 2 / 6)
    assert scores.figure("latency_p50_ms").unknown == 1


def test_latency_is_by_nearest_rank() -> None:
    answers = [Answer(f"i{i:03}", "a", "a", None, "ok", float(i), "") for i in range(1, 101)]
    scores = score(answers, ("a", "b"))
    assert [figure.value for figure in scores.latency] == [50.0, 95.0, 99.0]
    assert all(figure.interval for figure in scores.latency)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from([*LABELS, None])), min_size=1, max_size=25),
    st.randoms(use_true_random=False),
)
def test_intervals_hold_their_value_and_order_does_not_matter(
    rows: list[tuple[str, str | None]], random: Random
) -> None:
    answers = made(rows)
    scores = score(answers, LABELS, positive="a")
    for figure in scores.figures:
        if figure.interval:
            assert figure.interval.low <= (figure.value or 0.0) <= figure.interval.high, figure
    total = sum(map(sum, scores.confusion.counts)) + sum(scores.confusion.outside) + sum(scores.confusion.unanswered)
    assert total == len(answers)
    random.shuffle(answers)
    assert json.dumps(score(answers, LABELS, positive="a").as_dict()) == json.dumps(scores.as_dict())


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([], "no answers"),
        ([HAND[0], HAND[0]], "answered twice"),
        ([Answer("i", "z", "a")], "none of the labels"),
        ([Answer("i", "a", "a", {"a": 1.5})], "not probabilities"),
        ([Answer("i", "a", "a", {"a": math.nan})], "not probabilities"),
    ],
)
def test_answers_that_do_not_fit_are_refused(answers: list[Answer], said: str) -> None:
    with pytest.raises(BadAnswers, match=said):
        score(answers, LABELS)


def test_answers_survive_json() -> None:
    answer = Answer("i", "a", "b", {"a": 0.25, "b": 0.75}, "ok", 12.5, "r")
    assert Answer.from_dict(json.loads(json.dumps(answer.as_dict()))) == answer
    with pytest.raises(BadAnswers, match="Not an answer"):
        Answer.from_dict({"item_id": "i"})
