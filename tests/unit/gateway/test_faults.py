"""Model servers that fail, callers that leave, disks that refuse: the caller is told, the record says it."""

import json
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from gnomon.contract.bundle import Canary, RetreatRule, Route, Target
from gnomon.contract.bundle import Upstream as UpstreamAt
from gnomon.contract.ports import Day, Meter
from gnomon.contract.traffic import Timings, TrafficRecord
from gnomon.gateway.recorder import Recorder
from tests.fakes.bundle import MASK, Home, make_home, make_key
from tests.fakes.upstream import Script, Upstream, event
from tests.unit.gateway.conftest import HTTP, Gateway, bearer

Start = Callable[..., Gateway]
GARBLED = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\nnot json!"
SHORT = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 999\r\nconnection: close\r\n\r\n{}"


def json_error(status: int, **error: Any) -> tuple[int, dict[str, Any]]:
    return status, {"error": {"message": "call 13812345678", "type": "x", **error}}


@pytest.mark.parametrize(
    ("answer", "status", "outcome"),
    [
        (json_error(400), 400, "upstream_refused"),
        (json_error(429), 429, "upstream_refused"),
        (json_error(401), 502, "upstream_error"),
        (json_error(500), 502, "upstream_error"),
        (json_error(302), 502, "upstream_error"),
        (GARBLED, 502, "upstream_error"),
        (b"\x00\x01garbage\r\n\r\n", 502, "upstream_error"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_a_model_server_answers_wrongly_is_told_apart(
    gateway: Gateway, upstream: Upstream, answer: Any, status: int, outcome: str, stream: bool
) -> None:
    upstream.script = Script(respond=lambda path, body: answer)
    response = gateway.call(stream=stream)
    assert (response.status_code, response.json()["error"]["type"] is not None) == (status, True)
    assert "13812345678" not in response.text
    assert gateway.records()[-1]["outcome"] == outcome
    upstream.script = Script(reply="好")
    assert gateway.call().status_code == 200


def test_an_unreachable_model_server_is_a_503_with_a_hint(tmp_path: Path, start: Start) -> None:
    gateway = start(make_home(tmp_path, upstream_url="http://127.0.0.1:9/v1"))
    response = gateway.call()
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert gateway.records()[0]["outcome"] == "upstream_unreachable"


def test_another_target_answers_when_the_first_cannot_be_reached(
    tmp_path: Path, upstream: Upstream, start: Start
) -> None:
    targets = (
        Target(id="dead", upstream="dead", model="m", weight=1e9),
        Target(id="main", upstream="up", model="m", weight=0.001),
    )
    route = Route(model="gnomon-chat", targets=targets, mask_policy=MASK.id)
    dead = UpstreamAt(id="dead", url="http://127.0.0.1:9/v1")
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, routes=(route,), upstreams=(dead,)))
    assert gateway.call().status_code == 200
    assert gateway.records()[0]["target"] == "main"


def test_a_model_server_that_hangs_is_given_up_and_its_connection_with_it(
    tmp_path: Path, upstream: Upstream, start: Start
) -> None:
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, timeout_s=0.2))
    upstream.script = Script(first_token_s=5)
    response = gateway.call()
    assert (response.status_code, response.json()["error"]["code"]) == (504, "timeout")
    assert gateway.records()[0]["outcome"] == "timeout"
    _until(lambda: upstream.aborted == 1)


def test_a_stream_may_last_longer_than_the_timeout_as_long_as_it_moves(
    tmp_path: Path, upstream: Upstream, start: Start
) -> None:
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, timeout_s=0.3))
    upstream.script = Script(pieces=("一",) * 10, between_s=0.05)
    assert gateway.call(stream=True).text.endswith("[DONE]\n\n")
    assert gateway.records()[0]["outcome"] == "ok"


@pytest.mark.parametrize("after", [1, 3])
def test_a_reset_in_mid_stream_is_an_error_event_not_an_end(gateway: Gateway, upstream: Upstream, after: int) -> None:
    upstream.script = Script(pieces=("一", "二", "三"), stop_after=after)
    text = gateway.call(stream=True).text
    assert "[DONE]" not in text
    assert json.loads(text.strip().split("data: ")[-1])["error"]["code"] == "upstream_error"
    assert gateway.records()[0]["outcome"] == "upstream_error"


@pytest.mark.parametrize(
    "body",
    [b"data: nonsense\n\n", b'data: {"choices":[3]}\n\n', b"data: []\n\n", event({"content": "x"}), b""],
)
def test_a_stream_that_is_no_stream_of_events_is_an_error(gateway: Gateway, upstream: Upstream, body: bytes) -> None:
    raw = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    upstream.script = Script(respond=lambda path, body: raw)
    text = gateway.call(stream=True).text
    assert "upstream_error" in text
    assert "[DONE]" not in text


@pytest.mark.parametrize("stream", [False, True])
def test_a_compressed_answer_is_told_as_one_that_nobody_asked_for(
    gateway: Gateway, upstream: Upstream, stream: bool
) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\n"
    upstream.script = Script(respond=lambda path, body: head + b"\x1f\x8b\x08")
    assert gateway.call(stream=stream).status_code == 502
    assert "compressed (gzip)" in gateway.records()[0]["error"]


@pytest.mark.parametrize("framing", [b"transfer-encoding: chunked", b"content-length: 100000"])
def test_who_says_done_and_never_ends_his_answer_is_not_waited_for(
    gateway: Gateway, upstream: Upstream, framing: bytes
) -> None:
    body = event({"content": "all of it"}) + event({}, finish="stop") + b"data: [DONE]\n\n"
    chunk = b"%x\r\n%b\r\n" % (len(body), body) if b"chunked" in framing else body
    raw = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n%b\r\n\r\n%b" % (framing, chunk)
    upstream.script = Script(respond=lambda path, body: raw)
    begun = time.monotonic()
    assert gateway.call(stream=True).text.endswith("data: [DONE]\n\n")
    assert time.monotonic() - begun < 3.0
    assert gateway.records()[0]["outcome"] == "ok"
    upstream.script = Script()
    assert gateway.call().status_code == 200  # on a connection of its own


def test_a_mark_of_byte_order_before_a_stream_takes_no_event_with_it(gateway: Gateway, upstream: Upstream) -> None:
    body = b"\xef\xbb\xbf" + event({"content": "first "}) + event({"content": "last"}) + b"data: [DONE]\n\n"
    raw = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    upstream.script = Script(respond=lambda path, body: raw)
    gateway.call(stream=True)
    assert "first last" in gateway.records()[0]["reply"]


def test_an_answer_shorter_than_it_says_is_an_error(tmp_path: Path, upstream: Upstream, start: Start) -> None:
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, timeout_s=0.3))
    upstream.script = Script(respond=lambda path, body: SHORT)
    assert gateway.call().status_code in (502, 504)


def test_a_kept_connection_that_died_meanwhile_costs_nothing(gateway: Gateway, upstream: Upstream) -> None:
    assert gateway.call().status_code == 200
    assert upstream.opened == 1
    assert gateway.call().status_code == 200
    assert upstream.opened == 1
    for transport in tuple(upstream.transports):
        upstream._loop.call_soon_threadsafe(transport.abort)
    time.sleep(0.05)
    assert gateway.call().status_code == 200
    assert upstream.opened == 2


@pytest.mark.parametrize("stream", [False, True])
def test_a_caller_who_leaves_stops_the_model_server_and_is_recorded(
    gateway: Gateway, upstream: Upstream, stream: bool
) -> None:
    upstream.script = Script(pieces=("字",) * 200, between_s=0.02, first_token_s=0.3)
    body = {"model": "gnomon-chat", "stream": stream, "messages": [{"role": "user", "content": "a"}]}
    with pytest.raises(httpx.ReadTimeout):
        HTTP.post(f"{gateway.url}/chat/completions", json=body, headers=bearer(), timeout=0.15)
    _until(lambda: upstream.aborted == 1)
    _until(lambda: [r["outcome"] for r in gateway.records()] == ["client_gone"])


def test_a_caller_who_closes_his_side_while_he_waits_has_left(gateway: Gateway, upstream: Upstream) -> None:
    upstream.script = Script(first_token_s=5)
    content = json.dumps({"model": "gnomon-chat", "messages": [{"role": "user", "content": "a"}]}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\nauthorization: {bearer()['authorization']}\r\n"
    with socket.create_connection(("127.0.0.1", gateway.port)) as caller:
        caller.settimeout(3)
        caller.sendall(head.encode() + b"content-length: %d\r\n\r\n" % len(content) + content)
        _until(lambda: len(upstream.requests) == 1)
        caller.shutdown(socket.SHUT_WR)
        assert caller.recv(65536) == b""
    _until(lambda: upstream.aborted == 1)
    assert [(r["outcome"], r["status"]) for r in gateway.records()] == [("client_gone", 499)]


def test_a_canary_that_fails_retreats_by_itself(tmp_path: Path, upstream: Upstream, start: Start) -> None:
    with Upstream(Script(respond=lambda path, body: json_error(500))) as broken:
        rule = RetreatRule(indicator="error_ratio", limit=0.5, min_requests=3)
        canary = Canary(id="c1", target="new", share=1.0, watch_until=time.time() + 60, rules=(rule,))
        targets = (
            Target(id="main", upstream="up", model="m", weight=1.0),
            Target(id="new", upstream="broken", model="m2"),
        )
        route = Route(model="gnomon-chat", targets=targets, mask_policy=MASK.id, canary=canary)
        other = UpstreamAt(id="broken", url=broken.url)
        gateway = start(make_home(tmp_path, upstream_url=upstream.url, routes=(route,), upstreams=(other,)))
        statuses = [gateway.call().status_code for _ in range(5)]
    assert statuses == [200] * 5  # who stands behind the canary answered
    assert [r.get("canary", "") for r in gateway.records()] == ["c1", "c1", "c1", "", ""]
    assert [r["attempts"] for r in gateway.records()] == [2, 2, 2, 1, 1]
    (notice,) = gateway.lines("notice")
    assert (notice["kind"], notice["subject"]) == ("canary_retreat", "c1")
    assert notice["facts"]["error_ratio"] == 1.0


def test_a_full_disk_keeps_records_until_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    async def run() -> Recorder:
        recorder = Recorder(tmp_path, "w", backlog_bytes=500)
        written = os.write
        full = True

        def write(fd: int, data: bytes) -> int:
            if full:
                written(fd, data[:10])
                return 10
            return written(fd, data)

        monkeypatch.setattr("gnomon.gateway.recorder.os.write", write)
        for number in range(10):
            recorder.record(_record(number))
        assert recorder.failing
        assert recorder.lost > 0
        full = False
        recorder.record(_record(99))
        assert not recorder.failing
        return recorder

    recorder = asyncio.run(run())
    lines = [msgspec.json.decode(line) for line in recorder.path.read_bytes().splitlines()]
    assert len(lines) == 11 - recorder.lost
    assert lines[-1]["v"]["id"] == "req_99"
    recorder.close()


def full(fd: int, data: bytes) -> int:
    raise OSError(28, "No space left on device")


def test_a_regulated_gateway_refuses_what_it_cannot_record(
    tmp_path: Path, upstream: Upstream, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_home(tmp_path, upstream_url=upstream.url, regulated=True)
    gateway = start(home)
    assert gateway.call().status_code == 200
    with monkeypatch.context() as patch:
        patch.setattr("gnomon.gateway.recorder.os.write", full)
        for _ in range(2):
            response = gateway.call()
            assert (response.status_code, response.json()["error"]["code"]) == (503, "unrecorded")
        assert len(upstream.requests) == 2  # the third was refused before it went anywhere
    _until(lambda: gateway.call().status_code == 200)


@pytest.mark.parametrize("stream", [False, True])
def test_a_record_that_is_written_late_says_what_the_caller_was_told(
    tmp_path: Path, upstream: Upstream, start: Start, monkeypatch: pytest.MonkeyPatch, stream: bool
) -> None:
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, regulated=True))
    with monkeypatch.context() as patch:
        patch.setattr("gnomon.gateway.recorder.os.write", full)
        text = gateway.call(stream=stream).text
    assert "[DONE]" not in text
    assert json.loads(text.strip().split("data: ")[-1])["error"]["code"] == "unrecorded"
    _until(lambda: len(gateway.records()) == 1)
    _until(lambda: gateway.call().status_code == 200)
    told, after = gateway.records()  # one for each
    assert (told["outcome"], told["status"], told["error"], after["outcome"]) == ("internal", 503, "unrecorded", "ok")
    assert ("好的。" in told.get("reply", "")) == stream  # of a stream the caller had the text before
    assert (told["tokens_in"], told["tokens_out"]) == (11, 22)
    assert gateway.worker.services.metrics.outcomes["internal"] == 1


def test_a_disk_that_has_room_again_at_once_is_not_held_to_be_full(tmp_path: Path, monkeypatch: Any) -> None:
    recorder = Recorder(tmp_path, "w", backlog_bytes=10)
    with monkeypatch.context() as patch:
        patch.setattr("gnomon.gateway.recorder.os.write", full)
        assert not recorder.record_now(_record(1))
        recorder.record(_record(2))  # too long to wait: nothing is left that a later attempt could write
        assert recorder.failing
    assert recorder.record_now(_record(3))
    assert not recorder.failing
    recorder.close()


def test_nothing_is_left_open_after_many_ends(gateway: Gateway, upstream: Upstream, home: Home) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for n in range(30):
        upstream.script = Script(stop_after=n % 3) if n % 2 else Script(reply="好")
        gateway.call(stream=n % 3 == 0)
    _until(lambda: gateway.worker.services.metrics.in_flight == 0)
    _until(lambda: len(gateway.worker.server.connections) == 0)
    assert len(os.listdir("/proc/self/fd")) <= before + 6


def _record(number: int) -> TrafficRecord:
    return TrafficRecord(id=f"req_{number}", at=1.0, outcome="ok", status=200, timings=Timings(total=1.0))


def _until(condition: Callable[[], bool], within_s: float = 3.0) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_a_slow_reader_slows_the_model_server_and_not_the_next_caller(gateway: Gateway, upstream: Upstream) -> None:
    piece = "字" * 4000
    upstream.script = Script(pieces=(piece,) * 1500)
    body = {"model": "gnomon-chat", "stream": True, "messages": [{"role": "user", "content": "a"}]}
    with HTTP.stream("POST", f"{gateway.url}/chat/completions", json=body, headers=bearer()) as response:
        # It waits at the model server's, not in our memory.
        _until(lambda: any(link.get_write_buffer_size() > 1_000_000 for link in tuple(upstream.transports)))
        text = "".join(line for line in response.iter_lines() if line.startswith("data: {"))
    assert text.count(piece) == 1500
    upstream.script = Script(reply="好")
    assert gateway.call().status_code == 200


def test_a_caller_who_leaves_with_requests_sent_ahead_holds_nothing(
    tmp_path: Path, upstream: Upstream, start: Start
) -> None:
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, keys=(make_key(concurrency=20),)))
    upstream.script = Script(first_token_s=0.2)
    content = json.dumps({"model": "gnomon-chat", "messages": [{"role": "user", "content": "a"}]}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\nauthorization: {bearer()['authorization']}\r\n"
    request = head.encode() + b"content-length: %d\r\n\r\n" % len(content) + content
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", gateway.port)) as s:
            s.sendall(request * 3)
        with socket.create_connection(("127.0.0.1", gateway.port)) as s:
            s.sendall(request[:-5])
    _until(lambda: len(gateway.records()) == 20)
    assert {r["outcome"] for r in gateway.records()} == {"client_gone"}
    limits = gateway.worker.services.limits
    now = time.time()
    assert limits.enter((Meter("key:aaaaaaaa", concurrency=1),), day=Day(now + 60), now=now).refused == ""
