"""Writing the trail. `write` is the hook that every action's commit goes through."""

import re
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from gnomon.control.audit import rules, wording
from gnomon.control.audit.tables import AuditEntry
from gnomon.kit.canonical import NotExact, canonical_bytes
from gnomon.kit.work import Actor, Deed

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # in JSON; behind an even number of backslashes, else it is text


def write(session: Session, actor: Actor, at: datetime, deeds: list[Deed]) -> list[int]:
    """One entry per deed in the caller's transaction; returns their ids.

    Raises NotExact, and so refuses the action, when what it tells cannot be sealed: an entry that is committed can be.
    """
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
            **_told(deed),
        )
        for deed in deeds
    ]
    session.add_all(entries)
    session.flush()
    return [entry.id for entry in entries]


def _told(deed: Deed) -> dict[str, Any]:
    """What the deed is about, if it can be sealed. The trace of a refused action has a digest of what cannot."""
    try:
        _check([deed.object_id, deed.facts])
    except NotExact:
        if deed.outcome == "done":
            raise
        mark = rules.mark([deed.object_id, deed.facts])
        return {"object_id": "", "facts": {"error": str(deed.facts.get("error", "")), "not_exact": mark}}
    return {"object_id": deed.object_id, "facts": wording.cleaned(deed.facts)}


def _check(told: Any) -> None:
    """Raise NotExact when `told` has no canonical form, or a NUL, which PostgreSQL does not store."""
    if _NUL.search(canonical_bytes(told)):
        raise NotExact("A text holds a NUL character.", next_step="Send the text without it.")
