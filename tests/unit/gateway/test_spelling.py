"""Log-probabilities spell no text that is masked: token by token, byte by byte, or by the alternatives to them."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.gateway import spelling
from tests.unit.gateway.test_asides import events, said
from tests.unit.gateway.test_deltas import DONE, MOBILE
from tests.unit.gateway.test_places import _guarded
from tests.unit.gateway.test_streaming import PLANTED, cut, stream


def chat(tokens: list[str], *, field: str = "content") -> dict[str, Any]:
    return {field: [{"token": one, "logprob": -0.1, "bytes": None, "top_logprobs": []} for one in tokens]}


def by_bytes(tokens: list[str]) -> dict[str, Any]:
    return {"content": [{"token": "?", "logprob": -0.1, "bytes": list(one.encode())} for one in tokens]}


def alternatives(tokens: list[str]) -> dict[str, Any]:
    rows = [[{"token": "好", "logprob": -0.1}, {"token": one, "logprob": -2.5}] for one in tokens]
    return {"content": [{"token": "好", "logprob": -0.1, "top_logprobs": row} for row in rows]}


def legacy(tokens: list[str]) -> dict[str, Any]:
    return {"tokens": tokens, "token_logprobs": [-0.1 for _ in tokens], "text_offset": list(range(len(tokens)))}


def legacy_alternatives(tokens: list[str]) -> dict[str, Any]:
    return {"tokens": ["好" for _ in tokens], "top_logprobs": [{"好": -0.1, one: -2.5} for one in tokens]}


def of_a_vendor(tokens: list[str]) -> dict[str, Any]:
    return {"steps": [{"picked": {"piece": one}} for one in tokens]}


KINDS = {
    "tokens": chat,
    "refusal": lambda tokens: chat(tokens, field="refusal"),
    "bytes": by_bytes,
    "alternatives": alternatives,
    "legacy": legacy,
    "legacy alternatives": legacy_alternatives,
    "vendor": of_a_vendor,
}


@pytest.mark.parametrize("kind", KINDS)
@given(
    parts=st.lists(st.sampled_from(PLANTED), min_size=1, max_size=4),
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    at_once=st.integers(1, 4),
)
@settings(max_examples=30, deadline=None)
def test_no_log_probabilities_of_a_stream_spell_what_is_masked(
    kind: str, parts: list[str], sizes: list[int], at_once: int
) -> None:
    running, tokens, out = stream(), cut("".join(parts), sizes), b""
    for at in range(0, len(tokens), at_once):
        logprobs = KINDS[kind](tokens[at : at + at_once])
        out += running.feed(said(choices=[{"delta": {"content": ""}, "logprobs": logprobs}]))
    spelled: dict[str, str] = {}
    for event in events(out + running.feed(DONE)):
        for name, text in spelling.columns(event["choices"][0].get("logprobs")).items():
            spelled[name] = spelled.get(name, "") + text
    assert not any(one in text for text in spelled.values() for one in PLANTED[:4])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 3, 4, 11])
def test_no_log_probabilities_of_a_whole_answer_spell_what_is_masked(kind: str, size: int) -> None:
    def answer(text: str) -> bytes:
        choice = {
            "index": 0,
            "message": {"content": "好"},
            "token_ids": [1],
            "logprobs": KINDS[kind](cut(text, [size])),
        }
        plain = {"index": 1, "message": {"content": "好"}, "logprobs": KINDS[kind](["好", "的"])}
        return json.dumps({"choices": [choice, plain]}, ensure_ascii=False).encode()

    first, second = json.loads(_guarded(answer(f"拨 {MOBILE}。")))["choices"]
    assert (first["logprobs"], first["token_ids"]) == (None, None)
    assert second["logprobs"] == KINDS[kind](["好", "的"])
    plain = answer("普通的话。")
    assert json.loads(_guarded(plain)) == json.loads(plain)  # written anew where there is no C


def test_log_probabilities_of_text_that_goes_on_as_it_is_stay() -> None:
    running = stream()
    for tokens in (["您", "好"], ["，"], ["世界", "。"]):
        sent = said(choices=[{"delta": {"content": "".join(tokens)}, "logprobs": chat(tokens), "token_ids": [3]}])
        assert events(running.feed(sent)) == events(sent)


def test_numbers_of_tokens_go_where_the_text_does() -> None:
    running = stream()
    out = running.feed(said(choices=[{"delta": {"content": "好138"}, "token_ids": [7, 8, 9]}]))
    assert events(out)[0]["choices"][0]["token_ids"] is None


def test_log_probabilities_of_any_depth_are_read_or_refused() -> None:
    deep: Any = "138"
    for _ in range(500):
        deep = [deep]
    with pytest.raises(RecursionError):
        spelling.columns(deep)


def test_too_many_columns_are_no_stream() -> None:
    rows = [{f"x{number}": "a" for number in range(5000)}]
    with pytest.raises(Exception, match="too many columns"):
        stream().feed(said(choices=[{"logprobs": {"content": rows}}]))
