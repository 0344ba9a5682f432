"""HTTP: how the objectives stand, their curves, alerts, hosts."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime

from gnomon.control.monitoring import actions, queries
from gnomon.control.monitoring.queries import ModelStanding, ObjectiveStanding
from gnomon.control.monitoring.schemas import Acknowledgement
from gnomon.control.monitoring.tables import Alert, HostSample, RuleRun
from gnomon.control.rulebook.rules import load
from gnomon.control.rulebook.schemas import Text
from gnomon.kit.clock import iso
from gnomon.kit.web import ReadDep, WorkDep, allow, platform_of

router = APIRouter(prefix="/api/v1", tags=["monitoring"])
SERIES = timedelta(hours=6)  # shown when nobody says since when


@router.get("/slo", dependencies=[allow("slo.view")])
def overview(request: Request, session: ReadDep) -> list[dict[str, Any]]:
    found = queries.overview(session, load(), platform_of(request).clock.now())
    return [plain_model(model) for model in found]


@router.get("/slo/series", dependencies=[allow("slo.view")])
def series(
    request: Request, session: ReadDep, model: str, objective: str, since: AwareDatetime | None = None
) -> list[dict[str, Any]]:
    start = since or platform_of(request).clock.now() - SERIES
    return [
        {
            "at": iso(point.at),
            "state": point.state,
            "value": point.value,
            "n": point.n,
            "numerator": point.judgement["numerator"],
            "denominator": point.judgement["denominator"],
            "limit": point.judgement["threshold"]["limit"],
        }
        for point in queries.series(session, model=model, objective=objective, since=start)
    ]


@router.get("/alerts", dependencies=[allow("alert.view")])
def alerts(session: ReadDep, limit: Annotated[int, Query(ge=1, le=1000)] = 200) -> list[dict[str, Any]]:
    return [plain_alert(alert) for alert in queries.alerts(session, limit=limit)]


@router.get("/alerts/{id}", dependencies=[allow("alert.view")])
def alert(id: str, session: ReadDep) -> dict[str, Any]:
    return plain_alert(queries.alert(session, id))


@router.post("/alerts/{id}/acknowledge")
def acknowledge(id: str, body: Acknowledgement, work: WorkDep) -> dict[str, Any]:
    return plain_alert(actions.acknowledge(work, id, note=body.note))


@router.get("/hosts", dependencies=[allow("host.view")])
def hosts(session: ReadDep) -> list[dict[str, Any]]:
    return [plain_host(sample) for sample in queries.hosts(session)]


def plain_model(standing: ModelStanding) -> dict[str, Any]:
    return {
        "model": standing.model,
        "title": standing.title,
        "task": standing.task,
        "objectives": [plain_objective(one) for one in standing.objectives],
        "burn": [plain_burn(run) for run in standing.burns],
        "open_alerts": [alert.id for alert in standing.alerts],
    }


def plain_objective(standing: ObjectiveStanding) -> dict[str, Any]:
    """The judgement is that of the newest point, however old; `state` says whether it still counts."""
    objective, point, budget = standing.objective, standing.point, standing.budget
    return {
        "id": objective.id,
        "title": _both(objective.title),
        "clause": objective.clause,
        "measure": objective.measure,
        "limit_ms": objective.limit_ms,
        "streaming": objective.streaming,
        "window_m": objective.window_m,
        "state": standing.state.value,
        "at": iso(point.at) if point else None,
        "value": point.value if point else None,
        "n": point.n if point else 0,
        "numerator": point.judgement["numerator"] if point else None,
        "denominator": point.judgement["denominator"] if point else None,
        "threshold": point.judgement["threshold"] if point else None,
        "budget": budget.facts | {"at": iso(budget.at)} if budget else None,
    }


def plain_burn(run: RuleRun) -> dict[str, Any]:
    return {"rule": run.rule, "at": iso(run.at), "state": run.state, **run.facts}


def plain_alert(alert: Alert) -> dict[str, Any]:
    return {
        "id": alert.id,
        "rule": alert.rule,
        "model": alert.model,
        "host": alert.host,
        "topic": alert.topic,
        "severity": alert.severity,
        "facts": alert.facts,
        "diagnosis": alert.diagnosis or None,
        "opened_at": iso(alert.opened_at),
        "closed_at": iso(alert.closed_at) if alert.closed_at else None,
        "acknowledged_by": alert.acknowledged_by,
        "acknowledged_at": iso(alert.acknowledged_at) if alert.acknowledged_at else None,
        "note": alert.note,
        "case_id": alert.case_id,
    }


def plain_host(sample: HostSample) -> dict[str, Any]:
    return {
        "host": sample.host,
        "at": iso(sample.at),
        "cpu": sample.cpu,
        "memory": sample.memory,
        "disk": sample.disk,
        "gpu": sample.gpu,
        "gpu_memory": sample.gpu_memory,
        "servers": sample.servers,
    }


def _both(text: Text) -> dict[str, str]:
    return {"zh-CN": text.zh, "en": text.en}
