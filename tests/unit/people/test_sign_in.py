"""People: invitations, passwords, locks, posts that exclude each other."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import argon2
import pytest
from pydantic import ValidationError
from sqlalchemy import select

from gnomon.app import setup
from gnomon.control.audit.tables import AuditEntry
from gnomon.control.people import actions, queries, rules
from gnomon.control.people.schemas import NewPerson
from gnomon.control.people.tables import SignInFailure
from gnomon.kit.clock import FakeClock
from gnomon.kit.errors import BadInput, Conflict, Denied, NotFound
from gnomon.kit.work import NOBODY, Actor, Platform
from tests.fakes.platform import REAL_HASHER, do, make_platform

NEW = NewPerson(login="zhou", name="周工", team="technical")


@pytest.fixture
def platform(tmp_path: Path, database_url: str) -> Iterator[Platform]:
    made = make_platform(tmp_path, url=database_url)
    yield made
    made.database.close()


def invited(platform: Platform) -> str:
    return do(platform, "admin", actions.invite, NEW).token


def accept(platform: Platform, token: str, password: str = "correct horse 电池") -> str:
    with platform.work(NOBODY) as work:
        return actions.accept_invitation(work, token=token, password=password).token


def sign_in(platform: Platform, password: str) -> str:
    with platform.work(NOBODY) as work:
        return actions.sign_in(work, login="zhou", password=password).token


def test_a_stored_password_costs_whoever_guesses_19_mib_and_two_passes() -> None:
    found = argon2.extract_parameters(REAL_HASHER.hash("correct horse 电池"))
    assert (found.type, found.time_cost, found.memory_cost) == (argon2.Type.ID, 2, 19 * 1024)
    assert (found.salt_len, found.hash_len) == (16, 32)


def test_an_invitation_sets_the_password_once(platform: Platform) -> None:
    token = invited(platform)
    accept(platform, token)
    with pytest.raises(NotFound):
        accept(platform, token)
    assert sign_in(platform, "correct horse 电池")
    with pytest.raises(rules.BadCredentials):
        sign_in(platform, "wrong")


def test_an_invitation_expires(platform: Platform) -> None:
    token = invited(platform)
    assert isinstance(platform.clock, FakeClock)
    platform.clock.advance(rules.INVITATION_LIFE + timedelta(seconds=1))
    with pytest.raises(NotFound):
        accept(platform, token)


@pytest.mark.parametrize("password", ["short", "zhou-is-my-name"])
def test_weak_passwords_are_refused_and_the_invitation_stays_good(platform: Platform, password: str) -> None:
    token = invited(platform)
    with pytest.raises(rules.WeakPassword):
        accept(platform, token, password)
    assert accept(platform, token)


HERE, THERE = "10.0.0.1", "198.51.100.7"


def at(address: str) -> Actor:
    return replace(NOBODY, address=address)


def guess(platform: Platform, address: str, login: str = "zhou") -> None:
    with platform.work(at(address)) as work:
        actions.refuse_sign_in(work, login=login)


def enter(platform: Platform, address: str) -> str:
    with platform.work(at(address)) as work:
        return actions.sign_in(work, login="zhou", password="correct horse 电池").token


def wait(platform: Platform, by: timedelta) -> None:
    assert isinstance(platform.clock, FakeClock)
    platform.clock.advance(by)


def test_guessing_locks_the_address_that_guesses_and_nobody_else(platform: Platform) -> None:
    accept(platform, invited(platform))
    for _ in range(rules.FAILURES):
        guess(platform, THERE)
    with pytest.raises(rules.Locked):
        enter(platform, THERE)
    assert enter(platform, HERE)  # and who got in is no longer suspect
    assert enter(platform, THERE)


def test_a_lock_ends(platform: Platform) -> None:
    accept(platform, invited(platform))
    for _ in range(rules.FAILURES):
        guess(platform, THERE)
    wait(platform, rules.FAILURE_WINDOW + timedelta(seconds=1))
    assert enter(platform, THERE)


def test_guesses_from_everywhere_slow_new_places_down_but_not_where_the_person_was_before(platform: Platform) -> None:
    accept(platform, invited(platform))
    assert enter(platform, HERE)
    for n in range(40):
        guess(platform, f"203.0.113.{n}")
    assert rules.pause(40) == rules.LONGEST_PAUSE
    with pytest.raises(rules.Locked, match="one attempt in 60 s"):
        enter(platform, THERE)
    wait(platform, rules.LONGEST_PAUSE)
    assert enter(platform, THERE)
    for n in range(40):
        guess(platform, f"203.0.113.{n}")
    assert enter(platform, HERE)


def test_the_pause_grows_to_its_limit() -> None:
    found = [rules.pause(n).total_seconds() for n in range(rules.FREE_ELSEWHERE - 1, rules.FREE_ELSEWHERE + 9)]
    assert found == [0, 1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_what_is_typed_where_the_login_belongs_is_not_written_down(platform: Platform) -> None:
    secret = "my password, typed in the wrong field"
    for address in (HERE, HERE, THERE):
        with pytest.raises(rules.BadCredentials), platform.work(at(address)) as work:
            actions.sign_in(work, login=secret, password="x")
        guess(platform, address, login=secret)
    with platform.read() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.permission.like("session.%"))).all()
        failures = session.scalars(select(SignInFailure)).all()
    assert len(entries) == 6
    assert len({entry.object_id for entry in entries} | {failure.login for failure in failures}) == 1
    assert entries[0].object_id.startswith("unknown:")
    assert entries[0].address == HERE


def test_failures_that_no_longer_count_are_forgotten(platform: Platform) -> None:
    guess(platform, HERE)
    wait(platform, rules.FAILURE_WINDOW)
    guess(platform, THERE)
    with platform.read() as session:
        assert [failure.address for failure in session.scalars(select(SignInFailure))] == [THERE]


def test_an_invitation_gives_no_post(platform: Platform) -> None:
    """Or one administrator, who sees every link, could be everybody."""
    with pytest.raises(ValidationError):
        NewPerson.model_validate(NEW.model_dump() | {"posts": ["technical_lead"]})
    accept(platform, invited(platform))
    with platform.read() as session:
        zhou = queries.by_login(session, "zhou")
        assert zhou is not None
        assert zhou.posts == []


def test_a_reset_takes_the_posts_until_another_person_gives_them_again(platform: Platform) -> None:
    token = do(platform, "admin", actions.renew_invitation, "lin").token
    accept(platform, token)
    with platform.read() as session:
        assert queries.person(session, "lin").posts == []
    do(platform, "rong", actions.set_posts, "lin", posts=["technical_lead"], reason="本人已核实")
    with platform.read() as session:
        assert queries.person(session, "lin").posts == ["technical_lead"]


def test_each_of_the_first_two_administrators_gets_a_link_until_the_post_is_held(platform: Platform) -> None:
    tokens = setup.first_administrators(platform)
    assert list(tokens) == ["admin", "security"]
    again = setup.first_administrators(platform)  # the links of an earlier start were lost
    with pytest.raises(NotFound):
        accept(platform, tokens["security"])
    accept(platform, again["security"])
    assert list(setup.first_administrators(platform)) == ["admin"]
    accept(platform, setup.first_administrators(platform)["admin"])
    assert setup.first_administrators(platform) == {}
    with platform.read() as session:
        security = queries.by_login(session, "security")
        assert security is not None
        assert security.posts == ["security_admin"]
    do(platform, "admin", actions.renew_invitation, security.id)  # the post is lost with the password
    assert list(setup.first_administrators(platform)) == ["security"]
    with pytest.raises(Conflict):
        do(platform, "system", actions.renew_first, "admin", post="system_admin")


def test_exclusive_and_unknown_posts_are_refused(platform: Platform) -> None:
    with pytest.raises(rules.PostsExclude):
        do(platform, "lin", actions.set_posts, "wei", posts=["system_admin", "audit_admin"], reason="r")
    with pytest.raises(BadInput):
        do(platform, "lin", actions.set_posts, "wei", posts=["emperor"], reason="r")
    with pytest.raises(Conflict):
        do(platform, "lin", actions.set_posts, "lin", posts=["engineer"], reason="r")


def test_what_the_matrix_does_not_name_is_denied() -> None:
    rules.require({"case.open": ["engineer"]}, ["engineer"], "case.open")
    with pytest.raises(Denied):
        rules.require({"case.open": ["engineer"]}, ["auditor"], "case.open")
    with pytest.raises(Denied):
        rules.require({}, ["engineer"], "case.open")


def test_a_session_ends_with_its_person(platform: Platform) -> None:
    accept(platform, invited(platform))
    with platform.read() as session:
        zhou = queries.by_login(session, "zhou")
        assert zhou is not None
    do(platform, "admin", actions.deactivate, zhou.id, reason="left")
    with pytest.raises(rules.BadCredentials):
        sign_in(platform, "correct horse 电池")
