"""Who is asked next when a model server does not answer well, and what is never asked twice."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gnomon.contract.bundle import Breaker, Route, Target
from gnomon.contract.bundle import Upstream as UpstreamAt
from gnomon.gateway.circuits import Circuit
from tests.fakes.bundle import MASK, Home, make_home, make_key
from tests.fakes.upstream import Script, Upstream
from tests.unit.gateway.conftest import HTTP, Gateway, bearer

Start = Callable[..., Gateway]
GOOD = {
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "好"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2},
}
BROKEN = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\nZZ\r\n"


def says(status: int) -> Script:
    return Script(respond=lambda path, body: (status, GOOD if status == 200 else {"error": {"message": "no"}}))


def targets(*names: str) -> tuple[Target, ...]:
    """The first has all the weight."""
    return tuple(Target(id=n, upstream=n, model=n, weight=0.0 if i else 1.0) for i, n in enumerate(names))


@contextmanager
def two(tmp_path: Path, start: Start, first: Script, second: Script, **rules: Any) -> Iterator[tuple[Any, Any, Any]]:
    """(gateway, first, second model server) of a route that falls back from the first to the second."""
    with Upstream(first) as one, Upstream(second) as other:
        route = Route(model="gnomon-chat", targets=targets("one", "other"), mask_policy=MASK.id, fallback=("other",))
        ups = tuple(UpstreamAt(id=name, url=up.url) for name, up in (("one", one), ("other", other)))
        breaker, keys = rules.pop("breaker", Breaker()), rules.pop("keys", None)
        home = make_home(
            tmp_path, upstream_url=one.url, routes=(msgspec.structs.replace(route, **rules),), upstreams=ups, keys=keys
        )
        home.publish(policy=msgspec.structs.replace(home.policy, breaker=breaker))
        yield start(home), one, other


@pytest.mark.parametrize("status", [500, 503, 429])
@pytest.mark.parametrize("stream", [False, True])
def test_another_target_answers_for_one_that_refuses(tmp_path: Path, start: Start, status: int, stream: bool) -> None:
    with two(tmp_path, start, says(status), Script(reply="好")) as (gateway, one, other):
        response = gateway.call(stream=stream)
        assert response.status_code == 200
        assert "好" in response.text
        record = gateway.records()[0]
        assert (record["target"], record["attempts"], record["outcome"]) == ("other", 2, "ok")
        assert (len(one.requests), len(other.requests)) == (1, 1)


def test_a_bad_request_is_asked_of_nobody_else(tmp_path: Path, start: Start) -> None:
    with two(tmp_path, start, says(400), says(200)) as (gateway, _, other):
        assert gateway.call().status_code == 400
        assert other.requests == []


def test_when_all_refuse_the_last_word_is_told(tmp_path: Path, start: Start) -> None:
    with two(tmp_path, start, says(500), says(429)) as (gateway, _, _other):
        response = gateway.call()
        assert (response.status_code, response.headers["retry-after"]) == (429, "1")
        assert gateway.records()[0]["outcome"] == "upstream_refused"


def test_a_stream_that_has_begun_is_never_begun_again(tmp_path: Path, start: Start) -> None:
    with two(tmp_path, start, Script(pieces=("一", "二"), stop_after=2), says(200), retries=3) as (gateway, _, other):
        text = gateway.call(stream=True).text
        assert "upstream_error" in text
        assert other.requests == []


@pytest.mark.parametrize(("key", "status", "asked"), [({}, 502, 0), ({"idempotency-key": "k1"}, 200, 1)])
def test_a_broken_answer_is_asked_for_again_only_with_an_idempotency_key(
    tmp_path: Path, start: Start, key: dict[str, str], status: int, asked: int
) -> None:
    with two(tmp_path, start, Script(respond=lambda path, body: BROKEN), says(200)) as (gateway, one, other):
        body = {"model": "gnomon-chat", "messages": [{"role": "user", "content": "a"}]}
        response = HTTP.post(f"{gateway.url}/chat/completions", json=body, headers=bearer() | key)
        assert (response.status_code, len(other.requests)) == (status, asked)
        sent = one.requests[0][2].get("idempotency-key", "")
        assert (len(sent) == 64, "k1" in sent) == (bool(key), False)  # a digest: the key may say anything


@pytest.mark.parametrize(("key", "tries"), [({}, 1), ({"idempotency-key": "k1"}, 3)])
def test_the_same_target_is_asked_again_after_an_error_only_with_an_idempotency_key(
    tmp_path: Path, start: Start, upstream: Upstream, key: dict[str, str], tries: int
) -> None:
    route = Route(model="gnomon-chat", targets=targets("up"), mask_policy=MASK.id, retries=2)
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, routes=(route,)))
    upstream.script = says(500)
    body = {"model": "gnomon-chat", "messages": [{"role": "user", "content": "a"}]}
    assert HTTP.post(f"{gateway.url}/chat/completions", json=body, headers=bearer() | key).status_code == 502
    assert len(upstream.requests) == gateway.records()[0]["attempts"] == tries


def test_no_connection_is_tried_again_without_harm(tmp_path: Path, start: Start) -> None:
    route = Route(model="gnomon-chat", targets=targets("up"), mask_policy=MASK.id, retries=1)
    gateway = start(make_home(tmp_path, upstream_url="http://127.0.0.1:9/v1", routes=(route,)))
    assert gateway.call().status_code == 503
    assert gateway.records()[0]["attempts"] == 2


def test_silence_lets_the_next_target_speak(tmp_path: Path, start: Start) -> None:
    with two(tmp_path, start, Script(first_token_s=5), says(200), first_byte_s=0.1) as (gateway, one, _):
        assert gateway.call().status_code == 200
        assert gateway.records()[0]["target"] == "other"
        _until(lambda: one.aborted == 1)


# -- circuit breaker --------------------------------------------------------------------------------------------------


def test_a_target_that_keeps_failing_is_left_alone_and_tried_again_by_one(tmp_path: Path, start: Start) -> None:
    rule = Breaker(failure_ratio=0.5, min_requests=4, open_s=0.2)
    with two(tmp_path, start, says(500), says(200), breaker=rule) as (gateway, one, _):
        for _ in range(6):
            assert gateway.call().status_code == 200
        assert len(one.requests) == 4
        one.script = says(200)
        time.sleep(0.25)
        assert gateway.call().status_code == 200
        assert gateway.call().status_code == 200
        assert [r["target"] for r in gateway.records()] == ["other"] * 6 + ["one", "one"]


def test_when_every_target_is_left_alone_the_refusal_is_quick(tmp_path: Path, start: Start) -> None:
    rule = Breaker(unreachable=2, open_s=30)
    route = Route(model="gnomon-chat", targets=targets("up"), mask_policy=MASK.id)
    home = make_home(tmp_path, upstream_url="http://127.0.0.1:9/v1", routes=(route,))
    home.publish(policy=msgspec.structs.replace(home.policy, breaker=rule))
    gateway = start(home)
    for _ in range(3):
        response = gateway.call()
        assert (response.status_code, response.json()["error"]["code"]) == (503, "upstream_unreachable")
    assert [r.get("attempts", 0) for r in gateway.records()] == [1, 1, 0]
    assert gateway.worker.services.circuits.open() == 1


def test_one_try_at_a_time_and_each_failure_doubles_the_wait() -> None:
    circuit = Circuit("t", Breaker(unreachable=1, open_s=5, max_open_s=15))
    waits, now = [], 1000.0
    assert circuit.enter(now)
    circuit.leave("unreachable", now, now)
    for _ in range(4):
        waits.append(circuit.open_until - now)
        assert not circuit.enter(circuit.open_until - 0.1)
        now = circuit.open_until
        assert circuit.enter(now)
        assert not circuit.enter(now)  # somebody is trying
        circuit.leave("good", now - 1, now)  # of a request that began before it opened: says nothing now
        assert circuit.open_until
        circuit.leave("unreachable", now, now)
    assert waits == [5, 10, 15, 15]
    now = circuit.open_until
    assert circuit.enter(now)
    assert circuit.enter(now + 15.1)  # the first try never told
    circuit.leave("good", now + 15.1, now + 16)
    assert not circuit.open_until


def test_slow_answers_count_as_failures_where_the_rule_says_so(tmp_path: Path, start: Start) -> None:
    rule = Breaker(slow_ms=20, min_requests=2, open_s=30)
    with two(tmp_path, start, Script(first_token_s=0.06, reply="慢"), says(200), breaker=rule) as (gateway, _, _other):
        assert [gateway.call().status_code for _ in range(4)] == [200] * 4
        assert [r["target"] for r in gateway.records()] == ["one", "one", "other", "other"]


def test_an_evaluator_is_neither_stopped_by_a_circuit_nor_counted(tmp_path: Path, start: Start) -> None:
    rule = Breaker(unreachable=1, open_s=30)
    keys = (make_key("eeeeeeee", scopes=("chat", "evaluate")),)
    home = make_home(tmp_path, upstream_url="http://127.0.0.1:9/v1", keys=keys)
    home.publish(policy=msgspec.structs.replace(home.policy, breaker=rule))
    gateway = start(home)
    for _ in range(2):
        assert gateway.call(model="gnomon-chat@main", key="eeeeeeee").status_code == 503
    assert gateway.worker.services.circuits.open() == 0
    assert [r["attempts"] for r in gateway.records()] == [1, 1]


# -- hedging ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
def test_a_silent_target_is_overtaken_and_cut_off(tmp_path: Path, start: Start, stream: bool) -> None:
    slow, quick = Script(first_token_s=3, reply="慢"), Script(reply="快")
    with two(tmp_path, start, slow, quick, hedge_after_ms=50.0) as (gateway, one, _):
        response = gateway.call(stream=stream)
        assert "快" in response.text
        record = gateway.records()[0]
        assert (record["target"], record["attempts"], record["outcome"]) == ("other", 2, "ok")
        _until(lambda: one.aborted == 1)
        assert gateway.worker.services.circuits.open() == 0


def test_a_quick_target_is_not_hedged(tmp_path: Path, start: Start) -> None:
    with two(tmp_path, start, Script(reply="快"), says(200), hedge_after_ms=500.0) as (gateway, _, other):
        assert gateway.call().status_code == 200
        assert other.requests == []


def test_a_caller_who_leaves_a_hedged_request_stops_both(tmp_path: Path, start: Start) -> None:
    import httpx

    slow = Script(first_token_s=5)
    with two(tmp_path, start, slow, slow, hedge_after_ms=20.0) as (gateway, one, other):
        body = {"model": "gnomon-chat", "messages": [{"role": "user", "content": "a"}]}
        with pytest.raises(httpx.ReadTimeout):
            HTTP.post(f"{gateway.url}/chat/completions", json=body, headers=bearer(), timeout=0.3)
        _until(lambda: (one.aborted, other.aborted) == (1, 1))
        _until(lambda: [r["outcome"] for r in gateway.records()] == ["client_gone"])


def test_a_connection_that_is_still_being_made_is_given_up_with_its_lane(
    tmp_path: Path, start: Start, upstream: Upstream
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it never answers the handshake
        mute = UpstreamAt(id="mute", url=f"https://127.0.0.1:{silent.getsockname()[1]}/v1")
        route = Route(
            model="gnomon-chat",
            targets=targets("mute", "up"),
            mask_policy=MASK.id,
            fallback=("up",),
            hedge_after_ms=20.0,
        )
        gateway = start(make_home(tmp_path, upstream_url=upstream.url, routes=(route,), upstreams=(mute,)))
        assert gateway.call().status_code == 200
        assert gateway.records()[0]["target"] == "up"
        there, _ = silent.accept()
        with there:
            there.settimeout(3)
            while there.recv(65536):  # until it is closed from the other side
                pass


def test_when_both_of_a_hedge_refuse_one_refusal_is_told(tmp_path: Path, start: Start) -> None:
    with two(tmp_path, start, says(500), says(500), hedge_after_ms=5.0) as (gateway, _, _other):
        assert gateway.call().status_code == 502


def test_a_hedge_gives_its_one_slot_back_each_time(tmp_path: Path, start: Start) -> None:
    slow, quick = Script(first_token_s=1, reply="慢"), Script(reply="快")
    with two(tmp_path, start, slow, quick, hedge_after_ms=10.0, keys=(make_key(concurrency=1),)) as (gateway, one, _):
        assert [gateway.call().status_code for _ in range(4)] == [200] * 4
        _until(lambda: one.aborted == 4)
        assert [r["attempts"] for r in gateway.records()] == [2] * 4


@pytest.mark.parametrize("hedge_after_ms", [0.0, 20.0, 5000.0])
def test_an_answer_that_was_read_when_its_time_was_over_is_in_time(
    tmp_path: Path, start: Start, hedge_after_ms: float
) -> None:
    slow = Script(first_token_s=0.4)
    with two(tmp_path, start, slow, slow, hedge_after_ms=hedge_after_ms) as (gateway, one, other):
        request = json.dumps({"model": "gnomon-chat", "messages": [{"role": "user", "content": "a"}]})
        with ThreadPoolExecutor(1) as caller:
            given = bearer() | {"x-gnomon-timeout-ms": "600", "content-type": "application/json"}
            told = caller.submit(HTTP.post, f"{gateway.url}/chat/completions", content=request, headers=given)
            _until(lambda: len(one.requests) + len(other.requests) == (2 if hedge_after_ms == 20.0 else 1))
            gateway._loop.call_soon_threadsafe(time.sleep, 1.0)  # everybody else's turn: both lie there when it is over
            assert told.result().status_code == 200
        assert gateway.records()[0]["outcome"] == "ok"


# -- deadlines --------------------------------------------------------------------------------------------------------


def test_a_callers_time_goes_on_to_the_model_server_and_ends_the_request(
    home: Home, start: Start, upstream: Any
) -> None:
    gateway = start(home)
    body = {"model": "gnomon-chat", "messages": [{"role": "user", "content": "a"}]}
    given = bearer() | {"x-gnomon-timeout-ms": "400"}
    assert HTTP.post(f"{gateway.url}/chat/completions", json=body, headers=given).status_code == 200
    assert 200 < int(upstream.requests[0][2]["x-gnomon-timeout-ms"]) <= 400
    upstream.script = Script(first_token_s=5)
    response = HTTP.post(f"{gateway.url}/chat/completions", json=body, headers=given)
    assert (response.status_code, response.json()["error"]["code"]) == (504, "timeout")
    assert "time of the whole request is over" in response.json()["error"]["message"]
    _until(lambda: upstream.aborted == 1)
    wrong = HTTP.post(f"{gateway.url}/chat/completions", json=body, headers=bearer() | {"x-gnomon-timeout-ms": "soon"})
    assert wrong.status_code == 400


def test_the_bundles_limit_ends_a_stream_that_still_moves(tmp_path: Path, start: Start, upstream: Upstream) -> None:
    route = Route(model="gnomon-chat", targets=targets("up"), mask_policy=MASK.id, total_s=0.3)
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, routes=(route,)))
    upstream.script = Script(pieces=("字",) * 500, between_s=0.02)
    text = gateway.call(stream=True).text
    assert json.loads(text.strip().split("data: ")[-1])["error"]["code"] == "timeout"
    assert gateway.records()[0]["outcome"] == "timeout"


def test_timings_tell_queue_connection_first_token_and_between_tokens(gateway: Gateway, upstream: Upstream) -> None:
    upstream.script = Script(pieces=("字",) * 5, between_s=0.01)
    gateway.call(stream=True)
    timings = gateway.records()[0]["timings"]
    assert timings["queue"] <= timings["guard_in"] <= timings["upstream_connect"] <= timings["first_token"]
    assert 0 < timings["per_token"] < timings["total"]


def _until(condition: Callable[[], bool], within_s: float = 3.0) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
