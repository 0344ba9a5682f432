"""Checks of deployments: papers came first, nothing failed went live, install logs are still what they were.

The gates are checked against the audit trail and the evidence, not against what the deployments say of themselves.
"""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gnomon.contract.verdicts import State
from gnomon.control.approvals.tables import ApprovalRequest
from gnomon.control.audit.tables import AuditEntry
from gnomon.control.deployments import queries, rules
from gnomon.control.deployments.tables import Deployment
from gnomon.control.evidence import queries as evidence
from gnomon.control.evidence.tables import Artefact
from gnomon.control.people import queries as people
from gnomon.control.rulebook.checks import SHOWN, CheckContext, CheckResult, check, gate
from gnomon.control.rulebook.subjects import living
from gnomon.kit.blobs import Blobs
from gnomon.kit.canonical import digest
from gnomon.kit.errors import GnomonError

CARRIED_OUT = frozenset({"installing", "install_failed", "initialised", "testing", "tested", "test_failed", "live"})
TESTS = ("deployments.functional_test_normal", "deployments.functional_test_boundary")


@check("deployments.requirements_complete")
def requirements_complete(ctx: CheckContext) -> CheckResult | None:
    """The requirements report of every deployment that is being carried out has all its parts."""
    return _documents(
        ctx, "requirements_report", [*rules.SECTIONS, "items"], lambda d: rules.requirements_problems(d.requirements)
    )


@check("deployments.plan_complete")
def plan_complete(ctx: CheckContext) -> CheckResult | None:
    """The plan of every deployment that is being carried out has all its parts."""
    everybody = {person.id for person in people.people(ctx.session)}
    required = ["timetable", "executor", "steps", "resources", "rollback"]
    return _documents(ctx, "deployment_plan", required, lambda d: rules.plan_problems(d.plan, people=everybody))


@check("deployments.started_without_requirements")
def started_without_requirements(ctx: CheckContext) -> CheckResult | None:
    """Installations for which no requirements report was approved by then."""
    started = _deeds(ctx.session, "deployment.install", "deployment")
    broken = [id for id, at in started if not _approved_by(ctx.session, "requirements_report", id, at)]
    return gate("a deployment starts with an approved requirements report", examined=len(started), broken=broken)


@check("deployments.installed_before_probe")
def installed_before_probe(ctx: CheckContext) -> CheckResult | None:
    """Installations on machines that had not been probed by then."""
    started = _deeds(ctx.session, "deployment.install", "deployment")
    broken = [id for id, at in started if not _proofs(ctx.session, id, ("deployments.environment_probed",), at)]
    return gate("a machine is probed before anything is installed", examined=len(started), broken=broken)


@check("deployments.released_despite_failure")
def released_despite_failure(ctx: CheckContext) -> CheckResult | None:
    """Go-lives and canaries whose newest functional test of that moment was missing or failed."""
    released = _deeds(ctx.session, "deployment.release", "deployment")
    for id, at in _deeds(ctx.session, "canary.start", "release"):
        version = queries.release(ctx.session, id).content["version"]["id"]
        candidate = queries.candidate_of(ctx.session, version)
        hosts = [found.id for found in queries.deployments(ctx.session) if found.version_id == version]
        released.append((candidate.id if candidate else next(iter(hosts), id), at))
    broken = [id for id, at in released if not _passed_by(ctx.session, id, at)]
    return gate("only what passed its functional test gets traffic", examined=len(released), broken=broken)


@check("deployments.install_logs_kept", costly=True)
def install_logs_kept(ctx: CheckContext) -> CheckResult | None:
    """Every install log is still stored with the bytes that it was registered with."""
    query = select(Artefact).where(Artefact.source == "deployments.dependencies_installed")
    logs = list(ctx.session.scalars(query))
    if not logs:
        return None
    blobs: Blobs = ctx.service("blobs")
    mismatches = [proof.id for proof in logs if not evidence.is_intact(proof) or not _is_kept(blobs, proof)]
    facts = {"subject": "install logs", "examined": len(logs), "mismatches": mismatches[:SHOWN]}
    return CheckResult(n=len(logs), state=State.NOT_MET if mismatches else State.MET, facts=facts)


def _documents(
    ctx: CheckContext, document: str, required: list[str], problems: Callable[[Deployment], list[str]]
) -> CheckResult | None:
    found = [each for each in queries.deployments(ctx.session) if each.state in CARRIED_OUT]
    if not found:
        return None
    missing = {each.number: lacking[:SHOWN] for each in found if (lacking := problems(each))}
    papers: list[dict[str, Any]] = [each.requirements | each.plan for each in found]
    facts = {"document": document, "version": digest(papers), "required": required, "missing": missing}
    return CheckResult(n=len(found), state=State.NOT_MET if missing else State.MET, facts=facts)


def _deeds(session: Session, permission: str, kind: str) -> list[tuple[str, datetime]]:
    """(id of the object, when) of every such deed in the trail."""
    query = select(AuditEntry.object_id, AuditEntry.at).where(
        AuditEntry.permission == permission, AuditEntry.object_kind == kind, AuditEntry.outcome == "done"
    )
    return [(id, at) for id, at in session.execute(query.order_by(AuditEntry.id))]


def _approved_by(session: Session, kind: str, subject_id: str, at: datetime) -> bool:
    query = select(ApprovalRequest).where(
        ApprovalRequest.kind == kind,
        ApprovalRequest.subject_id == subject_id,
        ApprovalRequest.state == "approved",
        ApprovalRequest.decided_at <= at,
    )
    return session.scalars(query).first() is not None


def _proofs(session: Session, subject_id: str, sources: tuple[str, ...], at: datetime) -> dict[str, Artefact]:
    """The newest artefact of each source about the subject that was there at that moment."""
    query = select(Artefact).where(
        Artefact.subject_id == subject_id, Artefact.source.in_(sources), Artefact.made_at <= at
    )
    return {proof.source: proof for proof in session.scalars(query.order_by(Artefact.made_at, Artefact.id))}


def _passed_by(session: Session, subject_id: str, at: datetime) -> bool:
    found = _proofs(session, subject_id, TESTS, at)
    return all(source in found and found[source].state == State.MET.value for source in TESTS)


def _is_kept(blobs: Blobs, proof: Artefact) -> bool:
    try:
        blobs.get(proof.file_sha256)
    except GnomonError:
        return False
    return True


@living("deployment")
def living_deployments(session: Session, ids: Collection[str]) -> set[str]:
    """All that are not retired: one that failed counts until it passes or is given up."""
    return {each.id for each in queries.deployments(session) if each.state != "retired"} & set(ids)
