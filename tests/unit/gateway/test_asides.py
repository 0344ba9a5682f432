"""Strings beside the text of a stream, in places that no protocol knows, are guarded as the whole of them."""

import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from gnomon.gateway.asides import Unknown
from gnomon.gateway.running import Field
from gnomon.gateway.streaming import Garbage
from gnomon.guard.placeholders import Vault
from gnomon.guard.stream import StreamMasker
from tests.unit.gateway.test_deltas import DONE, MOBILE
from tests.unit.gateway.test_streaming import PLANTED, PSEUDONYM, REDACT, cut, stream

KNOWN = ("id", "model", "object", "content", "role", "finish_reason")
PLACES: dict[str, Callable[[str], dict[str, Any]]] = {
    "choice": lambda text: {"choices": [{"thought": text}]},
    "second choice": lambda text: {"choices": [{"index": 1, "thought": text}]},
    "structure of a choice": lambda text: {"choices": [{"extra": {"deep": [{"text": text}, 7]}}]},
    "choice of no name": lambda text: {"choices": [{"": text}]},
    "event": lambda text: {"x_text": text},
    "structure of the event": lambda text: {"x": {"note": [text, {"title": text}]}},
    "event without choices": lambda text: {"x_text": text, "choices": []},
    "event that is none of ours": lambda text: {"type": "x", "part": {"text": text}, "choices": None},
    "usage": lambda text: {"usage": {"prompt_tokens": 1, "note": text}},
    "title in a delta": lambda text: {"choices": [{"delta": {"parts": [{"caption": text}]}}]},
    "text in a delta": lambda text: {"choices": [{"delta": {"vendor_thought": text}}]},
}


def said(**more: Any) -> bytes:
    """An event with these members; of a choice, what is not said is as ever."""
    event = {"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [{}], **more}
    if event["choices"] is not None:
        event["choices"] = [{"index": 0, "delta": {}, "finish_reason": None, **one} for one in event["choices"]]
    return b"data: %b\n\n" % json.dumps(event, ensure_ascii=False).encode()


def strings(
    value: Any, path: tuple[Any, ...] = (), known: tuple[str, ...] = KNOWN
) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Every string with its place; a choice's number is what it says of itself."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, one in value.items():
            if name not in known:
                yield from strings(one, (*path, name), known)
    elif isinstance(value, list):
        for number, one in enumerate(value):
            index = one.get("index", number) if isinstance(one, dict) else number
            yield from strings(one, (*path, index), known)


def events(out: bytes) -> list[dict[str, Any]]:
    return [json.loads(block[6:]) for block in out.split(b"\n\n") if block.startswith(b"data: {")]


def heard(out: bytes, known: tuple[str, ...] = KNOWN) -> dict[tuple[Any, ...], str]:
    """What was told in each place, one event's behind the other's."""
    found: dict[tuple[Any, ...], str] = {}
    for event in events(out):
        for path, text in strings(event, known=known):
            found[path] = found.get(path, "") + text
    return {path: text for path, text in found.items() if text}


def runs(pieces: list[str]) -> bool:
    """Whether nobody could take these for a label, or for a text that is told from its beginning in every event."""
    repeated = 0
    for one, other in pairwise(pieces):
        if not other.startswith(one):
            return True
        repeated += len(one)
        if repeated >= 8:
            return False
    return False


@pytest.mark.parametrize("place", PLACES)
@given(
    parts=st.lists(st.sampled_from(PLANTED), min_size=1, max_size=5),
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    between=st.lists(st.sampled_from(("", "好", "plain ", "gap")), max_size=6),
    ends=st.sampled_from(("finish", "no finish", "cut off")),
    bytes_at_once=st.integers(1, 400),
)
@settings(max_examples=40, deadline=None)
def test_a_string_that_runs_is_masked_as_the_whole_of_it(
    place: str, parts: list[str], sizes: list[int], between: list[str], ends: str, bytes_at_once: int
) -> None:
    text, make = "".join(parts), PLACES[place]
    pieces = cut(text, sizes)
    assume(len(pieces) == 1 or runs(pieces))
    running, data = stream(usage=True), b""
    for number, piece in enumerate(pieces):
        beside = between[number % len(between)] if between else ""
        data += said(choices=[{"delta": {"content": beside}}]) if beside else b""
        data += said(**make(piece))
    data += said(choices=[{"finish_reason": "stop"}]) if ends == "finish" else b""
    data += b"" if ends == "cut off" else DONE
    out = b"".join(running.feed(data[at : at + bytes_at_once]) for at in range(0, len(data), bytes_at_once))
    out += running.end()
    masked = REDACT.mask(text, "output", Vault()).text
    empty = {**json.loads(said(**make(masked)).removeprefix(b"data: "))}
    told = {path: one for path, one in heard(out).items() if path[-1] not in ("type",)}
    assert told == {path: one for path, one in strings(empty) if path[-1] != "type"}
    assert json.loads(out.rstrip().rsplit(b"data: ", 1)[-1]) if not out.rstrip().endswith(b"[DONE]") else True


def told(place: str, values: list[str], *, gap: int = 0) -> tuple[list[str], str]:
    """What goes on for the value in each event, and in what the end of the stream adds."""
    running = stream(usage=True)
    found = []
    for value in values:
        out = running.feed(said(**PLACES[place](value)))
        found.append("".join(heard(out).values()))
        running.feed(said(choices=[{"delta": {"content": "好"}}]) * gap)
    return found, "".join(heard(running.feed(DONE)).values())


@pytest.mark.parametrize("gap", [0, 2])
@pytest.mark.parametrize("place", ["choice", "event", "structure of a choice", "usage"])
def test_a_label_is_told_whole_once_it_has_come_again(place: str, gap: int) -> None:
    assert told(place, ["OpenAI"] * 4, gap=gap) == (["", "", "OpenAI", "OpenAI"], "")
    assert told(place, ["eu-west-1"] * 3, gap=gap) == (["", "eu-west-1", "eu-west-1"], "")
    assert told(place, ["思考中。"] * 3, gap=gap) == (["思考中。"] * 3, "")
    assert told(place, ["safe"] * 2, gap=gap) == (["safe"] * 2, "")
    assert told(place, ["OpenAI"], gap=gap) == ([""], "OpenAI")


def test_labels_that_follow_each_other_are_told_apart() -> None:
    thinking, answering = ["thinking hard"] * 2, ["answering now"] * 2
    assert told("choice", thinking + answering) == (["", "thinking hard", "", "answering now"], "")


def test_a_label_that_is_somebodys_is_masked_as_it_is_alone() -> None:
    assert told("event", [f"tel {MOBILE}"] * 3) == (["", "tel ⟦手机⟧", "tel ⟦手机⟧"], "")


def test_a_string_that_grows_shows_no_more_than_what_cannot_change_until_the_end() -> None:
    whole = f"联系电话是 {MOBILE}，请拨打。ok"
    grows = [whole[:length] for length in range(2, len(whole) + 1, 2)]
    found, last = told("choice", grows)
    assert all("1381" not in one for one in (*found, last))
    assert (found[-1], last) == ("联系电话是 ⟦手机⟧，请拨打。", "联系电话是 ⟦手机⟧，请拨打。ok")


@pytest.mark.parametrize("at", range(1, 11))
def test_a_number_that_was_told_as_one_that_grows_is_not_told_in_part(at: int) -> None:
    found, last = told("event", [MOBILE[:at], MOBILE])
    assert not any(char.isdigit() for char in "".join((*found, last)))


def test_what_filters_say_of_every_event_goes_on_in_every_event() -> None:
    filters = {"hate": {"filtered": False, "severity": "safe"}}
    running = stream()
    for piece in ("您好，", "世界。"):
        sent = said(choices=[{"delta": {"content": piece}, "content_filter_results": filters}])
        assert events(running.feed(sent)) == events(sent)


def test_an_error_in_a_stream_is_told_at_once_and_guarded() -> None:
    running = stream()
    out = running.feed(b'data: {"error": {"message": "overloaded, call 13812345678", "code": "busy"}}\n\n')
    assert events(out) == [{"error": {"message": "overloaded, call ⟦手机⟧", "code": "busy"}}]


@pytest.mark.parametrize("finish", ["", "null", "continue", "None"])
def test_nothing_held_goes_on_for_what_is_no_end(finish: str) -> None:
    running = stream()
    data = b"".join(said(choices=[{"delta": {"content": one}, "finish_reason": finish}]) for one in ("138", "12345678"))
    data += said(choices=[{"finish_reason": "stop"}]) + DONE
    out = running.feed(data)
    assert "".join(event["choices"][0]["delta"].get("content", "") for event in events(out)) == "⟦手机⟧"
    assert json.loads(running.reply())["choices"][0]["finish_reason"] == "stop"


LABELS: dict[str, Callable[[str], dict[str, Any]]] = {
    "name of a function": lambda text: {"tool_calls": [{"index": 0, "function": {"name": text}}]},
    "name of a free-form tool": lambda text: {"tool_calls": [{"index": 0, "type": "custom", "custom": {"name": text}}]},
    "old function": lambda text: {"function_call": {"name": text}},
    "title": lambda text: {
        "annotations": [{"type": "url_citation", "url_citation": {"title": text, "start_index": 0}}]
    },
    "address": lambda text: {"annotations": [{"type": "url_citation", "url_citation": {"url": text}}]},
    "data": lambda text: {"audio": {"data": text}},
    "signature": lambda text: {"reasoning_details": [{"type": "x", "index": 1, "signature": text}]},
}


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("label", ["get_weather", "https://example.com/a?b=1380", "天气（北京）", "call_Ab12 Cd"])
def test_labels_in_a_delta_go_on_at_once(kind: str, label: str) -> None:
    running = stream()
    sent = said(choices=[{"delta": LABELS[kind](label)}])
    assert events(running.feed(sent)) == events(sent)
    assert running.feed(DONE) == DONE


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("at", range(3, 11))
@pytest.mark.parametrize("text", [MOBILE, f"call {MOBILE}"])
def test_a_number_that_is_cut_in_a_label_is_masked_whole(kind: str, text: str, at: int) -> None:
    running, at = stream(), at + len(text) - len(MOBILE)
    data = b"".join(said(choices=[{"delta": LABELS[kind](piece)}]) for piece in (text[:at], text[at:]))
    out = running.feed(data + said(choices=[{"finish_reason": "stop"}]) + DONE)
    (whole,) = [one for path, one in heard(out).items() if path[-1] != "type"]
    assert whole == text.replace(MOBILE, "⟦手机⟧")


@pytest.mark.parametrize("kind", LABELS)
def test_a_label_is_looked_at_behind_those_before_it(kind: str) -> None:
    running = stream()
    out = running.feed(b"".join(said(choices=[{"delta": LABELS[kind](one)}]) for one in ("li.wei", "@example.com")))
    assert "example.com" not in "".join(heard(out + running.feed(DONE)).values())


def test_a_restored_caller_gets_back_what_stands_beside_the_text() -> None:
    vault = Vault()
    masked = PSEUDONYM.mask(f"电话 {MOBILE}。", "input", vault).text
    running = stream(PSEUDONYM, vault=vault)
    out = b"".join(running.feed(said(choices=[{"thought": piece}])) for piece in cut(masked, [4]))
    assert list(heard(out + running.feed(DONE)).values()) == [f"电话 {MOBILE}。"]


def test_what_is_found_beside_the_text_is_counted_once() -> None:
    running = stream()
    running.feed(b"".join(said(x_text=piece) for piece in cut(f"拨 {MOBILE} 或 {MOBILE}。", [3])))
    running.feed(b"".join(said(choices=[{"label": f"tel {MOBILE}"}]) for _ in range(3)) + DONE)
    assert running.counts() == {"CN_MOBILE": 3}


def test_strings_without_end_are_no_stream() -> None:
    with pytest.raises(Garbage):
        stream().feed(said(**{f"x{number}": "a" for number in range(5000)}))


def test_a_stream_that_says_labels_is_recognised_again() -> None:
    running = stream()
    for piece in ("您好，", "世界", "好", "的"):
        running.feed(said(provider="OpenAI Azure", choices=[{"delta": {"content": piece}}]))
    assert len(running._moulds) == 1
    out = running.feed(said(provider="1380", choices=[{"delta": {"content": "啊"}}]))
    out += running.feed(said(provider="0138000", choices=[{"delta": {"content": "啊"}}]))
    assert not any("provider" in event and event["provider"] for event in events(out))
    assert not running._moulds
    assert {path[0]: one for path, one in heard(running.feed(DONE)).items()} == {"provider": "⟦手机⟧"}


@given(
    values=st.lists(st.sampled_from(("1", "13", "138", "1380", "13800138000", "a", "a@", "@b.co", "好")), max_size=6),
)
@example(values=["1380", "1380", "13800138000", "1"])
@settings(max_examples=200, deadline=None)
def test_in_no_reading_is_a_number_told_that_the_reading_would_mask(values: list[str]) -> None:
    string = Unknown(lambda _: Field(StreamMasker(REDACT, "output", Vault()), None), "x")
    told = [string.feed(value) for value in values] + [string.flush()]
    assert not any("13800138000" in one for one in ("".join(told), *told))
    assert string.flush() == ""
