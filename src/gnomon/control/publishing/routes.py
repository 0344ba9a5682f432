"""HTTP: what was published, part by part."""

from typing import Any

from fastapi import APIRouter

from gnomon.control.publishing import queries
from gnomon.kit.clock import iso
from gnomon.kit.web import ReadDep, allow

router = APIRouter(prefix="/api/v1/publications", tags=["publishing"])


@router.get("", dependencies=[allow("bundle.view")])
def publications(session: ReadDep) -> list[dict[str, Any]]:
    return [
        {
            "id": row.id,
            "part": row.part,
            "epoch": row.epoch,
            "serial": row.serial,
            "sha256": row.sha256,
            "at": iso(row.at),
            "by": row.by,
        }
        for row in queries.publications(session)
    ]
