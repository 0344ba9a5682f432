"""Strings beside the text of a stream, in places that no protocol knows, are guarded as the whole of them."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gnomon.guard.placeholders import Vault
from tests.unit.gateway.test_deltas import DONE
from tests.unit.gateway.test_streaming import PLANTED, REDACT, cut, stream

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


def strings(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Every string with its place; a choice's number is what it says of itself."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, one in value.items():
            if name not in KNOWN:
                yield from strings(one, (*path, name))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            index = one.get("index", number) if isinstance(one, dict) else number
            yield from strings(one, (*path, index))


def events(out: bytes) -> list[dict[str, Any]]:
    return [json.loads(block[6:]) for block in out.split(b"\n\n") if block.startswith(b"data: {")]


def heard(out: bytes) -> dict[tuple[Any, ...], str]:
    """What was told in each place, one event's behind the other's."""
    found: dict[tuple[Any, ...], str] = {}
    for event in events(out):
        for path, text in strings(event):
            found[path] = found.get(path, "") + text
    return {path: text for path, text in found.items() if text}


def runs(pieces: list[str]) -> bool:
    """Whether nobody could take these for a label, or for a text that is told from its beginning in every event."""
    repeated = 0
    for one, other in zip(pieces, pieces[1:], strict=False):
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
