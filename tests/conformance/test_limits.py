"""What every backend of limits keeps: two workers, one bucket, one set of slots, one list of bans."""

import pytest

from gnomon.contract.bundle import Canary, GuessRule, RetreatRule
from gnomon.contract.ports import Day, Meter
from tests.fakes.limits import NOW, TODAY, Host, look


def test_two_share_one_bucket_a_minute_and_one_a_second(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    minute, second = Meter("key:a", per_minute=4), Meter("key:b", per_second=2)
    lefts = [host.enter(minute).requests for host in (one, two, one, two)]
    assert [room.left for room in lefts if room] == [3, 2, 1, 0]
    refused = one.enter(minute)
    assert (refused.refused, refused.subject, refused.limit) == ("requests", "key:a", 4)
    assert refused.wait == pytest.approx(15.0, abs=1e-3)
    assert [one.enter(second).refused, two.enter(second).refused, one.enter(second).refused] == ["", "", "requests"]
    assert two.enter(second, now=NOW + 0.51).refused == ""


def test_two_share_one_set_of_slots(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    meter = Meter("key:c", concurrency=2)
    assert (one.enter(meter).refused, two.enter(meter).refused) == ("", "")
    assert one.enter(meter).refused == "slots"
    two.leave(meter)
    assert one.enter(meter).refused == ""
    assert two.enter(meter).refused == "slots"


def test_what_one_meter_refuses_takes_nothing_from_the_others(hosts: tuple[Host, Host]) -> None:
    one, _ = hosts
    key, team = Meter("key:d", per_minute=5, concurrency=5), Meter("team:d", per_minute=1)
    assert one.enter(key, team).refused == ""
    for _ in range(9):
        assert one.enter(key, team).subject == "team:d"
    room = one.enter(key).requests
    assert room is not None
    assert room.left == 3


def test_tokens_are_taken_owed_and_given_back(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    meter = Meter("key:e", tokens_per_minute=600)
    assert one.enter(meter).refused == ""
    first = one.enter(inside=(meter,), tokens=500).tokens
    assert first is not None
    assert (first.limit, first.left) == (600, 100)
    assert two.enter(inside=(meter,), tokens=200).refused == "tokens"
    one.leave(meter, tokens=-400)  # it had used 100
    assert two.enter(inside=(meter,), tokens=200).refused == ""
    two.leave(meter, tokens=600)  # and this one 800
    owed = one.enter(meter)
    assert (owed.refused, owed.wait) == ("tokens", pytest.approx(30.0, abs=1e-3))
    assert one.enter(meter, now=NOW + 31).refused == ""


def test_budgets_of_a_day_are_spent_and_new_the_next_day(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    meter = Meter("team:f", tokens_per_day=1000, cost_per_day=50)
    assert one.enter(inside=(meter,), tokens=900, cost=10).refused == ""
    spent = two.enter(inside=(meter,), tokens=200, cost=10)
    assert (spent.refused, spent.limit, spent.wait) == ("day_tokens", 1000, pytest.approx(3600, abs=1))
    one.leave(meter, tokens=-800, cost=40)
    assert two.enter(meter).refused == "day_cost"
    assert two.enter(meter, day=Day(TODAY.ends + 86_400), now=TODAY.ends + 1).refused == ""


def test_a_guesser_is_banned_on_both_and_told_of_once(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    rule = GuessRule(count=3, window_s=10, ban_s=50)
    ends = [host.guess("198.51.100.7", rule) for host in (one, two, one)]
    assert [bool(end) for end in ends] == [False, False, True]
    assert ends[-1] == pytest.approx(NOW + 50)
    look(hosts)
    for host in hosts:
        assert host.banned_for("198.51.100.7", NOW + 1) == pytest.approx(49, abs=0.01)
    for host in hosts:
        assert host.banned_for("198.51.100.7", NOW + 51) == 0.0


def test_a_lift_ends_the_ban_before_it_and_none_that_comes_after(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    rule = GuessRule(count=1, ban_s=50)
    one.guess("198.51.100.8", rule)
    look(hosts)
    for _ in range(2):
        assert [host.banned_for("198.51.100.8", NOW + 5, lifted_at=NOW + 4) for host in hosts] == [0.0, 0.0]
        look(hosts)  # Redis still tells of it
    for host in hosts:
        host.ahead = -86_400.0  # by the wall clock the next ban began long before the lift
    two.guess("198.51.100.8", rule, NOW + 6)
    look(hosts)
    left = [host.banned_for("198.51.100.8", NOW + 7, lifted_at=NOW + 4) for host in hosts]
    assert left == pytest.approx([49, 49], abs=0.01)


def test_a_canary_that_retreats_on_one_has_retreated_on_the_other(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    rule = RetreatRule(indicator="error_ratio", limit=0.2, min_requests=2)
    canary = Canary(id="c", target="t", share=0.1, watch_until=NOW + 60, rules=(rule,))
    told = [one.waited(lambda: one.limits.canary_result(canary, failed=True, slow=False)) for _ in range(3)]
    assert [bool(facts) for facts in told] == [False, True, False]
    one.settle()
    two.look()
    assert two.limits.canary_retreated("c")
