"""A stream that ended before its model server said how many tokens it took: they are estimated, never nothing."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from gnomon.contract.bundle import Quota
from tests.fakes.bundle import make_home
from tests.fakes.gateway import until
from tests.fakes.upstream import Script, Upstream, event
from tests.unit.gateway.conftest import HTTP, Gateway, bearer

Start = Callable[..., Gateway]
PIECE = "twelve bytes"  # three tokens of four bytes
LONG = Script(pieces=(PIECE,) * 1000, between_s=0.01)


def leave_after(gateway: Gateway, pieces: int, **body: Any) -> dict[str, Any]:
    """The record of a stream whose caller has left after he had so many pieces of its text."""
    asked = {"model": "gnomon-chat", "stream": True, "messages": [{"role": "user", "content": "a" * 400}], **body}
    before = len(gateway.records())
    with HTTP.stream("POST", f"{gateway.url}/chat/completions", json=asked, headers=bearer()) as response:
        got = ""
        for text in response.iter_text():
            got += text
            if got.count(PIECE) >= pieces:
                break
    until("it is recorded", lambda: len(gateway.records()) > before)
    return gateway.records()[-1]


def said(record: dict[str, Any]) -> str:
    return str(json.loads(record["reply"])["choices"][0]["message"]["content"])


def test_who_leaves_a_stream_has_used_what_he_was_told_of_it(tmp_path: Path, upstream: Upstream, start: Start) -> None:
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, prices=(10.0, 40.0)))
    upstream.script = LONG
    record = leave_after(gateway, 5)
    assert record["outcome"] == "client_gone"
    assert record["tokens_out"] == len(said(record)) // 4 >= 15
    assert record["tokens_in"] == -(-len(record["request"]) // 4) > 100
    assert record["cost"] == pytest.approx((record["tokens_in"] * 10 + record["tokens_out"] * 40) / 1e6)
    assert record["timings"]["per_token"] is None  # a time between tokens that nobody counted is no measurement


GARBLED = event({"content": PIECE}) + b"data: nonsense\n\n"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n"


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        (Script(pieces=(PIECE,) * 9, stop_after=5), "upstream_error"),
        (Script(respond=lambda path, body: HEAD % len(GARBLED) + GARBLED), "upstream_error"),
        (Script(pieces=(PIECE,) * 9, between_s=0.1), "timeout"),
    ],
)
def test_a_stream_that_ends_in_an_error_after_text_went_out_has_used_that(
    gateway: Gateway, upstream: Upstream, script: Script, outcome: str
) -> None:
    upstream.script = script
    body = {"model": "gnomon-chat", "stream": True, "messages": [{"role": "user", "content": "a"}]}
    given = bearer() | {"x-gnomon-timeout-ms": "500"}
    assert '"error"' in HTTP.post(f"{gateway.url}/chat/completions", json=body, headers=given).text
    (record,) = gateway.records()
    assert record["outcome"] == outcome
    assert record["tokens_out"] == len(said(record)) // 4 >= 3
    assert record["tokens_in"] == -(-len(record["request"]) // 4)


def test_a_call_of_a_tool_counts_by_what_it_says(gateway: Gateway, upstream: Upstream) -> None:
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"of": "' + PIECE}}
    events = event({"role": "assistant", "tool_calls": [call]})
    upstream.script = Script(respond=lambda path, body: HEAD % len(events) + events)
    gateway.call(stream=True)
    (record,) = gateway.records()
    assert record["tokens_out"] >= len('{"of": "' + PIECE) // 4


@pytest.mark.parametrize("stream", [False, True])
def test_who_leaves_before_a_word_was_said_has_used_nothing(gateway: Gateway, upstream: Upstream, stream: bool) -> None:
    upstream.script = Script(pieces=(PIECE,), first_token_s=3)
    body = {"model": "gnomon-chat", "stream": stream, "messages": [{"role": "user", "content": "a"}]}
    with pytest.raises(httpx.ReadTimeout):
        HTTP.post(f"{gateway.url}/chat/completions", json=body, headers=bearer(), timeout=0.15)
    until("it is recorded", lambda: len(gateway.records()) == 1)
    assert "tokens_in" not in gateway.records()[0]
    assert "tokens_out" not in gateway.records()[0]


def test_what_a_model_server_counts_as_it_goes_is_believed(gateway: Gateway, upstream: Upstream) -> None:
    first = json.loads(event({"content": PIECE})[6:]) | {"usage": {"prompt_tokens": 7, "completion_tokens": 2}}
    events = b"data: %b\n\n" % json.dumps(first).encode()
    upstream.script = Script(respond=lambda path, body: HEAD % len(events) + events)
    gateway.call(stream=True)
    (record,) = gateway.records()
    assert (record["outcome"], record["tokens_in"], record["tokens_out"]) == ("upstream_error", 7, 2)


def test_a_budget_keeps_what_was_reserved_for_a_stream_that_was_left(
    tmp_path: Path, upstream: Upstream, start: Start
) -> None:
    quota = Quota(kind="key", value="aaaaaaaa", tokens_per_day=1500)
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, quotas=(quota,)))
    upstream.script = LONG
    assert leave_after(gateway, 5, max_tokens=1000)["tokens_out"] < 200
    assert gateway.call(max_tokens=500).json()["error"]["code"] == "insufficient_quota"


def test_leaving_before_the_count_does_not_spare_a_budget_the_text(
    tmp_path: Path, upstream: Upstream, start: Start
) -> None:
    quota = Quota(kind="key", value="aaaaaaaa", tokens_per_minute=1000)
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, quotas=(quota,)))
    upstream.script = Script(pieces=(PIECE * 50,) * 200, between_s=0.01)
    record = leave_after(gateway, 1000)
    assert record["tokens_out"] >= 3000
    time.sleep(0.05)
    refused = gateway.call(max_tokens=1)
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert int(refused.headers["retry-after"]) > 60  # more was used than a minute holds: it is owed
