"""Labels and probabilities are read from replies as a careful reader would."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.engine.replies import chosen_label, first_label, label_scores


def at(token: str, **chances: float) -> dict[str, Any]:
    listed = [{"token": key, "logprob": math.log(chance)} for key, chance in chances.items()]
    return {"token": token, "logprob": math.log(chances.get(token, 0.5)), "top_logprobs": listed}


def walk(*positions: dict[str, Any]) -> dict[str, Any]:
    return {"content": list(positions)}


@pytest.mark.parametrize(
    ("reply", "label"),
    [
        ("答案是负面，不是正面", "负面"),
        ("正面", "正面"),
        ("I do not know", None),
        ("know: no.", "no"),
        ("非常好", "非常好"),
        ("", None),
    ],
)
def test_the_first_label_in_a_free_reply_counts(reply: str, label: str | None) -> None:
    assert first_label(reply, ("正面", "负面", "no", "非常", "非常好")) == label


def test_a_constrained_reply_is_a_choice_or_nothing() -> None:
    assert chosen_label(" 正面\n", ("正面", "负面")) == "正面"
    assert chosen_label("正面的", ("正面", "负面")) is None


def test_probabilities_come_from_the_first_token_that_differs() -> None:
    found = label_scores(walk(at("正", 正=0.6, 负=0.2, 好=0.1), at("面", 面=1.0)), ("正面", "负面"))
    assert found == pytest.approx({"正面": 0.75, "负面": 0.25})


def test_a_shared_beginning_is_walked_through() -> None:
    found = label_scores(walk(at("病", 病=0.9), at("因", 因=0.3, 情=0.1)), ("病因", "病情"))
    assert found == pytest.approx({"病因": 0.75, "病情": 0.25})


def test_a_tree_of_labels_is_split_along_the_path_that_was_taken() -> None:
    found = label_scores(walk(at("病", 病=0.8, 治=0.2), at("因", 因=0.75, 情=0.25)), ("病因", "病情", "治疗"))
    assert found == pytest.approx({"病因": 0.6, "病情": 0.2, "治疗": 0.2})
    off_path = label_scores(walk(at("治", 病=0.4, 治=0.6)), ("病因", "病情", "治疗"))
    assert off_path == pytest.approx({"病因": 0.2, "病情": 0.2, "治疗": 0.6})


def test_a_label_that_begins_another_gets_the_rest() -> None:
    found = label_scores(walk(at("pos", pos=0.9, neg=0.1), at("</s>", itive=0.5, **{"</s>": 0.5})), ("pos", "positive"))
    assert found == pytest.approx({"pos": 0.5, "positive": 0.5})


def test_blanks_before_a_label_are_not_part_of_it() -> None:
    found = label_scores(walk(at("\n", **{"\n": 1.0}), at(" a", **{" a": 0.3, " b": 0.1})), ("a", "b"))
    assert found == pytest.approx({"a": 0.75, "b": 0.25})


@pytest.mark.parametrize("logprobs", [None, {}, {"content": None}, {"content": []}, walk(at("好", 好=1.0))])
def test_without_evidence_there_are_no_probabilities(logprobs: dict[str, Any] | None) -> None:
    assert label_scores(logprobs, ("正面", "负面")) is None


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.text("abc", min_size=1, max_size=3), min_size=2, max_size=5, unique=True),
    st.lists(st.dictionaries(st.text("abc ", min_size=1, max_size=3), st.floats(0.001, 1), max_size=5), max_size=3),
    st.data(),
)
def test_probabilities_always_add_up_to_one(
    choices: list[str], positions: list[dict[str, float]], data: st.DataObject
) -> None:
    steps = [at(data.draw(st.sampled_from([*chances, "a"])), **chances) for chances in positions]
    found = label_scores(walk(*steps), choices)
    if found is not None:
        assert set(found) == set(choices)
        assert sum(found.values()) == pytest.approx(1)
        assert all(share >= 0 for share in found.values())
