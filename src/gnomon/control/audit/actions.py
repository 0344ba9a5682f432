"""Writing the trail. `write` is the hook that every action's commit goes through."""

from datetime import datetime

from sqlalchemy.orm import Session

from gnomon.control.audit.tables import AuditEntry
from gnomon.kit.work import Actor, Deed


def write(session: Session, actor: Actor, at: datetime, deeds: list[Deed]) -> list[int]:
    """One entry per deed in the caller's transaction; returns their ids."""
    entries = [
        AuditEntry(
            at=at,
            actor_id=actor.id,
            actor_name=actor.name,
            actor_kind=actor.kind,
            address=actor.address,
            sign_in=actor.session,
            permission=deed.permission,
            outcome=deed.outcome,
            object_kind=deed.object_kind,
            object_id=deed.object_id,
            facts=deed.facts,
        )
        for deed in deeds
    ]
    session.add_all(entries)
    session.flush()
    return [entry.id for entry in entries]
