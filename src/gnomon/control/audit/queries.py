"""Search the trail and check its chain."""

import base64
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Select, exists, func, or_, select
from sqlalchemy.orm import Session

from gnomon.control.audit import rules
from gnomon.control.audit.sealer import content
from gnomon.control.audit.tables import AuditCheckpoint, AuditEntry, AuditSeal
from gnomon.kit.clock import iso
from gnomon.kit.errors import NotFound


def search(
    session: Session,
    *,
    text: str = "",
    actor_id: str = "",
    permission: str = "",
    object_id: str = "",
    outcome: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 50,
    offset: int = 0,
) -> list[tuple[AuditEntry, AuditSeal | None]]:
    """Entries, newest first, each with its seal (None for the few moments before it is sealed)."""
    both: Any = select(AuditEntry, AuditSeal)
    query = _filtered(both, text, actor_id, permission, object_id, outcome, since, until)
    query = query.outerjoin(AuditSeal, AuditSeal.entry_id == AuditEntry.id)
    rows = session.execute(query.order_by(AuditEntry.id.desc()).limit(limit).offset(offset))
    return [(entry, seal) for entry, seal in rows]


def count(
    session: Session,
    *,
    text: str = "",
    actor_id: str = "",
    permission: str = "",
    object_id: str = "",
    outcome: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> int:
    query = _filtered(
        select(func.count()).select_from(AuditEntry), text, actor_id, permission, object_id, outcome, since, until
    )
    return session.scalar(query) or 0


def entry(session: Session, id: int) -> tuple[AuditEntry, AuditSeal | None]:
    """One entry and its seal. Raises NotFound."""
    found = session.get(AuditEntry, id)
    if found is None:
        raise NotFound(f"The trail has no entry {id}.")
    return found, session.scalars(select(AuditSeal).where(AuditSeal.entry_id == id)).first()


def links(session: Session, *, batch: int = 1000) -> Iterator[rules.Link]:
    """Every sealed entry in the order of the chain."""
    rows = session.execute(
        select(AuditSeal, AuditEntry)
        .outerjoin(AuditEntry, AuditEntry.id == AuditSeal.entry_id)
        .order_by(AuditSeal.seq)
        .execution_options(yield_per=batch)
    )
    for seal, entry in rows:
        yield rules.Link(seal.seq, seal.prev, content(entry) if entry else {}, seal.sha256)


def verify(session: Session, key: Ed25519PublicKey) -> rules.ChainVerdict:
    """Whether chain and checkpoints hold: edits, deletions, swaps, and a chain cut short below a checkpoint."""
    verdict = rules.verify(links(session))
    if not verdict.ok:
        return verdict
    for checkpoint in session.scalars(select(AuditCheckpoint).order_by(AuditCheckpoint.seq)):
        sealed = session.get(AuditSeal, checkpoint.seq)
        if sealed is None or sealed.sha256 != checkpoint.sha256:
            return rules.ChainVerdict(
                False, verdict.length, verdict.head, "the chain was cut or rewritten below a checkpoint", checkpoint.seq
            )
        signature = base64.b64decode(checkpoint.signature)
        if not rules.is_signed(checkpoint.seq, checkpoint.sha256, checkpoint.at, signature=signature, key=key):
            return rules.ChainVerdict(
                False, verdict.length, verdict.head, "a checkpoint's signature is wrong", checkpoint.seq
            )
    return verdict


def unsealed(session: Session) -> int:
    """Entries that are committed and not yet sealed."""
    total = session.scalar(select(func.count()).select_from(AuditEntry)) or 0
    return total - (session.scalar(select(func.count()).select_from(AuditSeal)) or 0)


def unsealed_since(session: Session) -> datetime | None:
    """When the oldest entry that is not in the chain was written; None when all are."""
    sealed = exists().where(AuditSeal.entry_id == AuditEntry.id)
    return session.scalar(select(func.min(AuditEntry.at)).where(~sealed))


def lateness(session: Session, now: datetime) -> str:
    """What is wrong when sealing has stopped, in words; empty while it goes on."""
    since = unsealed_since(session)
    if since is None or now - since <= rules.LATE:
        return ""
    return f"{unsealed(session)} entries are not sealed, the oldest since {iso(since)}"


def oldest(session: Session) -> datetime | None:
    return session.scalar(select(func.min(AuditEntry.at)))


def _filtered(
    query: Select[Any],
    text: str,
    actor_id: str,
    permission: str,
    object_id: str,
    outcome: str,
    since: datetime | None,
    until: datetime | None,
) -> Select[Any]:
    if text:
        like = f"%{text}%"
        columns = (AuditEntry.actor_name, AuditEntry.permission, AuditEntry.object_id, AuditEntry.object_kind)
        query = query.where(or_(*(column.ilike(like) for column in columns)))
    wanted = ((AuditEntry.actor_id, actor_id), (AuditEntry.object_id, object_id), (AuditEntry.outcome, outcome))
    for column, value in wanted:
        if value:
            query = query.where(column == value)
    if permission:
        query = query.where(AuditEntry.permission.like(f"{permission}%"))
    if since:
        query = query.where(AuditEntry.at >= since)
    if until:
        query = query.where(AuditEntry.at < until)
    return query
