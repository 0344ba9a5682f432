"""HTTP: deployments with their papers, candidates, routes, releases."""

from typing import Any

from fastapi import APIRouter
from sqlalchemy.orm import Session

from gnomon.control.approvals import queries as approvals
from gnomon.control.deployments import actions, queries, rules
from gnomon.control.deployments.schemas import (
    Environment,
    FunctionalTest,
    NewCandidate,
    NewDeployment,
    Plan,
    Reason,
    ReleaseRequest,
    Requirements,
    RouteChange,
    UpstreamChange,
)
from gnomon.control.deployments.tables import Candidate, Deployment, Release, RouteState, UpstreamSetting
from gnomon.kit.clock import iso
from gnomon.kit.web import ReadDep, WorkDep, allow

router = APIRouter(prefix="/api/v1", tags=["deployments"])


def plain_deployment(deployment: Deployment) -> dict[str, Any]:
    return {
        "id": deployment.id,
        "number": deployment.number,
        "title": deployment.title,
        "model": deployment.model,
        "version_id": deployment.version_id,
        "state": deployment.state,
        "mask_policy": deployment.mask_policy,
        "requirements": deployment.requirements,
        "requirements_state": deployment.requirements_state,
        "environment": deployment.environment,
        "probe": deployment.probe,
        "plan": deployment.plan,
        "tests": deployment.tests,
        "server": deployment.server,
        "target_id": deployment.target_id,
        "author_id": deployment.author_id,
        "executor_id": deployment.executor_id,
        "steps": deployment.steps,
        "created_at": iso(deployment.created_at),
    }


def plain_candidate(candidate: Candidate) -> dict[str, Any]:
    return {
        "id": candidate.id,
        "model": candidate.model,
        "version_id": candidate.version_id,
        "deployment_id": candidate.deployment_id,
        "target_id": candidate.target_id,
        "state": candidate.state,
        "steps": candidate.steps,
        "created_at": iso(candidate.created_at),
        "created_by": candidate.created_by,
    }


def plain_route(route: RouteState) -> dict[str, Any]:
    return {
        "model": route.model,
        "mask_policy": route.mask_policy,
        "targets": route.targets,
        "canary": route.canary,
        "timeout_s": route.timeout_s,
        "options": route.options,
        "changed_at": iso(route.changed_at),
    }


def plain_release(release: Release) -> dict[str, Any]:
    def told(at: Any) -> str | None:
        return iso(at) if at else None

    return {
        "id": release.id,
        "model": release.model,
        "from_target": release.from_target,
        "to_target": release.to_target,
        "state": release.state,
        "share": release.share,
        "watch_s": release.watch_s,
        "min_requests": release.min_requests,
        "rules": release.rules,
        "evidence_id": release.evidence_id,
        "timings": release.timings,
        "requested_by": release.requested_by,
        "requested_at": iso(release.requested_at),
        "canary_at": told(release.canary_at),
        "watch_until": told(release.watch_until),
        "full_at": told(release.full_at),
    }


@router.get("/deployments", dependencies=[allow("deployment.view")])
def deployments(session: ReadDep, model: str = "") -> list[dict[str, Any]]:
    return [plain_deployment(found) for found in queries.deployments(session, model=model)]


@router.post("/deployments", status_code=201)
def open_deployment(body: NewDeployment, work: WorkDep) -> dict[str, Any]:
    return plain_deployment(actions.open_deployment(work, body))


@router.get("/deployments/{id}", dependencies=[allow("deployment.view")])
def one(id: str, session: ReadDep) -> dict[str, Any]:
    """The deployment with its approvals' ids and what its papers still lack."""
    found = queries.deployment(session, id)
    asked = {kind: approvals.latest(session, kind, id) for kind in ("requirements_report", "deployment_plan")}
    return plain_deployment(found) | {
        "approvals": {kind: {"id": r.id, "state": r.state} for kind, r in asked.items() if r},
        "missing": {"requirements": rules.requirements_problems(found.requirements)},
    }


@router.put("/deployments/{id}/requirements")
def write_requirements(id: str, body: Requirements, work: WorkDep) -> dict[str, Any]:
    return plain_deployment(actions.write_requirements(work, id, body))


@router.post("/deployments/{id}/requirements/submission")
def submit_requirements(id: str, work: WorkDep) -> dict[str, Any]:
    return plain_deployment(actions.submit_requirements(work, id))


@router.put("/deployments/{id}/environment")
def declare_environment(id: str, body: Environment, work: WorkDep) -> dict[str, Any]:
    return plain_deployment(actions.declare_environment(work, id, body))


@router.post("/deployments/{id}/probe", status_code=202)
def probe(id: str, work: WorkDep) -> dict[str, Any]:
    return {"job": actions.probe_environment(work, id)}


@router.put("/deployments/{id}/tests")
def set_tests(id: str, body: FunctionalTest, work: WorkDep) -> dict[str, Any]:
    return plain_deployment(actions.set_tests(work, id, body))


@router.put("/deployments/{id}/plan")
def write_plan(id: str, body: Plan, work: WorkDep) -> dict[str, Any]:
    return plain_deployment(actions.write_plan(work, id, body))


@router.post("/deployments/{id}/plan/submission")
def submit_plan(id: str, work: WorkDep) -> dict[str, Any]:
    return plain_deployment(actions.submit_plan(work, id))


@router.post("/deployments/{id}/start", status_code=202)
def start(id: str, work: WorkDep) -> dict[str, Any]:
    return {"job": actions.start(work, id)}


@router.post("/deployments/{id}/test", status_code=202)
def test(id: str, work: WorkDep) -> dict[str, Any]:
    return {"job": actions.test(work, id)}


@router.post("/deployments/{id}/go-live")
def go_live(id: str, work: WorkDep) -> dict[str, Any]:
    return plain_deployment(actions.go_live(work, id))


@router.post("/deployments/{id}/retirement")
def retire(id: str, body: Reason, work: WorkDep) -> dict[str, Any]:
    return plain_deployment(actions.retire(work, id, reason=body.reason))


@router.get("/models/{model}/candidates", dependencies=[allow("deployment.view")])
def candidates(model: str, session: ReadDep) -> list[dict[str, Any]]:
    return [plain_candidate(found) for found in queries.candidates(session, model=model)]


@router.post("/models/{model}/candidates", status_code=202)
def add_candidate(model: str, body: NewCandidate, work: WorkDep) -> dict[str, Any]:
    return plain_candidate(actions.add_candidate(work, model, body.version_id))


@router.get("/candidates/{id}", dependencies=[allow("deployment.view")])
def one_candidate(id: str, session: ReadDep) -> dict[str, Any]:
    return plain_candidate(queries.candidate(session, id))


@router.get("/models/{model}/route", dependencies=[allow("deployment.view")])
def route(model: str, session: ReadDep) -> dict[str, Any]:
    return plain_route(queries.route(session, model))


@router.put("/models/{model}/route/options")
def configure_route(model: str, body: RouteChange, work: WorkDep) -> dict[str, Any]:
    return plain_route(actions.configure_route(work, model, body.options, reason=body.reason))


def plain_upstream(session: Session, id: str) -> dict[str, Any]:
    """Everything but the secret."""
    setting = session.get(UpstreamSetting, id)
    return (
        {"id": id}
        | queries.told_upstream(session, id)
        | {
            "secret_set_at": iso(setting.secret_set_at) if setting and setting.secret_set_at else None,
            "changed_at": iso(setting.changed_at) if setting else None,
            "changed_by": setting.changed_by if setting else "",
            "reason": setting.reason if setting else "",
        }
    )


@router.get("/upstreams", dependencies=[allow("upstream.view")])
def upstreams(session: ReadDep) -> list[dict[str, Any]]:
    """How gateways reach each model server."""
    return [plain_upstream(session, str(server["id"])) for server in queries.servers(session)]


@router.get("/upstreams/{id}", dependencies=[allow("upstream.view")])
def upstream(id: str, session: ReadDep) -> dict[str, Any]:
    return plain_upstream(session, id)


@router.put("/upstreams/{id}")
def set_upstream(id: str, body: UpstreamChange, work: WorkDep) -> dict[str, Any]:
    actions.set_upstream(work, id, body)
    return plain_upstream(work.session, id)


@router.post("/models/{model}/roll-back", status_code=202)
def roll_back(model: str, body: Reason, work: WorkDep) -> dict[str, Any]:
    return plain_release(actions.roll_back(work, model, reason=body.reason))


@router.post("/models/{model}/roll-forward", status_code=202)
def roll_forward(model: str, body: Reason, work: WorkDep) -> dict[str, Any]:
    return plain_release(actions.roll_forward(work, model, reason=body.reason))


@router.get("/releases", dependencies=[allow("canary.view")])
def releases(session: ReadDep, model: str = "") -> list[dict[str, Any]]:
    return [plain_release(found) for found in queries.releases(session, model=model)]


@router.post("/releases", status_code=201)
def request_release(body: ReleaseRequest, work: WorkDep) -> dict[str, Any]:
    return plain_release(actions.request_release(work, body))


@router.get("/releases/{id}", dependencies=[allow("canary.view")])
def one_release(id: str, session: ReadDep) -> dict[str, Any]:
    found = queries.release(session, id)
    asked = approvals.latest(session, "release", id)
    return plain_release(found) | {"approval": {"id": asked.id, "state": asked.state} if asked else None}


@router.post("/releases/{id}/canary")
def start_canary(id: str, work: WorkDep) -> dict[str, Any]:
    return plain_release(actions.start_canary(work, id))


@router.post("/releases/{id}/full")
def full_release(id: str, work: WorkDep) -> dict[str, Any]:
    return plain_release(actions.full_release(work, id))


@router.post("/releases/{id}/abort")
def abort(id: str, body: Reason, work: WorkDep) -> dict[str, Any]:
    return plain_release(actions.abort_release(work, id, reason=body.reason))
