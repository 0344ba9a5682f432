"""What is an attack is said, with its grade; what looks like one and is none is not."""

from itertools import pairwise

import pytest

from gnomon.contract.traffic import TrafficRecord
from gnomon.engine.defence import Baseline, Family, Level
from gnomon.engine.defence.callers import MOST_HOMES
from tests.unit.defence.samples import RULES, START, asked, shown, unsafe, watch, wrong

STEADY = Baseline(usual=(60.0,) * 168, tail=1.0, days=21.0)


def families(found: list[object]) -> set[str]:
    return {one.family for one in found}  # type: ignore[attr-defined]


def test_different_wrong_keys_are_guessing_and_one_stale_key_is_not() -> None:
    assert shown(watch(), [wrong(10.0 * n, "aaaa") for n in range(2000)]) == []
    found = shown(watch(), [wrong(100.0 * n, f"{n:04x}") for n in range(15)])
    assert [(one.subject, one.family, one.level) for one in found] == [
        ("address:stranger", Family.KEY_GUESSING, Level.BAN)
    ]


def test_slow_guessing_is_found_within_the_day() -> None:
    found = shown(watch(), [wrong(600.0 * n, f"{n:04x}") for n in range(40)])
    assert Family.KEY_GUESSING in families(found)  # type: ignore[arg-type]
    assert found[0].facts["distinct_keys_day"] == RULES.guess_distinct_day


def test_an_office_of_many_people_may_mistype_in_proportion() -> None:
    guard = watch()
    for n in range(60):
        guard.know("office", f"k{n}")
    assert shown(guard, [wrong(60.0 * n, f"{n:04x}", "office") for n in range(50)]) == []


def test_a_campaign_warns_and_bans_who_tries_several_keys() -> None:
    attempts = [
        wrong(60.0 * n + 5 * k, f"{n * 8 + k:04x}", f"bot{n}") for n in range(20) for k in range(1 + 5 * (n % 2))
    ]
    found = shown(watch(), attempts)
    assert {one.subject for one in found if one.family == Family.CREDENTIAL_STUFFING} == {
        "installation:",
        *(f"address:bot{n}" for n in range(1, 20, 2)),
    }


def test_fresh_servers_with_one_stale_key_are_no_campaign() -> None:
    assert shown(watch(), [wrong(10.0 * n, "aaaa", f"pod{n % 40}") for n in range(400)]) == []


def test_a_flood_is_found_within_seconds_with_a_key_and_without() -> None:
    guard = watch()
    guard.learn({"shop": STEADY})
    found = shown(guard, [asked(n / 50, "x") for n in range(500)])
    flood = next(one for one in found if one.family == Family.FLOOD)
    assert (flood.subject, flood.level) == ("key:k1", Level.THROTTLE)
    assert flood.at - START < 10
    found = shown(guard, [asked(60 + n / 500, "x") for n in range(5000)])
    assert (found[-1].family, found[-1].level) == (Family.FLOOD, Level.BAN)
    nobody = {"key_id": "", "caller": "", "outcome": "unauthorised", "status": 401}
    found = shown(watch(), [asked(n / 50, **nobody) for n in range(500)])
    assert (found[0].subject, found[0].level) == ("address:home", Level.BAN)


def test_one_address_that_guesses_fast_is_named_and_is_no_flood_from_everywhere() -> None:
    found = shown(watch(), [wrong(n / 15, f"{n:04x}") for n in range(600)])
    assert {one.subject for one in found} == {"address:stranger"}
    turns = [wrong(n / 15, f"{n:04x}", f"stranger{n % 100}") for n in range(600)]
    assert "installation:" in {one.subject for one in shown(watch(), turns) if one.family == Family.FLOOD}


def test_a_newcomer_may_be_fast_but_not_a_flood() -> None:
    found = shown(watch(), [asked(n / 20, "x") for n in range(1100)])
    assert {one.level for one in found} == {Level.WARN}
    found = shown(watch(), [asked(n / 50, "x") for n in range(500)])
    assert Family.FLOOD in families(found)  # type: ignore[arg-type]


def test_a_caller_is_measured_by_its_own_usual() -> None:
    every_second = [asked(6.0 * n, "same") for n in range(600)]  # 600 an hour
    used, busy = watch(), watch()
    used.learn({"shop": STEADY})
    busy.learn({"shop": Baseline(usual=(500.0,) * 168, tail=1.2, days=21.0)})
    found = shown(used, every_second)
    assert families(found) == {Family.ABNORMAL_FREQUENCY}  # type: ignore[arg-type]
    assert max(one.level for one in found) == Level.THROTTLE
    assert shown(busy, every_second) == []


def test_the_usual_of_the_hour_of_the_week_counts() -> None:
    nightly = Baseline(usual=tuple(2000.0 if hour % 24 == 2 else 20.0 for hour in range(168)), tail=1.0, days=21.0)
    job = [float(n) for n in range(1800)]
    by_night, by_day = watch(), watch()
    by_night.learn({"shop": nightly})
    by_day.learn({"shop": nightly})
    assert shown(by_night, [asked(2 * 3600 + at, "row") for at in job]) == []
    assert shown(by_day, [asked(12 * 3600 + at, "row") for at in job])


def test_many_different_questions_beyond_the_usual_are_scraping_and_repeats_are_not() -> None:
    scraper, looper = watch(), watch()
    for one in (scraper, looper):
        one.learn({"shop": STEADY})
    found = shown(scraper, [asked(9.0 * n, f"question {n}") for n in range(400)])
    assert Family.SCRAPING in families(found)  # type: ignore[arg-type]
    found = shown(looper, [asked(9.0 * n, "the same") for n in range(400)])
    assert Family.SCRAPING not in families(found)  # type: ignore[arg-type]


def stolen(seconds: float, n: int, address: str, **changes: object) -> list[TrafficRecord]:
    """A request of the caller's own every minute, and `n` more from `address`."""
    own = [asked(60.0 * minute, f"own {minute}") for minute in range(int(seconds // 60))]
    more = [asked(seconds / n * i, f"more {i}", address=address, **changes) for i in range(n)]
    return sorted(own + more, key=lambda record: record.at)


def test_less_is_allowed_where_much_comes_from_an_address_that_nobody_knows() -> None:
    outside, inside = watch(), watch()
    for one in (outside, inside):
        one.learn({"shop": STEADY})
        one.settle({"shop": frozenset(("home", "office"))})
    found = shown(outside, stolen(3600, 110, "elsewhere"))
    assert found
    assert found[0].facts["strange_hour"] >= RULES.strange_floor_hour
    assert shown(inside, stolen(3600, 110, "office", key_id="k2")) == []  # thrice the usual is not reached


def test_a_caller_that_asks_little_needs_little_to_be_beyond_it_from_an_address_that_nobody_knows() -> None:
    small = Baseline(usual=(30.0,) * 168, tail=2.5, days=21.0, busiest=60.0)
    outside, inside = watch(), watch()
    for one in (outside, inside):
        one.learn({"shop": small})
        one.settle({"shop": frozenset(("home", "office"))})
    assert [one.facts["limit_strange"] for one in shown(outside, stolen(3600, 80, "elsewhere"))][:1] == [90.0]
    assert shown(inside, stolen(3600, 80, "office")) == []


@pytest.mark.parametrize(("address", "level"), [("elsewhere", Level.WARN), ("home", None)])
def test_of_a_newcomer_less_is_allowed_where_nobody_knows_the_address(address: str, level: Level | None) -> None:
    guard = watch()
    guard.learn({"shop": Baseline(usual=(0.0,) * 168, tail=1.0, days=1.5, busiest=80.0)})
    guard.settle({"shop": frozenset(("home",))})
    assert {one.level for one in shown(guard, stolen(3600, 400, address))} == ({level} if level else set())


def burst(n: int, address: str) -> list[TrafficRecord]:
    return [asked(1000.0 + 2.0 * i, "same", address=address) for i in range(n)]


@pytest.mark.parametrize(("busiest", "n", "address", "said"), [
    (20.0, 80, "elsewhere", True), (20.0, 40, "elsewhere", False), (20.0, 80, "home", False),
    (150.0, 80, "elsewhere", False), (150.0, 140, "elsewhere", True),
])  # fmt: skip
def test_a_burst_from_where_a_newcomer_never_was_is_told_within_minutes(
    busiest: float, n: int, address: str, said: bool
) -> None:
    guard = watch()
    guard.learn({"shop": Baseline(usual=(0.0,) * 168, tail=1.0, days=1.5, busiest=busiest)})
    guard.settle({"shop": frozenset(("home",))})
    found = shown(guard, burst(n, address))
    assert bool(found) is said
    assert all(one.level == Level.WARN and one.facts["strange_5m"] >= RULES.newcomer_strange_5m for one in found)


def test_a_newcomer_may_grow_to_half_as_much_again_as_it_ever_asked() -> None:
    guard = watch()
    guard.learn({"shop": Baseline(usual=(0.0,) * 168, tail=1.0, days=1.5, busiest=1000.0)})
    assert shown(guard, [asked(2.6 * n, f"q{n}") for n in range(1400)]) == []


def test_a_quiet_hour_is_not_accused_of_what_the_hours_before_it_were() -> None:
    guard = watch()
    quiet = Baseline((3.0,) * 168, tail=2.0, days=21.0, usual_long=(18.0,) * 168, tail_long=1.1)
    guard.learn({"shop": quiet})
    assert shown(guard, [asked(1.0 * n, "same") for n in range(1500)])
    after = [asked(1500 + 3600 + 360.0 * n, "same") for n in range(20)]
    assert shown(guard, after) == []


def test_a_job_that_may_fill_an_hour_may_be_all_that_six_hours_hold() -> None:
    guard = watch()
    job = Baseline((400.0,) * 168, tail=2.0, days=21.0, usual_long=(400.0,) * 168, tail_long=1.1, busiest=900.0)
    guard.learn({"shop": job})
    assert shown(guard, [asked(3.0 * n, "row") for n in range(1000)]) == []


def test_who_moves_and_does_what_it_always_did_is_not_accused() -> None:
    guard = watch()
    guard.learn({"shop": Baseline(usual=(300.0,) * 168, tail=1.1, days=21.0)})
    guard.settle({"shop": frozenset(("home",))})
    assert shown(guard, [asked(12.0 * n, f"q{n}", address="new home") for n in range(1200)]) == []


def test_who_comes_from_everywhere_has_no_strange_address() -> None:
    guard = watch()
    guard.learn({"shop": STEADY})
    guard.settle({"shop": frozenset(f"train{n}" for n in range(MOST_HOMES + 1))})
    assert shown(guard, stolen(3600, 110, "elsewhere")) == []


def test_what_is_too_little_for_an_hour_shows_in_six_and_is_not_held_against_anybody_later() -> None:
    guard = watch()
    base = Baseline((200.0,) * 168, tail=2.0, days=21.0, usual_long=(1200.0,) * 168, tail_long=1.1)
    guard.learn({"shop": base})
    slow = [asked(7.0 * n, "same") for n in range(int(6 * 3600 / 7))]  # 514 an hour, of 600 that are allowed
    found = shown(guard, slow)
    assert {one.family for one in found} == {Family.ABNORMAL_FREQUENCY}
    assert found[0].facts["requests_6h"] >= found[0].facts["limit_6h"] == 2400.0
    calm = [asked(6 * 3600 + 1800.0 + 20.0 * n, "same") for n in range(300)]
    assert [one for one in shown(guard, calm) if one.at > START + 7.5 * 3600] == []


def test_an_outage_and_the_rush_after_it_accuse_nobody() -> None:
    guard = watch()
    guard.learn({"shop": STEADY})
    failing = [asked(2.0 * n, f"q{n}", outcome="upstream_error", status=502) for n in range(300)]
    rush = [asked(600.0 + n, f"q{n}") for n in range(250)]
    assert shown(guard, failing + rush) == []


def test_a_newcomer_is_only_warned() -> None:
    found = shown(watch(), [asked(0.4 * n, f"q{n}") for n in range(9000)])
    assert found
    assert {one.level for one in found} == {Level.WARN}


@pytest.mark.parametrize(
    ("pattern", "suspected"), [("xxx", True), ("xx.xx.x", True), ("x.x.x.x", False), ("xx.xx", False)]
)
def test_three_illegal_inputs_in_a_row_or_five_in_a_day(pattern: str, suspected: bool) -> None:
    records = [unsafe(600.0 * n) if sign == "x" else asked(600.0 * n) for n, sign in enumerate(pattern)]
    found = shown(watch(), records)
    assert bool(found) is suspected
    assert all(one.family == Family.ILLEGAL_INPUT for one in found)


def test_personal_data_that_may_not_pass_and_unsafe_replies_are_no_illegal_inputs() -> None:
    held_back = [asked(60.0 * n, "q", outcome="blocked", status=400) for n in range(20)]
    assert shown(watch(), held_back + [unsafe(2000.0 + n, "output") for n in range(20)]) == []


def test_the_same_is_said_again_only_after_a_pause_or_when_it_gets_worse() -> None:
    found = shown(watch(), [wrong(30.0 * n, f"{n:04x}") for n in range(60)])
    times = [one.at for one in found if one.family == Family.KEY_GUESSING]
    assert len(times) == 3
    assert all(later - earlier >= RULES.suspicion_pause_s for earlier, later in pairwise(times))


def test_the_platforms_own_requests_and_copies_are_not_watched() -> None:
    assert shown(watch(), [asked(n / 100, caller="gnomon") for n in range(3000)]) == []
    assert shown(watch(), [asked(n / 100, role="shadow") for n in range(3000)]) == []
