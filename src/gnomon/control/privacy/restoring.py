"""Later restoration of one stored record: asked for with a reason, approved by risk control, read for a while.

Every step is in the audit trail, each reading too; what was restored is given to the reader and kept nowhere.
"""

import base64
from datetime import timedelta
from typing import Any

from gnomon.control.approvals import actions as approvals
from gnomon.control.approvals.schemas import ApprovalDecided
from gnomon.control.privacy import queries
from gnomon.control.privacy.schemas import NewRestoration
from gnomon.control.privacy.tables import Restoration
from gnomon.control.rulebook import rules as rulebook
from gnomon.guard.sealed import opened_copy
from gnomon.kit import services
from gnomon.kit.errors import Conflict, NotFound
from gnomon.kit.ids import new_id
from gnomon.kit.work import Work, action, system_action


class NothingSealed(NotFound):
    code = "nothing_sealed"


class NotRestorable(Conflict):
    code = "not_restorable"


@action("restoration.request")
def request_restoration(work: Work, new: NewRestoration) -> Restoration:
    """Asked for; the rulebook's quorum decides. Raises NothingSealed when the record has no copy to open."""
    _stored(new.record_id)
    row = Restoration(
        id=new_id("restoration"), state="asked", approval_id="", asked_by=work.actor.id, asked_at=work.now,
        **new.model_dump(),
    )  # fmt: skip
    work.session.add(row)
    quorum = rulebook.load().quorum("restoration")
    request = approvals.ask(
        work,
        kind="restoration",
        subject_id=row.id,
        title=f"{new.record_id}: {new.reason[:80]}",
        content=new.model_dump() | {"asked_by": work.actor.id},
        seats=quorum.seats,
        barred={work.actor.id},
        lapses_after=quorum.lapses_after,
    )
    row.approval_id = request.id
    work.about("restoration", row.id, record=new.record_id, ticket=new.ticket, reason=new.reason)
    return row


@system_action("restoration.note_decision")
def restoration_decided(work: Work, event: ApprovalDecided) -> None:
    """Approved, it may be read for the rulebook's hours."""
    row = queries.restoration(work.session, event.subject_id)
    work.about("restoration", row.id, approved=event.approved)
    if row.state != "asked" or row.approval_id != event.request_id:
        return
    row.state, row.decided_at = ("approved" if event.approved else "rejected"), work.now
    if event.approved:
        row.until = work.now + timedelta(hours=rulebook.load().restoration_hours)


@action("restoration.perform")
def read_restored(work: Work, id: str) -> dict[str, Any]:
    """The record's request and reply as they were; placeholders that the copy does not know stay.

    Raises NotRestorable without an approval that still holds, SealedMapExpired once the copy's own time is over.
    """
    row = queries.restoration(work.session, id)
    work.about("restoration", row.id, record=row.record_id, ticket=row.ticket)
    if row.state != "approved" or row.until is None or row.until <= work.now:
        raise NotRestorable(
            f"The restoration {id} is {'over' if row.state == 'approved' else row.state}.",
            next_step="Ask for it, and wait for the approval.",
        )
    stored = _stored(row.record_id)
    copy = base64.b64decode(stored["sealed"])
    vault = opened_copy(copy, private_key=queries.private_key(), now=work.now.timestamp())
    row.reads += 1
    work.about("restoration", row.id, reads=row.reads, values=len(vault))
    texts = {name: vault.restore(stored[name] or "") for name in ("request", "reply")}
    return {"record": row.record_id, **texts}


def _stored(record_id: str) -> dict[str, Any]:
    rows: list[dict[str, Any]] = services.get("records").query("sealed", id=record_id)
    if not rows or not rows[0]["sealed"]:
        raise NothingSealed(
            f"The record {record_id} holds nothing that can be restored.",
            next_step="Its content was purged, nothing was replaced in it, or the rulebook keeps no copies.",
        )
    return rows[0]
