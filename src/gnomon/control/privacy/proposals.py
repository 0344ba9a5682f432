"""A mask policy comes into force by proposal and approval."""

import msgspec

from gnomon.control.approvals import actions as approvals
from gnomon.control.approvals import queries as approval_queries
from gnomon.control.approvals.schemas import ApprovalDecided
from gnomon.control.approvals.tables import ApprovalRequest
from gnomon.control.privacy import policies, queries
from gnomon.control.privacy.schemas import NewMaskPolicy
from gnomon.control.privacy.trying import masker, read
from gnomon.control.rulebook import rules as rulebook
from gnomon.kit.errors import Conflict
from gnomon.kit.work import Work, action, system_action


@action("mask_policy.propose")
def propose_policy(work: Work, new: NewMaskPolicy) -> ApprovalRequest:
    """Waits for the rulebook's quorum. Raises BadMaskPolicy for what could not mask, Conflict for a known version."""
    policy = read(new.content)
    masker(policy)
    if any(row.version == policy.version for row in queries.versions(work.session, policy.id)):
        raise Conflict(f"The policy {policy.id} has a version {policy.version}.", next_step="Give it another version.")
    quorum = rulebook.load().quorum("mask_policy_change")
    request = approvals.ask(
        work,
        kind="mask_policy_change",
        subject_id=policy.id,
        title=f"{policy.id} {policy.version}: {new.reason[:80]}",
        content={"policy": msgspec.to_builtins(policy), "reason": new.reason},
        seats=quorum.seats,
        barred={work.actor.id},
        lapses_after=quorum.lapses_after,
    )
    work.about("mask_policy", policy.id, version=policy.version, approval=request.id)
    return request


@system_action("mask_policy.note_decision")
def policy_decided(work: Work, event: ApprovalDecided) -> None:
    """Exactly what was approved is in force, and on its way to the gateways."""
    work.about("mask_policy", event.subject_id, approved=event.approved)
    if event.approved:
        request = approval_queries.request(work.session, event.request_id)
        policies.put_policy(work, read(request.content["policy"]))
