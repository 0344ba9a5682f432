"""Keys are shown once and hashed; bans end, are confirmed, and are taken over once."""

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gnomon.contract.traffic import DefenceNotice
from gnomon.control.access import actions, queries, rules
from gnomon.control.access.schemas import NewBan, NewKey, NewQuota, RosterChanged
from gnomon.kit.clock import FakeClock
from gnomon.kit.errors import BadInput, Conflict, NotFound
from gnomon.kit.work import Platform
from tests.fakes.platform import MONDAY, do, make_platform

NEW = NewKey(caller="review-ops", team="business", models=["review-sentiment"])
NOTICE = DefenceNotice(
    id="ban_1", at=MONDAY.timestamp(), kind="ban", subject="d" * 32, reason="guessing", until=MONDAY.timestamp() + 900
)


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    return make_platform(tmp_path)


@given(st.sampled_from(["demo", "production", "own"]))
def test_a_key_has_its_form_and_only_its_digest_is_kept(environment: str) -> None:
    fresh = rules.make_key(environment)
    match = rules.FORM.fullmatch(fresh.text)
    assert match is not None
    assert (match[1], match[2]) == (environment, fresh.id)
    assert fresh.sha256 == hashlib.sha256(fresh.text.encode()).hexdigest()


def test_the_roster_has_living_keys_without_their_text(platform: Platform) -> None:
    told: list[RosterChanged] = []
    platform.bus.subscribe(RosterChanged, lambda _work, event: told.append(event))
    kept = do(platform, "admin", actions.issue_key, NEW, environment="demo")
    gone = do(platform, "admin", actions.issue_key, NEW, environment="demo")
    do(platform, "admin", actions.revoke_key, gone.id, reason="lost")
    with platform.read() as session:
        keys = queries.roster_keys(session, platform.clock.now())
        assert [key.id for key in keys] == [kept.id]
        assert kept.secret not in repr(keys)
    assert len(told) == 3
    with pytest.raises(Conflict):
        do(platform, "admin", actions.revoke_key, gone.id, reason="again")


def test_an_expired_key_is_not_on_the_roster(platform: Platform) -> None:
    new = NEW.model_copy(update={"expires_at": MONDAY + timedelta(hours=1)})
    do(platform, "admin", actions.issue_key, new, environment="demo")
    with platform.read() as session:
        assert len(queries.roster_keys(session, MONDAY)) == 1
        assert queries.roster_keys(session, MONDAY + timedelta(hours=2)) == ()


def test_nobody_gets_a_key_in_the_platforms_own_name(platform: Platform) -> None:
    with pytest.raises(BadInput):
        do(platform, "admin", actions.issue_key, NEW.model_copy(update={"caller": "gnomon"}), environment="demo")


def test_a_ban_by_the_gateway_is_taken_over_once_confirmed_and_ends(platform: Platform) -> None:
    assert do(platform, "system", actions.take_over_ban, NOTICE) is not None
    assert do(platform, "system", actions.take_over_ban, NOTICE) is None
    do(platform, "ren", actions.confirm_ban, "ban_1")
    with platform.read() as session:
        assert [ban.value for ban in queries.roster_bans(session, platform.clock.now())] == ["d" * 32]
    assert isinstance(platform.clock, FakeClock)
    platform.clock.advance(timedelta(minutes=16))
    with platform.read() as session:
        assert queries.roster_bans(session, platform.clock.now()) == ()


def test_the_lift_of_a_gateways_own_ban_is_told_until_the_ban_would_have_ended(platform: Platform) -> None:
    do(platform, "system", actions.take_over_ban, NOTICE)
    with platform.read() as session:
        assert queries.roster_lifts(session, platform.clock.now()) == ()
    assert isinstance(platform.clock, FakeClock)
    platform.clock.advance(timedelta(minutes=1))
    do(platform, "rong", actions.lift_ban, "ban_1", reason="ours")
    with platform.read() as session:
        (lift,) = queries.roster_lifts(session, platform.clock.now())
        assert (lift.address, lift.since) == ("d" * 32, NOTICE.at + 60)
        assert queries.roster_lifts(session, platform.clock.now() + timedelta(minutes=15)) == ()


def test_a_lift_reaches_the_beginning_of_a_ban_whose_clock_was_ahead(platform: Platform) -> None:
    do(platform, "system", actions.take_over_ban, replace(NOTICE, at=NOTICE.at + 30))
    do(platform, "rong", actions.lift_ban, "ban_1", reason="ours")
    with platform.read() as session:
        (lift,) = queries.roster_lifts(session, platform.clock.now())
    assert lift.since == NOTICE.at + 30


def test_the_lift_of_a_persons_ban_frees_nothing_that_a_gateway_banned(platform: Platform) -> None:
    ban = do(platform, "ren", actions.ban, NewBan(kind="address", value="d" * 32, reason="flood", minutes=60))
    do(platform, "rong", actions.lift_ban, ban.id, reason="over")
    with platform.read() as session:
        assert queries.roster_lifts(session, platform.clock.now()) == ()


@pytest.mark.parametrize(("login", "is_confirmed"), [("ren", True), ("lin", False)])
def test_only_risk_control_confirms_what_it_imposes(tmp_path: Path, login: str, is_confirmed: bool) -> None:
    rights = {"ban.impose": ["technical_lead", "risk_officer"], "ban.confirm": ["risk_officer"]}
    platform = make_platform(tmp_path, permissions=rights)
    ban = do(platform, login, actions.ban, NewBan(kind="key", value="abc", reason="flood", minutes=60))
    assert bool(ban.confirmed_by) is is_confirmed


def test_a_lifted_ban_is_off_the_roster_and_cannot_be_lifted_again(platform: Platform) -> None:
    ban = do(platform, "ren", actions.ban, NewBan(kind="key", value="abc", reason="flood", minutes=60))
    do(platform, "rong", actions.lift_ban, ban.id, reason="it was a test")
    with platform.read() as session:
        assert queries.roster_bans(session, platform.clock.now()) == ()
    with pytest.raises(Conflict):
        do(platform, "rong", actions.lift_ban, ban.id, reason="again")


def test_a_quota_is_on_the_roster_until_another_takes_its_place(platform: Platform) -> None:
    told: list[RosterChanged] = []
    platform.bus.subscribe(RosterChanged, lambda _work, event: told.append(event))
    first = NewQuota(requests_per_minute=60, cost_per_day=2.5, reason="launch")
    do(platform, "lin", actions.set_quota, "team", "business", first)
    do(platform, "lin", actions.set_quota, "team", "business", first.model_copy(update={"requests_per_minute": 30}))
    with platform.read() as session:
        (quota,) = queries.roster_quotas(session)
    assert (quota.kind, quota.value, quota.requests_per_minute, quota.cost_per_day) == ("team", "business", 30, 2.5)
    assert len(told) == 2
    assert do(platform, "lin", actions.set_quota, "team", "business", NewQuota(reason="over")) is None
    with platform.read() as session:
        assert queries.roster_quotas(session) == ()


def test_a_quota_needs_a_key_that_exists_and_a_change(platform: Platform) -> None:
    with pytest.raises(NotFound):
        do(platform, "lin", actions.set_quota, "key", "nothing", NewQuota(concurrency=1, reason="x"))
    with pytest.raises(Conflict):
        do(platform, "lin", actions.set_quota, "model", "m", NewQuota(reason="x"))
