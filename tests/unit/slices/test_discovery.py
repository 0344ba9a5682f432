"""Weak slices are found, chance is not, and few items are never a pass."""

import json
import random

import pytest

from gnomon.engine.scoring import Answer
from gnomon.engine.slices import discover, features_of, language_of
from gnomon.engine.stats import BadAnswers


def suite(weak: float, *, n: int = 600, seed: int = 1) -> tuple[dict[str, str], list[Answer]]:
    """Items of which a third hold a negation; those are wrong with chance `weak`, the others with .15."""
    draw = random.Random(seed)
    items, answers = {}, []
    for i in range(n):
        negated = i % 3 == 0
        items[f"i{i:04}"] = ("房间不干净，" if negated else "房间干净，") + "服务好" * draw.randint(1, 12)
        expected = draw.choice(["正面", "负面"])
        other = "负面" if expected == "正面" else "正面"
        wrong = draw.random() < (weak if negated else 0.15)
        answers.append(Answer(f"i{i:04}", expected, other if wrong else expected))
    return items, answers


def test_a_planted_weakness_is_found_first() -> None:
    found = discover(*suite(0.5))
    top = found[0]
    assert top.finding == "weaker"
    assert "has=negation" in top.features
    assert top.rate.estimate > (top.rest_rate or 0)
    assert top.q is not None
    assert top.q <= 0.1
    assert len(top.examples) == 10
    single = next(part for part in found if part.features == ("has=negation",))
    assert (single.n, single.finding) == (200, "weaker")
    assert single.rate.estimate == single.errors / 200


def test_chance_is_rarely_called_a_weakness() -> None:
    alarms = [any(part.finding == "weaker" for part in discover(*suite(0.15, n=300, seed=s))) for s in range(8)]
    assert sum(alarms) <= 2


def test_few_items_are_insufficient_however_bad_they_look() -> None:
    items, answers = suite(0.15)
    for i in range(12):
        items[f"x{i}"] = "Terrible hotel, never again"
        answers.append(Answer(f"x{i}", "负面", "正面"))
    english = next(part for part in discover(items, answers) if part.features == ("language=en",))
    assert (english.n, english.errors, english.finding, english.q) == (12, 12, "insufficient", None)


def test_the_result_is_the_same_in_any_order_and_survives_json() -> None:
    items, answers = suite(0.4, n=150)
    one = discover(items, answers)
    other = discover(dict(reversed(items.items())), answers[::-1])
    assert json.dumps([part.as_dict() for part in one]) == json.dumps([part.as_dict() for part in other])


def test_further_features_join_the_search() -> None:
    items, answers = suite(0.15)
    vip = {item_id: frozenset({"source=hotline"}) for item_id in list(items)[:100]}
    assert any(part.features == ("source=hotline",) for part in discover(items, answers, features=vip))


def test_items_without_text_or_answered_twice_are_refused() -> None:
    items, answers = suite(0.15, n=30)
    with pytest.raises(BadAnswers, match="twice"):
        discover(items, [*answers, answers[0]])
    with pytest.raises(BadAnswers, match="no text"):
        discover({}, answers)
    assert discover(items, []) == []


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("不错，但是贵！", {"has=negation", "has=contrast", "has=exclamation", "length=0-10", "language=zh"}),
        ("I don't know why 3 of 5 failed?", {"has=negation", "has=digits", "has=question", "language=en"}),
        ("wifi 很慢", {"language=mixed", "has=no punctuation"}),
        ("", {"length=0-10", "language=other"}),
    ],
)
def test_features_are_what_a_reader_would_say(text: str, held: set[str]) -> None:
    assert held | {"label=正面"} <= features_of(text, "正面")


def test_another_language_is_told_by_script() -> None:
    assert [language_of(text) for text in ("好", "good", "好 good", "123")] == ["zh", "en", "mixed", "other"]
