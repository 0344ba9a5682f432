"""Streams through the real guard: identical to masking the whole text, wherever and however they are cut."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gnomon.app.gateway import guard
from gnomon.contract.bundle import MaskPolicy, MaskRule
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.fields import stream_guard, tree_guard
from gnomon.gateway.restoring import Restorer
from gnomon.gateway.running import Field
from gnomon.gateway.streaming import EventStream, Garbage
from gnomon.guard.policy import Masker, Vault
from tests.fakes.upstream import event

KEY = b"k" * 32
REDACT = Masker(MaskPolicy(id="r", version="1", rules=(MaskRule(entity="*", operator="redact"),)), key=KEY)
PSEUDONYM = Masker(MaskPolicy(id="p", version="1", rules=(MaskRule(entity="*", operator="pseudonym"),)), key=KEY)
GUARD = guard()
PLANTED = (
    "13812345678",
    "li.wei@example.com",
    "11010519491231002X",
    "6222021234567890128",
    "普通的话。",
    "plain words ",
    "(",
    "12",
    "⟦",
)


def stream(masker: Masker = REDACT, *, usage: bool = False, vault: Vault | None = None) -> EventStream:
    ex = Exchange("req", peer="", address="")
    kept = Vault()

    def field(name: str) -> Field:
        restorer = GUARD.restorer(vault) if vault is not None else None
        return Field(stream_guard(GUARD, masker, kept, name), restorer)

    return EventStream(
        ex, field=field, tree=lambda: tree_guard(masker, "output", kept), hits=masker.hits, wants_usage=usage
    )


def texts(out: bytes) -> dict[int, str]:
    found: dict[int, str] = {}
    for block in out.decode().split("\n\n"):
        if block.startswith("data: {"):
            for choice in json.loads(block[6:])["choices"]:
                found[choice["index"]] = found.get(choice["index"], "") + (choice["delta"].get("content") or "")
    return found


def cut(text: str, sizes: list[int]) -> list[str]:
    pieces, at, n = [], 0, 0
    while at < len(text):
        size = sizes[n % len(sizes)]
        pieces.append(text[at : at + size])
        at, n = at + size, n + 1
    return pieces


@given(
    parts=st.lists(st.sampled_from(PLANTED), min_size=1, max_size=8),
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=6),
    bytes_at_once=st.integers(1, 300),
    done=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_a_stream_is_masked_as_the_whole_text_is(
    parts: list[str], sizes: list[int], bytes_at_once: int, done: bool
) -> None:
    whole = "".join(parts)
    events = [event({"role": "assistant", "content": ""})]
    for piece in cut(whole, sizes):
        events += [event({"content": piece}), event({"content": piece}, index=1)]
    events.append(event({}, finish="stop"))
    data = b"".join(events) + (b"data: [DONE]\n\n" if done else b"")
    running = stream()
    out = b"".join(running.feed(data[i : i + bytes_at_once]) for i in range(0, len(data), bytes_at_once))
    out += running.end()
    masked = REDACT.mask(whole, "output").text
    assert texts(out) == {0: masked, 1: masked}
    assert running.done is done
    reply = json.loads(running.reply())
    assert [c["message"].get("content", "") for c in reply["choices"]] == [masked, masked]


@given(sizes=st.lists(st.integers(1, 5), min_size=1, max_size=6), bytes_at_once=st.integers(1, 200))
@settings(max_examples=40, deadline=None)
def test_placeholders_come_back_whole_from_a_stream_cut_anywhere(sizes: list[int], bytes_at_once: int) -> None:
    vault = Vault()
    asked = PSEUDONYM.mask("手机13812345678，邮箱li.wei@example.com", "input", vault).text
    data = b"".join(event({"content": piece}) for piece in cut(f"好的[1]，{asked}。", sizes)) + b"data: [DONE]\n\n"
    running = stream(PSEUDONYM, vault=vault)
    out = b"".join(running.feed(data[i : i + bytes_at_once]) for i in range(0, len(data), bytes_at_once))
    assert texts(out)[0] == "好的[1]，手机13812345678，邮箱li.wei@example.com。"
    assert b"13812345678" not in running.reply()
    assert "⟦" in running.reply().decode()


def test_chinese_flows_without_delay() -> None:
    running = stream()
    for piece in ("您", "好，", "世界"):
        assert texts(running.feed(event({"content": piece}))) == {0: piece}


def test_line_ends_comments_and_split_characters_are_understood() -> None:
    running = stream()
    data = event({"content": "你好"}).replace(b"\n\n", b"\r\n\r\n")
    data = b": keep 13812345678\r\n\r\n" + b"event: x\r\n" + data + b"data: [DONE]\r\n\r\n"
    out = b"".join(running.feed(data[i : i + 1]) for i in range(len(data)))
    assert texts(out) == {0: "你好"}
    assert b"13812345678" not in out
    assert out.endswith(b"data: [DONE]\n\n")


SAID = b"".join(
    (
        b": keep 13812345678\n\nevent: x\nid: 1\n\n",
        *(event({"content": piece}) for piece in ("您好，手机138", "12345678，", "再见。", "a\rb", "c")),
        b"retry: 1\n" + event({"content": "d"}).replace(b'"choices"', b'\ndata: "choices"'),
        event({}, finish="stop"),
        b"data: [DONE]\n\n",
    )
)


def with_ends(data: bytes, ends: list[bytes]) -> bytes:
    """Its lines end with these in turn. An LF after a CR would be no line of its own."""
    out = b""
    for n, line in enumerate(data.split(b"\n")[:-1]):
        end = ends[n % len(ends)]
        out += line + (b"\r\n" if not line and end == b"\n" and out.endswith(b"\r") else end)
    return out


@given(
    ends=st.lists(st.sampled_from([b"\r", b"\n", b"\r\n"]), min_size=1, max_size=7),
    sizes=st.lists(st.integers(1, 500), min_size=1, max_size=9),
)
@example(ends=[b"\r"], sizes=[1])
@example(ends=[b"\r"], sizes=[10_000])
@example(ends=[b"\r\n"], sizes=[1])
@example(ends=[b"\n"] * 12 + [b"\r"] * 3, sizes=[10_000])
@settings(max_examples=200, deadline=None)
def test_a_stream_is_the_same_however_its_lines_end_and_wherever_it_is_cut(ends: list[bytes], sizes: list[int]) -> None:
    running, known, at, n = stream(), stream(), 0, 0
    expected, out = known.feed(SAID) + known.end(), b""
    data = with_ends(SAID, ends)
    while at < len(data):
        size = sizes[n % len(sizes)]
        out += running.feed(data[at : at + size])
        at, n = at + size, n + 1
    assert out == expected
    assert running.reply() == known.reply()
    assert running.done


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_an_event_goes_on_when_its_last_line_ends_and_waits_for_no_further_byte(end: bytes) -> None:
    running = stream()
    for piece in ("您", "好，", "世界"):
        assert texts(running.feed(with_ends(event({"content": piece}), [end]))) == {0: piece}


@pytest.mark.parametrize("place", ["envelope", "delta", "choice", "tool"])
def test_nothing_else_in_an_event_is_a_way_around(place: str) -> None:
    value: dict[str, Any] = json.loads(event({"content": "好"}).removeprefix(b"data: "))
    secret = "13812345678"
    choice = value["choices"][0]
    if place == "envelope":
        value["system_fingerprint"] = secret
    elif place == "delta":
        choice["delta"]["annotations"] = [{"text": secret}]
    elif place == "choice":
        choice["note"] = secret
    else:
        call = {"index": 0, "id": secret, "function": {"name": secret, "arguments": "{}"}}
        choice["delta"]["tool_calls"] = [call]
    running = stream()
    out = running.feed(b"data: " + json.dumps(value).encode() + b"\n\n") + running.end()
    assert secret.encode() not in out
    assert "好" in texts(out)[0]


def test_log_probabilities_stay_while_the_text_is_unchanged_and_go_when_it_is_held() -> None:
    running = stream()
    probabilities = {"content": [{"token": "好", "logprob": -0.5}]}
    told = running.feed(_with_logprobs("好", probabilities))
    held = running.feed(_with_logprobs("138", probabilities))
    assert b'"logprob":-0.5' in told
    assert b'logprob"' not in held


def test_a_restorer_lets_ordinary_brackets_pass_soon() -> None:
    restorer = Restorer(lambda text: text.replace("⟦a_b⟧", "X"), opening="⟦[", closing="⟧]", longest=10)
    assert restorer.feed("见[1]和⟦a") == "见[1]和"
    assert restorer.feed("_b⟧。") == "X。"
    assert restorer.feed("[这是一个很长的没有结尾的括号") == "[这是一个很长的没有结尾的括号"
    assert restorer.feed("[x") == ""
    assert restorer.flush() == "[x"


def _with_logprobs(text: str, probabilities: dict[str, Any]) -> bytes:
    value = json.loads(event({"content": text}).removeprefix(b"data: "))
    value["choices"][0]["logprobs"] = probabilities
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


SHAPES: tuple[dict[str, Any], ...] = (
    {},
    {"role": "assistant"},
    {"reasoning_content": None},
    {"refusal": None, "role": "assistant"},
    {"role": "13812345678"},
)
AROUND: tuple[dict[str, Any], ...] = (
    {},
    {"created": 1_700_000_001},
    {"usage": None},
    {"usage": {"prompt_tokens": 1, "completion_tokens": 2}},
    {"note": '{"content": "x"}', 'a"content': "li.wei@example.com"},
    {"id": "13812345678"},
)
CHOICES: tuple[dict[str, Any], ...] = (
    {},
    {"index": 1},
    {"logprobs": None},
    {"logprobs": {"content": []}},
    {"finish_reason": "stop"},
    {"extra": "content"},
    {"extra": "13812345678"},
)


@given(
    kinds=st.lists(
        st.tuples(
            st.sampled_from(("content", "reasoning_content", "x")),
            st.sampled_from(SHAPES),
            st.sampled_from(CHOICES),
            st.sampled_from(AROUND),
            st.booleans(),
        ),
        min_size=1,
        max_size=3,
    ),
    order=st.lists(st.tuples(st.integers(0, 2), st.sampled_from((*PLANTED, "", '"', "\\", "\n", "😀"))), max_size=14),
)
@settings(max_examples=150, deadline=None)
def test_events_that_are_recognised_go_on_as_those_that_are_taken_apart(
    kinds: Any, order: list[tuple[int, str]]
) -> None:
    payloads = []
    for number, text in order:
        name, delta, choice, around, ascii_only = kinds[number % len(kinds)]
        told = {"index": 0, "delta": {**delta, name: text}, "finish_reason": None, **choice}
        whole = {"id": "c", "created": 1, "choices": [told], **around}
        payloads.append(b"data: " + json.dumps(whole, ensure_ascii=ascii_only).encode() + b"\n\n")
    fast, slow = stream(), stream()
    slow._made = 99
    assert [_events(fast.feed(p)) for p in payloads] == [_events(slow.feed(p)) for p in payloads]
    assert _events(fast.end()) == _events(slow.end())
    assert fast.counts() == slow.counts()
    assert fast.reply() == slow.reply()
    assert not slow._moulds


def _events(out: bytes) -> list[Any]:
    return [json.loads(block[6:]) for block in out.decode().split("\n\n") if block]


def test_most_events_are_recognised() -> None:
    running = stream()
    for piece in ("您好，", "世界", '说"好"', "\n"):
        running.feed(event({"content": piece}))
    assert len(running._moulds) == 1
    assert running._made == 0


def test_a_recognised_event_that_is_cut_wrongly_is_garbage() -> None:
    running = stream()
    for piece in ("您好，", "世界"):
        running.feed(event({"content": piece}))
    with pytest.raises(Garbage):
        running.feed(event({"content": "XY"}).replace(b"XY", b'X", "content": "Y'[:3] + b"Y"))


def test_a_stream_without_end_is_kept_no_further_than_a_record_goes() -> None:
    running, piece = stream(), "好" * 4000
    for _ in range(400):
        running.feed(event({"content": piece}))
    kept = sum(len(text) for field in running._fields.values() for text in field.kept)
    assert 1_048_576 <= kept < 1_048_576 + len(piece)
    assert len(json.loads(running.reply())["choices"][0]["message"]["content"]) == kept


@pytest.mark.parametrize(
    "choice",
    [
        {"delta": {"content": "好"}, "score": 13812345678, "finish_reason": None},
        {"delta": {"content": "好", "audio": 13812345678}, "finish_reason": None},
        {"delta": {"content": "好", "13812345678": None}, "finish_reason": None},
        {"delta": {"content": "好"}, "finish_reason": None, "13812345678": None},
    ],
    ids=["a number in the choice", "a number in the delta", "a name in the delta", "a name"],
)
def test_what_stands_around_a_text_is_masked_in_every_event(choice: dict[str, Any]) -> None:
    running, whole = stream(), {"id": "c", "choices": [{"index": 0, **choice}]}
    events = [b"data: %b\n\n" % json.dumps(whole).encode()] * 5
    assert b"13812345678" not in b"".join(running.feed(event) for event in events)
