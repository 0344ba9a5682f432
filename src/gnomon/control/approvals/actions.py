"""Ask for an approval, vote, void."""

from collections.abc import Collection
from typing import Any

from gnomon.control.approvals import queries, rules
from gnomon.control.approvals.schemas import ApprovalDecided
from gnomon.control.approvals.tables import ApprovalRequest, Vote
from gnomon.control.evidence import actions as evidence
from gnomon.kit.canonical import digest
from gnomon.kit.errors import Conflict
from gnomon.kit.ids import new_id
from gnomon.kit.work import Work, action, system_action


@system_action("approvals.ask")
def ask(
    work: Work,
    *,
    kind: str,
    subject_id: str,
    title: str,
    content: dict[str, Any],
    posts: Collection[str],
    barred: Collection[str],
) -> ApprovalRequest:
    """A pending request for exactly `content`; an older pending one about the same subject is void.

    Other domains call it nested in an action of theirs; `posts` comes from the rulebook's quorum for `kind`.
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
        quorum={"posts": list(posts), "barred": sorted(barred)},
        state="pending",
        author_id=work.actor.id,
        created_at=work.now,
    )
    work.session.add(request)
    work.session.flush()
    work.about("approval", request.id, kind=kind, subject=subject_id, sha256=request.content_sha256)
    return request


@action("approvals.vote")
def vote(work: Work, request_id: str, *, approve: bool, comment: str) -> ApprovalRequest:
    """The vote counts for one post of the voter that is still wanted; the last wanted yes, or any no, decides."""
    request = queries.request(work.session, request_id)
    work.about("approval", request.id, kind=request.kind, approve=approve, sha256=request.content_sha256)
    if request.state != "pending":
        raise Conflict(f"This request is {request.state}.", next_step="Ask for approval again if it is needed.")
    quorum, cast = queries.quorum(request), queries.ballots(work.session, request.id)
    actor = work.actor
    post = rules.post_to_speak_for(quorum, cast, person_id=actor.id, posts=actor.posts, person=actor.name)
    work.session.add(
        Vote(
            id=new_id("vote"),
            request_id=request.id,
            person_id=actor.id,
            post=post,
            approve=approve,
            comment=comment,
            at=work.now,
        )
    )
    state = rules.decide(quorum, [*cast, rules.Ballot(actor.id, post, approve)])
    if state != "pending":
        _decided(work, request, state)
    return request


def _decided(work: Work, request: ApprovalRequest, state: str) -> None:
    request.state, request.decided_at = state, work.now
    work.session.flush()
    votes = [
        {"person": vote.person_id, "post": vote.post, "approve": vote.approve}
        for vote in queries.votes(work.session, request.id)
    ]
    if state == "approved":
        evidence.record(
            work,
            source=f"approvals.{request.kind}",
            kind="approval",
            subject=(request.kind, request.subject_id),
            facts={"request": request.id, "content_sha256": request.content_sha256, "votes": votes},
        )
    work.emit(ApprovalDecided(request.id, request.kind, request.subject_id, state == "approved"))
