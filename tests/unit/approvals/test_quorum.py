"""Approvals: one rejection wins, nobody speaks twice, nobody approves their own."""

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.control.approvals import actions, queries, rules
from gnomon.kit.clock import FakeClock
from gnomon.kit.errors import Conflict, Denied
from gnomon.kit.work import Platform, Work, system_action
from tests.fakes.platform import do, make_platform

QUORUM = rules.Quorum((frozenset({"technical_lead"}), frozenset({"business_lead"})), frozenset({"author"}))
ballots = st.lists(
    st.builds(
        rules.Ballot,
        person_id=st.sampled_from(["author", "a", "b", "c"]),
        posts=st.frozensets(st.sampled_from(["technical_lead", "business_lead", "engineer"]), min_size=1),
        approve=st.booleans(),
    ),
    max_size=4,
    unique_by=lambda ballot: ballot.person_id,
)


@settings(max_examples=150)
@given(ballots, st.integers(0, 99))
def test_the_order_of_votes_never_matters(cast: list[rules.Ballot], seed: int) -> None:
    shuffled = random.Random(seed).sample(cast, len(cast))
    assert rules.decide(QUORUM, cast) == rules.decide(QUORUM, shuffled)


@settings(max_examples=150)
@given(ballots)
def test_any_valid_rejection_wins_and_approval_needs_every_post_by_another_person(cast: list[rules.Ballot]) -> None:
    state = rules.decide(QUORUM, cast)
    valid = [ballot for ballot in cast if ballot.person_id != "author"]
    if any(not ballot.approve for ballot in valid):
        assert state == "rejected"
    if state == "approved":
        held = [ballot.posts for ballot in valid]
        assert any(
            "technical_lead" in one and "business_lead" in other
            for at, one in enumerate(held)
            for other in held[:at] + held[at + 1 :]
        )


@system_action("test.ask")
def ask(work: Work, text: str) -> str:
    work.about("plan", "plan_1")
    seats = [["technical_lead"], ["business_lead"]]
    week = timedelta(days=7)
    request = actions.ask(
        work,
        kind="plan",
        subject_id="plan_1",
        title="t",
        content={"text": text},
        seats=seats,
        barred=["wei"],
        lapses_after=week,
    )
    return request.id


@pytest.fixture
def platform(tmp_path: Path, database_url: str) -> Iterator[Platform]:
    made = make_platform(tmp_path, url=database_url)
    yield made
    made.database.close()


def test_two_posts_approve_exactly_what_was_shown(platform: Platform) -> None:
    request = do(platform, "system", ask, "v1")
    do(platform, "lin", actions.vote, request, approve=True, comment="ok")
    with platform.read() as session:
        sha256 = queries.request(session, request).content_sha256
        with pytest.raises(queries.NotApproved):
            queries.require_approved(session, kind="plan", subject_id="plan_1", content_sha256=sha256)
    do(platform, "bai", actions.vote, request, approve=True, comment="ok")
    with platform.read() as session:
        queries.require_approved(session, kind="plan", subject_id="plan_1", content_sha256=sha256)
        with pytest.raises(queries.ApprovalVoid):
            queries.require_approved(session, kind="plan", subject_id="plan_1", content_sha256="0" * 64)


def test_the_author_the_wrong_post_and_the_second_vote_are_refused(platform: Platform) -> None:
    request = do(platform, "system", ask, "v1")
    with pytest.raises(rules.OwnRequest):
        do(platform, "wei", actions.vote, request, approve=True, comment="mine")
    with pytest.raises(Denied):
        do(platform, "rong", actions.vote, request, approve=True, comment="not asked")
    do(platform, "lin", actions.vote, request, approve=True, comment="ok")
    with pytest.raises(rules.AlreadyVoted):
        do(platform, "lin", actions.vote, request, approve=True, comment="again")


def test_a_new_request_voids_the_pending_one(platform: Platform) -> None:
    first, second = do(platform, "system", ask, "v1"), do(platform, "system", ask, "v2")
    with platform.read() as session:
        assert queries.request(session, first).state == "void"
        assert queries.request(session, second).state == "pending"


def test_a_person_with_two_posts_fills_only_one_seat_and_the_one_that_helps() -> None:
    both = rules.Ballot("a", frozenset({"technical_lead", "business_lead"}), True)
    assert len(rules.missing(QUORUM, [both])) == 1
    technical = rules.Ballot("b", frozenset({"technical_lead"}), True)
    assert rules.decide(QUORUM, [both, technical]) == rules.decide(QUORUM, [technical, both]) == "approved"


def test_a_person_counts_once_however_many_ballots_bear_the_name() -> None:
    twice = [rules.Ballot("a", frozenset({post}), True) for post in ("technical_lead", "business_lead")]
    assert rules.decide(QUORUM, twice) == "pending"


def test_the_two_last_votes_at_the_same_moment_decide(platform: Platform) -> None:
    for _ in range(5):
        request, both = do(platform, "system", ask, "v1"), threading.Barrier(2)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(vote, [platform] * 2, [request] * 2, ("lin", "bai"), [both] * 2))
        with platform.read() as session:
            assert queries.request(session, request).state == "approved"


def test_a_double_click_is_one_vote(platform: Platform) -> None:
    request, both = do(platform, "system", ask, "v1"), threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(vote, [platform] * 2, [request] * 2, ("lin", "lin"), [both] * 2))
    assert sorted(told) == ["", "already_voted"]
    with platform.read() as session:
        assert len(queries.votes(session, request)) == 1


def vote(platform: Platform, request: str, login: str, both: threading.Barrier) -> str:
    """Vote yes when the other is ready too; the code of the error, if any."""
    both.wait()
    try:
        do(platform, login, actions.vote, request, approve=True, comment="ok")
    except rules.AlreadyVoted as error:
        return error.code
    return ""


def test_a_request_lapses(platform: Platform) -> None:
    request = do(platform, "system", ask, "v1")
    assert isinstance(platform.clock, FakeClock)
    platform.clock.advance(timedelta(days=8))
    with pytest.raises(Conflict):
        do(platform, "lin", actions.vote, request, approve=True, comment="late")
