"""What follows from what the platform saw by itself: a gateway's ban is taken over, a suspicion is answered."""

from datetime import UTC, datetime, timedelta
from typing import get_args

from gnomon.contract.traffic import DefenceNotice
from gnomon.control.access import queries, rules
from gnomon.control.access.actions.bans import keep
from gnomon.control.access.rules import Grade
from gnomon.control.access.tables import ApiKey, Ban
from gnomon.control.rulebook.rules import load
from gnomon.kit.work import Work, system_action

LOOK_BACK = timedelta(days=1)
STALE = "stale_key"
"""A key that was revoked or has expired and is still presented: its owner is warned, nobody is banned."""


@system_action("ban.take_over")
def take_over_ban(work: Work, notice: DefenceNotice) -> Ban | None:
    """A ban that a gateway made by itself is on the roster of all of them. None when it is known already."""
    work.about("ban", notice.id, subject=notice.subject)
    if work.session.get(Ban, notice.id):
        return None
    made = Ban(
        id=notice.id,
        kind="address",
        value=notice.subject,
        reason=notice.reason,
        source="gateway",
        facts=dict(notice.facts),
        at=datetime.fromtimestamp(notice.at, UTC),
        until=datetime.fromtimestamp(notice.until, UTC),
        review_by=work.now + _limit("ban_review_s"),
    )
    keep(work, made)
    return made


@system_action("ban.answer")
def answer_suspicion(work: Work, notice: DefenceNotice) -> Ban | None:
    """A warning, a throttle or a ban by the suspicion's level and by what stands already; None where that is enough.

    A ban holds for a short time; beyond that it is a proposal that risk control confirms or lifts.
    """
    kind, _, value = notice.subject.partition(":")
    work.about("ban", notice.id, subject=notice.subject, reason=notice.reason)
    if work.session.get(Ban, notice.id) or (kind == "key" and not _concerns(work, notice, value)):
        return None
    earlier = [rules.Earlier(get_grade(one), one.reason, one.until, one.lifted_at is not None)
               for one in queries.bans_of(work.session, kind, value, since=work.now - LOOK_BACK)]  # fmt: skip
    seen_at = datetime.fromtimestamp(notice.at, UTC)
    grade = rules.answer(
        level=int(notice.facts.get("level", 1)),
        reason=notice.reason,
        earlier=earlier,
        now=work.now,
        is_known=notice.facts.get("baseline_days", 0.0) > 0,
        is_past=work.now - seen_at > _limit("ban_unconfirmed_s"),
    )
    if grade is None:
        return None
    made = _made(work, notice, grade)
    keep(work, made)
    return made


def _concerns(work: Work, notice: DefenceNotice, key_id: str) -> bool:
    """Whether the suspicion is of a key that it can be of: a stale one is of a key that has ended."""
    if notice.reason == STALE:
        return work.session.get(ApiKey, key_id) is not None
    return queries.is_living_key(work.session, key_id, work.now)


def _made(work: Work, notice: DefenceNotice, grade: Grade) -> Ban:
    kind, _, value = notice.subject.partition(":")
    lasts = _limit({"warn": "warning_s", "throttle": "throttle_s", "ban": "ban_s"}[grade])
    return Ban(
        id=notice.id,
        kind=kind,
        value=value,
        reason=notice.reason,
        source="watch",
        grade=grade,
        per_minute=int(load().threshold("throttle_requests_per_minute").limit) if grade == "throttle" else 0,
        facts=dict(notice.facts),
        at=work.now,
        until=work.now + lasts,
        held_until=work.now + min(lasts, _limit("ban_unconfirmed_s")) if grade == "ban" else None,
        review_by=work.now + _limit("ban_review_s"),
    )


def get_grade(ban: Ban) -> Grade:
    found: Grade = next(grade for grade in get_args(Grade) if grade == ban.grade)
    return found


def _limit(indicator: str) -> timedelta:
    return timedelta(seconds=load().threshold(indicator).limit)
