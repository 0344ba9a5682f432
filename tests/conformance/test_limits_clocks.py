"""Limits and bans last as long as they should, whatever the host's or the server's clock does."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gnomon.backends.limits_local import LimitsLocal
from gnomon.contract.bundle import GuessRule
from gnomon.contract.ports import Day, Meter
from tests.fakes.limits import METERS, NOW, TICKS, Host, look, pair, redis_answers, rounded
from tests.fakes.ticks import Ticks


@pytest.mark.parametrize("jump", [-366 * 86_400.0, -3600.0, 3600.0, 366 * 86_400.0])
def test_a_ban_lasts_as_long_as_it_should_whatever_the_wall_clock_does(hosts: tuple[Host, Host], jump: float) -> None:
    one, two = hosts
    two.guess("198.51.100.9", GuessRule(count=1, ban_s=900))
    look(hosts)
    for one.ahead in (jump, 0.0, jump):
        assert one.banned_for("198.51.100.9", NOW + 890) == pytest.approx(10, abs=0.01)
    assert one.banned_for("198.51.100.9", NOW + 901) == 0.0


def test_guesses_count_within_their_window_whatever_the_wall_clock_does(hosts: tuple[Host, Host]) -> None:
    one, _ = hosts
    rule = GuessRule(count=3, window_s=60, ban_s=900)
    found = []
    for one.ahead, now in ((0.0, NOW), (-86_400.0, NOW + 1), (7200.0, NOW + 2)):
        found.append(one.guess("198.51.100.10", rule, now))
    assert [bool(end) for end in found] == [False, False, True]
    assert found[-1] == pytest.approx(NOW + 2 + 7200 + 900)


DAY_S = 86_400.0


def day_of(wall: float) -> Day:
    number = int(wall // DAY_S)
    return Day((number + 1) * DAY_S)


def spend(host: Host, meter: Meter, now: float) -> bool:
    return host.enter(inside=(meter,), tokens=100, day=day_of(now + host.ahead), now=now).refused == ""


@pytest.mark.parametrize("jump", [-366 * DAY_S, -DAY_S, -2 * 3600.0, 3600.0, 12 * 3600.0, DAY_S, 366 * DAY_S])
def test_no_step_of_the_wall_clock_hands_out_a_days_budget_twice(hosts: tuple[Host, Host], jump: float) -> None:
    one, two = hosts
    meter, midnight = Meter("team:days", tokens_per_day=100), (NOW // DAY_S + 1) * DAY_S
    assert spend(one, meter, midnight + 3600)
    for one.ahead in (jump, 0.0, jump, 0.0):
        assert not spend(one, meter, midnight + 3700)
        assert not spend(two, meter, midnight + 3700)
    assert spend(two, meter, midnight + DAY_S + 60)
    for one.ahead in (jump, 0.0):
        assert not spend(one, meter, midnight + DAY_S + 70)
    assert spend(one, meter, midnight + 2 * DAY_S + 60)


def test_a_day_of_25_hours_has_one_budget(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    meter, midnight = Meter("team:autumn", tokens_per_day=100), (NOW // DAY_S + 1) * DAY_S
    autumn = Day(midnight + 25 * 3600)
    assert one.enter(inside=(meter,), tokens=100, day=autumn, now=midnight + 60).refused == ""
    for host, hours in ((two, 0.1), (one, 0.5), (two, 1.5), (one, 24.5)):
        now = midnight + hours * 3600
        assert host.enter(inside=(meter,), tokens=100, day=autumn, now=now).refused == "day_tokens"
    tomorrow = Day(midnight + 49 * 3600)
    assert two.enter(inside=(meter,), tokens=100, day=tomorrow, now=midnight + 25 * 3600 + 1).refused == ""


JUMPS = st.sampled_from([0.0, 0.0, 0.0, -366 * 86_400.0, -3600.0, -30.0, 30.0, 3600.0, 366 * 86_400.0])


@given(steps=st.lists(st.tuples(st.floats(0.01, 20), JUMPS, st.integers(0, 200)), min_size=1, max_size=25))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_hosts_table_says_the_same_whatever_the_wall_clock_does(
    tmp_path_factory: pytest.TempPathFactory, loop: asyncio.AbstractEventLoop, steps: list[tuple[float, float, int]]
) -> None:
    folder, now = tmp_path_factory.mktemp("jumps"), NOW
    TICKS.at = NOW
    calm, shaken = (Host(loop, LimitsLocal(folder / name, ticks=TICKS)) for name in ("calm", "shaken"))
    for gap, jump, tokens in steps:
        now += gap
        shaken.ahead += jump
        found = [rounded(host.enter(METERS["key:x"], tokens=tokens, now=now)) for host in (calm, shaken)]
        assert found[0] == found[1]
        if not found[0][0]:
            for host in (calm, shaken):
                host.leave(METERS["key:x"], tokens=tokens // 2, now=now)
    for host in (calm, shaken):
        host.limits.close()


@given(steps=st.lists(st.tuples(st.floats(0.01, 20), JUMPS, JUMPS), min_size=1, max_size=15))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_step_of_rediss_clock_moves_its_limits_by_one_pause_at_most(
    tmp_path_factory: pytest.TempPathFactory, loop: asyncio.AbstractEventLoop, steps: list[tuple[float, float, float]]
) -> None:
    """Nobody waits longer than his limit says plus those pauses, and nobody gets more than they would refill."""
    if not redis_answers():
        pytest.skip("no Redis on 127.0.0.1:6379")
    server, now, meter = Ticks(NOW), NOW, Meter("key:y", per_minute=6)
    with pair("redis", tmp_path_factory.mktemp("jumps"), loop, wall=lambda: TICKS() + server.at - NOW) as (one, _):
        one.enter(meter)  # the first answer sets the count going
        served, most = 1, 6.0
        for gap, jump, server_jump in steps:
            now += gap
            one.ahead += jump
            server.at += server_jump
            most = min(most + (gap + 0.5 if server_jump > 0 else gap) / 10, 6.0 + served)
            found = one.enter(meter, now=now)
            served += not found.refused
            assert found.wait <= 10.001
            assert served <= most + 1e-3
        assert one.enter(meter, now=now + 20.0).refused == ""
