"""What OpenAI's clients send and expect: models, errors, parts, tokens, choices, feedback."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from gnomon.contract.bundle import Route, Target
from tests.fakes.bundle import MASK, make_home
from tests.fakes.upstream import Script, Upstream
from tests.unit.gateway.conftest import HTTP, Gateway, bearer
from tests.unit.gateway.test_chat import client

Start = Callable[..., Gateway]
PICTURE = "data:image/png;base64,13812345678AAAA"
ASKED_ID = "req_" + "0a" * 13 + "0"


def post(gateway: Gateway, path: str, body: Any, key: str = "aaaaaaaa") -> httpx.Response:
    return HTTP.post(f"{gateway.url}/{path}", json=body, headers=bearer(key))


def route(**changes: Any) -> Route:
    target = Target(id="main", upstream="up", model="m", weight=1.0)
    return msgspec.structs.replace(Route(model="gnomon-chat", targets=(target,), mask_policy=MASK.id), **changes)


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("chat/completions", {"messages": []}, "model"),
        ("chat/completions", {"model": "gnomon-chat"}, "messages"),
        ("chat/completions", {"model": "gnomon-chat", "messages": ["a"]}, "messages.0"),
        ("chat/completions", {"model": "gnomon-chat", "messages": [{"content": 7}]}, "messages.0.content"),
        ("chat/completions", {"model": "gnomon-chat", "messages": [{}], "stream": 1}, "stream"),
        ("completions", {"model": "gnomon-chat", "prompt": {"a": 1}}, "prompt"),
        ("embeddings", {"model": "gnomon-chat", "input": []}, "input"),
        ("embeddings", {"model": "gnomon-chat", "input": ["a", 1]}, "input"),
        ("embeddings", {"model": "gnomon-chat", "input": [1, 2]}, "input"),
        ("completions", {"model": "gnomon-chat", "prompt": [[1, 2], [3]]}, "prompt"),
        ("chat/completions", {"model": "nothing", "messages": [{"role": "user", "content": "a"}]}, "model"),
    ],
)
def test_an_error_names_the_field_that_is_wrong(
    gateway: Gateway, upstream: Upstream, path: str, body: Any, param: str
) -> None:
    response = post(gateway, path, body)
    error = response.json()["error"]
    assert response.status_code in (400, 404)
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert error["code"]
    assert upstream.requests == []
    assert gateway.records()[0]["outcome"] == "bad_request"


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"error": {"message": "bad 13812345678", "type": "x", "param": None, "code": "c"}}, "bad [PHONE]"),
        ({"error": "bad 13812345678"}, "bad [PHONE]"),
        ({"object": "error", "message": "bad 13812345678", "type": "BadRequestError", "code": 400}, "bad [PHONE]"),
        ({"detail": "bad 13812345678"}, "bad [PHONE]"),
        ({"detail": [{"loc": ["body"], "msg": "13812345678"}]}, '[{"loc":["body"],"msg":"[PHONE]"}]'),
        (["bad"], '["bad"]'),
    ],
)
def test_whatever_a_model_server_says_of_a_bad_request_is_an_error_object(
    gateway: Gateway, upstream: Upstream, told: Any, message: str
) -> None:
    upstream.script = Script(respond=lambda path, body: (422, told))
    error = post(gateway, "chat/completions", {"model": "gnomon-chat", "messages": [{}]}).json()["error"]
    assert error["message"] == message
    assert {"type", "param", "code"} <= set(error)
    assert gateway.records()[0]["outcome"] == "upstream_refused"


def test_parts_that_no_guard_can_read_are_refused_by_kind(gateway: Gateway, upstream: Upstream) -> None:
    for part in (
        {"type": "image_url", "image_url": {"url": PICTURE}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"type": "file", "file": {"file_data": "AAAA"}},
        {"type": "telepathy"},
        "text",
    ):
        response = gateway.call([{"type": "text", "text": "看"}, part])  # type: ignore[arg-type]
        error = response.json()["error"]
        assert (response.status_code, error["code"]) == (400, "unsupported_content_part")
        assert error["param"] == "messages.0.content.1"
    assert upstream.requests == []


def test_parts_that_the_route_lets_pass_arrive_whole_and_are_recorded_as_unscanned(
    tmp_path: Path, upstream: Upstream, start: Start
) -> None:
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, routes=(route(unscanned=("image", "file")),)))
    parts = [
        {"type": "text", "text": "这是13812345678的照片"},
        {"type": "image_url", "image_url": {"url": PICTURE, "detail": "high"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/13812345678.png"}},
        {"type": "file", "file": {"file_data": "AAAA13812345678", "filename": "13812345678.pdf"}},
    ]
    assert gateway.call(parts).status_code == 200  # type: ignore[arg-type]
    sent = upstream.requests[0][1]["messages"][0]["content"]
    assert sent[0]["text"] == "这是[PHONE]的照片"
    assert sent[1]["image_url"] == {"url": PICTURE, "detail": "high"}
    assert sent[2]["image_url"]["url"] == "https://example.com/[PHONE].png"
    assert sent[3]["file"] == {"file_data": "AAAA13812345678", "filename": "[PHONE].pdf"}
    record = gateway.records()[0]
    assert record["unscanned"] == {"image": 2, "file": 1}
    assert "13812345678" not in json.dumps(record, ensure_ascii=False)
    assert "unscanned image" in record["request"]
    refused = gateway.call([{"type": "input_audio", "input_audio": {"data": "AAAA"}}])  # type: ignore[arg-type]
    assert refused.status_code == 400


def test_token_numbers_pass_only_where_the_route_says_so(tmp_path: Path, upstream: Upstream, start: Start) -> None:
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, routes=(route(unscanned=("tokens",)),)))
    answer = {"object": "list", "data": [], "usage": {"prompt_tokens": 3, "total_tokens": 3}}
    upstream.script = Script(respond=lambda path, body: (200, answer))
    assert post(gateway, "embeddings", {"model": "gnomon-chat", "input": [[1, 2], [3]]}).status_code == 200
    assert upstream.requests[0][1]["input"] == [[1, 2], [3]]
    record = gateway.records()[0]
    assert record["unscanned"] == {"tokens": 1}
    assert "[[1,2]" not in record["request"]  # a tokenizer would read them


def test_several_choices_with_tools_come_whole_and_guarded(gateway: Gateway, upstream: Upstream) -> None:
    def choice(index: int, number: str) -> dict[str, Any]:
        call = {"id": f"c{index}", "type": "function", "function": {"name": "dial", "arguments": f'{{"n":"{number}"}}'}}
        return {
            "index": index,
            "message": {"role": "assistant", "content": None, "tool_calls": [call]},
            "finish_reason": "tool_calls",
        }

    body = {"id": "x", "object": "chat.completion", "created": 1, "model": "m"}
    body |= {"choices": [choice(0, "13812345678"), choice(1, "110")]}
    upstream.script = Script(respond=lambda path, asked: (200, body))
    tool: Any = {"type": "function", "function": {"name": "dial", "parameters": {"type": "object"}}}
    with client(gateway) as ai:
        reply = ai.chat.completions.create(
            model="gnomon-chat", n=2, tools=[tool], messages=[{"role": "user", "content": "拨打"}]
        )
    assert upstream.requests[0][1]["n"] == 2
    calls = [c.message.tool_calls[0].function.arguments for c in reply.choices if c.message.tool_calls]  # type: ignore[union-attr]
    assert calls == ['{"n":"[PHONE]"}', '{"n":"110"}']


def test_feedback_is_masked_and_goes_to_the_spool(gateway: Gateway) -> None:
    asked = gateway.call().headers["x-request-id"]
    said = {"request_id": asked, "rating": "down", "comment": "打13812345678没人接"}
    response = post(gateway, "feedback", said)
    assert (response.status_code, response.json()["request_id"], response.json()["rating"]) == (200, asked, 1)
    (line,) = gateway.lines("feedback")
    assert (line["request"], line["caller"], line["rating"]) == (asked, "caller-aaaaaaaa", 1)
    assert line["comment"] == "打[PHONE]没人接"
    record = gateway.records()[-1]
    assert (record["endpoint"], record["outcome"], record["entities_in"]) == ("feedback", "ok", {"PHONE": 1})
    assert "13812345678" not in json.dumps(gateway.records())


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"rating": 5}, "request_id"),
        ({"request_id": "req_13812345678", "rating": 5}, "request_id"),
        ({"request_id": ASKED_ID, "rating": 6}, "rating"),
        ({"request_id": ASKED_ID, "rating": True}, "rating"),
        ({"request_id": ASKED_ID, "rating": "fine"}, "rating"),
        ({"request_id": ASKED_ID, "rating": 3, "comment": "字" * 4001}, "comment"),
    ],
)
def test_feedback_that_says_nothing_is_refused(gateway: Gateway, body: Any, param: str) -> None:
    response = post(gateway, "feedback", body)
    assert (response.status_code, response.json()["error"]["param"]) == (400, param)
    assert gateway.lines("feedback") == []
