"""Back and forward: a full release is undone and done again, timed from the decision to the gateway's obedience."""

from typing import Any

from gnomon.contract.verdicts import State
from gnomon.control.approvals import queries as approvals
from gnomon.control.deployments import queries, rules, servers
from gnomon.control.deployments.actions import outside, shared
from gnomon.control.deployments.tables import Release
from gnomon.control.evidence import actions as evidence
from gnomon.kit.canonical import digest
from gnomon.kit.clock import iso
from gnomon.kit.errors import Conflict, NotFound
from gnomon.kit.work import Work, action, system_action


def roll_back(work: Work, model: str, *, reason: str) -> Release:
    """All traffic goes back to the target from before the newest full release; a job times it."""
    return _back(work, model, reason=reason, before=_policy_now(work))


def roll_forward(work: Work, model: str, *, reason: str) -> Release:
    """The newest release that was rolled back has all traffic again. Its approval must still stand."""
    return _forward(work, model, reason=reason, before=_policy_now(work))


def _policy_now(work: Work) -> tuple[int, ...] | None:
    """What the gateway obeys before the change, so that the next policy is known for the new one."""
    return outside.asked(work, "deployment.roll_back", question=lambda _: True, ask=lambda _: servers.gateway_policy())


@action("deployment.roll_back")
def _back(work: Work, model: str, *, reason: str, before: tuple[int, ...] | None) -> Release:
    release = _newest(work, model, "full")
    return _switch(work, release, "roll_back", to=release.from_target, reason=reason, before=before)


@action("deployment.roll_back")
def _forward(work: Work, model: str, *, reason: str, before: tuple[int, ...] | None) -> Release:
    release = _newest(work, model, "rolled_back")
    approvals.require_approved(
        work.session, kind="release", subject_id=release.id, content_sha256=digest(release.content)
    )
    return _switch(work, release, "roll_forward", to=release.to_target, reason=reason, before=before)


@system_action("deployment.note_switched")
def note_switched(work: Work, id: str, *, verb: str, at: str, seconds: float | None, policy: str, reason: str) -> None:
    """How long the switch took, as evidence; `seconds` None: the gateway could not be asked, and it is not measured."""
    release = queries.release(work.session, id)
    work.about("release", id, verb=verb, seconds=seconds)
    if any(line["verb"] == verb and line["at"] == at for line in release.timings):
        return
    limit_s = queries.rollback_limit_s(work.session, release.model)
    release.timings = [*release.timings, {"verb": verb, "at": at, "seconds": seconds, "policy": policy}]
    evidence.record(
        work,
        source="deployments.rolled_back" if verb == "roll_back" else "deployments.rolled_forward",
        kind="release",
        subject=("release", id),
        state=_state(seconds, limit_s),
        facts={
            "deployment": id,
            "model": release.model,
            "version": release.content["version"]["id"],
            "share": 0.0 if verb == "roll_back" else 1.0,
            "watched_s": 0,
            "rules": [],
            "outcome": verb,
            "decided_at": at,
            "seconds": seconds,
            "limit_s": limit_s,
            "policy": policy,
            "reason": reason,
        },
    )


def _state(seconds: float | None, limit_s: float | None) -> State:
    if seconds is None or limit_s is None:
        return State.NOT_MEASURED
    return State.MET if seconds <= limit_s else State.NOT_MET


def _newest(work: Work, model: str, state: str) -> Release:
    newest = next((r for r in queries.releases(work.session, model=model) if r.full_at is not None), None)
    if newest is None or newest.state != state:
        raise NotFound(
            f"The newest release of {model} is {newest.state if newest else 'not there'}, not {state}.",
            next_step="See the releases of the model.",
        )
    return newest


def _switch(
    work: Work, release: Release, verb: str, *, to: str, reason: str, before: tuple[int, ...] | None
) -> Release:
    work.about("release", release.id, to=to, reason=reason)
    if queries.newest_release(work.session, release.model, "canary"):
        raise Conflict(f"A canary of {release.model} is running.", next_step="Abort it first.")
    release.state = rules.advance_release(queries.release_standing(work.session, release), verb).state
    route = queries.route(work.session, release.model)
    args: dict[str, Any] = {"verb": verb, "at": iso(work.now), "before": list(before) if before else None}
    shared.set_route(work, route, targets=rules.shift(queries.targets(route), to=to))
    work.enqueue("deployments.time_switch", release.id, reason=reason, **args)
    return release
