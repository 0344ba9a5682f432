"""A request's way through: what the caller gets, what the model server got, what the record holds."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from gnomon.gateway.answers import usage_of
from tests.fakes.bundle import Home, make_home, make_key, secret
from tests.fakes.upstream import Script, Upstream, event
from tests.unit.gateway.conftest import HTTP, Gateway, bearer

if TYPE_CHECKING:
    import openai


def client(gateway: Gateway, key: str = "aaaaaaaa") -> "openai.OpenAI":
    import openai  # a tenth of what it takes to collect all tests: only by who needs it

    return openai.OpenAI(base_url=gateway.url, api_key=secret(key), max_retries=0)


def test_the_official_client_gets_a_reply_and_the_record_tells_of_it(gateway: Gateway, upstream: Upstream) -> None:
    with client(gateway) as ai:
        reply = ai.chat.completions.create(
            model="gnomon-chat",
            messages=[{"role": "user", "content": "我的电话是13812345678"}],
            extra_headers={"x-gnomon-tag-run": "r1"},
        )
    assert reply.choices[0].message.content == "好的。"
    path, sent, headers = upstream.requests[0]
    assert path == "/v1/chat/completions"
    assert sent["model"] == "m"
    assert sent["messages"][0]["content"] == "我的电话是[PHONE]"
    record = gateway.records()[0]
    assert headers["x-request-id"] == record["id"]
    assert (record["outcome"], record["status"], record["caller"]) == ("ok", 200, "caller-aaaaaaaa")
    assert (record["tokens_in"], record["tokens_out"]) == (11, 22)
    assert record["entities_in"] == {"PHONE": 1}
    assert record["tags"] == {"run": "r1"}
    assert "13812345678" not in json.dumps(record, ensure_ascii=False)
    assert "127.0.0.1" not in json.dumps(record)


def test_the_official_client_streams(gateway: Gateway, upstream: Upstream) -> None:
    upstream.script = Script(pieces=("请拨打138", "1234", "5678，谢谢"))
    with client(gateway) as ai:
        stream = ai.chat.completions.create(
            model="gnomon-chat", messages=[{"role": "user", "content": "你好"}], stream=True
        )
        chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == "请拨打[PHONE]，谢谢"
    assert chunks[-1].choices[0].finish_reason == "stop"
    record = gateway.records()[0]
    assert record["stream"] is True
    assert json.loads(record["reply"])["choices"][0]["message"]["content"] == "请拨打[PHONE]，谢谢"
    assert record["entities_out"] == {"PHONE": 1}
    assert record["tokens_out"] == 22
    assert record["timings"]["first_token"] <= record["timings"]["total"]


@pytest.mark.parametrize("cut", [1, 2, 3, 7, 50])
def test_a_stream_cut_anywhere_is_masked_the_same(gateway: Gateway, upstream: Upstream, cut: int) -> None:
    upstream.script = Script(pieces=("电", "话13", "912345", "678", "。完"), cut_bytes=cut)
    response = gateway.call(stream=True)
    assert response.status_code == 200
    assert _content(response.text) == "电话[PHONE]。完"


def test_usage_comes_only_to_callers_who_asked_for_it(gateway: Gateway) -> None:
    without = gateway.call(stream=True).text
    assert "usage" not in without
    with_usage = gateway.call(stream=True, stream_options={"include_usage": True}).text
    assert '"total_tokens":33' in with_usage


def test_several_choices_and_tool_calls_are_guarded_each_on_its_own(gateway: Gateway, upstream: Upstream) -> None:
    def call(arguments: str) -> dict[str, Any]:
        return {"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "dial", "arguments": arguments}}]}

    events = [
        event({"content": "号码138"}),
        event({"content": "另一个139"}, index=1),
        event({"content": "12345678。"}),
        event({"content": "00000000"}, index=1),
        event(call('{"n":"137')),
        event(call('00001111"}')),
        event({}, finish="tool_calls"),
        event({}, finish="stop", index=1),
        b"data: [DONE]\n\n",
    ]
    upstream.script = Script(respond=lambda path, body: _raw_stream(events))
    text = gateway.call(stream=True).text
    assert _content(text, 0) == "号码[PHONE]。"
    assert _content(text, 1) == "另一个[PHONE]"
    arguments = "".join(
        tool["function"]["arguments"] for choice in _choices(text) for tool in choice["delta"].get("tool_calls", [])
    )
    assert arguments == '{"n":"[PHONE]"}'
    names = [t["delta"] for t in _choices(text)]
    first_tool = next(i for i, d in enumerate(names) if "tool_calls" in d)
    assert any("[PHONE]" in (d.get("content") or "") for d in names[:first_tool])


def test_a_blocked_reply_ends_the_stream_with_an_error(gateway: Gateway, upstream: Upstream) -> None:
    upstream.script = Script(pieces=("这是绝", "密内容", "后面"))
    text = gateway.call(stream=True).text
    assert "密内容" not in text
    assert "content_blocked" in text
    assert "[DONE]" not in text
    assert gateway.records()[0]["outcome"] == "blocked"


def test_a_blocked_request_never_reaches_the_model_and_is_recorded(gateway: Gateway, upstream: Upstream) -> None:
    response = gateway.call("绝密计划")
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "content_blocked"
    assert upstream.requests == []
    assert gateway.records()[0]["outcome"] == "blocked"


def test_every_string_is_guarded_wherever_it_stands(gateway: Gateway, upstream: Upstream) -> None:
    gateway.call(
        user="13812345678",
        x_unknown={"deep": [{"13912345678": "x 13712345678"}]},
        tools=[{"type": "function", "function": {"name": "f", "parameters": {"default": "13612345678"}}}],
        number=13512345678,
    )
    sent = json.dumps(upstream.requests[0][1])
    for planted in ("138", "139", "137", "136", "135"):
        assert f"{planted}12345678" not in sent


def test_escapes_do_not_hide_anything(gateway: Gateway, upstream: Upstream) -> None:
    raw = '{"model":"gnomon-chat","messages":[{"role":"user","content":"\\u0031\\u0033812345678"}]}'
    HTTP.post(f"{gateway.url}/chat/completions", content=raw, headers=bearer())
    assert upstream.requests[0][1]["messages"][0]["content"] == "[PHONE]"


@pytest.mark.parametrize(
    "raw",
    [
        '{"model":"none","model":"gnomon-chat","messages":[{"role":"user","content":"a"}]}',
        '{"model":"gnomon-chat","messages":[{"role":"user","content":"a","content":"b"}]}',
        '{"model":"gnomon-chat","messages":[{"role":"user","content":"a"}],"x":[{"y":{"z" :1,"\\u007a":2}}]}',
    ],
)
def test_a_field_that_stands_twice_is_refused_however_deep(gateway: Gateway, upstream: Upstream, raw: str) -> None:
    refused = HTTP.post(f"{gateway.url}/chat/completions", content=raw, headers=bearer())
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "repeated_field")
    assert upstream.requests == []


@pytest.mark.parametrize("kind", ["image_url", "input_audio", "file", None, 3])
def test_parts_that_cannot_be_checked_are_refused(gateway: Gateway, upstream: Upstream, kind: object) -> None:
    body = {"model": "gnomon-chat", "messages": [{"role": "user", "content": [{"type": kind, "text": "x"}]}]}
    response = HTTP.post(f"{gateway.url}/chat/completions", json=body, headers=bearer())
    assert response.json()["error"]["code"] == "unsupported_content_part"
    assert upstream.requests == []


def test_pseudonyms_come_back_only_to_callers_with_the_right(
    tmp_path: Any, upstream: Upstream, start: Callable[..., Gateway]
) -> None:
    from gnomon.contract.bundle import MaskPolicy, MaskRule

    mask = MaskPolicy(id="p", version="1", rules=(MaskRule(entity="*", operator="pseudonym"),))
    keys = (make_key("aaaaaaaa", scopes=("chat", "restore")), make_key("bbbbbbbb"))
    home = make_home(tmp_path, upstream_url=upstream.url, mask=mask, keys=keys)
    gateway = start(home)
    upstream.script = Script(reply="回拨<PHONE_5678>。", pieces=("回拨<PHO", "NE_5678>。"))
    restored = gateway.call("我是13812345678")
    assert restored.json()["choices"][0]["message"]["content"] == "回拨13812345678。"
    assert _content(gateway.call("我是13812345678", stream=True).text) == "回拨13812345678。"
    kept = gateway.call("我是13812345678", key="bbbbbbbb")
    assert kept.json()["choices"][0]["message"]["content"] == "回拨<PHONE_5678>。"
    assert "13812345678" not in json.dumps(gateway.records())


def test_completions_and_embeddings_go_the_same_way(gateway: Gateway, upstream: Upstream) -> None:
    vector = {"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}
    upstream.script = Script(respond=lambda path, body: (200, {"object": "list", "data": [vector], "usage": {}}))
    with client(gateway) as ai:
        ai.embeddings.create(model="gnomon-chat", input=["13812345678", "b"])
    assert upstream.requests[0][0] == "/v1/embeddings"
    assert upstream.requests[0][1]["input"] == ["[PHONE]", "b"]
    answer = {"id": "x", "object": "text_completion", "choices": [{"index": 0, "text": "致电13812345678"}]}
    upstream.script = Script(respond=lambda path, body: (200, answer))
    with client(gateway) as ai:
        assert ai.completions.create(model="gnomon-chat", prompt="hi").choices[0].text == "致电[PHONE]"


def test_log_probabilities_pass_unless_they_spell_out_what_was_masked(gateway: Gateway, upstream: Upstream) -> None:
    def answer(text: str) -> dict[str, Any]:
        probabilities = {"content": [{"token": t, "logprob": -0.1, "top_logprobs": []} for t in text]}
        message = {"role": "assistant", "content": text}
        return {"choices": [{"index": 0, "message": message, "logprobs": probabilities, "finish_reason": "stop"}]}

    upstream.script = Script(respond=lambda path, body: (200, answer("正面")))
    assert gateway.call(logprobs=True).json()["choices"][0]["logprobs"]["content"][0]["token"] == "正"
    assert upstream.requests[-1][1]["logprobs"] is True
    upstream.script = Script(respond=lambda path, body: (200, answer("13812345678")))
    assert gateway.call(logprobs=True).json()["choices"][0]["logprobs"] is None


def test_an_evaluator_reaches_a_target_without_traffic_by_name(
    tmp_path: Any, upstream: Upstream, start: Callable[..., Gateway]
) -> None:
    keys = (make_key("aaaaaaaa"), make_key("eeeeeeee", scopes=("chat", "evaluate")))
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, keys=keys))
    refused = gateway.call(model="gnomon-chat@shadow")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "permission_denied")
    assert gateway.call(model="gnomon-chat@shadow", key="eeeeeeee").status_code == 200
    assert upstream.requests[-1][1]["model"] == "m-next"
    assert [r.get("target", "") for r in gateway.records()[:2]] == ["", "shadow"]
    assert gateway.call(model="gnomon-chat@nowhere", key="eeeeeeee").status_code == 404


def test_an_evaluations_text_is_in_no_record(tmp_path: Any, upstream: Upstream, start: Callable[..., Gateway]) -> None:
    keys = (make_key("aaaaaaaa"), make_key("eeeeeeee", scopes=("chat", "evaluate")))
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, keys=keys))
    for key in ("eeeeeeee", "aaaaaaaa"):
        with client(gateway, key) as ai:
            ai.chat.completions.create(
                model="gnomon-chat",
                messages=[{"role": "user", "content": "密封题目"}],
                extra_headers={"x-gnomon-tag-run": "r1"},
            )
    sealed, ordinary = gateway.records()
    assert "request" not in sealed
    assert "reply" not in sealed
    assert "密封题目" in ordinary["request"]


def test_models_lists_what_the_key_may_use(tmp_path: Any, upstream: Upstream, start: Callable[..., Gateway]) -> None:
    from openai import PermissionDeniedError

    keys = (make_key("aaaaaaaa"), make_key("bbbbbbbb", models=("other",)))
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, keys=keys))
    with client(gateway) as ai:
        assert [m.id for m in ai.models.list().data] == ["gnomon-chat"]
    with client(gateway, "bbbbbbbb") as ai:
        assert ai.models.list().data == []
        with pytest.raises(PermissionDeniedError):
            ai.chat.completions.create(model="gnomon-chat", messages=[{"role": "user", "content": "a"}])


def test_one_model_is_told_by_its_name(tmp_path: Any, upstream: Upstream, start: Callable[..., Gateway]) -> None:
    from openai import NotFoundError

    keys = (make_key("aaaaaaaa"), make_key("bbbbbbbb", models=("other",)))
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, keys=keys))
    with client(gateway) as ai:
        assert ai.models.retrieve("gnomon-chat").owned_by == "gnomon"
        with pytest.raises(NotFoundError):
            ai.models.retrieve("nothing")
    with client(gateway, "bbbbbbbb") as ai, pytest.raises(NotFoundError):
        ai.models.retrieve("gnomon-chat")  # what a key may not use is not there


def _raw_stream(events: list[bytes]) -> bytes:
    body = b"".join(events)
    return b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


def _choices(text: str) -> list[dict[str, Any]]:
    payloads = [line[6:] for line in text.splitlines() if line.startswith("data: {")]
    return [choice for payload in payloads for choice in json.loads(payload)["choices"]]


def _content(text: str, index: int = 0) -> str:
    return "".join(c["delta"].get("content") or "" for c in _choices(text) if c["index"] == index)


def test_the_home_needs_no_control_plane(home: Home, gateway: Gateway) -> None:
    ready = HTTP.get(f"http://127.0.0.1:{gateway.port}/readyz")
    assert ready.json()["ready"] is True
    assert ready.json()["policy"] == "1.1"


@pytest.mark.parametrize("claimed", [10**12, 10**30, -1, None, "7", True, 1.5])
def test_a_claim_that_is_no_count_of_tokens_is_recorded_as_none(claimed: object) -> None:
    said = json.dumps({"usage": {"prompt_tokens": claimed, "completion_tokens": 22}}).encode()
    assert usage_of(said) == (0, 22)


def test_an_absurd_count_of_tokens_spoils_neither_the_answer_nor_the_record(
    gateway: Gateway, upstream: Upstream
) -> None:
    upstream.script = Script(usage={"prompt_tokens": 10**12, "completion_tokens": 22, "total_tokens": 10**12})
    assert gateway.call().status_code == 200
    assert gateway.call(stream=True).status_code == 200
    assert [(r.get("tokens_in", 0), r["tokens_out"]) for r in gateway.records()] == [(0, 22), (0, 22)]
