"""Reads: deployments, candidates and releases; and routes and upstreams as the bundle carries them."""

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gnomon.contract.bundle import Route, Target, Upstream
from gnomon.control.approvals import queries as approvals
from gnomon.control.catalog import queries as catalog
from gnomon.control.deployments import rules
from gnomon.control.deployments.tables import Candidate, Deployment, Release, RouteState, UpstreamSetting
from gnomon.kit.canonical import digest
from gnomon.kit.clock import iso
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
    return [_route(row, tasks.get(row.model, "")) for row in found if row.targets]


def _route(row: RouteState, task: str) -> Route:
    options = rules.fitting(row.options, {target["id"] for target in row.targets})
    prices = options.pop("prices", {})
    plain = {
        "model": row.model,
        "targets": [target | prices.get(target["id"], {}) for target in row.targets],
        "mask_policy": row.mask_policy,
        "canary": row.canary,
        "timeout_s": row.timeout_s,
        # A conversation stays with one target; single questions are shared out one by one, so that a canary sees its
        # share even where there are few callers.
        "sticky": task == "chat",
    }
    return msgspec.convert(plain | options, Route)


def tested_targets(session: Session, model: str) -> set[str]:
    """Targets of the model that passed their functional test."""
    found = {c.target_id for c in candidates(session, model=model) if c.state == "tested"}
    return found | {d.target_id for d in deployments(session, model=model) if d.state in ("tested", "live")}


def released_targets(session: Session, model: str) -> set[str]:
    """Targets of the model whose way to all traffic was approved: live deployments, and releases that are full."""
    found = {d.target_id for d in deployments(session, model=model) if d.state == "live"}
    return found | {r.to_target for r in releases(session, model=model) if r.state == "full"}


def upstreams(session: Session) -> list[Upstream]:
    """The model servers that some route's target names, by id."""
    used = {target.upstream for row in session.scalars(select(RouteState)) for target in targets(row)}
    return [_upstream(server, session.get(UpstreamSetting, server["id"])) for server in servers(session, used)]


def _upstream(server: dict[str, Any], setting: UpstreamSetting | None) -> Upstream:
    if setting is None:
        return Upstream(id=server["id"], url=server["url"])
    return Upstream(
        id=server["id"],
        url=setting.url or server["url"],
        connect_timeout_s=setting.connect_timeout_s,
        ca=setting.ca,
        server_name=setting.server_name,
        host=setting.http_host,
        secret=setting.secret,
    )


def servers(session: Session, among: Collection[str] | None = None) -> list[dict[str, Any]]:
    """The model servers of all deployments, or those among these, by id."""
    found = {str(one.server["id"]): one.server for one in deployments(session) if one.server.get("id")}
    return [found[id] for id in sorted(found) if among is None or id in among]


def server(session: Session, id: str) -> dict[str, Any]:
    for found in servers(session, {id}):
        return found
    raise NotFound(f"There is no model server {id}.", next_step="GET /api/v1/upstreams lists them.")


def told_upstream(session: Session, id: str) -> dict[str, Any]:
    """How gateways reach the server, as people may see it: of the secret only that there is one."""
    own = server(session, id)
    setting = session.get(UpstreamSetting, id)
    found = _upstream(own, setting)
    return {
        "url": found.url,
        "own_url": str(own["url"]),
        "ca": [
            {"subject": one.subject, "ends": iso(one.ends), "sha256": one.sha256} for one in rules.authorities(found.ca)
        ],
        "server_name": found.server_name,
        "http_host": found.host,
        "connect_timeout_s": found.connect_timeout_s,
        "has_secret": bool(found.secret),
    }


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
