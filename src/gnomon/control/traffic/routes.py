"""HTTP: traffic records and their named queries, straight from the record store."""

from typing import Any

from fastapi import APIRouter, Request

from gnomon.kit import services
from gnomon.kit.errors import NotFound
from gnomon.kit.web import allow

router = APIRouter(prefix="/api/v1/traffic", tags=["traffic"])

OPEN_QUERIES = (
    "totals",
    "by_minute",
    "latency",
    "recent",
    "notices",
    "by_caller",
    "by_target",
    "entities",
    "by_role",
    "by_arm",
    "spending",
)


@router.get("/records/{id}", dependencies=[allow("traffic.read")])
def record(id: str) -> dict[str, Any]:
    """One record with its masked content."""
    rows = services.get("records").query("record", id=id)
    if not rows:
        raise NotFound(f"There is no traffic record {id}.", next_step="It may have been purged, or not yet collected.")
    found: dict[str, Any] = rows[0]
    return found


@router.get("/collector", dependencies=[allow("traffic.view")])
def collector() -> dict[str, Any]:
    """How far behind the collector is, and how many lines of the spools it had to put aside."""
    found: dict[str, Any] = services.get("records").health()
    return found


@router.get("/{name}", dependencies=[allow("traffic.view")])
def named(name: str, request: Request) -> dict[str, Any]:
    """A named query; its parameters are those of the query string, numbers as numbers."""
    if name not in OPEN_QUERIES:
        raise NotFound(f"There is no query {name}.", next_step=f"Use one of: {', '.join(OPEN_QUERIES)}.")
    params = {key: _number(value) for key, value in request.query_params.items()}
    records = services.get("records")
    return {"rows": records.query(name, **params), "as_of": records.as_of}


def _number(text: str) -> str | float | int:
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return text
