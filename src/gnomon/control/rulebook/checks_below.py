"""Checks of the domains below the rulebook, which cannot register their own: people, audit, approvals."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, inspect, select, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from gnomon.contract.verdicts import State
from gnomon.control.approvals.tables import ApprovalRequest
from gnomon.control.audit import queries as audit
from gnomon.control.audit.tables import APPEND_ONLY, AuditCheckpoint, AuditEntry, AuditSeal
from gnomon.control.people import queries as people
from gnomon.control.people.tables import MatrixVersion, Person
from gnomon.control.rulebook.checks import SHOWN, CheckContext, CheckResult, check, gate
from gnomon.kit.clock import iso
from gnomon.kit.work import ACTIONS

# What is carried out on the strength of which approval: (permission, kind of its object) -> kind of approval.
EXECUTED = {
    ("deployment.install", "deployment"): "deployment_plan",
    ("canary.start", "release"): "release",
    ("canary.promote", "release"): "release",
}
MATRIX_APPROVALS = ("matrix_change", "rulebook_change")


@check("people.conflicting_grants")
def conflicting_grants(ctx: CheckContext) -> CheckResult | None:
    """Active people who hold posts that exclude each other."""
    active = _active(ctx.session)
    broken = [person.id for person in active if ctx.rulebook.matrix.conflicts(person.posts)]
    return gate("posts that exclude each other are held by different people", examined=len(active), broken=broken)


@check("people.technical_posts_held")
def technical_posts(ctx: CheckContext) -> CheckResult | None:
    return _posts_held(ctx, "technical")


@check("people.business_posts_held")
def business_posts(ctx: CheckContext) -> CheckResult | None:
    return _posts_held(ctx, "business")


@check("people.risk_posts_held")
def risk_posts(ctx: CheckContext) -> CheckResult | None:
    return _posts_held(ctx, "risk")


@check("people.unused_grants_flagged", costly=True)
def unused_grants(ctx: CheckContext) -> CheckResult | None:
    """Rights that somebody holds and did not use in the window; a trail younger than the window cannot tell."""
    oldest = audit.oldest(ctx.session)
    if oldest is None:
        return None
    granted = people.matrix(ctx.session).permissions
    used = _used(ctx.session, ctx.since)
    unused = {person.id: _unused(person, granted, used.get(person.id, set())) for person in _active(ctx.session)}
    flagged = {who: sorted(rights) for who, rights in unused.items() if rights}
    decision = {
        "unused_since": iso(max(oldest, ctx.since)),
        "people": len(unused),
        "flagged": {who: len(rights) for who, rights in flagged.items()},
        "unused": {who: rights[:SHOWN] for who, rights in flagged.items()},
    }
    state = State.MET if oldest <= ctx.since else State.INSUFFICIENT
    return CheckResult(n=len(unused), state=state, facts={"decision": decision})


@check("audit.chain_verified", costly=True)
def chain_verified(ctx: CheckContext) -> CheckResult | None:
    """The chain with its signed checkpoints, walked from the first entry to the last; sealing must not have stopped."""
    verdict = audit.verify(ctx.session, ctx.service("audit_key").public_key())
    late = audit.lateness(ctx.session, ctx.now)
    holds = verdict.ok and not late
    if holds and verdict.length == 0:
        return None
    checkpoint = ctx.session.scalars(select(AuditCheckpoint).order_by(AuditCheckpoint.seq.desc()).limit(1)).first()
    facts = {
        "first": 1,
        "last": verdict.length,
        "records": verdict.length,
        "checkpoint": {"seq": checkpoint.seq, "key": checkpoint.key_id} if checkpoint else None,
        "breaks": 0 if holds else 1,
        "problem": verdict.problem or late,
        "at_seq": verdict.at_seq,
        "head": verdict.head,
        "unsealed": audit.unsealed(ctx.session),
    }
    return CheckResult(n=max(verdict.length, 1), value=0.0 if holds else 1.0, facts=facts)


@check("audit.retention_checked")
def retention(ctx: CheckContext) -> CheckResult | None:
    """Whether the trail is kept: the database is asked to delete and must refuse, and nothing sealed may be missing.

    No end of retention is configured, so there is no number of days to judge; the age of the oldest entry and the
    policy's floor are told beside.
    """
    oldest = audit.oldest(ctx.session)
    if oldest is None:
        return None
    yielding = _yielding(ctx.session)
    gone = _deleted(ctx.session)
    facts = {
        "log_class": "audit",
        "retention_days": None,
        "retention": "without end: nothing deletes entries",
        "floor_days": ctx.rulebook.threshold("audit_retention_days").limit,
        "oldest": iso(oldest),
        "oldest_age_days": (ctx.now - oldest).days,
        "deleted_early": gone,
        "deletion_refused": sorted(set(APPEND_ONLY) - set(yielding)),
        "unguarded": yielding,
    }
    records = ctx.session.scalar(select(func.count()).select_from(AuditSeal)) or 0
    state = State.NOT_MET if yielding or gone else State.MET
    return CheckResult(n=max(records, 1), state=state, facts=facts)


@check("approvals.executed_without_valid_approval")
def executed_without_approval(ctx: CheckContext) -> CheckResult | None:
    """Deeds that need an approval and were done without one that was in force at that moment."""
    rows = ctx.session.scalars(
        select(AuditEntry).where(
            AuditEntry.outcome == "done", AuditEntry.permission.in_([permission for permission, _ in EXECUTED])
        )
    )
    deeds = [row for row in rows if (row.permission, row.object_kind) in EXECUTED]
    broken = [
        f"{deed.permission} {deed.object_id}"
        for deed in deeds
        if not _approved_at(ctx.session, EXECUTED[deed.permission, deed.object_kind], deed.object_id, deed.at)
    ]
    return gate("what needs an approval is done while it is in force", examined=len(deeds), broken=broken)


@check("approvals.matrix_changed_without_approval")
def matrix_changed(ctx: CheckContext) -> CheckResult | None:
    """Versions of the permission matrix after the first whose source names no approval that came before them."""
    versions = list(ctx.session.scalars(select(MatrixVersion).order_by(MatrixVersion.version)))
    approved = {
        request.id: request.decided_at
        for request in ctx.session.scalars(
            select(ApprovalRequest).where(
                ApprovalRequest.kind.in_(MATRIX_APPROVALS), ApprovalRequest.state == "approved"
            )
        )
    }
    broken = [str(found.version) for found in versions[1:] if not _is_covered(found, approved)]
    return gate("the permission matrix changes by approval", examined=len(versions), broken=broken)


def _active(session: Session) -> list[Person]:
    return [person for person in people.people(session) if person.active]


def _posts_held(ctx: CheckContext, team: str) -> CheckResult | None:
    active = _active(ctx.session)
    if not active:
        return None
    posts = [post.id for post in ctx.rulebook.matrix.posts if post.team == team]
    holders = {post: sorted(person.id for person in active if post in person.posts) for post in posts}
    unassigned = [post for post, who in holders.items() if not who]
    facts = {"team": team, "posts": posts, "holders": holders, "unassigned": unassigned}
    return CheckResult(n=len(posts), state=State.NOT_MET if unassigned else State.MET, facts=facts)


def _used(session: Session, since: datetime) -> dict[str, set[str]]:
    """The permissions that each person used, by person."""
    rows = session.execute(
        select(AuditEntry.actor_id, AuditEntry.permission)
        .where(AuditEntry.at >= since, AuditEntry.actor_kind == "person", AuditEntry.outcome == "done")
        .distinct()
    )
    used: dict[str, set[str]] = {}
    for actor_id, permission in rows:
        used.setdefault(actor_id, set()).add(permission)
    return used


def _unused(person: Person, granted: dict[str, Any], used: set[str]) -> set[str]:
    # Rights to look leave no trace when they are used, so only rights to act can be found unused.
    held = {permission for permission, posts in granted.items() if set(posts) & set(person.posts)}
    return (held & set(ACTIONS)) - used


def _yielding(session: Session) -> list[str]:
    """The tables of the trail from which the database would delete, or whose rows it would change.

    It is tried, for a trigger may be there and do nothing; whatever happens is rolled back. An empty table
    holds nothing that could be deleted.
    """
    engine = session.get_bind().engine
    found = []
    for table in APPEND_ONLY:
        key = next(iter(inspect(engine).get_pk_constraint(table)["constrained_columns"]))
        first = f"WHERE {key} = (SELECT min({key}) FROM {table})"  # noqa: S608 - our own names
        tries = (f"DELETE FROM {table} {first}", f"UPDATE {table} SET {key} = {key} {first}")  # noqa: S608
        with engine.connect() as connection:
            empty = connection.scalar(text(f"SELECT count(*) FROM {table}")) == 0  # noqa: S608
            connection.rollback()
            if empty:
                continue
            if not all(_refuses(connection, statement) for statement in tries):
                found.append(table)
    return sorted(found)


def _refuses(connection: Connection, statement: str) -> bool:
    """Whether the database does not do this. Raises OperationalError when it could not be asked (it is busy)."""
    try:
        connection.execute(text(statement))
    except OperationalError:
        raise
    except DBAPIError:
        return True
    finally:
        connection.rollback()
    return False


def _deleted(session: Session) -> int:
    """Sealed entries that are no longer there."""
    query = select(func.count()).select_from(AuditSeal).outerjoin(AuditEntry, AuditEntry.id == AuditSeal.entry_id)
    return session.scalar(query.where(AuditEntry.id.is_(None))) or 0


def _approved_at(session: Session, kind: str, subject_id: str, at: datetime) -> bool:
    """Whether the newest request of that moment was approved by then: an older approval had become void."""
    requests: Iterable[ApprovalRequest] = session.scalars(
        select(ApprovalRequest)
        .where(ApprovalRequest.kind == kind, ApprovalRequest.subject_id == subject_id, ApprovalRequest.created_at <= at)
        .order_by(ApprovalRequest.created_at.desc(), ApprovalRequest.id.desc())
        .limit(1)
    )
    return any(one.state == "approved" and one.decided_at and one.decided_at <= at for one in requests)


def _is_covered(found: MatrixVersion, approved: dict[str, datetime | None]) -> bool:
    named = [at for id, at in approved.items() if id in found.source.split()]
    return any(at is not None and at <= found.made_at for at in named)
