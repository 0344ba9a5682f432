"""A vector of an embedding reaches the caller as the model server gave it; a text in its place is guarded."""

import json
import math
import random
from array import array
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnomon.app.gateway import guard
from gnomon.contract.bundle import MaskPolicy, MaskRule
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.replies import guard_output
from gnomon.gateway.snapshot import PreparedRoute, prepare
from gnomon.gateway.vectors import is_vector
from tests.fakes.bundle import make_home

GUARD = guard()
NAMES = MaskPolicy(id="default", version="1", speed="names", rules=(MaskRule(entity="*", operator="redact"),))
MOBILE = "13812345678"


@pytest.fixture(scope="module")
def route(tmp_path_factory: pytest.TempPathFactory) -> PreparedRoute:
    home = make_home(tmp_path_factory.mktemp("vectors"), upstream_url="http://127.0.0.1:9/v1", mask=NAMES)
    snapshot = prepare(home.policy, home.roster, masker=lambda policy: GUARD.masker(policy, b"k" * 32))
    return snapshot.routes["gnomon-chat"]


def vector(*, seed: int, dimensions: int = 1536) -> str:
    rng = random.Random(seed)
    numbers = [rng.gauss(0.0, 1.0) for _ in range(dimensions)]
    length = math.sqrt(sum(number * number for number in numbers))
    return b64encode(array("f", [number / length for number in numbers]).tobytes()).decode()


def answered(*embeddings: Any, **more: Any) -> dict[str, Any]:
    rows = [{"object": "embedding", "index": n, "embedding": one} for n, one in enumerate(embeddings)]
    return {"object": "list", "data": rows, "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}, **more}


def guarded(answer: dict[str, Any], route: PreparedRoute, *, endpoint: str = "embeddings") -> tuple[Any, Exchange]:
    ex = Exchange("req", peer="", address="")
    ex.endpoint = endpoint
    return json.loads(guard_output(ex, json.dumps(answer).encode(), route, GUARD)), ex


def test_vectors_in_base64_pass_as_they_are_where_names_are_looked_for(route: PreparedRoute) -> None:
    answer = answered(vector(seed=1), [0.25, -0.5], vector(seed=2, dimensions=8), "")
    got, ex = guarded(answer, route)
    assert got == answer
    assert ex.entities_out == {}


def test_what_stands_beside_or_instead_of_a_vector_is_guarded(route: PreparedRoute) -> None:
    answer = answered(vector(seed=1), f"电话 {MOBILE}", b64encode(MOBILE.encode()).decode(), note=f"电话 {MOBILE}")
    got, ex = guarded(answer, route)
    assert got["data"][0] == answer["data"][0]
    assert MOBILE not in json.dumps(got)
    assert got["data"][2]["embedding"] != answer["data"][2]["embedding"]
    assert ex.entities_out["CN_MOBILE"] == 3


def test_only_an_answer_to_a_question_for_embeddings_has_vectors(route: PreparedRoute) -> None:
    said = {"choices": [], "data": [{"embedding": f"电话 {MOBILE}"}]}
    got, _ = guarded(said, route, endpoint="chat")
    assert MOBILE not in json.dumps(got)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40).map(str.encode))
def test_a_text_in_base64_is_seldom_taken_for_a_vector(text: bytes) -> None:
    """Only one whose every fourth byte is what a small number ends in, which no digit and no Chinese character is."""
    whole = text + b" " * (-len(text) % 4)
    if is_vector(b64encode(whole).decode()):
        assert any(byte & 0x7F in range(0x3A, 0x47) for byte in whole[3::4])


@pytest.mark.parametrize("text", ["", "A", "AAAA", "!" * 16, b64encode(b"\0\0\x80\x7f").decode(), "AAAAAAAA"])
def test_what_is_no_row_of_numbers_is_no_vector(text: str) -> None:
    assert not is_vector(text)
