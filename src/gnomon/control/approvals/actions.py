"""Ask for an approval, vote, void."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from gnomon.contract.verdicts import State
from gnomon.control.approvals import queries, rules
from gnomon.control.approvals.schemas import ApprovalDecided
from gnomon.control.approvals.tables import ApprovalRequest, Vote
from gnomon.control.evidence import actions as evidence
from gnomon.kit.canonical import digest
from gnomon.kit.errors import Conflict
from gnomon.kit.ids import new_id
from gnomon.kit.work import Work, action, system_action


@system_action("approval.ask")
def ask(
    work: Work,
    *,
    kind: str,
    subject_id: str,
    title: str,
    content: dict[str, Any],
    seats: Sequence[Collection[str]],
    barred: Collection[str],
    lapses_after: timedelta,
) -> ApprovalRequest:
    """A pending request for exactly `content`; an older pending one about the same subject is void.

    Other domains call it nested in an action of theirs; seats and lapse come from the rulebook's quorum for `kind`.
    """
    for older in queries.all_requests(work.session, state="pending"):
        if (older.kind, older.subject_id) == (kind, subject_id):
            older.state = "void"
    request = ApprovalRequest(
        id=new_id("approval"),
        kind=kind,
        subject_id=subject_id,
        title=title,
        content=content,
        content_sha256=digest(content),
        quorum={"seats": [sorted(seat) for seat in seats], "barred": sorted(barred)},
        state="pending",
        author_id=work.actor.id,
        created_at=work.now,
        lapses_at=work.now + lapses_after,
    )
    work.session.add(request)
    work.session.flush()
    work.about("approval", request.id, kind=kind, subject=subject_id, sha256=request.content_sha256)
    return request


@action("approval.decide")
def vote(work: Work, request_id: str, *, approve: bool, comment: str) -> ApprovalRequest:
    """The vote fills a seat that is still empty; the last wanted yes, or any no, decides."""
    request = queries.request(work.session, request_id)
    work.about("approval", request.id, kind=request.kind, approve=approve, sha256=request.content_sha256)
    if request.state != "pending":
        raise Conflict(f"This request is {request.state}.", next_step="Ask for approval again if it is needed.")
    if request.lapses_at <= work.now:
        raise Conflict("This request has lapsed.", next_step="Ask for approval again if it is needed.")
    quorum, cast = queries.quorum(request), queries.ballots(work.session, request.id)
    actor = work.actor
    rules.require_vote(quorum, cast, person_id=actor.id, posts=actor.posts, person=actor.name)
    work.session.add(
        Vote(
            id=new_id("vote"),
            request_id=request.id,
            person_id=actor.id,
            posts=sorted(actor.posts),
            approve=approve,
            comment=comment,
            at=work.now,
        )
    )
    state = rules.decide(quorum, [*cast, rules.Ballot(actor.id, actor.posts, approve)])
    if state != "pending":
        _decided(work, request, state)
    return request


def _decided(work: Work, request: ApprovalRequest, state: str) -> None:
    request.state, request.decided_at = state, work.now
    work.session.flush()
    votes = [
        {"person": vote.person_id, "posts": vote.posts, "approve": vote.approve}
        for vote in queries.votes(work.session, request.id)
    ]
    if state == "approved":
        evidence.record(
            work,
            source=f"approvals.{request.kind}_decided",
            kind="approval",
            subject=(request.kind, request.subject_id),
            state=State.MET,
            facts={
                "kind": request.kind,
                "subject": request.subject_id,
                "content_hash": request.content_sha256,
                "votes": votes,
                "decision": state,
                "request": request.id,
            },
        )
    work.emit(ApprovalDecided(request.id, request.kind, request.subject_id, state == "approved"))
