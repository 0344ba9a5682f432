"""An answer whose model server did not say how many tokens it took, or not yet: they are estimated, never nothing."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from gnomon.contract.bundle import Cache, Cascade, Quota, Route, Shadow, Target
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.uncounted import used
from tests.fakes.bundle import MASK, make_home
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


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_nobody_counts_has_used_what_it_says(
    tmp_path: Path, upstream: Upstream, start: Start, stream: bool
) -> None:
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, prices=(10.0, 40.0)))
    upstream.script = Script(reply=PIECE * 9, usage={})
    assert gateway.call("a" * 400, stream=stream).status_code == 200
    (record,) = gateway.records()
    assert record["outcome"] == "ok"
    assert record["tokens_out"] == len(said(record)) // 4 == 27
    assert record["tokens_in"] == -(-len(record["request"]) // 4) > 100
    assert record["cost"] == pytest.approx((record["tokens_in"] * 10 + record["tokens_out"] * 40) / 1e6)
    assert record["timings"].get("per_token") is None


def test_a_stream_that_says_nothing_and_ends_well_was_asked_all_the_same(gateway: Gateway, upstream: Upstream) -> None:
    upstream.script = Script(pieces=("",), usage={})
    gateway.call("a" * 400, stream=True)
    (record,) = gateway.records()
    assert record["tokens_in"] > 100
    assert "tokens_out" not in record


def test_an_answer_to_nobodys_question_to_a_model_takes_no_tokens(gateway: Gateway) -> None:
    HTTP.get(f"{gateway.url}/models", headers=bearer())
    assert "tokens_in" not in gateway.records()[0]


NESTED = '{"choices":[{"message":{"content":' + "[" * 900 + '"' + PIECE * 100 + '"' + "]" * 900 + "}}]}"
TOLD = json.dumps({"role": "assistant", "content": PIECE, "tool_calls": [{"function": {"arguments": PIECE}}]})


@pytest.mark.parametrize(
    ("reply", "tokens"),
    [
        ('{"choices":[{"index":0,"message":' + TOLD + "}," + '{"message":{"content":"abcd"}}]}', 7),
        ('{"choices":[{"text":"' + PIECE + '","finish_reason":"stop"}]}', 3),
        ('{"data":[{"embedding":"[1536 numbers]"}]}', 0),
        ('{"choices":null}', 0),
        ('{"choices":[null,1,{"message":null},{"text":1}]}', 0),
        ("[]", 0),
        ("", 0),
    ],
)
def test_what_a_reply_says_is_counted_wherever_it_says_it(reply: str, tokens: int) -> None:
    ex = Exchange("req", peer="", address="")
    ex.outcome, ex.first_token_ms, ex.request, ex.reply = "ok", 1.0, b"x" * 41, reply.encode()
    assert used(ex) == (11, tokens)


def test_a_reply_nested_as_deep_as_json_may_be_is_counted_too() -> None:
    ex = Exchange("req", peer="", address="")
    ex.outcome, ex.first_token_ms, ex.reply = "ok", 1.0, NESTED.encode()
    assert 300 <= used(ex)[1] <= len(NESTED)


def test_an_answer_from_memory_tells_what_it_would_have_taken(tmp_path: Path, upstream: Upstream, start: Start) -> None:
    target = Target(id="t", upstream="up", model="m", weight=1.0, price_in=10.0, price_out=40.0)
    route = Route(model="gnomon-chat", targets=(target,), mask_policy=MASK.id, cache=Cache(ttl_s=60))
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, routes=(route,)))
    upstream.script = Script(reply=PIECE * 9, usage={})
    assert [gateway.call().status_code for _ in range(2)] == [200, 200]
    asked, known = gateway.records()
    assert (asked["cache"], known["cache"]) == ("miss", "hit")
    assert (known["tokens_in"], known["tokens_out"]) == (asked["tokens_in"], asked["tokens_out"])
    assert known["saved"] == asked["cost"] > 0
    assert known["cost"] == 0


def test_a_stream_from_memory_tells_the_estimate_to_who_asks_for_usage(
    tmp_path: Path, upstream: Upstream, start: Start
) -> None:
    target = Target(id="t", upstream="up", model="m", weight=1.0)
    route = Route(model="gnomon-chat", targets=(target,), mask_policy=MASK.id, cache=Cache(ttl_s=60))
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, routes=(route,)))
    upstream.script = Script(reply=PIECE * 9, usage={})
    gateway.call(stream=True)
    known = gateway.call(stream=True, stream_options={"include_usage": True})
    usage = json.loads(known.text.split("data: ")[-2])["usage"]
    asked = gateway.records()[0]
    assert known.headers["x-gnomon-cache"] == "hit"
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (asked["tokens_in"], asked["tokens_out"])
    assert usage["total_tokens"] == asked["tokens_in"] + 27


@pytest.mark.parametrize("role", ["shadow", "draft"])
def test_calls_of_ours_that_nobody_counts_have_used_what_they_say(
    tmp_path: Path, upstream: Upstream, start: Start, role: str
) -> None:
    large, small = (
        Target(id=name, upstream="up", model=name, weight=w) for name, w in (("large", 1.0), ("small", 0.0))
    )
    small = msgspec.structs.replace(small, price_in=10.0, price_out=40.0)
    rules: dict[str, Any] = {"shadow": Shadow(target="small", share=1.0)}
    if role == "draft":
        rules = {"cascade": Cascade(small="small", min_mean_logprob=-1.0)}  # told none, it is not sure
    route = Route(model="gnomon-chat", targets=(large, small), mask_policy=MASK.id, **rules)
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, routes=(route,)))
    upstream.script = Script(reply=PIECE * 9, usage={})
    assert gateway.call("a" * 400).status_code == 200
    until("both are recorded", lambda: len(gateway.records()) == 2)
    (record,) = (one for one in gateway.records() if one.get("role") == role)
    assert record["tokens_out"] == 27
    assert record["tokens_in"] > 100
    assert record["cost"] == pytest.approx((record["tokens_in"] * 10 + record["tokens_out"] * 40) / 1e6)


def test_a_budget_pays_for_an_answer_that_nobody_counts(tmp_path: Path, upstream: Upstream, start: Start) -> None:
    quota = Quota(kind="key", value="aaaaaaaa", tokens_per_day=3000)
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, quotas=(quota,)))
    upstream.script = Script(reply=PIECE * 1000, usage={})
    assert gateway.call(max_tokens=1).status_code == 200
    assert gateway.call(max_tokens=1).json()["error"]["code"] == "insufficient_quota"


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
