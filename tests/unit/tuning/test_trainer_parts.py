"""What a training is told and in which order it reads, without anything heavy."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.engine.models.files import sha256_of
from gnomon.engine.suites.recipes import REVIEWS, Recipe
from gnomon.engine.tuning.examples import examples_of, labels_of
from gnomon.engine.tuning.schedule import batches, learning_rate
from gnomon.engine.tuning.spec import BadSpec, DataChanged, DataNotFound, LabelledText, read_rows, spec_from

END = 0


def letters(text: str, start: bool) -> list[int]:
    return [1] * start + [ord(letter) for letter in text]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 80), min_size=1, max_size=60), st.integers(1, 12), st.integers(1, 8), st.integers(0, 5))
def test_every_row_is_used_before_any_is_used_again(lengths: list[int], steps: int, batch: int, seed: int) -> None:
    plan = batches(lengths, steps=steps, batch=batch, seed=seed)
    assert [len(rows) for rows in plan] == [batch] * steps
    used = [sum(rows.count(row) for rows in plan) for row in range(len(lengths))]
    assert max(used) - min(used) <= 1
    assert plan == batches(lengths, steps=steps, batch=batch, seed=seed)


def test_batches_hold_rows_of_like_length() -> None:
    lengths = [length % 60 + 5 for length in range(640)]
    plan = batches(lengths, steps=40, batch=16, seed=1)
    padded = sum(16 * max(lengths[row] for row in rows) for rows in plan)
    assert padded < 1.25 * sum(lengths)


def test_the_rate_rises_then_falls() -> None:
    rates = [learning_rate(step, steps=20, warmup=4, peak=1.0) for step in range(20)]
    assert rates.index(max(rates)) == 4
    assert rates[:5] == sorted(rates[:5])
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert min(rates) > 0


def test_labels_are_told_apart_by_their_first_token_where_possible() -> None:
    assert labels_of(REVIEWS, letters, END).first_tokens == [ord("正"), ord("负")]
    alike = Recipe("x", "{text}", ("好的", "好吧"))
    assert labels_of(alike, letters, END).first_tokens is None


def test_the_answer_follows_the_prompt_and_ends() -> None:
    labels = labels_of(REVIEWS, letters, END)
    (found,) = examples_of([LabelledText("好", "负面")], REVIEWS, labels, encode=letters, max_tokens=50)
    assert found.answer == (ord("负"), ord("面"), END)
    assert found.inputs == (*found.prompt, ord("负"), ord("面"))
    with pytest.raises(BadSpec, match="limit is 50"):
        examples_of([LabelledText("好" * 60, "负面")], REVIEWS, labels, encode=letters, max_tokens=50)


@pytest.mark.parametrize(
    "change", [{"rank": 0}, {"steps": "many"}, {"learning_rate": 2}, {"unknown": 1}, {"train": None}, {"dtype": "int8"}]
)
def test_a_wrong_spec_is_refused_and_the_field_is_named(change: dict[str, Any]) -> None:
    good = {"model": "m", "recipe": REVIEWS.as_dict(), "train": "t", "train_sha256": "0" * 64}
    assert spec_from(good).rank == 16
    with pytest.raises(BadSpec, match=next(iter(change))):
        spec_from(good | change)


def test_data_that_changed_or_is_missing_is_not_trained_on(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps({"text": "好", "label": "正面"}) + "\n")
    assert read_rows(path, sha256_of(path), REVIEWS) == [LabelledText("好", "正面")]
    with pytest.raises(DataChanged):
        read_rows(path, "0" * 64, REVIEWS)
    with pytest.raises(DataNotFound):
        read_rows(tmp_path / "none", "0" * 64, REVIEWS)


@pytest.mark.parametrize(
    "line", ["{", "[1]", '{"text": "好"}', '{"text": "好", "label": "中性"}', '{"text": 1, "label": "正面"}']
)
def test_a_bad_row_is_named_by_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps({"text": "好", "label": "正面"}) + "\n" + line)
    with pytest.raises(BadSpec, match="Line 2"):
        read_rows(path, sha256_of(path), REVIEWS)
