"""What the verbs share: edits that void, the log of a deployment, routes that change."""

from collections.abc import Sequence
from typing import Any

import msgspec

from gnomon.contract.bundle import Canary, Target
from gnomon.control.deployments import queries, rules
from gnomon.control.deployments.schemas import RoutesChanged
from gnomon.control.deployments.tables import Candidate, Deployment, RouteState
from gnomon.kit.clock import iso
from gnomon.kit.work import Work


def apply(work: Work, deployment: Deployment, verb: str) -> None:
    """The deployment takes the step `verb`. Raises WrongState, ApprovalMissing or NotTested."""
    after = rules.advance(queries.standing(work.session, deployment), verb)
    deployment.state, deployment.tested_sha256 = after.state, after.tested


def edited(work: Work, deployment: Deployment, **papers: Any) -> None:
    """The papers are changed; the deployment is a draft again and what was approved or tested counts no more.

    The same papers again change nothing. Raises WrongState once the deployment is being carried out or live.
    """
    before = queries.standing(work.session, deployment)
    for name, value in papers.items():
        setattr(deployment, name, value)
    content = queries.standing(work.session, deployment).content
    if content == before.content:
        return
    after = rules.advance(before, "edit", content=content)
    deployment.state, deployment.tested_sha256 = after.state, after.tested
    work.about("deployment", deployment.id, edited=sorted(papers), content_sha256=content)
    if deployment.server:
        work.enqueue("deployments.write_desired", deployment.id)  # a draft runs no server


def log_step(
    work: Work,
    subject: Deployment | Candidate,
    step: str,
    *,
    state: str,
    job: str = "",
    evidence_ids: Sequence[str] = (),
    note: str = "",
) -> None:
    """One more line in the subject's log."""
    line = {
        "step": step,
        "state": state,
        "at": iso(work.now),
        "by": work.actor.id,
        "job": job,
        "evidence_ids": list(evidence_ids),
        "note": note,
    }
    subject.steps = [*subject.steps, line]


def has_step(subject: Deployment | Candidate, step: str, job: str) -> bool:
    """Whether this job has logged this step: a job that runs again must not prove the same thing twice."""
    return any(line["step"] == step and line["job"] == job for line in subject.steps)


def ensure_route(work: Work, model: str, *, mask_policy: str) -> RouteState:
    found = work.session.get(RouteState, model)
    if found is None:
        found = RouteState(model=model, mask_policy=mask_policy, targets=[], canary=None, timeout_s=60.0, options={})
        found.changed_at = work.now
        work.session.add(found)
    return found


def set_route(
    work: Work, route: RouteState, *, targets: Sequence[Target] | None = None, canary: Canary | None = None
) -> None:
    """The route has these targets (None: as before) and this canary (None: no canary), and the gateways are told."""
    if targets is not None:
        route.targets = [msgspec.to_builtins(target) for target in targets]
    route.canary = msgspec.to_builtins(canary) if canary else None
    route.changed_at = work.now
    work.session.flush()
    work.emit(RoutesChanged(route.model))


def canary_of(route: RouteState) -> Canary | None:
    return msgspec.convert(route.canary, Canary) if route.canary else None
