"""Impose, confirm and lift bans. Each is on the roster of all gateways as soon as they have the next one."""

from datetime import timedelta
from typing import Any

from gnomon.contract.verdicts import State
from gnomon.control.access import queries, rules
from gnomon.control.access.schemas import NewBan, RosterChanged
from gnomon.control.access.tables import Ban
from gnomon.control.evidence import actions as evidence
from gnomon.control.people import queries as people
from gnomon.control.rulebook.rules import load
from gnomon.kit.clock import iso
from gnomon.kit.errors import Conflict
from gnomon.kit.ids import new_id
from gnomon.kit.work import Work, action


@action("ban.impose")
def ban(work: Work, new: NewBan) -> Ban:
    """The key or address is refused until the ban ends.

    A short one that risk control imposes is confirmed thereby. Any other holds for a short time only, until somebody
    else of risk control confirms it.
    """
    lasts = timedelta(minutes=new.minutes)
    alone = timedelta(seconds=load().threshold("ban_unconfirmed_s").limit)
    confirmed = lasts <= alone and people.may(work.session, work.actor, "ban.confirm")
    made = Ban(
        id=new_id("ban"),
        kind=new.kind,
        value=new.value,
        reason=new.reason,
        source="person",
        facts={},
        at=work.now,
        until=work.now + lasts,
        held_until=work.now + min(lasts, alone),
        imposed_by=work.actor.id,
        confirmed_by=work.actor.id if confirmed else "",
    )
    keep(work, made)
    return made


@action("ban.confirm")
def confirm_ban(work: Work, ban_id: str) -> Ban:
    """Risk control has looked at the ban and lets it stand, to its whole length. Raises OwnBan, or Conflict if over."""
    found = queries.ban(work.session, ban_id)
    work.about("ban", found.id)
    rules.require_other(work.actor.id, found.imposed_by)
    if found.lifted_at or found.until <= work.now:
        raise Conflict(f"The ban {found.id} is over already.")
    found.confirmed_by = work.actor.id
    review(work, found, "stands")
    work.emit(RosterChanged())
    return found


@action("ban.lift")
def lift_ban(work: Work, ban_id: str, *, reason: str) -> Ban:
    """The ban is over as soon as the gateways have the next roster, their own memory of it included."""
    found = queries.ban(work.session, ban_id)
    work.about("ban", found.id, reason=reason)
    if found.lifted_at or found.until <= work.now:
        raise Conflict(f"The ban {found.id} is over already.")
    found.lifted_at, found.lifted_by, found.lift_reason = work.now, work.actor.id, reason
    review(work, found, "lifted")
    work.emit(RosterChanged())
    return found


def review(work: Work, ban: Ban, decision: str) -> None:
    """Evidence that a person looked at the ban and decided."""
    evidence.record(
        work,
        source="access.ban_reviewed",
        kind="review",
        subject=("ban", ban.id),
        state=State.MET,
        facts={"decision": decision, "subject": ban.id, "reviewer": work.actor.id},
    )


def keep(work: Work, made: Ban) -> None:
    """Store a ban of any grade, with the evidence of it, and have the roster follow."""
    work.session.add(made)
    work.session.flush()
    work.about("ban", made.id, kind=made.kind, grade=made.grade, reason=made.reason, source=made.source)
    facts: dict[str, Any] = {
        "kind": made.kind,
        "grade": made.grade,
        "subject_digest": made.value,
        "source": made.source,
        "reason": made.reason,
        "seen": made.facts,
        "until": iso(made.until),
        "held_until": iso(made.held_until) if made.held_until else None,
    }
    source = {"ban": "access.banned", "throttle": "access.throttled", "warn": "access.warned"}[made.grade]
    proof = evidence.record(work, source=source, kind="ban", subject=("ban", made.id), state=State.MET, facts=facts)
    made.evidence_id = proof.id
    if made.grade != "warn":
        work.emit(RosterChanged())
