"""Least privilege, separation of duties, and quorums that the posts can really fill."""

from datetime import timedelta
from itertools import combinations

import pytest

from gnomon.control.rulebook.rules import NotInRulebook, load

MATRIX = load().matrix
POSTS = {post.id for post in MATRIX.posts}


def test_what_is_not_listed_is_refused() -> None:
    assert not MATRIX.allows(POSTS, "universe.destroy")
    assert not any(MATRIX.allows([], permission) for permission in MATRIX.permissions)


def test_nobody_holds_everything_and_no_post_is_idle() -> None:
    for post in POSTS:
        held = [p for p in MATRIX.permissions if MATRIX.allows([post], p)]
        assert 0 < len(held) < len(MATRIX.permissions)


def test_administrators_see_no_business_content() -> None:
    admins = ["system_admin", "security_admin", "audit_admin"]
    for permission in ("traffic.read", "traffic.view", "dataset.read", "restoration.perform", "case.view"):
        assert not MATRIX.allows(admins, permission)


def test_auditors_change_nothing_but_findings_reports_and_their_own_votes() -> None:
    held = {p for p in MATRIX.permissions if MATRIX.allows(["auditor"], p)}
    reading = ("view", "verify", "export", "compare", "sweep", "certify")
    changing = {p for p in held if p.split(".")[1] not in reading}
    assert changing == {"approval.decide", "finding.raise", "case.supervise", "report.create"}


def test_whoever_creates_accounts_cannot_give_them_posts() -> None:
    assert not MATRIX.permissions["person.create"] & MATRIX.permissions["person.assign"]
    assert not MATRIX.permissions["matrix.propose"] & MATRIX.permissions["matrix.approve"]


@pytest.mark.parametrize("pair", list(combinations(["system_admin", "security_admin", "audit_admin"], 2)))
def test_no_two_administrators_are_one_person(pair: tuple[str, str]) -> None:
    assert [rule.id for rule in MATRIX.conflicts(pair)] == ["three-administrators"]
    assert MATRIX.conflicts(pair[:1]) == ()


def test_whoever_may_fill_a_seat_may_decide_and_never_on_their_own_request() -> None:
    for quorum in load().quorums:
        assert "author" in quorum.excluded
        for post in (post for seat in quorum.seats for post in seat):
            assert MATRIX.allows([post], "approval.decide"), quorum.kind


def test_deployments_need_both_leads_and_remediation_plans_all_four() -> None:
    book = load()
    assert book.quorum("deployment_plan").seats == (("technical_lead",), ("business_lead",))
    four = {post for seat in book.quorum("remediation_plan").seats for post in seat}
    assert four == {"technical_lead", "business_lead", "risk_lead", "management"}
    assert len(book.quorum("matrix_change").seats) == 2
    assert "owner" in book.quorum("closure").excluded


def test_an_undecided_request_lapses() -> None:
    assert load().quorum("release").lapses_after == timedelta(days=7)


def test_every_permission_has_words_in_both_languages() -> None:
    for permission in MATRIX.permissions:
        assert set(MATRIX.title(permission)) == {"zh-CN", "en"}
    assert MATRIX.title("case.open")["zh-CN"] == "发起整改单"
    with pytest.raises(NotInRulebook):
        MATRIX.title("case.burn")
