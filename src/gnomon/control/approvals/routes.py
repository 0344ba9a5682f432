"""HTTP: what waits for me, one request, vote."""

from typing import Any

from fastapi import APIRouter, Request

from gnomon.control.approvals import actions, queries
from gnomon.control.approvals.schemas import VoteIn
from gnomon.kit.clock import iso
from gnomon.kit.web import ActorDep, ReadDep, WorkDep, allow, platform_of

router = APIRouter(prefix="/api/v1/approvals", tags=["approvals"])


def plain(standing: queries.Standing) -> dict[str, Any]:
    request = standing.request
    return {
        "id": request.id,
        "kind": request.kind,
        "subject_id": request.subject_id,
        "title": request.title,
        "content": request.content,
        "content_sha256": request.content_sha256,
        "state": request.state,
        "author_id": request.author_id,
        "created_at": iso(request.created_at),
        "missing": standing.missing,
        "votes": [
            {
                "person_id": vote.person_id,
                "posts": vote.posts,
                "approve": vote.approve,
                "comment": vote.comment,
                "at": iso(vote.at),
            }
            for vote in standing.votes
        ],
    }


@router.get("", dependencies=[allow("approval.view")])
def waiting(
    request: Request, actor: ActorDep, session: ReadDep, mine: bool = True, state: str = ""
) -> list[dict[str, Any]]:
    found = (
        queries.waiting_for(session, actor, platform_of(request).clock.now())
        if mine
        else queries.all_requests(session, state=state)
    )
    return [plain(queries.standing(session, one)) for one in found]


@router.get("/{id}", dependencies=[allow("approval.view")])
def one(id: str, session: ReadDep) -> dict[str, Any]:
    return plain(queries.standing(session, queries.request(session, id)))


@router.post("/{id}/votes")
def vote(id: str, body: VoteIn, work: WorkDep) -> dict[str, Any]:
    request = actions.vote(work, id, approve=body.approve, comment=body.comment)
    return plain(queries.standing(work.session, request))
