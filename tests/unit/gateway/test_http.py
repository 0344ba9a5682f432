"""What callers can do to the HTTP itself: nothing hangs, nothing is guessed, everything is recorded."""

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gnomon.contract.bundle import Quota
from gnomon.gateway.hosting import ServerLimits
from tests.fakes.bundle import Home, make_home, make_key, secret
from tests.fakes.upstream import Upstream
from tests.unit.gateway.conftest import HTTP, Gateway, bearer

BODY = json.dumps({"model": "gnomon-chat", "messages": [{"role": "user", "content": "a"}]}).encode()
HEAD = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\nauthorization: Bearer " + secret("aaaaaaaa").encode() + b"\r\n"
)


def request(body: bytes = BODY, extra: bytes = b"") -> bytes:
    return HEAD + extra + b"content-length: %d\r\n\r\n" % len(body) + body


def send(gateway: Gateway, data: bytes, *, pause_s: float = 0.0, step: int = 0) -> bytes:
    """Everything that comes back until the other side closes, or 0.5 s of silence."""
    with socket.create_connection(("127.0.0.1", gateway.port)) as s:
        s.settimeout(0.5)
        for at in range(0, len(data), step or len(data) or 1):
            s.sendall(data[at : at + (step or len(data))])
            time.sleep(pause_s)
        got = b""
        try:
            while part := s.recv(65536):
                got += part
        except TimeoutError:
            pass
        return got


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (HEAD + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (HEAD + b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n", 400),
        (HEAD + b"content-length: 5\r\ncontent-length: 6\r\n\r\nabcdef", 400),
        (HEAD + b"content-length: -1\r\n\r\n", 400),
        (HEAD + b"content-length: 1e3\r\n\r\n", 400),
        (HEAD + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
        (HEAD + b"transfer-encoding: identity\r\n\r\n", 400),
        (HEAD + b"x: a\x00b\r\n\r\n", 400),
        (HEAD + b"x: a\r\n b\r\n\r\n", 400),  # obs-fold
        (HEAD + b"x: a\ny: b\r\n\r\n", 400),  # bare LF
        (HEAD + b"x: a\ry: b\r\n\r\n", 400),  # bare CR
        (HEAD + b"content-length : 3\r\n\r\nabc", 400),
        (HEAD + b"content-length: 3, 3\r\n\r\nabc", 400),
        (HEAD + b"content-length: +3\r\n\r\nabc", 400),
        (HEAD + b"content-length:\r\n\r\n", 400),
        (HEAD + b"transfer-encoding:\x0bchunked\r\n\r\n0\r\n\r\n", 400),
        (HEAD + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
        (HEAD + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (HEAD.replace(b"HTTP/1.1", b"HTTP/1.0") + b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n", 400),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n1\na\n0\n\n", 400),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\naX0\r\n\r\n", 400),
        (HEAD + b"transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\na", 400),
        (HEAD + b"host: other\r\n\r\n", 400),
        (b"GET /v1/models HTTP/1.1\r\nauthorization: Bearer x\r\n\r\n", 400),  # no Host
        (HEAD + b"upgrade: websocket\r\nconnection: upgrade\r\n\r\n", 400),
        (HEAD + b"authorization: Bearer other\r\n\r\n", 400),
        (HEAD + b"content-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc", 415),
        (HEAD + b"x: " + b"a" * 40_000 + b"\r\n\r\n", 431),
        (HEAD + b"x: " + b"a" * 16_400 + b"\r\n\r\n", 431),  # the limit is 16,384, however the head is read
        (HEAD + b"x: " + b"a" * 8_200 + b"\r\ny: " + b"a" * 8_200 + b"\r\n\r\n", 431),
        (HEAD + b"".join(b"x%d: a\r\n" % n for n in range(100)) + b"\r\n", 431),
        (b"POST /" + b"a" * 3000 + b" HTTP/1.1\r\n\r\n", 431),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nhost: g\r\n\r\n", 505),
        (b"GET / HTTP/0.9\r\nhost: g\r\n\r\n", 505),
        (b"\x16\x03\x01\x02\x00\x01\x00", 400),
        (HEAD + b"content-length: 99999999\r\n\r\n", 413),
    ],
)
def test_what_is_wrong_or_ambiguous_is_refused_recorded_and_closed(gateway: Gateway, data: bytes, status: int) -> None:
    got = send(gateway, data)
    assert got.startswith(b"HTTP/1.1 %d " % status), got[:200]
    assert b"x-request-id: req_" in got
    assert got.count(b"HTTP/1.1 ") == 1
    record = gateway.records()[-1]
    assert (record["outcome"], record["status"]) == ("bad_request", status)


@pytest.mark.parametrize("origin", [b"http://g", b"HTTPS://g:8080", b"http://somebody@g"])
def test_a_request_as_to_a_proxy_is_answered_as_any(gateway: Gateway, origin: bytes) -> None:
    told = request().replace(b"POST /v1", b"POST " + origin + b"/v1", 1)
    assert send(gateway, told).startswith(b"HTTP/1.1 200")


def test_a_head_just_below_the_limit_is_read(gateway: Gateway) -> None:
    assert send(gateway, request(extra=b"x: " + b"a" * 15_000 + b"\r\n")).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"model":"gnomon-chat"}',
        b'{"model":3,"messages":[]}',
        b'{"model":"gnomon-chat","messages":"x"}',
        b'{"model":"gnomon-chat","messages":[1]}',
        b'{"model":"gnomon-chat","messages":[{"role":"user","content":{}}]}',
        b'{"model":"gnomon-chat","stream":"yes","messages":[{"role":"user","content":"a"}]}',
        b'{"model":"gnomon-chat","messages":[{"role":"user","content":"\\ud800"}]}',
        b'{"model":"gnomon-chat","messages":[{"role":"user","content":"a"}],"x":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"model":"gnomon-chat","messages":[{"role":"user","content":"13812345678"}],"x":'
        + b'{"13812345678":' * 900
        + b"1"
        + b"}" * 900
        + b"}",
    ],
)
def test_a_body_that_cannot_be_is_a_400_and_the_connection_lives_on(
    gateway: Gateway, upstream: Upstream, body: bytes
) -> None:
    with httpx.Client(base_url=gateway.url, headers=bearer()) as caller:
        response = caller.post("/chat/completions", content=body)
        assert response.status_code == 400, response.text
        assert response.json()["error"]["type"] == "invalid_request_error"
        assert caller.post("/chat/completions", content=BODY).status_code == 200
    assert len(upstream.requests) == 1
    assert [r["outcome"] for r in gateway.records()] == ["bad_request", "ok"]


def test_a_body_past_the_limit_is_refused_with_and_without_its_length(gateway: Gateway) -> None:
    big = b" " * (1_048_576 + 1)
    for content in (big, iter([big[:600_000], big[600_000:]])):
        response = HTTP.post(f"{gateway.url}/chat/completions", content=content, headers=bearer())
        assert (response.status_code, response.json()["error"]["code"]) == (413, "body_too_large")


def chunked(*chunks: bytes, trailer: bytes = b"") -> bytes:
    return HEAD + b"transfer-encoding: chunked\r\n\r\n" + b"".join(chunks) + b"0\r\n" + trailer + b"\r\n"


def test_a_body_in_pieces_of_a_byte_is_read_and_one_wrapped_in_endless_extensions_is_not(gateway: Gateway) -> None:
    letters = [b"1\r\n%c\r\n" % letter for letter in BODY]
    assert send(gateway, chunked(*letters)).startswith(b"HTTP/1.1 200")
    wrapped = [b"1;%b\r\n%c\r\n" % (b"x" * 60_000, letter) for letter in BODY]
    assert send(gateway, chunked(*wrapped)).startswith(b"HTTP/1.1 413")


def test_trailers_change_nothing(gateway: Gateway) -> None:
    body = b"%x\r\n%b\r\n" % (len(BODY), BODY)
    late = b"x-gnomon-tag-run: late\r\nauthorization: Bearer other\r\n"
    assert send(gateway, chunked(body, trailer=late)).startswith(b"HTTP/1.1 200")
    assert "tags" not in gateway.records()[0]
    assert send(gateway, chunked(body, trailer=b"x: y\r\n" * 200)).startswith(b"HTTP/1.1 431")


@pytest.mark.interpreted
def test_idle_callers_make_room_when_there_are_too_many(
    home: Home, start: Callable[..., Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gnomon.gateway.server._CROWDED_IDLE_S", 0.1)
    gateway = start(home, limits=ServerLimits(connections=20, idle_s=0.4))
    idle = [socket.create_connection(("127.0.0.1", gateway.port)) for _ in range(40)]
    time.sleep(0.05)
    assert len(gateway.worker.server.connections) <= 20
    end = time.monotonic() + 3
    while len(gateway.worker.server.connections) > 16:
        assert time.monotonic() < end
        time.sleep(0.02)
    assert gateway.call().status_code == 200
    for s in idle:
        s.close()


def test_requests_sent_ahead_are_answered_in_order(gateway: Gateway) -> None:
    bad = request(b"{}")
    got = send(gateway, request() + bad + request())
    statuses = [part[:3] for part in got.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"400", b"200"]


def test_a_flood_of_requests_sent_ahead_ends(gateway: Gateway) -> None:
    got = send(gateway, request() * 200)
    assert 1 <= got.count(b"HTTP/1.1 200") <= 40
    time.sleep(0.1)
    assert gateway.call().status_code == 200


def test_a_request_may_come_byte_by_byte(gateway: Gateway) -> None:
    assert send(gateway, request(extra=b"expect: 100-continue\r\n"), step=7).count(b"HTTP/1.1 200") == 1


def test_chunked_bodies_and_old_http_are_answered(gateway: Gateway) -> None:
    chunked = HEAD + b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
    assert send(gateway, chunked).startswith(b"HTTP/1.1 200")
    old = request(BODY.replace(b'"messages"', b'"stream":true,"messages"')).replace(b"HTTP/1.1", b"HTTP/1.0")
    got = send(gateway, old)
    assert b"transfer-encoding" not in got
    assert got.endswith(b"data: [DONE]\n\n")


def test_who_dawdles_is_cut_off(home: Home, start: Callable[..., Gateway]) -> None:
    gateway = start(home, limits=ServerLimits(head_s=0.2, body_s=0.2, idle_s=0.3))
    slow_head = _until_closed(gateway, HEAD)
    assert slow_head.startswith(b"HTTP/1.1 408")
    slow_body = _until_closed(gateway, request()[:-5])
    assert slow_body.startswith(b"HTTP/1.1 408")
    assert _until_closed(gateway, b"") == b""
    assert [r["status"] for r in gateway.records()] == [408, 408]


def test_unknown_paths_and_methods_are_told_apart_only_for_callers_with_a_key(gateway: Gateway) -> None:
    base = f"http://127.0.0.1:{gateway.port}"
    assert HTTP.get(f"{base}/v1/nothing").status_code == 401
    assert HTTP.get(f"{base}/v1/nothing", headers=bearer()).status_code == 404
    assert HTTP.get(f"{base}/v1/chat/completions", headers=bearer()).status_code == 405
    assert [r["status"] for r in gateway.records()] == [401, 404, 405]


def test_tags_are_kept_and_bounded(gateway: Gateway) -> None:
    def tagged(headers: dict[str, str]) -> int:
        return HTTP.post(f"{gateway.url}/chat/completions", content=BODY, headers=bearer() | headers).status_code

    assert tagged({"x-gnomon-tag-run": "r", "X-Gnomon-Tag-Item": "7"}) == 200
    assert gateway.records()[0]["tags"] == {"run": "r", "item": "7"}
    assert tagged({"x-gnomon-tag-item": "13812345678"}) == 200
    assert gateway.records()[1]["tags"] == {"item": "[PHONE]"}
    assert tagged({f"x-gnomon-tag-{n}": "v" for n in range(17)}) == 431
    assert tagged({"x-gnomon-tag-a": "v" * 201}) == 431


def test_metrics_add_up_over_the_workers(home: Home, start: Callable[..., Gateway]) -> None:
    first, second = start(home, name="w1"), start(home, name="w2")
    first.call()
    second.call("绝密")
    second.call("13812345678")
    HTTP.get(f"http://127.0.0.1:{second.port}/metrics")
    text = HTTP.get(f"http://127.0.0.1:{first.port}/metrics").text
    assert 'gnomon_gateway_requests_total{worker="w1",outcome="ok"} 1' in text
    assert 'gnomon_gateway_requests_total{worker="w2",outcome="blocked"} 1' in text
    assert 'gnomon_gateway_masked_total{worker="w2",direction="input"} 1' in text
    assert text.count("# TYPE gnomon_gateway_latency_ms histogram") == 1


@given(data=st.one_of(st.binary(max_size=400), st.binary(max_size=60).map(lambda b: HEAD + b)))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_break_it(gateway: Gateway, data: bytes) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port)) as s:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        s.settimeout(2)
        got = b""
        while part := _received(s):
            got += part
    assert not got or got.startswith(b"HTTP/1.1 4"), got[:100]
    assert HTTP.get(f"http://127.0.0.1:{gateway.port}/livez").status_code == 200


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
        max_leaves=15,
    )
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_json_breaks_it(gateway: Gateway, value: Any) -> None:
    body = {"model": "gnomon-chat", "messages": [{"role": "user", "content": "a"}], "extra": value}
    try:
        raw = json.dumps(body).encode()
    except UnicodeEncodeError:
        return
    response = HTTP.post(f"{gateway.url}/chat/completions", content=raw, headers=bearer())
    assert response.status_code in (200, 400), response.text


def _received(s: socket.socket) -> bytes:
    try:
        return s.recv(65536)
    except ConnectionResetError:
        return b""


def _until_closed(gateway: Gateway, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", gateway.port)) as s:
        s.settimeout(6)
        s.sendall(data)
        got = b""
        while part := _received(s):
            got += part
        return got


def test_tags_of_refused_requests_are_masked_in_their_records_too(
    tmp_path: Path, upstream: Upstream, start: Callable[..., Gateway]
) -> None:
    keys = (make_key("aaaaaaaa"), make_key("elsewher", models=("other",)), make_key("feedback", scopes=("restore",)))
    quotas = (Quota(kind="team", value="business", tokens_per_minute=100),)
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, keys=keys, quotas=quotas))
    for key, model, tag, status in (
        ("aaaaaaaa", "gnomon-chat", "13812345678", 429),
        ("aaaaaaaa", "gnomon-chat@main", "13812345678", 403),
        ("aaaaaaaa", "nothing", "13812345678", 404),
        ("elsewher", "gnomon-chat", "13812345678", 403),
        ("feedback", "gnomon-chat", "13812345678", 403),
        ("aaaaaaaa", "gnomon-chat", "绝密13812345678", 400),
    ):
        body = {"model": model, "messages": [{"role": "user", "content": "a"}], "max_tokens": 200}
        headers = httpx.Headers(bearer(key) | {"x-gnomon-tag-who": tag}, encoding="utf-8")
        assert HTTP.post(f"{gateway.url}/chat/completions", json=body, headers=headers).status_code == status
    records = gateway.records()
    assert "13812345678" not in json.dumps(records)
    told = [record.get("tags", {}).get("who", "") for record in records]
    assert told == ["[PHONE]", "[PHONE]", "", "[PHONE]", "[PHONE]", ""]
