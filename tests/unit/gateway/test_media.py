"""Speech, pictures and files in an answer: refused unless the route lets them pass, then untouched and told as such."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from gnomon.contract.bundle import Cache, Route, Target, Unscanned
from tests.fakes.bundle import MASK, make_home
from tests.fakes.upstream import Script, Upstream, event
from tests.unit.gateway.conftest import HTTP, Gateway, bearer

Start = Callable[..., Gateway]
MOBILE = "13812345678"
SOUND = base64.b64encode(bytes(range(256)) * 9).decode() + MOBILE + "="  # digits that a guard of text would take out
PICTURE = f"data:image/png;base64,{SOUND}"
USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n%b"
SPOKEN = {"content": None, "audio": {"id": "a1", "data": SOUND, "expires_at": 1, "transcript": f"call {MOBILE}"}}
DRAWN = {"content": f"for {MOBILE}", "images": [{"type": "image_url", "index": 0, "image_url": {"url": PICTURE}}]}


def route(**more: Any) -> Route:
    return Route(
        model="gnomon-chat",
        targets=(Target(id="main", upstream="up", model="m", weight=1.0),),
        mask_policy=MASK.id,
        timeout_s=10.0,
        **more,
    )


def post(gateway: Gateway, path: str, body: Any) -> httpx.Response:
    return HTTP.post(f"{gateway.url}/{path}", json=body, headers=bearer())


def says(upstream: Upstream, message: dict[str, Any]) -> None:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    upstream.script = Script(respond=lambda path, body: (200, {"id": "c", "choices": [choice], "usage": USAGE}))


def streams(upstream: Upstream, *more: dict[str, Any]) -> None:
    events = b"".join(event(delta) for delta in more) + event({}, finish="stop") + b"data: [DONE]\n\n"
    upstream.script = Script(respond=lambda path, body: HEAD % (len(events), events))


def deltas(told: str) -> list[dict[str, Any]]:
    lines = [line[6:] for line in told.splitlines() if line.startswith("data: {")]
    return [choice["delta"] for line in lines for choice in json.loads(line).get("choices", [])]


@pytest.fixture
def let(tmp_path: Path, upstream: Upstream, start: Start) -> Callable[..., Gateway]:
    def made(*kinds: Unscanned, **more: Any) -> Gateway:
        return start(make_home(tmp_path, upstream_url=upstream.url, routes=(route(unscanned=kinds, **more),)))

    return made


@pytest.mark.parametrize(("message", "kind"), [(SPOKEN, "audio"), (DRAWN, "image")])
@pytest.mark.parametrize("stream", [False, True])
def test_what_no_guard_can_check_is_refused_where_the_route_does_not_let_it_pass(
    let: Callable[..., Gateway], upstream: Upstream, message: dict[str, Any], kind: str, stream: bool
) -> None:
    gateway = let("file")
    (streams if stream else says)(upstream, message)
    response = gateway.call("说", stream=stream)
    assert "unsupported_content_part" in response.text
    assert response.status_code == (200 if stream else 502)
    assert SOUND not in response.text
    record = gateway.records()[0]
    assert (record["outcome"], record["status"]) == ("blocked", 502)
    assert SOUND[:64] not in json.dumps(record)
    assert kind not in record.get("unscanned", {})


def test_speech_passes_whole_beside_its_masked_words_and_the_record_keeps_a_remark(
    let: Callable[..., Gateway], upstream: Upstream
) -> None:
    gateway = let("audio")
    says(upstream, SPOKEN)
    audio = gateway.call("说").json()["choices"][0]["message"]["audio"]
    assert audio == {"id": "a1", "data": SOUND, "expires_at": 1, "transcript": "call [PHONE]"}
    record = gateway.records()[0]
    assert record["unscanned"] == {"audio": 1}
    assert f"[unscanned audio: {len(SOUND)}]" in record["reply"]
    assert SOUND[:64] not in record["reply"]
    assert record["entities_out"] == {"PHONE": 1}


def test_speech_in_a_stream_passes_whole_however_it_is_cut_and_counts_once(
    let: Callable[..., Gateway], upstream: Upstream
) -> None:
    gateway = let("audio")
    pieces = [{"audio": {"data": SOUND[at : at + 500]}} for at in range(0, len(SOUND), 500)]
    said = [{"audio": {"transcript": text}} for text in ("call 138", "1234", "5678")]
    streams(upstream, {"role": "assistant", "audio": {"id": "a1"}}, *pieces, *said)
    told = deltas(gateway.call("说", stream=True).text)
    heard = [delta["audio"] for delta in told if isinstance(delta.get("audio"), dict)]
    assert "".join(audio.get("data", "") for audio in heard) == SOUND
    assert "".join(audio.get("transcript", "") for audio in heard) == "call [PHONE]"
    record = gateway.records()[0]
    assert record["unscanned"] == {"audio": 1}
    assert SOUND[:64] not in record["reply"]


@pytest.mark.parametrize("stream", [False, True])
def test_pictures_pass_whole_and_are_counted(let: Callable[..., Gateway], upstream: Upstream, stream: bool) -> None:
    gateway = let("image")
    (streams if stream else says)(upstream, DRAWN)
    response = gateway.call("画", stream=stream)
    assert PICTURE in response.text
    assert MOBILE not in response.text.replace(PICTURE, "")
    record = gateway.records()[0]
    assert record["unscanned"] == {"image": 1}
    assert SOUND[:64] not in record["reply"]


def test_a_text_where_data_is_expected_is_guarded_as_text(let: Callable[..., Gateway], upstream: Upstream) -> None:
    gateway = let("audio", "image")
    says(upstream, {"content": "x", "audio": {"data": f"call {MOBILE}"}, "images": [{"url": f"data:,{MOBILE}"}]})
    response = gateway.call("说")
    assert MOBILE not in response.text
    assert gateway.records()[0].get("unscanned", {}) == {}


def test_speech_cannot_be_asked_for_where_it_may_not_come_back(let: Callable[..., Gateway], upstream: Upstream) -> None:
    gateway = let("image")
    error = gateway.call("说", modalities=["text", "audio"]).json()["error"]
    assert (error["code"], error["param"]) == ("unsupported_content_part", "modalities")
    assert upstream.requests == []
    assert gateway.call("说", modalities=["text"]).status_code == 200
    assert gateway.call("画", modalities=["text", "image"]).status_code == 200
    assert [record.get("unscanned", {}) for record in gateway.records()[1:]] == [{}, {}]


def test_a_remembered_picture_is_the_same_picture(let: Callable[..., Gateway], upstream: Upstream) -> None:
    gateway = let("image", cache=Cache(ttl_s=60.0))
    says(upstream, DRAWN)
    first, second = gateway.call("画"), gateway.call("画")
    assert second.headers["x-gnomon-cache"] == "hit"
    assert first.json() == second.json()
    assert [record["unscanned"] for record in gateway.records()] == [{"image": 1}, {"image": 1}]


@pytest.mark.parametrize(
    ("delta", "asked"),
    [
        (DRAWN, {}),
        ({"content": "x", "annotations": [{"type": "url_citation", "url_citation": {"url": "https://a.example"}}]}, {}),
        ({"content": "x"}, {"logprobs": True}),
    ],
)
def test_a_stream_that_told_more_than_plain_text_is_not_remembered(
    let: Callable[..., Gateway], upstream: Upstream, delta: dict[str, Any], asked: dict[str, Any]
) -> None:
    gateway = let("image", cache=Cache(ttl_s=60.0))
    streams(upstream, delta)
    for _ in range(2):
        assert "x-gnomon-cache" not in gateway.call("画", stream=True, **asked).headers
    assert len(upstream.requests) == 2


def test_records_of_embeddings_say_how_long_vectors_are_and_hold_none(
    let: Callable[..., Gateway], upstream: Upstream
) -> None:
    gateway = let(cache=Cache(ttl_s=60.0))
    packed = base64.b64encode(b"\0\0\x80>" * 8).decode()
    rows = [{"index": n, "embedding": vector} for n, vector in enumerate(([0.25] * 8, packed, f"call {MOBILE}"))]
    upstream.script = Script(respond=lambda path, body: (200, {"data": rows, "usage": USAGE}))
    for _ in range(2):
        response = post(gateway, "embeddings", {"model": "gnomon-chat", "input": ["a", "b", "c"]})
        assert [row["embedding"] for row in response.json()["data"]] == [[0.25] * 8, packed, "call [PHONE]"]
    for record in gateway.records():
        kept = [row["embedding"] for row in json.loads(record["reply"])["data"]]
        assert kept == ["[8 numbers]", "[8 numbers]", "call [PHONE]"]


def test_an_answer_with_no_such_thing_goes_on_byte_by_byte(let: Callable[..., Gateway], upstream: Upstream) -> None:
    gateway = let()
    says(upstream, {"content": 'the word "audio" and data:image/png;base64,AAAA in a text', "audio": None})
    sent = upstream.script.respond("", {})[1]  # type: ignore[misc]
    assert gateway.call("说").json() == msgspec.to_builtins(sent)
    assert gateway.records()[0].get("unscanned", {}) == {}
