"""What a key, a team and a model may use: told as OpenAI tells it, settled with what was really used."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gnomon.contract.bundle import Cache, Quota, Roster
from gnomon.contract.ports import Entry, Room
from gnomon.contract.signing import BadBundle
from gnomon.gateway.meters import Meters, cost
from gnomon.gateway.over_limit import duration, limit_headers, scarcer
from tests.fakes.bundle import make_home, make_key
from tests.fakes.upstream import Script, Upstream
from tests.unit.gateway.conftest import Gateway

Start = Callable[..., Gateway]
TWO_KEYS = (make_key("aaaaaaaa"), make_key("bbbbbbbb"))
"""Both of the team `business`; the fake model server says that it used 11 + 22 tokens."""


def begin(start: Start, path: Path, upstream: Upstream, *quotas: Quota, **more: object) -> Gateway:
    return start(make_home(path, upstream_url=upstream.url, keys=TWO_KEYS, quotas=quotas, **more))  # type: ignore[arg-type]


def test_a_teams_requests_are_counted_over_its_keys(tmp_path: Path, upstream: Upstream, start: Start) -> None:
    gateway = begin(start, tmp_path, upstream, Quota(kind="team", value="business", requests_per_minute=2))
    assert [gateway.call(key=k).status_code for k in ("aaaaaaaa", "bbbbbbbb", "aaaaaaaa")] == [200, 200, 429]
    assert gateway.records()[-1]["outcome"] == "limited"


def test_requests_a_second_let_the_next_second_in(tmp_path: Path, upstream: Upstream, start: Start) -> None:
    gateway = begin(start, tmp_path, upstream, Quota(kind="key", value="aaaaaaaa", requests_per_second=1))
    assert gateway.call().status_code == 200
    refused = gateway.call()
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert gateway.call(key="bbbbbbbb").status_code == 200


def test_a_models_requests_are_counted_over_all_callers(tmp_path: Path, upstream: Upstream, start: Start) -> None:
    gateway = begin(start, tmp_path, upstream, Quota(kind="model", value="gnomon-chat", requests_per_minute=1))
    assert gateway.call().headers["x-ratelimit-remaining-requests"] == "0"
    refused = gateway.call(key="bbbbbbbb")
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert len(upstream.requests) == 1


def test_tokens_are_reserved_before_and_settled_after(tmp_path: Path, upstream: Upstream, start: Start) -> None:
    gateway = begin(start, tmp_path, upstream, Quota(kind="key", value="aaaaaaaa", tokens_per_minute=1000))
    first = gateway.call(max_tokens=500)
    assert first.headers["x-ratelimit-limit-tokens"] == "1000"
    reserved = 1000 - int(first.headers["x-ratelimit-remaining-tokens"])
    assert 500 < reserved < 540
    second = gateway.call(max_tokens=500)  # would not fit had the first not been settled with its 33
    assert second.status_code == 200
    assert int(second.headers["x-ratelimit-remaining-tokens"]) == pytest.approx(1000 - 33 - reserved, abs=15)


def test_what_was_used_beyond_the_reserve_is_owed(tmp_path: Path, upstream: Upstream, start: Start) -> None:
    gateway = begin(start, tmp_path, upstream, Quota(kind="key", value="aaaaaaaa", tokens_per_minute=1000))
    upstream.script = Script(usage={"prompt_tokens": 1500, "completion_tokens": 1500, "total_tokens": 3000})
    assert gateway.call(max_tokens=1).status_code == 200
    refused = gateway.call(max_tokens=1)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert 100 <= int(refused.headers["retry-after"]) <= 121  # 2,000 too many at 1,000 a minute
    assert refused.headers["x-ratelimit-remaining-tokens"] == "0"


def test_a_request_that_never_reached_a_model_costs_no_tokens(tmp_path: Path, upstream: Upstream, start: Start) -> None:
    gateway = begin(start, tmp_path, upstream, Quota(kind="key", value="aaaaaaaa", tokens_per_minute=1000))
    upstream.script = Script(respond=lambda path, body: (500, {"error": {"message": "x"}}))
    assert [gateway.call(max_tokens=900).status_code for _ in range(3)] == [502, 502, 502]


def test_a_request_larger_than_a_minute_is_told_so_and_not_to_try_again(
    tmp_path: Path, upstream: Upstream, start: Start
) -> None:
    gateway = begin(start, tmp_path, upstream, Quota(kind="team", value="business", tokens_per_minute=100))
    refused = gateway.call(max_tokens=200)
    assert (refused.status_code, refused.headers["x-should-retry"]) == (429, "false")
    assert refused.headers["retry-after"] == "60"  # for clients that know no better
    assert "Request too large" in refused.json()["error"]["message"]
    assert gateway.call().status_code == 200  # an answer of unsaid length does not ask for more than there is


def test_a_spent_budget_is_insufficient_quota_until_midnight(tmp_path: Path, upstream: Upstream, start: Start) -> None:
    gateway = begin(start, tmp_path, upstream, Quota(kind="team", value="business", tokens_per_day=700))
    upstream.script = Script(usage={"prompt_tokens": 400, "completion_tokens": 300, "total_tokens": 700})
    assert gateway.call(max_tokens=10).status_code == 200
    refused = gateway.call(key="bbbbbbbb", max_tokens=10)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "insufficient_quota")
    assert refused.headers["x-should-retry"] == "false"
    assert 1 <= int(refused.headers["retry-after"]) <= 90_000


def test_a_budget_of_money_is_spent_at_the_targets_price(tmp_path: Path, upstream: Upstream, start: Start) -> None:
    quota = Quota(kind="key", value="aaaaaaaa", cost_per_day=0.002)
    gateway = begin(start, tmp_path, upstream, quota, prices=(10.0, 40.0))  # of a million tokens
    upstream.script = Script(usage={"prompt_tokens": 100, "completion_tokens": 25, "total_tokens": 125})  # 0.002
    assert gateway.call(max_tokens=5).status_code == 200
    assert gateway.call(max_tokens=5).json()["error"]["code"] == "insufficient_quota"
    assert gateway.call(key="bbbbbbbb", max_tokens=5).status_code == 200


def test_a_roster_with_no_such_time_zone_is_refused() -> None:
    with pytest.raises(BadBundle):
        Meters(Roster(epoch=1, serial=1, issued_at=0.0, keys=(), bans=(), timezone="Mars/Olympus"))


def test_a_day_begins_at_the_companys_midnight() -> None:
    meters = Meters(Roster(epoch=1, serial=1, issued_at=0.0, keys=(), bans=(), timezone="Asia/Shanghai"))
    noon = 1_767_240_000.0  # 2026-01-01 12:00 in Shanghai
    assert meters.day(noon).ends == noon + 12 * 3600
    assert meters.day(noon + 12 * 3600).ends == noon + 36 * 3600


def test_what_a_key_may_is_overruled_by_its_quota_and_sleeping_keys_have_no_meter() -> None:
    quota = Quota(kind="key", value="aaaaaaaa", requests_per_minute=9)
    meters = Meters(Roster(epoch=1, serial=1, issued_at=0.0, keys=(), bans=(), quotas=(quota,)))
    (own,) = meters.of_key(make_key("aaaaaaaa", requests_per_minute=3, concurrency=2))
    assert (own.per_minute, own.concurrency) == (9, 2)
    assert meters.of_key(make_key("bbbbbbbb")) == ()
    (throttled,) = meters.of_key(make_key("bbbbbbbb"), at_most=5)
    assert throttled.per_minute == 5


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0ms"),
        (0.0171, "17ms"),
        (0.9999, "1s"),
        (8.64, "8.64s"),
        (59.9999, "1m0s"),
        (360.2, "6m0s"),
        (3600.0, "1h0m0s"),
    ],
)
def test_durations_are_written_as_openai_writes_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


rooms = st.one_of(st.none(), st.builds(Room, st.integers(1, 99), st.integers(0, 99), st.floats(0, 60)))


@given(rooms, rooms)
def test_of_two_limits_the_one_with_less_left_is_told(one: Room | None, other: Room | None) -> None:
    lines = limit_headers(scarcer(Entry(requests=one), Entry(requests=other))).decode().split("\r\n")[1:]
    told = dict(line.split(": ") for line in lines)
    lefts = [room.left for room in (one, other) if room is not None]
    assert told.get("x-ratelimit-remaining-requests") == (str(min(lefts)) if lefts else None)


def test_a_price_of_a_million_tokens_is_millionths_a_token() -> None:
    from gnomon.contract.bundle import Target

    assert cost(Target(id="t", upstream="u", model="m", price_in=2.0, price_out=8.0), 100, 10) == 280


def test_an_answer_from_the_cache_costs_no_tokens(tmp_path: Path, upstream: Upstream, start: Start) -> None:
    home = make_home(tmp_path, upstream_url=upstream.url, keys=TWO_KEYS)
    (route,) = home.policy.routes
    home.publish(
        policy=replace(home.policy, routes=(replace(route, cache=Cache(ttl_s=60)),)),
        roster=replace(home.roster, quotas=(Quota(kind="key", value="aaaaaaaa", tokens_per_day=700),)),
    )
    gateway = start(home)
    assert [gateway.call(max_tokens=600, temperature=0).status_code for _ in range(5)] == [200] * 5
    assert len(upstream.requests) == 1
