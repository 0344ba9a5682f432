"""Text that runs inside structures of a stream is guarded as plain text is, wherever it was cut."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.contract.bundle import MaskPolicy, MaskRule
from gnomon.gateway import deltas
from gnomon.gateway.streaming import EventStream, Garbage
from gnomon.guard.placeholders import Vault
from gnomon.guard.policy import Masker
from tests.unit.gateway.test_streaming import PLANTED, PSEUDONYM, REDACT, cut, stream

DONE = b"data: [DONE]\n\n"
MOBILE = "13812345678"

# As servers tell them: OpenAI's old function calls, spoken answers and free-form tools; OpenRouter, LiteLLM, Mistral.
STRUCTURES: dict[str, Callable[[str], dict[str, Any]]] = {
    "function call": lambda text: {"function_call": {"arguments": text}},
    "spoken": lambda text: {"audio": {"id": "a", "transcript": text}},
    "free-form tool": lambda text: {"tool_calls": [{"index": 1, "type": "custom", "custom": {"input": text}}]},
    "parts of reasoning": lambda text: {"reasoning_details": [{"type": "reasoning.text", "index": 0, "text": text}]},
    "thoughts": lambda text: {"thinking_blocks": [{"type": "thinking", "thinking": text}]},
    "parts of content": lambda text: {
        "content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}],
    },
    "a list of texts": lambda text: {"words": [text]},
    "two at once": lambda text: {"pair": {"one": text, "other": text}},
}


def told(delta: Any, *, finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, **more}
    return b"data: %b\n\n" % json.dumps({"id": "c", "model": "m", "choices": [choice]}, ensure_ascii=False).encode()


def heard(out: bytes) -> dict[str, Any]:
    """The deltas of all events put together as clients do: texts behind each other, item by item."""
    said: dict[str, Any] = {}
    for block in out.split(b"\n\n"):
        if block.startswith(b"data: {"):
            for choice in json.loads(block[6:])["choices"]:
                said = added(said, choice["delta"])
    return said


def added(one: Any, other: Any, name: str = "") -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return {**one, **{key: added(one[key], more, key) if key in one else more for key, more in other.items()}}
    if isinstance(one, list) and isinstance(other, list):
        return [added(first, second) for first, second in zip(one, other, strict=True)]
    return one + other if isinstance(one, str) and name not in ("id", "type") else other


@pytest.mark.parametrize("kind", STRUCTURES)
@given(
    parts=st.lists(st.sampled_from(PLANTED), min_size=1, max_size=5),
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    at_the_end=st.sampled_from(("finish with the last", "finish after it", "no finish")),
)
@settings(max_examples=25, deadline=None)
def test_a_text_inside_a_structure_is_masked_as_the_whole_of_it(
    kind: str, parts: list[str], sizes: list[int], at_the_end: str
) -> None:
    text, make, running = "".join(parts), STRUCTURES[kind], stream()
    *pieces, last = cut(text, sizes)
    out = b"".join(running.feed(told(make(piece))) for piece in pieces)
    out += running.feed(told(make(last), finish="stop" if at_the_end == "finish with the last" else None))
    out += running.feed(told({}, finish="stop")) if at_the_end == "finish after it" else b""
    out += running.feed(DONE) + running.end()
    whole = make(REDACT.mask(text, "output", Vault()).text)
    assert heard(out) == whole
    message = json.loads(running.reply())["choices"][0]["message"]
    assert _unlabelled(message) == _unlabelled({"role": "assistant", **whole})


def _unlabelled(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _unlabelled(one) for name, one in value.items() if name != "id"}
    return [_unlabelled(one) for one in value] if isinstance(value, list) else value


def test_what_was_held_of_a_call_is_not_lost_when_another_begins() -> None:
    def call(index: int, text: str) -> bytes:
        return told(STRUCTURES["free-form tool"](text) | {"tool_calls": [{"index": index, "custom": {"input": text}}]})

    running = stream()
    out = running.feed(call(0, "138")) + running.feed(call(1, "12345678")) + running.feed(call(0, "1234"))
    out += running.feed(call(0, "5678")) + running.feed(told({}, finish="tool_calls")) + running.feed(DONE)
    calls: dict[int, str] = {}
    for block in out.split(b"\n\n"):
        if block.startswith(b"data: {"):
            for one in json.loads(block[6:])["choices"][0]["delta"].get("tool_calls", ()):
                calls[one["index"]] = calls.get(one["index"], "") + one["custom"]["input"]
    assert calls == {0: "⟦手机⟧", 1: "12345678"}


def test_a_word_is_told_before_the_calls_that_follow_it_and_a_number_waits_for_its_end() -> None:
    call = told(STRUCTURES["free-form tool"]("x，"))
    running = stream()
    out = running.feed(told({"content": "Let me check."}) + call)
    assert [(one.get("content"), "tool_calls" in one) for one in _deltas(out)[1:]] == [("check.", False), (None, True)]
    out = running.feed(told({"content": f"拨 {MOBILE[:4]}"}) + call + told({"content": MOBILE[4:]}) + DONE)
    assert "".join(one.get("content", "") for one in _deltas(out)) == "拨 ⟦手机⟧"


def _deltas(out: bytes) -> list[dict[str, Any]]:
    blocks = [block for block in out.split(b"\n\n") if block.startswith(b"data: {")]
    return [json.loads(block[6:])["choices"][0]["delta"] for block in blocks]


def test_a_placeholder_comes_back_inside_a_structure_wherever_it_was_cut() -> None:
    vault = Vault()
    masked = PSEUDONYM.mask(f"电话 {MOBILE}。", "input", vault).text
    running = stream(PSEUDONYM, vault=vault)
    out = b"".join(running.feed(told(STRUCTURES["function call"](piece))) for piece in cut(masked, [3]))
    assert heard(out + running.feed(DONE)) == STRUCTURES["function call"](f"电话 {MOBILE}。")


@pytest.mark.parametrize("what", [MOBILE, [MOBILE], int(MOBILE), [{"content": MOBILE}], True])
@pytest.mark.parametrize("member", ["delta", "text"])
def test_a_choice_that_says_neither_delta_nor_text_ends_the_stream(member: str, what: Any) -> None:
    running: EventStream = stream()
    value = {"index": 0, member: {"a": what} if member == "text" else what, "finish_reason": None}
    with pytest.raises(Garbage):
        running.feed(b"data: %b\n\n" % json.dumps({"choices": [value]}).encode())


@pytest.mark.parametrize("index", ["0", 0.0, True, -1, 1024, [0]])
def test_a_choice_has_a_place_or_ends_the_stream(index: Any) -> None:
    with pytest.raises(Garbage):
        stream().feed(b"data: %b\n\n" % json.dumps({"choices": [{"index": index, "delta": {}}]}).encode())


@pytest.mark.parametrize("levels", [300, 450, 900, 5000])
@pytest.mark.parametrize("place", ["delta", "choice", "envelope"])
def test_an_event_of_any_depth_is_guarded_or_garbage(levels: int, place: str) -> None:
    deep: Any = json.loads("[" * 290 + f'"{MOBILE}"' + "]" * 290)
    nested = json.dumps(deep).replace("[" * 290, "[" * levels).replace("]" * 290, "]" * levels)
    event = {"delta": b'{"x":%b}', "choice": b'{},"y":%b', "envelope": b'{}}],"z":[{"a":%b'}[place]
    running = stream()
    try:
        out = running.feed(
            b'data: {"choices":[{"index":0,"finish_reason":null,"delta":%b}]}\n\n' % (event % nested.encode())
        )
    except Garbage:
        return
    assert MOBILE.encode() not in out + running.feed(DONE)


def test_a_field_may_have_a_name_with_capitals_where_names_of_people_are_looked_for() -> None:
    names = MaskPolicy(id="n", version="1", speed="names", rules=(MaskRule(entity="*", operator="redact"),))
    masker = Masker(names, key=b"k" * 32)
    assert masker.hits(b'"reasoningText"')  # a look at the bytes alone cannot tell
    running = stream(masker)
    assert heard(running.feed(told({"reasoningText": "你好。"})) + running.feed(DONE)) == {"reasoningText": "你好。"}
    with pytest.raises(Garbage):
        stream(masker).feed(told({"张伟明": "你好。"}))


@pytest.mark.parametrize("name", ["tool abc", "tool 0", "in x"])
def test_no_name_of_a_field_is_taken_for_one_of_ours(name: str) -> None:
    with pytest.raises(Garbage):
        stream().feed(told({name: "电话 138"}))


NAMES = st.sampled_from(("type", "index", "text", "a"))
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)


@given(VALUES)
def test_every_text_of_a_structure_is_taken_out_once_and_fits_its_place(inner: Any) -> None:
    value = {"x": inner}
    before = json.dumps(value)
    taken = list(deltas.inside(value, "in ", ()))
    for one in taken:
        deltas.put(value, one.path, one.text)
    assert json.dumps(value) == before
    assert len({one.path for one in taken}) == len(taken)
