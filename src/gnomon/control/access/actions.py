"""Changes: issue and revoke keys, ban and lift, take over what the gateway did by itself."""

from datetime import UTC, datetime, timedelta
from typing import Any

from gnomon.contract.traffic import DefenceNotice
from gnomon.contract.verdicts import State
from gnomon.control.access import queries, rules
from gnomon.control.access.schemas import OWN_CALLER, KeyAnswer, NewBan, NewKey, RosterChanged
from gnomon.control.access.tables import ApiKey, Ban
from gnomon.control.evidence import actions as evidence
from gnomon.control.people import queries as people
from gnomon.kit.clock import iso
from gnomon.kit.errors import BadInput, Conflict
from gnomon.kit.ids import new_id
from gnomon.kit.work import Work, action, system_action


@action("key.issue")
def issue_key(work: Work, new: NewKey, *, environment: str) -> KeyAnswer:
    """A key for a caller; its text is in the answer and nowhere else. Raises BadInput for the platform's own name."""
    if new.caller == OWN_CALLER:
        raise BadInput(f"The caller name {OWN_CALLER} is the platform's own.", next_step="Choose another name.")
    fresh = rules.make_key(environment)
    _store(work, new, fresh)
    return KeyAnswer(id=fresh.id, secret=fresh.text)


@system_action("key.issue_own")
def issue_own(work: Work, new: NewKey, fresh: rules.FreshKey) -> None:
    """The key with which the platform asks its own gateway; earlier ones for the same caller are revoked."""
    for older in queries.keys(work.session):
        if older.caller == new.caller and older.revoked_at is None:
            older.revoked_at = work.now
    _store(work, new, fresh)


@action("key.revoke")
def revoke_key(work: Work, key_id: str, *, reason: str) -> ApiKey:
    """The gateways refuse the key as soon as they have the next roster."""
    key = queries.key(work.session, key_id)
    work.about("key", key.id, caller=key.caller, reason=reason)
    if key.revoked_at:
        raise Conflict(f"The key {key.id} is revoked already.")
    key.revoked_at = work.now
    work.emit(RosterChanged())
    return key


@action("ban.impose")
def ban(work: Work, new: NewBan) -> Ban:
    """The key or address is refused until the ban ends. It counts as confirmed only when risk control imposes it."""
    confirmed = people.may(work.session, work.actor, "ban.confirm")
    made = Ban(
        id=new_id("ban"),
        kind=new.kind,
        value=new.value,
        reason=new.reason,
        source="person",
        facts={},
        at=work.now,
        until=work.now + timedelta(minutes=new.minutes),
        confirmed_by=work.actor.id if confirmed else "",
    )
    _add_ban(work, made)
    return made


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
    )
    _add_ban(work, made)
    return made


@action("ban.confirm")
def confirm_ban(work: Work, ban_id: str) -> Ban:
    """Risk control has looked at the ban and lets it stand."""
    found = queries.ban(work.session, ban_id)
    work.about("ban", found.id)
    found.confirmed_by = work.actor.id
    evidence.record(
        work,
        source="access.ban_reviewed",
        kind="review",
        subject=("ban", found.id),
        state=State.MET,
        facts=_reviewed(work, found, "stands"),
    )
    return found


@action("ban.lift")
def lift_ban(work: Work, ban_id: str, *, reason: str) -> Ban:
    """The ban is over as soon as the gateways have the next roster, their own memory of it included."""
    found = queries.ban(work.session, ban_id)
    work.about("ban", found.id, reason=reason)
    if found.lifted_at or found.until <= work.now:
        raise Conflict(f"The ban {found.id} is over already.")
    found.lifted_at, found.lifted_by, found.lift_reason = work.now, work.actor.id, reason
    evidence.record(
        work,
        source="access.ban_reviewed",
        kind="review",
        subject=("ban", found.id),
        state=State.MET,
        facts=_reviewed(work, found, "lifted"),
    )
    work.emit(RosterChanged())
    return found


def _reviewed(work: Work, ban: Ban, conclusion: str) -> dict[str, Any]:
    return {"decision": conclusion, "subject": ban.id, "reviewer": work.actor.id}


def _store(work: Work, new: NewKey, fresh: rules.FreshKey) -> None:
    work.about("key", fresh.id, caller=new.caller, team=new.team, models=new.models, scopes=list(new.scopes))
    work.session.add(
        ApiKey(
            id=fresh.id,
            sha256=fresh.sha256,
            created_at=work.now,
            created_by=work.actor.id,
            **(new.model_dump() | {"scopes": list(new.scopes)}),
        )
    )
    work.emit(RosterChanged())


def _add_ban(work: Work, made: Ban) -> None:
    work.session.add(made)
    work.session.flush()
    work.about("ban", made.id, kind=made.kind, reason=made.reason, source=made.source)
    facts = {
        "kind": made.kind,
        "subject_digest": made.value,
        "source": made.source,
        "reason": made.reason,
        "seen": made.facts,
        "until": iso(made.until),
    }
    evidence.record(work, source="access.banned", kind="ban", subject=("ban", made.id), state=State.MET, facts=facts)
    work.emit(RosterChanged())
