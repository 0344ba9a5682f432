"""A release: asked for with evidence, approved, tried on a share of the traffic under watch, then all of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from gnomon.contract.bundle import Canary, RetreatRule
from gnomon.contract.traffic import DefenceNotice
from gnomon.contract.verdicts import State
from gnomon.control.approvals import queries as approvals
from gnomon.control.approvals.schemas import ApprovalDecided
from gnomon.control.catalog import queries as catalog
from gnomon.control.catalog.tables import ModelVersion
from gnomon.control.deployments import queries, rules
from gnomon.control.deployments.actions import approving, outside, shared
from gnomon.control.deployments.schemas import CanaryEnded, ReleaseRequest
from gnomon.control.deployments.tables import Release
from gnomon.control.evidence import actions as evidence
from gnomon.control.evidence import queries as evidence_queries
from gnomon.control.evidence.tables import Artefact
from gnomon.kit import services
from gnomon.kit.canonical import digest
from gnomon.kit.errors import BadInput, Conflict, Denied, NotFound
from gnomon.kit.ids import new_id
from gnomon.kit.work import Work, action, system_action

# Whose verdict opens the gate: a remediation round's, or a paired comparison's. Both say in `version` which version.
GATE_SOURCES = frozenset({"remediation.round_verified", "evaluation.compared"})


class BadGateEvidence(BadInput):
    code = "evidence_does_not_open_the_gate"


@dataclass(frozen=True, slots=True)
class _Watch:
    """A canary and the time up to which its records count."""

    release_id: str
    model: str
    from_target: str
    to_target: str
    canary_at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class _Seen:
    watch: _Watch
    arms: dict[str, dict[str, Any]]


@action("deployment.release")
def request_release(work: Work, asked: ReleaseRequest) -> Release:
    """A release is up for approval.

    Raises NotTested when the target has not passed its functional test, BadGateEvidence when the evidence is no
    verdict on exactly this version, not met, altered or from before it; Conflict while another release is open.
    """
    route = queries.route(work.session, asked.model)
    targets = {target.id: target for target in queries.targets(route)}
    if asked.to_target not in targets:
        raise NotFound(f"{asked.model} has no target {asked.to_target}.", next_step=f"Known: {', '.join(targets)}.")
    before = next((target.id for target in targets.values() if target.weight > 0), "")
    if not before or before == asked.to_target:
        raise Conflict(f"{asked.to_target} cannot take over from {before or 'nothing'}.", next_step="See the route.")
    if queries.newest_release(work.session, asked.model, "requested", "approved", "canary"):
        raise Conflict(f"A release of {asked.model} is open.", next_step="Finish or abort it first.")
    _require_tested(work, targets[asked.to_target].version)
    content = _content(work, asked, before=before, version_id=targets[asked.to_target].version)
    release = Release(
        id=new_id("release"),
        from_target=before,
        state="requested",
        content=content,
        timings=[],
        requested_by=work.actor.id,
        requested_at=work.now,
        **asked.model_dump(mode="json"),
    )
    work.session.add(release)
    work.session.flush()
    work.about("release", release.id, model=asked.model, to=asked.to_target, evidence=asked.evidence_id)
    approving.ask(
        work,
        "release",
        subject_id=release.id,
        title=f"{asked.model}: {before} → {asked.to_target}",
        content=content,
        roles={"author": {work.actor.id}},
    )
    return release


@system_action("canary.note_decision")
def release_decided(work: Work, event: ApprovalDecided) -> None:
    release = queries.release(work.session, event.subject_id)
    work.about("release", release.id, approved=event.approved)
    if release.state == "requested":
        _apply(work, release, "approve" if event.approved else "reject")


@action("canary.start")
def start_canary(work: Work, id: str) -> Release:
    """The approved share of the traffic goes to the target, and the watch window runs.

    Raises NotApproved or ApprovalVoid (403); Denied for somebody who voted on it.
    """
    release = queries.release(work.session, id)
    work.about("release", id, share=release.share, watch_s=release.watch_s)
    request = approvals.require_approved(
        work.session, kind="release", subject_id=id, content_sha256=digest(release.content)
    )
    if any(vote.person_id == work.actor.id for vote in approvals.votes(work.session, request.id)):
        raise Denied("Who approved a release does not carry it out.", next_step="Let somebody else start it.")
    _apply(work, release, "start_canary")
    release.canary_at, release.watch_until = work.now, work.now + timedelta(seconds=release.watch_s)
    canary = Canary(
        id=release.id,
        target=release.to_target,
        share=release.share,
        watch_until=release.watch_until.timestamp(),
        rules=tuple(msgspec.convert(rule, RetreatRule) for rule in release.rules),
    )
    shared.set_route(work, queries.route(work.session, release.model), canary=canary)
    return release


def full_release(work: Work, id: str) -> Release:
    """All traffic goes to the target, with evidence of what both arms saw in the watch window.

    Raises WatchOpen until the window is over and both arms have seen enough; WrongState after a retreat;
    ChangedMeanwhile when the canary is another one than the records were asked about.
    """
    seen = outside.asked(work, "canary.promote", question=lambda session: _watch(session, id, work.now), ask=_seen)
    return _promote(work, id, seen)


@action("canary.promote")
def _promote(work: Work, id: str, seen: _Seen | None) -> Release:
    release = queries.release(work.session, id)
    work.about("release", id, target=release.to_target)
    approvals.require_approved(work.session, kind="release", subject_id=id, content_sha256=digest(release.content))
    after = rules.advance_release(queries.release_standing(work.session, release), "promote")
    if seen is None or seen.watch.canary_at != release.canary_at or release.watch_until is None:
        raise outside.ChangedMeanwhile(f"The canary of {release.model} was changed just now.", next_step="Try again.")
    requests = {arm: int(row["requests"]) for arm, row in seen.arms.items()}
    rules.check_watch(seen.watch.until, release.watch_until, requests, min_requests=release.min_requests)
    release.state, release.full_at = after.state, work.now
    route = queries.route(work.session, release.model)
    shared.set_route(work, route, targets=rules.shift(queries.targets(route), to=release.to_target))
    _prove(work, release, outcome="full", state=State.MET, arms=seen.arms)
    work.emit(CanaryEnded(release.id, release.model, release.state))
    return release


@action("canary.abort")
def abort_release(work: Work, id: str, *, reason: str) -> Release:
    """The release is over before its time; a canary's share goes back."""
    release = queries.release(work.session, id)
    work.about("release", id, reason=reason)
    was_canary = release.state == "canary"
    _apply(work, release, "abort")
    if was_canary:
        _end_canary(work, release, outcome="aborted", facts={"reason": reason})
    return release


@system_action("canary.note_retreat")
def note_retreat(work: Work, notice: DefenceNotice) -> None:
    """The gateway took the canary's share back by itself: control remembers and publishes the same."""
    work.about("release", notice.subject, reason=notice.reason)
    release = work.session.get(Release, notice.subject)
    if release is None or release.state != "canary":
        return
    _apply(work, release, "retreat")
    _end_canary(work, release, outcome="retreated", facts={"reason": notice.reason, "notice": notice.id} | notice.facts)


def _apply(work: Work, release: Release, verb: str) -> None:
    release.state = rules.advance_release(queries.release_standing(work.session, release), verb).state


def _end_canary(work: Work, release: Release, *, outcome: str, facts: dict[str, Any]) -> None:
    shared.set_route(work, queries.route(work.session, release.model))
    _prove(work, release, outcome=outcome, state=State.NOT_MET, arms=None, **facts)
    work.emit(CanaryEnded(release.id, release.model, release.state))


def _require_tested(work: Work, version_id: str) -> None:
    candidate = queries.candidate_of(work.session, version_id)
    tested = candidate is not None and candidate.state == "tested"
    for found in queries.deployments(work.session):
        tested = tested or (found.version_id == version_id and found.state in ("tested", "live"))
    if not tested:
        raise rules.NotTested("The target has not passed its functional test.", next_step="Let it pass first.")


def _content(work: Work, asked: ReleaseRequest, *, before: str, version_id: str) -> dict[str, Any]:
    proof = evidence_queries.artefact(work.session, asked.evidence_id)
    version = catalog.checked_version(work.session, version_id)
    _require_verdict(proof, version)
    return asked.model_dump(mode="json") | {
        "from_target": before,
        "version": {"id": version.id, "label": version.label, "sha256": version.sha256},
        "evidence_sha256": proof.sha256,
    }


def _require_verdict(proof: Artefact, version: ModelVersion) -> None:
    """Raises BadGateEvidence unless the proof is an intact, met verdict on this version, made after it was checked."""
    if proof.source not in GATE_SOURCES:
        raise BadGateEvidence(
            f"The evidence {proof.id} comes from {proof.source}, which is no verdict on a version.",
            next_step=f"Name one of: {', '.join(sorted(GATE_SOURCES))}.",
        )
    if not evidence_queries.is_intact(proof):
        raise BadGateEvidence(f"The evidence {proof.id} was altered.", next_step="Name another.")
    if proof.state != State.MET.value:
        raise BadGateEvidence(f"The evidence {proof.id} says {proof.state}.", next_step="Name one that is met.")
    if proof.facts.get("version") != version.id:
        raise BadGateEvidence(
            f"The evidence {proof.id} is not about the version {version.id}.",
            next_step="Name the comparison or verification of this version.",
        )
    if proof.made_at < (version.checked_at or version.created_at):
        raise BadGateEvidence(
            f"The evidence {proof.id} is older than the version {version.id}.", next_step="Evaluate the version again."
        )


def _watch(session: Session, id: str, now: datetime) -> _Watch | None:
    """What the records are to be asked about; None when the release is no canary."""
    release = session.get(Release, id)
    if release is None or release.state != "canary" or release.canary_at is None:
        return None
    return _Watch(release.id, release.model, release.from_target, release.to_target, release.canary_at, now)


def _seen(watch: _Watch) -> _Seen:
    """What the records say of both targets since the canary began; an arm that no record names has seen 0.

    The candidate's arm counts what the canary sent it, not what evaluators asked it by name.
    """
    rows = services.get("records").query(
        "by_target", model=watch.model, since=watch.canary_at.timestamp(), until=watch.until.timestamp()
    )
    arms = {
        watch.from_target: _arm([row for row in rows if row["target"] == watch.from_target]),
        watch.to_target: _arm(
            [row for row in rows if row["target"] == watch.to_target and row["canary"] == watch.release_id]
        ),
    }
    return _Seen(watch, arms)


def _arm(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Requests and outcomes added up; of percentiles, which cannot be added, the slowest."""
    outcomes: dict[str, int] = {}
    for row in rows:
        for outcome, n in row["outcomes"].items():
            outcomes[outcome] = outcomes.get(outcome, 0) + int(n)
    slowest = max((float(row["p95"]) for row in rows if row["p95"] is not None), default=None)
    return {"requests": sum(int(row["requests"]) for row in rows), "outcomes": outcomes, "p95_ms": slowest}


def _prove(
    work: Work, release: Release, *, outcome: str, state: State, arms: dict[str, dict[str, Any]] | None, **facts: Any
) -> None:
    watched = (work.now - release.canary_at).total_seconds() if release.canary_at else 0.0
    evidence.record(
        work,
        source="deployments.canary_watched",
        kind="release",
        subject=("release", release.id),
        state=state,
        facts={
            "deployment": release.id,
            "model": release.model,
            "version": release.content["version"]["id"],
            "from": release.from_target,
            "to": release.to_target,
            "share": release.share,
            "watched_s": watched,
            "rules": release.rules,
            "outcome": outcome,
            "arms": arms,
            "gate_evidence": release.evidence_id,
            **facts,
        },
    )
