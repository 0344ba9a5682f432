"""A suspicion is answered by its grade; what lasts is confirmed by another; the owner is heard; expiry frees."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from gnomon.contract.traffic import DefenceNotice
from gnomon.control.access import actions, queries, rules
from gnomon.control.access.rules import Earlier, OwnBan
from gnomon.control.access.schemas import NewBan, NewKey, RosterChanged
from gnomon.control.access.tables import Ban
from gnomon.control.evidence.tables import Artefact
from gnomon.control.traffic import actions as traffic
from gnomon.kit.clock import FakeClock
from gnomon.kit.errors import Conflict
from gnomon.kit.work import Platform
from tests.fakes.platform import MONDAY, do, make_platform

KEY = NewKey(caller="review-ops", team="business")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    return make_platform(tmp_path)


@pytest.fixture
def key(platform: Platform) -> str:
    return do(platform, "admin", actions.issue_key, KEY, environment="demo").id


def suspect(
    platform: Platform,
    subject: str,
    level: int,
    *,
    number: int = 1,
    reason: str = "scraping",
    ago: float = 0,
    days: float = 21.0,
) -> Ban | None:
    at = platform.clock.now().timestamp() - ago
    facts = {"level": float(level), "requests_hour": 900.0, "limit": 150.0, "baseline_days": days}
    notice = DefenceNotice(id=f"notice_{number}", at=at, kind="suspicion", subject=subject, reason=reason, facts=facts)
    made: Ban | None = do(platform, "system", actions.answer_suspicion, notice)
    return made


def advance(platform: Platform, by: timedelta) -> datetime:
    assert isinstance(platform.clock, FakeClock)
    platform.clock.advance(by)
    return platform.clock.now()


def test_a_warning_restricts_nothing_and_leaves_evidence(platform: Platform, key: str) -> None:
    told: list[RosterChanged] = []
    platform.bus.subscribe(RosterChanged, lambda _work, event: told.append(event))
    made = suspect(platform, f"key:{key}", 1)
    assert made is not None
    with platform.read() as session:
        assert queries.roster_bans(session, MONDAY) == queries.roster_throttles(session, MONDAY) == ()
        proof = session.get_one(Artefact, made.evidence_id)
    assert (made.grade, proof.source, proof.facts["seen"]["requests_hour"], told) == ("warn", "access.warned", 900, [])


def test_a_throttle_is_on_the_roster_until_it_ends_by_itself(platform: Platform, key: str) -> None:
    suspect(platform, f"key:{key}", 2)
    with platform.read() as session:
        (throttle,) = queries.roster_throttles(session, MONDAY)
        assert (throttle.key, throttle.requests_per_minute) == (key, 10)
        assert throttle.until == (MONDAY + HOUR).timestamp()
        assert queries.roster_throttles(session, MONDAY + HOUR) == ()


def test_a_ban_that_nobody_confirms_holds_for_an_hour_and_waits_as_a_proposal(platform: Platform, key: str) -> None:
    made = suspect(platform, f"key:{key}", 3)
    assert made is not None
    with platform.read() as session:
        (ban,) = queries.roster_bans(session, MONDAY)
        assert ban.until == (MONDAY + HOUR).timestamp()
        assert queries.roster_bans(session, MONDAY + HOUR) == ()
        assert [one.id for one in queries.unconfirmed(session, MONDAY + 2 * HOUR)] == [made.id]
    now = advance(platform, 2 * HOUR)
    do(platform, "ren", actions.confirm_ban, made.id)
    with platform.read() as session:
        (ban,) = queries.roster_bans(session, now)
        assert ban.until == (MONDAY + DAY).timestamp()
        assert queries.roster_bans(session, MONDAY + DAY) == ()


def test_what_goes_on_under_a_warning_is_throttled_and_never_banned_for_that(platform: Platform, key: str) -> None:
    grades = [
        made.grade if made else "" for n in range(4) if (made := suspect(platform, f"key:{key}", 1, number=n)) or 1
    ]
    assert grades == ["warn", "throttle", "", ""]


def test_without_a_baseline_there_is_no_more_than_the_warning(platform: Platform, key: str) -> None:
    answers = [suspect(platform, f"key:{key}", 1, number=n, days=0.0) for n in range(3)]
    assert [made and made.grade for made in answers] == ["warn", None, None]


def test_what_risk_control_lifted_does_not_come_back_for_the_same_reason(platform: Platform, key: str) -> None:
    made = suspect(platform, f"key:{key}", 2)
    assert made is not None
    do(platform, "rong", actions.lift_ban, made.id, reason="our own load test")
    assert suspect(platform, f"key:{key}", 2, number=2) is None
    worse = suspect(platform, f"key:{key}", 3, number=3)
    assert worse is not None
    assert worse.grade == "ban"


def test_what_is_long_past_is_only_told(platform: Platform) -> None:
    made = suspect(platform, "address:" + "d" * 24, 3, ago=7200)
    assert made is not None
    assert made.grade == "warn"


def test_a_key_that_is_revoked_needs_no_measure(platform: Platform, key: str) -> None:
    do(platform, "admin", actions.revoke_key, key, reason="lost")
    assert suspect(platform, f"key:{key}", 3) is None
    assert suspect(platform, "key:nobody", 3) is None


def test_a_campaign_from_many_addresses_makes_one_roster(platform: Platform) -> None:
    told: list[RosterChanged] = []
    platform.bus.subscribe(RosterChanged, lambda _work, event: told.append(event))
    notices = [
        DefenceNotice(
            id=f"n{n}", at=MONDAY.timestamp(), kind="suspicion", subject=f"address:{n:024x}",
            reason="credential_stuffing", facts={"level": 3.0},
        )
        for n in range(40)
    ]  # fmt: skip
    assert do(platform, "system", traffic.take_notices, notices) == 40
    assert do(platform, "system", traffic.take_notices, notices) == 0
    with platform.read() as session:
        assert len(queries.roster_bans(session, MONDAY)) == 40
    assert len(told) == 1


def test_nobody_confirms_a_long_ban_that_they_imposed(platform: Platform) -> None:
    made = do(platform, "ren", actions.ban, NewBan(kind="key", value="abc", reason="flood", minutes=600))
    assert made.confirmed_by == ""
    with pytest.raises(OwnBan):
        do(platform, "ren", actions.confirm_ban, made.id)
    assert do(platform, "rong", actions.confirm_ban, made.id).confirmed_by == "rong"


def test_the_owner_appeals_and_somebody_without_a_part_in_it_decides(platform: Platform, key: str) -> None:
    made = suspect(platform, f"key:{key}", 3)
    assert made is not None
    do(platform, "ren", actions.confirm_ban, made.id)
    with pytest.raises(rules.NotOwner):
        do(platform, "wei", actions.appeal_ban, made.id, text="ours")
    appeal = do(platform, "bai", actions.appeal_ban, made.id, text="a report at the end of the month")
    with pytest.raises(Conflict):
        do(platform, "bai", actions.appeal_ban, made.id, text="again")
    with pytest.raises(OwnBan):
        do(platform, "ren", actions.decide_appeal, appeal.id, grant=True, reason="well")
    do(platform, "rong", actions.decide_appeal, appeal.id, grant=True, reason="announced")
    with platform.read() as session:
        assert queries.roster_bans(session, MONDAY) == ()
        assert queries.ban(session, made.id).lift_reason == "announced"
        sources = set(session.scalars(select(Artefact.source)))
    assert sources == {"access.banned", "access.ban_reviewed", "access.appeal_decided"}
    with pytest.raises(Conflict):
        do(platform, "rong", actions.decide_appeal, appeal.id, grant=False, reason="again")


def test_a_rejected_appeal_leaves_the_ban(platform: Platform, key: str) -> None:
    made = suspect(platform, f"key:{key}", 3)
    assert made is not None
    appeal = do(platform, "bai", actions.appeal_ban, made.id, text="ours")
    do(platform, "rong", actions.decide_appeal, appeal.id, grant=False, reason="not announced")
    with platform.read() as session:
        assert len(queries.roster_bans(session, MONDAY)) == 1


earlier = st.builds(
    Earlier,
    grade=st.sampled_from(["warn", "throttle", "ban"]),
    reason=st.sampled_from(["scraping", "flood"]),
    until=st.sampled_from([MONDAY - HOUR, MONDAY + HOUR]),
    is_lifted=st.booleans(),
)


@given(st.lists(earlier, max_size=4), st.integers(1, 3), st.booleans())
def test_no_answer_is_graver_than_the_level_but_for_a_throttle_after_a_warning(
    known: list[Earlier], level: int, is_past: bool
) -> None:
    grade = rules.answer(level=level, reason="scraping", earlier=known, now=MONDAY, is_past=is_past)
    order = ("warn", "throttle", "ban")
    if grade is None:
        assert any(one.until > MONDAY for one in known)
    elif is_past:
        assert grade == "warn"
    elif order.index(grade) > level - 1:
        assert grade == "throttle"
        assert any(one.grade == "warn" and not one.is_lifted and one.until > MONDAY for one in known)


def test_a_key_that_has_ended_stays_known_for_a_while_and_its_owner_is_warned_of_its_use(
    platform: Platform, key: str
) -> None:
    do(platform, "admin", actions.issue_key, KEY.model_copy(update={"expires_at": MONDAY + HOUR}), environment="demo")
    do(platform, "admin", actions.revoke_key, key, reason="换发")
    now = advance(platform, 2 * HOUR)
    with platform.read() as session:
        expired = next(one.id for one in queries.keys(session) if one.id != key)
        ended = [one.id for one in queries.roster_ended(session, now, within=180 * DAY)]
        assert sorted(ended) == sorted([key, expired])
        assert queries.roster_ended(session, now + 181 * DAY, within=180 * DAY) == ()
    for number, id in enumerate(ended):
        made = suspect(platform, f"key:{id}", 1, number=number, reason="stale_key")
        assert made is not None
        assert (made.grade, made.reason) == ("warn", "stale_key")
    assert suspect(platform, f"key:{key}", 1, number=7, reason="stale_key") is None  # the warning stands
    assert suspect(platform, "key:nobodys1", 1, number=8, reason="stale_key") is None
    assert suspect(platform, f"key:{key}", 3, number=9, reason="scraping") is None
    with platform.read() as session:
        assert queries.roster_bans(session, now) == ()
        assert queries.owner_of(session, queries.bans(session)[0]) == "business"
