"""People: invitations, passwords, locks, posts that exclude each other."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gnomon.control.people import actions, queries, rules
from gnomon.control.people.schemas import NewPerson
from gnomon.kit.clock import FakeClock
from gnomon.kit.errors import BadInput, Conflict, Denied, NotFound
from gnomon.kit.work import NOBODY, Platform
from tests.fakes.platform import do, make_platform

NEW = NewPerson(login="zhou", name="周工", team="technical", posts=["engineer"])


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


def test_guessing_locks_the_name_for_a_while(platform: Platform) -> None:
    accept(platform, invited(platform))
    for _ in range(rules.FAILURES):
        with platform.work(NOBODY) as work:
            actions.refuse_sign_in(work, login="zhou")
    with pytest.raises(rules.Locked):
        sign_in(platform, "correct horse 电池")
    assert isinstance(platform.clock, FakeClock)
    platform.clock.advance(rules.FAILURE_WINDOW + timedelta(seconds=1))
    assert sign_in(platform, "correct horse 电池")


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
