"""Evidence of strangers adds up, whoever gives it; what is no campaign gives too little."""

import pytest

from gnomon.engine.defence import Baseline, Family, Suspicion
from tests.unit.defence.samples import RULES, START, asked, shown, watch, wrong


def campaigns(found: list[Suspicion]) -> list[Suspicion]:
    return [one for one in found if one.family == Family.CREDENTIAL_STUFFING]


def test_a_team_that_takes_turns_is_found_before_any_of_it_has_guessed_enough() -> None:
    found = shown(watch(), [wrong(60.0 * n, f"{n:04x}", f"bot{n % 3}") for n in range(30)])
    assert campaigns(found)[0].at - START <= 20 * 60.0
    assert {one.subject for one in found} == {"installation:", "address:bot0", "address:bot1", "address:bot2"}


def test_one_address_alone_is_no_campaign() -> None:
    assert campaigns(shown(watch(), [wrong(200.0 * n, f"{n:04x}") for n in range(200)])) == []


def test_two_addresses_that_guess_by_chance_at_once_are_no_campaign() -> None:
    assert campaigns(shown(watch(), [wrong(20.0 * n, f"{n:04x}", f"bot{n % 2}") for n in range(60)])) == []


@pytest.mark.parametrize("gap_s", [1.0, 60.0, 250.0])
def test_twenty_addresses_with_a_key_each_are_enough_at_any_pace(gap_s: float) -> None:
    assert campaigns(shown(watch(), [wrong(gap_s * n, f"{n:04x}", f"bot{n}") for n in range(20)]))


def test_people_who_mistype_and_come_in_leave_no_evidence() -> None:
    day = []
    for n in range(60):  # a morning on which everybody is new
        at = 60.0 * n
        day += [wrong(at + k, f"{8 * n + k:04x}", f"desk{n}") for k in range(4)]
        day.append(asked(at + 5, address=f"desk{n}", key_id=f"k{n}"))
    assert shown(watch(), day) == []


def test_evidence_drains_away_with_the_hours() -> None:
    guard = watch()
    seldom = [wrong(1300.0 * n, f"{n:04x}", f"stray{n}") for n in range(60)]  # less than is usual in an hour
    assert shown(guard, seldom) == []
    assert guard._addresses._campaign.level < 3.0


def test_a_campaign_that_ended_is_not_held_against_the_next_one_who_mistypes() -> None:
    guard = watch()
    shown(guard, [wrong(10.0 * n, f"{n:04x}", f"bot{n % 9}") for n in range(90)])
    later = [wrong(900.0 + 3700.0 + n, f"{500 + n:04x}", "person") for n in range(6)]
    assert campaigns(shown(guard, later)) == []


def test_a_campaign_that_doubles_is_said_at_once() -> None:
    found = shown(watch(), [wrong(1.0 * n, f"{n:04x}", f"bot{n}") for n in range(80)])
    told = [one.facts["strangers_hour"] for one in campaigns(found)]
    assert told == [10.0, 20.0, 40.0, 80.0]


def test_more_than_the_busiest_hour_ever_is_abnormal_at_any_time_of_the_week() -> None:
    """Where a caller strays so far by itself that its margin allows what it never did."""
    known = {"usual": (300.0,) * 168, "tail": 4.0, "days": 21.0}
    bounded, unbounded = watch(), watch()
    bounded.learn({"shop": Baseline(**known, busiest=400.0)})
    unbounded.learn({"shop": Baseline(**known)})
    asks = [asked(4.0 * n, "same") for n in range(900)]
    found = shown(bounded, asks)
    assert found[0].facts["limit_ever"] == 400.0 * RULES.frequency_busiest_times <= found[0].facts["requests_hour"]
    assert shown(unbounded, asks) == []
