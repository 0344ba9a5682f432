"""The wall clock jumps, as after a broken time server: nobody is locked out, no ban is lost, no wait is longer."""

import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from gnomon.contract.bundle import GuessRule, Quota
from tests.fakes.bundle import make_home, make_key
from tests.fakes.upstream import Upstream
from tests.unit.gateway.conftest import HTTP, Gateway, bearer

Start = Callable[..., Gateway]
HOUR, DAY, YEAR = 3600.0, 86_400.0, 366 * 86_400.0
JUMPS = [-YEAR, -DAY, -HOUR, HOUR, DAY, YEAR]


class Clock:
    """The process's wall clock, `ahead` of the true one by some seconds."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self._true = time.time

    def __call__(self) -> float:
        return self._true() + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(time, "time", found)
    return found


@pytest.mark.parametrize("jump", JUMPS)
def test_limits_lock_nobody_out_longer_than_they_last(
    tmp_path: Path, upstream: Upstream, start: Start, clock: Clock, jump: float
) -> None:
    limited = make_key("bbbbbbbb", requests_per_minute=6000, concurrency=2)
    home = make_home(tmp_path, upstream_url=upstream.url, keys=(make_key(), limited))
    quotas = (Quota(kind="team", value="business", requests_per_minute=6000, tokens_per_minute=1_000_000),)
    home.publish(roster=msgspec.structs.replace(home.roster, quotas=quotas))
    gateway = start(home)
    statuses = []
    for clock.ahead in (0.0, jump, 0.0):
        for _ in range(3):
            time.sleep(0.02)
            statuses.append(gateway.call(key="bbbbbbbb").status_code)
    assert statuses == [200] * 9
    records = gateway.records()
    assert len({record["id"] for record in records}) == 9
    assert all(0 <= record["timings"]["total"] < 5000 for record in records)


@pytest.mark.parametrize("jump", [-YEAR, -DAY, -HOUR])
def test_a_clock_that_goes_back_frees_no_banned_address(
    tmp_path: Path, upstream: Upstream, start: Start, clock: Clock, jump: float
) -> None:
    rule = GuessRule(count=3, window_s=60, ban_s=900)
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, guess=rule))
    for _ in range(3):
        HTTP.get(f"{gateway.url}/models", headers=bearer("zzzzzzzz"))
    assert gateway.call().status_code == 403
    clock.ahead = jump
    assert gateway.call().status_code == 403


@pytest.mark.parametrize("jump", JUMPS)
def test_guesses_are_counted_whatever_the_clock_does(
    tmp_path: Path, upstream: Upstream, start: Start, clock: Clock, jump: float
) -> None:
    rule = GuessRule(count=3, window_s=60, ban_s=900)
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, guess=rule))
    assert HTTP.get(f"{gateway.url}/models", headers=bearer("zzzzzzzz")).status_code == 401
    clock.ahead = jump
    statuses = [HTTP.get(f"{gateway.url}/models", headers=bearer("zzzzzzzz")).status_code for _ in range(4)]
    assert statuses[-1] == 403


def test_an_expired_key_stays_expired_unless_the_clock_says_otherwise(
    tmp_path: Path, upstream: Upstream, start: Start, clock: Clock
) -> None:
    key = make_key(expires_at=time.time() + HOUR)
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, keys=(key,)))
    statuses = []
    for clock.ahead in (0.0, 2 * HOUR, 0.0):
        statuses.append(gateway.call().status_code)
    assert statuses == [200, 401, 200]


@pytest.mark.parametrize("jump", JUMPS)
def test_what_waits_for_time_to_pass_goes_by_a_clock_that_does_not_jump(
    tmp_path: Path, upstream: Upstream, start: Start, clock: Clock, jump: float
) -> None:
    home = make_home(tmp_path, upstream_url=upstream.url, timeout_s=0.3)
    gateway = start(home)
    clock.ahead = jump
    upstream.script.first_token_s = 2.0
    began = time.monotonic()
    assert gateway.call().status_code == 504
    assert 0.2 < time.monotonic() - began < 1.5
    home.publish(policy=home.policy)
    deadline = time.monotonic() + 5
    while gateway.worker.services.loader.current.policy.serial != home.policy.serial:  # type: ignore[union-attr]
        assert time.monotonic() < deadline, "the newer bundle was not taken"
        time.sleep(0.05)
