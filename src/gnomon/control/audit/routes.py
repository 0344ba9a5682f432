"""HTTP: search the trail, check the chain, export it for a verifier that trusts nobody."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from gnomon.control.audit import queries
from gnomon.control.audit.sealer import content
from gnomon.kit.web import ReadDep, allow, platform_of

router = APIRouter(prefix="/api/v1/audit", tags=["audit"])


@router.get("", dependencies=[allow("audit.view")])
def search(
    session: ReadDep,
    q: str = "",
    actor: str = "",
    permission: str = "",
    object: str = "",
    outcome: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 50,
    offset: int = 0,
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
    rows = queries.search(session, **wanted, limit=min(limit, 1000), offset=offset)
    entries = [content(entry) | {"seq": seal.seq if seal else None} for entry, seal in rows]
    return {"total": queries.count(session, **wanted), "entries": entries}


@router.get("/verify", dependencies=[allow("audit.verify")])
def verify(request: Request, session: ReadDep) -> dict[str, Any]:
    return asdict(queries.verify(session, request.app.state.audit_key)) | {"unsealed": queries.unsealed(session)}


@router.get("/export", dependencies=[allow("audit.export")])
def export(request: Request) -> StreamingResponse:
    """The chain as JSON lines {seq, prev, entry, sha256}."""
    platform = platform_of(request)

    def lines() -> Iterator[str]:
        with platform.read() as session:
            for link in queries.links(session):
                yield json.dumps(asdict(link), ensure_ascii=False) + "\n"

    return StreamingResponse(lines(), media_type="application/x-ndjson")
