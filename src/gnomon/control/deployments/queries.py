"""Reads: deployments, candidates and releases; and routes and upstreams as the bundle carries them."""

from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gnomon.contract.bundle import Canary, Route, Target, Upstream
from gnomon.control.approvals import queries as approvals
from gnomon.control.catalog import queries as catalog
from gnomon.control.deployments import rules
from gnomon.control.deployments.tables import Candidate, Deployment, Release, RouteState
from gnomon.kit.canonical import digest
from gnomon.kit.errors import NotFound


def deployment(session: Session, id: str) -> Deployment:
    found = session.get(Deployment, id)
    if found is None:
        raise NotFound(f"There is no deployment {id}.")
    return found


def deployments(session: Session, *, model: str = "") -> list[Deployment]:
    """Newest first."""
    query = select(Deployment).order_by(Deployment.created_at.desc(), Deployment.id.desc())
    return list(session.scalars(query.where(Deployment.model == model) if model else query))


def next_number(session: Session, year: int) -> str:
    prefix = f"BS-{year}-"
    used = session.scalar(select(func.count()).select_from(Deployment).where(Deployment.number.startswith(prefix))) or 0
    return f"{prefix}{used + 1:03d}"


def candidate(session: Session, id: str) -> Candidate:
    found = session.get(Candidate, id)
    if found is None:
        raise NotFound(f"There is no candidate {id}.")
    return found


def candidates(session: Session, *, model: str = "") -> list[Candidate]:
    query = select(Candidate).order_by(Candidate.created_at, Candidate.id)
    return list(session.scalars(query.where(Candidate.model == model) if model else query))


def candidate_of(session: Session, version_id: str) -> Candidate | None:
    return session.scalars(select(Candidate).where(Candidate.version_id == version_id)).first()


def release(session: Session, id: str) -> Release:
    found = session.get(Release, id)
    if found is None:
        raise NotFound(f"There is no release {id}.")
    return found


def releases(session: Session, *, model: str = "") -> list[Release]:
    """Newest first."""
    query = select(Release).order_by(Release.requested_at.desc(), Release.id.desc())
    return list(session.scalars(query.where(Release.model == model) if model else query))


def newest_release(session: Session, model: str, *states: str) -> Release | None:
    return next((found for found in releases(session, model=model) if found.state in states), None)


def route(session: Session, model: str) -> RouteState:
    found = session.get(RouteState, model)
    if found is None:
        raise NotFound(f"The model {model} has no deployment yet.", next_step="Open one.")
    return found


def targets(route: RouteState) -> tuple[Target, ...]:
    return tuple(msgspec.convert(plain, Target) for plain in route.targets)


def routes(session: Session) -> list[Route]:
    """Every route that has a target, by model name, as the bundle carries it."""
    found = session.scalars(select(RouteState).order_by(RouteState.model))
    tasks = {model.name: model.task for model in catalog.models(session)}
    return [
        Route(
            model=row.model,
            targets=targets(row),
            mask_policy=row.mask_policy,
            canary=msgspec.convert(row.canary, Canary) if row.canary else None,
            timeout_s=row.timeout_s,
            # A conversation stays with one target; single questions are shared out one by one, so that a canary
            # sees its share even where there are few callers.
            sticky=tasks.get(row.model, "") == "chat",
        )
        for row in found
        if row.targets
    ]


def upstreams(session: Session) -> list[Upstream]:
    """The model servers that some route's target names, by id."""
    used = {target.upstream for row in session.scalars(select(RouteState)) for target in targets(row)}
    servers = [found.server for found in deployments(session) if found.server.get("id") in used]
    return [Upstream(id=s["id"], url=s["url"]) for s in sorted(servers, key=lambda s: str(s["id"]))]


def desired_servers(session: Session) -> list[dict[str, Any]]:
    """The model servers that the supervisor keeps running, by id."""
    wanted = [found.server for found in deployments(session) if found.state in rules.SERVING and found.server]
    keys = ("id", "model_dir", "port", "served_name", "adapters_dir")
    return [{key: server[key] for key in keys} for server in sorted(wanted, key=lambda s: str(s["id"]))]


def content(session: Session, deployment: Deployment) -> dict[str, Any]:
    """Exactly what is approved and carried out: change any of it and the approval is void."""
    version = catalog.version(session, deployment.version_id)
    return {
        "deployment": deployment.number,
        "model": deployment.model,
        "version": {"id": version.id, "label": version.label, "sha256": version.sha256},
        "mask_policy": deployment.mask_policy,
        "requirements_sha256": digest(deployment.requirements),
        "environment": deployment.environment,
        "plan": deployment.plan,
        "tests": deployment.tests,
    }


def standing(session: Session, deployment: Deployment) -> rules.Standing:
    """Where the deployment stands, as the rules see it."""
    request = approvals.latest(session, "deployment_plan", deployment.id)
    return rules.Standing(
        state=deployment.state,
        content=digest(content(session, deployment)),
        approved=request.content_sha256 if request and request.state == "approved" else "",
        tested=deployment.tested_sha256,
    )


def release_standing(session: Session, release: Release) -> rules.Standing:
    request = approvals.latest(session, "release", release.id)
    return rules.Standing(
        state=release.state,
        content=digest(release.content),
        approved=request.content_sha256 if request and request.state == "approved" else "",
    )


def rollback_limit_s(session: Session, model: str) -> float | None:
    """Seconds that the plan of the model's newest live deployment allows a roll-back; None without such a plan."""
    for found in deployments(session, model=model):
        if found.state == "live":
            return float(found.plan["rollback"]["limit_minutes"]) * 60.0
    return None
