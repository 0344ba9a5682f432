import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.engine.suites.recipes import RECIPES, REVIEWS, BadRecipe, Recipe, recipe_from


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=20))
def test_any_text_stands_in_the_prompt_as_it_is(text: str) -> None:
    assert REVIEWS.prompt(text) == f"评论：{text}\n情感："


def test_a_recipe_survives_json() -> None:
    assert recipe_from(json.loads(json.dumps(REVIEWS.as_dict()))) == REVIEWS
    assert RECIPES[REVIEWS.id] is REVIEWS


@pytest.mark.parametrize(
    "data",
    [
        {"id": "x", "prompt_template": "no hole", "choices": ["a", "b"]},
        {"id": "x", "prompt_template": "{text}{text}", "choices": ["a", "b"]},
        {"id": "x", "prompt_template": "{text}", "choices": ["a"]},
        {"id": "x", "prompt_template": "{text}", "choices": ["a", "a"]},
        {"id": "x", "prompt_template": "{text}", "choices": ["a", ""]},
        {"id": "x", "prompt_template": "{text}"},
    ],
)
def test_an_unusable_recipe_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(BadRecipe) as caught:
        recipe_from(data)
    assert caught.value.next_step


def test_choices_may_come_as_a_tuple() -> None:
    assert Recipe("x", "{text}", ("a", "b")).choices == ("a", "b")
