"""Numbers that come in can be stored, hashed and read the same everywhere."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from gnomon.control.evaluation.schemas import NewComparison, NewSuite, Reference
from gnomon.control.remediation.schemas import Plan, Spend
from gnomon.kit.canonical import canonical_bytes
from gnomon.kit.numbers import GREATEST, Plain

_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec="utf-8"), max_size=4)
_VALUES = st.dictionaries(st.sampled_from("ab"), st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=3)))
SPEND, REFERENCE = {"column": "actual", "what": "x"}, {"source": "s"}


@settings(max_examples=60)
@given(_VALUES)
def test_what_is_let_in_has_canonical_bytes(value: dict[str, Any]) -> None:
    try:
        TypeAdapter(Plain).validate_python(value)
    except ValidationError:
        return
    assert canonical_bytes(value)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), GREATEST + 1])
def test_numbers_that_cannot_be_stored_are_refused_at_the_door(wrong: float) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Plain).validate_python({"deep": [{"x": wrong}]})
    with pytest.raises(ValidationError):
        NewComparison.model_validate({"before_run": "a", "after_run": "b", "goal": {"metric": "m", "to": wrong}})
    with pytest.raises(ValidationError):
        NewSuite.model_validate({"name": "s", "recipe": {"x": wrong}, "source": "s", "licence": "l", "rows": [{}]})


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(
    ("shape", "values"),
    [
        (Spend, lambda wrong: SPEND | {"amount": wrong}),
        (Reference, lambda wrong: REFERENCE | {"value": wrong}),
        (Plan, lambda wrong: {"live_guards": [{"indicator": "success_ratio", "limit": wrong}]}),
    ],
)
def test_figures_are_finite(shape: type[BaseModel], values: Any, wrong: float) -> None:
    with pytest.raises(ValidationError, match="finite"):
        shape.model_validate(values(wrong))
