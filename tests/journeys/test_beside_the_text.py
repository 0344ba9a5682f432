"""Values cut between the events of a stream, in every place that is no plain text: the caller gets them masked whole.

One gateway process over HTTP, one model server that streams what the test says; at the end all that the gateway wrote,
its records too, is searched for the values.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gnomon.guard.policy import Masker
from tests.fakes.bundle import MASK, make_home
from tests.fakes.gateway import HTTP, GatewayProcess, bearer
from tests.fakes.raw_upstream import RawUpstream, says, stream
from tests.unit.gateway.test_asides import LABELS, PLACES, events, heard, said
from tests.unit.gateway.test_spelling import KINDS

pytestmark = pytest.mark.journey
VALUES = ("13812345678", "li.wei@example.com", "11010519491231002X", "6222021234567890128")
END = (said(choices=[{"finish_reason": "stop"}]), b"data: [DONE]\n\n")
MASKER = Masker(MASK, key=bytes(32))
DELTAS: dict[str, Callable[[str], dict[str, Any]]] = {
    name: (lambda text, name=name: {name: text})  # type: ignore[misc]
    for name in ("refusal", "reasoning", "reasoning_content", "vendor_text")
} | {
    "arguments": lambda text: {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": text}}]},
    "free-form tool": lambda text: {"tool_calls": [{"index": 2, "type": "custom", "custom": {"input": text}}]},
    "unknown tool": lambda text: {"tool_calls": [{"index": 1, "type": "vendor", "vendor": {"query": [text]}}]},
    "transcript": lambda text: {"audio": {"id": "a", "transcript": text}},
    "citation": lambda text: {"annotations": [{"type": "cite", "cite": {"quote": text, "start": 0}}]},
}
ALL = PLACES | {name: lambda text, make=make: {"choices": [{"delta": make(text)}]} for name, make in DELTAS.items()}


@pytest.fixture(scope="module")
def upstream() -> Iterator[RawUpstream]:
    with RawUpstream() as found:
        yield found


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, upstream: RawUpstream) -> Iterator[GatewayProcess]:
    with GatewayProcess(make_home(tmp_path_factory.mktemp("beside"), upstream_url=upstream.url)) as found:
        yield found


def _answer(gateway: GatewayProcess, upstream: RawUpstream, made: list[dict[str, Any]]) -> bytes:
    upstream.behave = says(stream(*(said(**one) for one in made), *END))
    answer = gateway.call(stream=True, stream_options={"include_usage": True})
    assert answer.status_code == 200
    assert answer.content.endswith(b"data: [DONE]\n\n")
    return bytes(answer.content)


def _cuts(value: str) -> list[list[str]]:
    """The value in two pieces, at every place, and in three."""
    middle = len(value) // 2
    return [[value[:at], value[at:]] for at in range(1, len(value))] + [[value[:3], value[3:middle], value[middle:]]]


@pytest.mark.parametrize("place", ALL)
def test_a_value_cut_between_events_is_masked_whole_in_every_place(
    place: str, gateway: GatewayProcess, upstream: RawUpstream
) -> None:
    for value in VALUES:
        masked = MASKER.mask(f"见 {value}。", "output").text
        for pieces in _cuts(value):
            out = _answer(gateway, upstream, [ALL[place](piece) for piece in ("见 ", *pieces, "。")])
            assert masked in heard(out).values(), pieces
            assert value not in "".join(heard(out).values())
    assert gateway.whereabouts(list(VALUES)) == []


@pytest.mark.parametrize("place", sorted(LABELS.keys() - {"data"}))  # of speech, which this route refuses whole
def test_a_number_cut_in_a_label_is_masked_whole(place: str, gateway: GatewayProcess, upstream: RawUpstream) -> None:
    value = VALUES[0]
    for at in range(3, 11):
        made = [{"choices": [{"delta": LABELS[place](one)}]} for one in (value[:at], value[at:])]
        out = _answer(gateway, upstream, made)
        assert MASKER.mask(value, "output").text in heard(out).values()
    assert gateway.whereabouts([value]) == []


@pytest.mark.parametrize("kind", KINDS)
def test_log_probabilities_spell_no_value(kind: str, gateway: GatewayProcess, upstream: RawUpstream) -> None:
    for value in VALUES:
        for pieces in _cuts(value)[::4]:
            made = [{"choices": [{"delta": {"content": "好"}, "logprobs": KINDS[kind]([one])}]} for one in pieces]
            told = [event["choices"][0].get("logprobs") for event in events(_answer(gateway, upstream, made))[:-1]]
            assert told == [None] * len(told)
    assert gateway.whereabouts(list(VALUES)) == []


def test_completions_are_cut_no_better(gateway: GatewayProcess, upstream: RawUpstream) -> None:
    for value in VALUES:
        for pieces in _cuts(value):
            made = [{"text": one, "logprobs": {"tokens": [one]}, "x": one, "finish_reason": None} for one in pieces]
            told = [json.dumps({"id": "c", "choices": [{"index": 0, **one}]}) for one in made]
            upstream.behave = says(stream(*(f"data: {one}\n\n".encode() for one in told), b"data: [DONE]\n\n"))
            asked = {"model": "gnomon-chat", "prompt": "你好", "stream": True}
            answer = HTTP.post(f"{gateway.url}/completions", json=asked, headers=bearer(), timeout=20)
            assert answer.status_code == 200
            gateway.received += answer.content
            choices = [event["choices"][0] for event in events(answer.content)]
            masked = MASKER.mask(value, "output").text
            assert "".join(choice.get("text", "") for choice in choices) == masked
            assert "".join(choice.get("x", "") for choice in choices) == masked
            assert not any(choice.get("logprobs") for choice in choices)
    assert gateway.whereabouts(list(VALUES)) == []
