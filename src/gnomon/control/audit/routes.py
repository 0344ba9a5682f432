"""HTTP: search the trail, check the chain, export it for a verifier that trusts nobody."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from gnomon.control.audit import queries
from gnomon.control.audit.sealer import content
from gnomon.kit.web import MAX_OFFSET, ReadDep, allow, platform_of

router = APIRouter(prefix="/api/v1/audit", tags=["audit"])


@router.get("", dependencies=[allow("audit.view")])
def search(
    session: ReadDep,
    q: str = "",
    actor: str = "",
    permission: str = "",
    object: str = "",
    outcome: str = "",
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    offset: Annotated[int, Query(ge=0, le=MAX_OFFSET)] = 0,
) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        "text": q,
        "actor_id": actor,
        "permission": permission,
        "object_id": object,
        "outcome": outcome,
        "since": since,
        "until": until,
    }
    rows = queries.search(session, **wanted, limit=limit, offset=offset)
    entries = [content(entry) | {"seq": seal.seq if seal else None} for entry, seal in rows]
    return {"total": queries.count(session, **wanted), "entries": entries}


@router.get("/verify", dependencies=[allow("audit.verify")])
def verify(request: Request, session: ReadDep) -> dict[str, Any]:
    """Whether the chain holds and goes on: `ok` is false too when entries have waited for their seal for too long."""
    verdict = queries.verify(session, request.app.state.audit_key)
    late = queries.lateness(session, platform_of(request).clock.now())
    told = asdict(verdict) | {"unsealed": queries.unsealed(session)}
    return told | {"ok": False, "problem": late} if verdict.ok and late else told


@router.get("/export", dependencies=[allow("audit.export")])
def export(request: Request) -> StreamingResponse:
    """The chain as JSON lines {seq, prev, entry, sha256}."""
    platform = platform_of(request)

    def lines() -> Iterator[str]:
        with platform.read() as session:
            for link in queries.links(session):
                yield json.dumps(asdict(link), ensure_ascii=False) + "\n"

    return StreamingResponse(lines(), media_type="application/x-ndjson")
