"""The owner of a caller appeals; somebody of risk control who had no part in the ban decides."""

from gnomon.contract.verdicts import State
from gnomon.control.access import queries, rules
from gnomon.control.access.actions.bans import lift_ban
from gnomon.control.access.tables import Appeal
from gnomon.control.evidence import actions as evidence
from gnomon.kit.errors import Conflict
from gnomon.kit.ids import new_id
from gnomon.kit.work import Work, action


@action("ban.appeal")
def appeal_ban(work: Work, ban_id: str, *, text: str) -> Appeal:
    """The appeal is open. Raises NotOwner, or Conflict when the ban is over or an appeal is open already."""
    ban = queries.ban(work.session, ban_id)
    work.about("ban", ban.id)
    rules.require_owner(work.actor.team, queries.owner_of(work.session, ban))
    if ban.lifted_at or ban.until <= work.now:
        raise Conflict(f"The ban {ban.id} is over already.")
    if any(one.decided_at is None for one in queries.appeals(work.session, ban.id)):
        raise Conflict(f"An appeal against the ban {ban.id} waits for its decision already.")
    made = Appeal(id=new_id("appeal"), ban_id=ban.id, text=text, at=work.now, by=work.actor.id)
    work.session.add(made)
    work.session.flush()
    work.about("ban", ban.id, appeal=made.id)
    return made


@action("ban.decide")
def decide_appeal(work: Work, appeal_id: str, *, grant: bool, reason: str) -> Appeal:
    """The ban is lifted, or it stands; either way with a reason and evidence. Raises OwnBan, or Conflict if decided."""
    appeal = queries.appeal(work.session, appeal_id)
    ban = queries.ban(work.session, appeal.ban_id)
    work.about("ban", ban.id, appeal=appeal.id, grant=grant, reason=reason)
    if appeal.decided_at:
        raise Conflict(f"The appeal {appeal.id} is decided already.")
    rules.require_other(work.actor.id, ban.imposed_by, ban.confirmed_by, appeal.by)
    appeal.decision, appeal.reason = "granted" if grant else "rejected", reason
    appeal.decided_at, appeal.decided_by = work.now, work.actor.id
    evidence.record(
        work,
        source="access.appeal_decided",
        kind="review",
        subject=("ban", ban.id),
        state=State.MET,
        facts={"decision": appeal.decision, "subject": ban.id, "reviewer": work.actor.id, "appeal": appeal.id},
    )
    if grant and not ban.lifted_at and ban.until > work.now:
        lift_ban(work, ban.id, reason=reason)
    return appeal
