"""Answers remembered, answers of small models, shadows, experiments: what the caller gets, what the record says."""

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.contract.bundle import Arm, Cache, Cascade, Experiment, MaskPolicy, MaskRule, Route, Shadow, Target
from gnomon.gateway.cache import Remembered, _Shelf
from gnomon.gateway.cascade import is_sure
from gnomon.gateway.replay import as_events
from tests.fakes.bundle import MASK, Home, make_home, make_key, secret
from tests.fakes.upstream import Script, Upstream
from tests.unit.gateway.conftest import HTTP, Gateway, bearer

Start = Callable[..., Gateway]
TARGETS = (
    Target(id="large", upstream="up", model="large", weight=1.0, price_in=10.0, price_out=20.0),
    Target(id="small", upstream="up", model="small", price_in=1.0, price_out=2.0),
)


def route(**rules: Any) -> Route:
    return msgspec.structs.replace(Route(model="gnomon-chat", targets=TARGETS, mask_policy=MASK.id), **rules)


def answer(text: str, *, logprob: float = -0.01, second: float = -5.0, finish: str = "stop") -> dict[str, Any]:
    top = [{"token": "a", "logprob": logprob}, {"token": "b", "logprob": second}]
    rows = [{"token": t, "logprob": logprob, "top_logprobs": top} for t in text]
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "logprobs": {"content": rows}, "finish_reason": finish}
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    return {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]


def content(response: httpx.Response) -> str:
    """What an answer says, whole or as a stream."""
    if response.headers["content-type"].startswith("application/json"):
        return str(response.json()["choices"][0]["message"]["content"])
    return "".join(c["delta"].get("content") or "" for row in events(response.text) for c in row["choices"])


# -- cache ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def cached(tmp_path: Path, upstream: Upstream) -> Home:
    keys = (
        make_key("aaaaaaaa"),
        make_key("bbbbbbbb"),
        make_key("cccccccc", team="risk"),
        make_key("eeeeeeee", scopes=("evaluate", "chat")),
    )
    return make_home(tmp_path, upstream_url=upstream.url, routes=(route(cache=Cache(ttl_s=60)),), keys=keys)


def test_the_same_question_of_a_team_is_answered_once(cached: Home, upstream: Upstream, start: Start) -> None:
    gateway = start(cached)
    first, again = gateway.call("问"), gateway.call("问", key="bbbbbbbb")
    assert first.json() == again.json()
    assert "x-gnomon-cache" not in first.headers
    assert again.headers["x-gnomon-cache"] == "hit"
    gateway.call("另问")
    gateway.call("问", temperature=0.5)
    assert len(upstream.requests) == 3
    assert [r["cache"] for r in gateway.records()] == ["miss", "hit", "miss", "miss"]
    hit = gateway.records()[1]
    assert (hit["target"], hit.get("cost", 0.0), hit["tokens_out"]) == ("large", 0.0, 22)
    assert hit["saved"] == pytest.approx(gateway.records()[0]["cost"]) == pytest.approx((110 + 440) / 1e6)


def test_another_team_is_never_given_what_this_one_asked(cached: Home, upstream: Upstream, start: Start) -> None:
    gateway = start(cached)
    for key in ("aaaaaaaa", "cccccccc"):
        assert "x-gnomon-cache" not in gateway.call("问", key=key).headers
    assert len(upstream.requests) == 2


def test_who_wants_a_fresh_answer_gets_one_and_so_does_an_evaluator(
    cached: Home, upstream: Upstream, start: Start
) -> None:
    gateway = start(cached)
    gateway.call("问")
    body = {"model": "gnomon-chat", "messages": [{"role": "user", "content": "问"}]}
    HTTP.post(f"{gateway.url}/chat/completions", json=body, headers=bearer() | {"x-gnomon-cache": "no-store"})
    gateway.call("问", key="eeeeeeee", model="gnomon-chat@large")
    assert len(upstream.requests) == 3


def test_a_new_policy_forgets_all_answers(cached: Home, upstream: Upstream, start: Start) -> None:
    gateway = start(cached)
    gateway.call("问")
    swaps = gateway.worker.services.loader.swaps
    cached.publish(policy=cached.policy)
    _until(lambda: gateway.worker.services.loader.swaps > swaps)
    assert "x-gnomon-cache" not in gateway.call("问").headers
    assert len(upstream.requests) == 2


def test_a_remembered_answer_streams_and_a_stream_is_remembered(cached: Home, upstream: Upstream, start: Start) -> None:
    import openai

    gateway = start(cached)
    upstream.script = Script(pieces=("请拨打138", "12345678", "，谢谢"))
    live = gateway.call("问", stream=True)
    replayed = gateway.call("问", stream=True, stream_options={"include_usage": True})
    whole = gateway.call("问")
    assert len(upstream.requests) == 1
    assert content(live) == content(replayed) == content(whole) == "请拨打[PHONE]，谢谢"
    assert whole.json()["choices"][0]["finish_reason"] == "stop"
    assert '"total_tokens":33' in replayed.text
    assert replayed.text.endswith("data: [DONE]\n\n")
    assert "usage" not in live.text
    with openai.OpenAI(base_url=gateway.url, api_key=secret("aaaaaaaa"), max_retries=0) as ai:
        stream = ai.chat.completions.create(
            model="gnomon-chat", messages=[{"role": "user", "content": "问"}], stream=True
        )
        assert "".join(c.choices[0].delta.content or "" for c in stream) == "请拨打[PHONE]，谢谢"


def test_what_is_remembered_is_masked_and_each_caller_is_given_back_their_own(
    tmp_path: Path, upstream: Upstream, start: Start
) -> None:
    mask = MaskPolicy(id="default", version="1", rules=(MaskRule(entity="*", operator="pseudonym"),))
    keys = (make_key("aaaaaaaa", scopes=("chat", "restore")), make_key("bbbbbbbb"))
    home = make_home(tmp_path, upstream_url=upstream.url, routes=(route(cache=Cache(ttl_s=60)),), keys=keys, mask=mask)
    gateway = start(home)
    upstream.script = Script(reply="回拨<PHONE_5678>。")
    asked = "我是13812345678"
    assert content(gateway.call(asked)) == "回拨13812345678。"
    kept = gateway.call(asked, key="bbbbbbbb")
    assert (kept.headers["x-gnomon-cache"], content(kept)) == ("hit", "回拨<PHONE_5678>。")
    other = "我是13912345678"  # another person: the same words to a model would be another placeholder
    assert "13812345678" not in gateway.call(other).text


@pytest.mark.parametrize("status", [400, 500])
def test_an_error_is_not_remembered(cached: Home, upstream: Upstream, start: Start, status: int) -> None:
    gateway = start(cached)
    upstream.script = Script(respond=lambda path, body: (status, {"error": {"message": "x"}}))
    gateway.call("问")
    upstream.script = Script(reply="好")
    assert content(gateway.call("问")) == "好"


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 3000)), max_size=60))
@settings(max_examples=40, deadline=None)
def test_a_shelf_keeps_within_its_bytes_and_forgets_in_time(puts: list[tuple[int, int]]) -> None:
    shelf = _Shelf()
    for name, size in puts:
        shelf.keep(b"%d" % name, Remembered(b"x" * size, "t", 0, 0, until=10.0), max_bytes=16_000)
        assert shelf.size == sum(len(e.data) + 512 for e in shelf._entries.values()) <= 16_000
    assert all(shelf.find(b"%d" % name, now=10.0) is None for name, _ in puts)


# -- dynamic model size -----------------------------------------------------------------------------------------------


def cascading(tmp_path: Path, upstream: Upstream, **rule: Any) -> Home:
    given: dict[str, Any] = {"small": "small", "min_mean_logprob": -0.5} | rule
    return make_home(tmp_path, upstream_url=upstream.url, routes=(route(cascade=Cascade(**given)),))


def small_says(reply: Any, *, streams: bool = False) -> Script:
    """The large model says 大模型, as a stream where it `streams`."""

    def respond(path: str, body: dict[str, Any]) -> Any:
        if body["model"] != "small":
            return None if streams else (200, answer("大模型"))
        return reply if isinstance(reply, tuple) else (200, reply)

    return Script(pieces=("大", "模型"), respond=respond)


def test_a_small_model_whose_answer_nobody_can_read_is_followed_by_the_large_one(
    tmp_path: Path, upstream: Upstream, start: Start
) -> None:
    gateway = start(cascading(tmp_path, upstream))
    packed = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\n\x1f\x8b\x08"
    upstream.script = Script(respond=lambda path, body: packed if body["model"] == "small" else (200, answer("大模型")))
    assert content(gateway.call()) == "大模型"
    assert [(row["outcome"], row.get("role", "")) for row in gateway.records()] == [
        ("upstream_error", "draft"),
        ("ok", ""),
    ]


@pytest.mark.parametrize("stream", [False, True])
def test_a_small_model_that_is_sure_answers_and_the_saving_is_recorded(
    tmp_path: Path, upstream: Upstream, start: Start, stream: bool
) -> None:
    gateway = start(cascading(tmp_path, upstream))
    upstream.script = small_says(answer("小模型13812345678"))
    response = gateway.call(stream=stream)
    assert content(response) == "小模型[PHONE]"
    assert "logprob" not in response.text.replace('"logprobs":null', "")
    assert [body["model"] for _, body, _ in upstream.requests] == ["small"]
    assert upstream.requests[0][1]["logprobs"] is True
    (record,) = gateway.records()
    assert (record["target"], record.get("escalated", False)) == ("small", False)
    assert record["cost"] == pytest.approx((1000 * 1 + 100 * 2) / 1e6)
    assert record["saved"] == pytest.approx((1000 * 9 + 100 * 18) / 1e6)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "reply",
    [
        answer("猜的", logprob=-2.0),
        answer("没说完", finish="length"),
        {**answer("没有概率"), "choices": [{"index": 0, "message": {"content": "x"}, "finish_reason": "stop"}]},
        (500, {"error": {"message": "x"}}),
        (400, {"error": {"message": "no logprobs here"}}),
        b"not json",
    ],
)
def test_where_it_is_not_sure_the_large_one_answers_and_both_calls_are_recorded(
    tmp_path: Path, upstream: Upstream, start: Start, reply: Any, stream: bool
) -> None:
    gateway = start(cascading(tmp_path, upstream))
    upstream.script = small_says(reply, streams=stream)
    assert content(gateway.call(stream=stream)) == "大模型"
    draft, main = gateway.records()
    assert (draft["role"], draft["id"], draft["target"]) == ("draft", f"{main['id']}_draft", "small")
    assert "request" not in draft
    assert "reply" not in draft
    assert (main["target"], main["escalated"], main["outcome"], main["attempts"]) == ("large", True, "ok", 2)
    assert draft.get("saved", 0.0) == pytest.approx(-draft.get("cost", 0.0))
    assert gateway.worker.services.metrics.outcomes == {"ok": 1}


def test_a_caller_who_asked_for_log_probabilities_keeps_them(tmp_path: Path, upstream: Upstream, start: Start) -> None:
    gateway = start(cascading(tmp_path, upstream))
    upstream.script = small_says(answer("小"))
    told = gateway.call(logprobs=True).json()["choices"][0]["logprobs"]["content"]
    assert told[0]["logprob"] == -0.01


def test_a_caller_who_leaves_during_the_draft_stops_it_and_holds_nothing(
    tmp_path: Path, upstream: Upstream, start: Start
) -> None:
    home = cascading(tmp_path, upstream)
    home.publish(roster=msgspec.structs.replace(home.roster, keys=(make_key(concurrency=1),)))
    gateway = start(home)
    upstream.script = Script(first_token_s=5)
    body = {"model": "gnomon-chat", "messages": [{"role": "user", "content": "a"}]}
    with pytest.raises(httpx.ReadTimeout):
        HTTP.post(f"{gateway.url}/chat/completions", json=body, headers=bearer(), timeout=0.15)
    _until(lambda: upstream.aborted == 1)
    _until(lambda: len(gateway.records()) == 2)
    assert [(r.get("role", ""), r["outcome"]) for r in gateway.records()] == [
        ("draft", "client_gone"),
        ("", "client_gone"),
    ]
    upstream.script = small_says(answer("好"))
    assert gateway.call().status_code == 200  # its one slot is free again


def test_a_label_is_sure_when_it_leads_the_second_by_the_margin() -> None:
    rule = Cascade(small="s", min_margin=0.5)
    assert is_sure(answer("正", logprob=math.log(0.8), second=math.log(0.1)), rule, "chat")
    assert not is_sure(answer("正", logprob=math.log(0.5), second=math.log(0.4)), rule, "chat")
    text = {"choices": [{"logprobs": {"token_logprobs": [-0.2], "top_logprobs": [{"a": -0.2, "b": -3.0}]}}]}
    assert is_sure(text, rule, "completions")
    assert not is_sure({"choices": [{"logprobs": None}]}, rule, "completions")
    assert not is_sure({"choices": []}, rule, "chat")


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda v: (
            st.lists(v)
            | st.dictionaries(
                st.sampled_from(["choices", "logprobs", "content", "top_logprobs", "token_logprobs", "logprob"]), v
            )
        ),
        max_leaves=12,
    )
)
@settings(max_examples=60, deadline=None)
def test_no_answer_of_a_small_model_breaks_the_rule(value: Any) -> None:
    rule = Cascade(small="s", min_mean_logprob=-1.0, min_margin=0.1)
    for endpoint in ("chat", "completions"):
        wrapped = {"choices": [{"logprobs": value}]}
        assert is_sure(wrapped, rule, endpoint) in (True, False)
        if isinstance(value, dict):
            is_sure(value, rule, endpoint)


def test_a_whole_answer_told_as_a_stream_keeps_its_tool_calls_and_choices() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    choices = [
        {
            "index": 0,
            "message": {"role": "assistant", "content": None, "tool_calls": [call]},
            "finish_reason": "tool_calls",
        },
        {"index": 1, "message": {"role": "assistant", "content": "好"}, "finish_reason": "stop"},
    ]
    text = as_events({"id": "x", "object": "chat.completion", "model": "m", "choices": choices}, wants_usage=False)
    rows = events(text.decode())
    assert {row["object"] for row in rows} == {"chat.completion.chunk"}
    assert rows[0]["choices"][0]["delta"]["tool_calls"] == [{"index": 0, **call}]
    assert [row["choices"][0]["finish_reason"] for row in rows] == [None, "tool_calls", None, "stop"]


# -- shadow -----------------------------------------------------------------------------------------------------------


def shadowed(tmp_path: Path, upstream: Upstream, **rule: Any) -> Home:
    given: dict[str, Any] = {"target": "small", "share": 1.0} | rule
    return make_home(tmp_path, upstream_url=upstream.url, routes=(route(shadow=Shadow(**given)),))


@pytest.mark.parametrize("stream", [False, True])
def test_a_shadow_is_asked_the_same_masked_question_and_only_the_record_tells(
    tmp_path: Path, upstream: Upstream, start: Start, stream: bool
) -> None:
    gateway = start(shadowed(tmp_path, upstream))
    assert "好的" in gateway.call("电话13812345678", stream=stream).text
    _until(lambda: len(gateway.records()) == 2)
    main, copy = gateway.records()
    assert (main["target"], copy["target"], copy["role"], copy["id"]) == (
        "large", "small", "shadow", f"{main['id']}_shadow",
    )  # fmt: skip
    assert (copy["outcome"], copy["tokens_out"]) == ("ok", 22)
    assert "reply" not in copy
    sent = upstream.requests[1][1]
    assert (sent["model"], sent["messages"][0]["content"]) == ("small", "电话[PHONE]")
    assert not sent.get("stream")


def test_a_shadow_that_fails_or_hangs_neither_delays_nor_fails_anybody_and_is_bounded(
    tmp_path: Path, upstream: Upstream, start: Start
) -> None:
    gateway = start(shadowed(tmp_path, upstream, max_in_flight=2))

    def respond(path: str, body: dict[str, Any]) -> Any:
        return b"" if body["model"] == "small" else None  # the shadow never answers

    upstream.script = Script(respond=respond)
    begun = time.monotonic()
    assert [gateway.call().status_code for _ in range(5)] == [200] * 5
    assert time.monotonic() - begun < 2.0
    assert len(gateway.worker.services.shadows) == 2
    assert [r.get("role", "") for r in gateway.records()] == [""] * 5


def test_what_was_refused_has_no_shadow(tmp_path: Path, upstream: Upstream, start: Start) -> None:
    gateway = start(shadowed(tmp_path, upstream))
    upstream.script = Script(respond=lambda path, body: (400, {"error": {"message": "x"}}))
    gateway.call()
    assert len(gateway.worker.services.shadows) == 0
    assert len(upstream.requests) == 1


# -- experiments ------------------------------------------------------------------------------------------------------


def test_an_experiment_assigns_each_user_one_arm_and_records_it(
    tmp_path: Path, upstream: Upstream, start: Start
) -> None:
    test = Experiment(id="e1", unit="user", arms=(Arm(target="large", share=0.4), Arm(target="small", share=0.4)))
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, routes=(route(experiment=test),)))
    seen: dict[str, set[str]] = {}
    for n in range(40):
        gateway.call(user=f"u{n % 20}")
    for (_, body, _), record in zip(upstream.requests, gateway.records(), strict=True):
        arm = record.get("arm", "")
        seen.setdefault(body["user"], set()).add(arm)
        assert body["model"] == (arm.removeprefix("e1:") or "large")
    assert all(len(arms) == 1 for arms in seen.values())
    assert {arm for arms in seen.values() for arm in arms} == {"e1:large", "e1:small", ""}


def _until(condition: Callable[[], bool], within_s: float = 3.0) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
