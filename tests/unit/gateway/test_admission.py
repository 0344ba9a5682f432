"""Who gets in, who does not, and that every refusal is recorded."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from gnomon.contract.bundle import Ban, GuessRule, Lift
from gnomon.contract.ports import Day, Meter
from gnomon.gateway.addresses import network
from tests.fakes.bundle import make_home, make_key, secret
from tests.fakes.upstream import Script, Upstream, event
from tests.fuzz.pipes import HEAD, Bench
from tests.unit.gateway.conftest import HTTP, Gateway, bearer

Start = Callable[..., Gateway]


def post(gateway: Gateway, authorization: str) -> httpx.Response:
    return HTTP.post(
        f"{gateway.url}/chat/completions",
        json={"model": "gnomon-chat", "messages": [{"role": "user", "content": "a"}]},
        headers={"authorization": authorization},
    )


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic abc",
        "Bearer",
        "Bearer gn-test_aaaaaaaa_wrong",
        "Bearer gn-test_zzzzzzzz_x",
        "Bearer \xff",
        "Bearer a_b",
    ],
)
def test_a_wrong_key_is_refused_in_openais_words_and_recorded(gateway: Gateway, authorization: str) -> None:
    response = HTTP.post(f"{gateway.url}/models", headers={b"authorization": authorization.encode("latin-1")})
    assert response.status_code == 401
    assert response.json()["error"]["type"] == "authentication_error"
    assert response.headers["x-request-id"] == gateway.records()[0]["id"]
    assert gateway.records()[0]["outcome"] == "unauthorised"


def test_an_expired_key_is_refused(tmp_path: Path, upstream: Upstream, start: Start) -> None:
    keys = (make_key("aaaaaaaa", expires_at=time.time() - 1), make_key("bbbbbbbb", expires_at=time.time() + 60))
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, keys=keys))
    assert gateway.call().json()["error"]["code"] == "expired_api_key"
    assert gateway.call(key="bbbbbbbb").status_code == 200


def test_bans_of_the_roster_hold_until_they_end(tmp_path: Path, upstream: Upstream, start: Start) -> None:
    later, earlier = time.time() + 60, time.time() - 1
    bans = (
        Ban(id="1", kind="key", value="bbbbbbbb", until=later, reason="x"),
        Ban(id="2", kind="key", value="cccccccc", until=earlier, reason="x"),
    )
    keys = tuple(make_key(k) for k in ("aaaaaaaa", "bbbbbbbb", "cccccccc"))
    home = make_home(tmp_path, upstream_url=upstream.url, keys=keys, bans=bans)
    gateway = start(home)
    banned = gateway.call(key="bbbbbbbb")
    assert (banned.status_code, banned.json()["error"]["code"]) == (403, "banned")
    assert 50 <= int(banned.headers["retry-after"]) <= 60
    assert gateway.call(key="cccccccc").status_code == 200
    assert [r["outcome"] for r in gateway.records()] == ["banned", "ok"]


def test_a_ban_by_address_counts_as_plain_address_and_as_recorded_digest(
    tmp_path: Path, upstream: Upstream, start: Start
) -> None:
    home = make_home(tmp_path, upstream_url=upstream.url)
    gateway = start(home)
    assert gateway.call().status_code == 200
    digest = gateway.records()[0]["address"]
    for value in ("127.0.0.1", digest):
        ban = Ban(id="1", kind="address", value=value, until=time.time() + 60, reason="x")
        home.publish(roster=_with_bans(home.roster, (ban,)))
        _until(lambda: gateway.call().status_code == 403)
        home.publish(roster=_with_bans(home.roster, ()))
        _until(lambda: gateway.call().status_code == 200)


def test_a_guesser_of_keys_is_banned_at_once_for_all_workers(tmp_path: Path, upstream: Upstream, start: Start) -> None:
    home = make_home(tmp_path, upstream_url=upstream.url, guess=GuessRule(count=3, window_s=60, ban_s=120))
    first, second = start(home, name="w1"), start(home, name="w2")
    for n in range(3):
        assert post(first if n % 2 else second, f"Bearer gn-test_aaaaaaaa_{n}").status_code == 401
    for gateway in (first, second):
        refused = post(gateway, f"Bearer {secret('aaaaaaaa')}")
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "banned")
    (notice,) = first.lines("notice")
    assert (notice["kind"], notice["reason"]) == ("ban", "key_guessing")
    assert notice["subject"] == first.records()[-1]["address"] != "127.0.0.1"
    assert notice["until"] == pytest.approx(time.time() + 120, abs=5)


def test_a_lift_ends_the_gateways_own_ban_and_not_the_next_one(
    tmp_path: Path, upstream: Upstream, start: Start
) -> None:
    home = make_home(tmp_path, upstream_url=upstream.url, guess=GuessRule(count=2, window_s=60, ban_s=120))
    gateway = start(home)

    def guess() -> None:
        for n in range(2):
            post(gateway, f"Bearer gn-test_aaaaaaaa_{n}")
        assert gateway.call().status_code == 403

    guess()
    (notice,) = gateway.lines("notice")
    other = Lift(address="0" * 24, since=time.time())
    home.publish(roster=replace(home.roster, lifts=(other, Lift(address=notice["subject"], since=notice["at"]))))
    _until(lambda: gateway.call().status_code == 200)
    guess()


def test_requests_a_minute_are_limited_with_headers_that_clients_know(
    tmp_path: Path, upstream: Upstream, start: Start
) -> None:
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, keys=(make_key(requests_per_minute=3),)))
    lefts = [gateway.call().headers["x-ratelimit-remaining-requests"] for _ in range(3)]
    assert lefts == ["2", "1", "0"]
    refused = gateway.call()
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert 1 <= int(refused.headers["retry-after"]) <= 20
    assert refused.headers["x-ratelimit-limit-requests"] == "3"
    assert gateway.records()[-1]["outcome"] == "limited"


def test_concurrency_is_limited_and_given_back_whatever_happens(
    tmp_path: Path, upstream: Upstream, start: Start
) -> None:
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, keys=(make_key(concurrency=1),)))
    upstream.script = Script(pieces=("字",) * 50, between_s=0.1)
    body = {"model": "gnomon-chat", "stream": True, "messages": [{"role": "user", "content": "a"}]}
    with HTTP.stream("POST", f"{gateway.url}/chat/completions", json=body, headers=bearer()) as running:
        assert running.status_code == 200
        refused = gateway.call()
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    upstream.script.between_s = 0.0
    _until(lambda: gateway.call().status_code == 200)  # the caller left in mid-stream
    for text in ("a", "绝密", "b"):
        assert gateway.call(text).status_code in (200, 400)
    assert gateway.call(messages=[]).status_code == 400
    assert gateway.call().status_code == 200


@pytest.mark.parametrize("streams", [False, True])
def test_what_an_answer_held_is_free_before_its_end_goes_to_the_caller(tmp_path: Path, streams: bool) -> None:
    """Or who asks again at once would be refused by another worker."""
    bench = Bench(tmp_path, keys=(make_key(concurrency=1),))
    bench.is_cut = False
    limits = bench.worker.services.limits
    seen: list[str] = []

    def look() -> None:
        now = time.time()
        seen.append(limits.enter((Meter("key:aaaaaaaa", concurrency=1),), day=Day(now + 60), now=now).refused)

    said = event({"content": "好"}) + event({}, finish="stop") + b"data: [DONE]\n\n" if streams else b"{}"
    form = b"text/event-stream" if streams else b"application/json"
    bench.reply = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n%b" % (form, len(said), said)
    body = json.dumps({"model": "gnomon-chat", "messages": [{"role": "user", "content": "a"}], "stream": streams})
    asked = HEAD + b"content-length: %d\r\n\r\n%b" % (len(body), body.encode())
    assert b" 200 OK" in bench.loop.run_until_complete(bench.talk(asked, on_write=look))
    bench.close()
    assert seen == [""]


def test_a_key_without_the_model_or_the_scope_is_refused(tmp_path: Path, upstream: Upstream, start: Start) -> None:
    keys = (make_key("aaaaaaaa", models=("other",)), make_key("bbbbbbbb", scopes=()))
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, keys=keys))
    for key in ("aaaaaaaa", "bbbbbbbb"):
        assert gateway.call(key=key).json()["error"]["code"] == "permission_denied"
    assert gateway.call(model="nothing").status_code == 404
    assert [r["outcome"] for r in gateway.records()] == ["forbidden", "forbidden", "bad_request"]
    assert upstream.requests == []


def test_a_ban_covers_what_one_host_owns() -> None:
    assert network("192.0.2.7") == "192.0.2.7"
    assert network("2001:db8:1:2:3:4:5:6") == network("2001:db8:1:2::9")
    assert network("2001:db8:1:2::1") != network("2001:db8:1:3::1")
    assert network("::ffff:192.0.2.7") == "192.0.2.7"


def _with_bans(roster: object, bans: tuple[Ban, ...]) -> object:
    import msgspec

    return msgspec.structs.replace(roster, bans=bans)


def _until(condition: Callable[[], bool], within_s: float = 3.0) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
