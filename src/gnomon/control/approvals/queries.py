"""Reads: what waits for whom, and whether exactly this content is approved."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from gnomon.control.approvals import rules
from gnomon.control.approvals.tables import ApprovalRequest, Vote
from gnomon.kit.errors import NotFound, NotReady
from gnomon.kit.work import Actor


class NotApproved(NotReady):
    code = "not_approved"
    status = 403


class ApprovalVoid(NotReady):
    code = "approval_void"
    status = 403


@dataclass(frozen=True, slots=True)
class Standing:
    """A request with its votes and the seats (posts that may fill each) whose word is still wanted."""

    request: ApprovalRequest
    votes: list[Vote]
    missing: list[list[str]]


def request(session: Session, id: str) -> ApprovalRequest:
    found = session.get(ApprovalRequest, id)
    if found is None:
        raise NotFound(f"There is no approval request {id}.")
    return found


def votes(session: Session, request_id: str) -> list[Vote]:
    return list(session.scalars(select(Vote).where(Vote.request_id == request_id).order_by(Vote.at)))


def quorum(request: ApprovalRequest) -> rules.Quorum:
    seats = tuple(frozenset(posts) for posts in request.quorum["seats"])
    return rules.Quorum(seats, frozenset(request.quorum["barred"]))


def ballots(session: Session, request_id: str) -> list[rules.Ballot]:
    return [rules.Ballot(vote.person_id, frozenset(vote.posts), vote.approve) for vote in votes(session, request_id)]


def standing(session: Session, request: ApprovalRequest) -> Standing:
    empty = rules.missing(quorum(request), ballots(session, request.id))
    return Standing(request, votes(session, request.id), [sorted(seat) for seat in empty])


def all_requests(session: Session, *, state: str = "") -> list[ApprovalRequest]:
    query = select(ApprovalRequest).order_by(ApprovalRequest.created_at.desc())
    return list(session.scalars(query.where(ApprovalRequest.state == state) if state else query))


def waiting_for(session: Session, actor: Actor, now: datetime) -> list[ApprovalRequest]:
    """Pending requests on which `actor` may vote now."""
    return [
        pending
        for pending in all_requests(session, state="pending")
        if pending.lapses_at > now
        and rules.may_vote(quorum(pending), ballots(session, pending.id), person_id=actor.id, posts=actor.posts)
    ]


def latest(session: Session, kind: str, subject_id: str) -> ApprovalRequest | None:
    query = select(ApprovalRequest).where(ApprovalRequest.kind == kind, ApprovalRequest.subject_id == subject_id)
    return session.scalars(query.order_by(ApprovalRequest.created_at.desc()).limit(1)).first()


def require_approved(session: Session, *, kind: str, subject_id: str, content_sha256: str) -> ApprovalRequest:
    """The approval of exactly this content. Raises NotApproved, or ApprovalVoid when something else was approved."""
    found = latest(session, kind, subject_id)
    if found is None or found.state != "approved":
        state = found.state if found else "not asked for"
        raise NotApproved(
            f"The {kind} {subject_id} is not approved ({state}).", next_step="Get the approvals that are missing."
        )
    if found.content_sha256 != content_sha256:
        raise ApprovalVoid(
            f"The {kind} {subject_id} was changed after it was approved.", next_step="Ask for approval again."
        )
    return found
