"""Before anything is installed: the deployment is opened, its requirements, environment and tests are written down."""

from typing import Any

from gnomon.contract.verdicts import State
from gnomon.control.approvals import queries as approvals
from gnomon.control.approvals.schemas import ApprovalDecided
from gnomon.control.catalog import queries as catalog
from gnomon.control.catalog import rules as catalog_rules
from gnomon.control.deployments import queries, rules
from gnomon.control.deployments.actions import approving, shared
from gnomon.control.deployments.schemas import Environment, FunctionalTest, NewDeployment, Requirements
from gnomon.control.deployments.tables import Deployment
from gnomon.control.evidence import actions as evidence
from gnomon.kit import services
from gnomon.kit.canonical import digest
from gnomon.kit.clock import iso
from gnomon.kit.errors import BadInput
from gnomon.kit.ids import new_id
from gnomon.kit.work import Work, action, system_action


@action("deployment.open")
def open_deployment(work: Work, new: NewDeployment) -> Deployment:
    """A draft for a base version of a registered model. Raises NotFound, or BadInput for an adapter."""
    model = catalog.model(work.session, new.model)
    catalog_rules.require_in_life(model.stage, model=model.name)
    version = catalog.version_of(work.session, new.model, new.version_id)
    if version.kind != "base":
        raise BadInput(
            f"{version.label} is an adapter; adapters answer beside their base.",
            next_step="Deploy the base version, then add the adapter as a candidate.",
        )
    deployment = Deployment(
        id=new_id("deploy"),
        number=queries.next_number(work.session, services.today(work.now).year),
        state="draft",
        requirements={},
        requirements_state="draft",
        environment={},
        probe={},
        plan={},
        tests={},
        server={},
        author_id=work.actor.id,
        steps=[],
        created_at=work.now,
        **new.model_dump(),
    )
    work.session.add(deployment)
    work.session.flush()
    work.about("deployment", deployment.id, number=deployment.number, model=new.model, version=new.version_id)
    return deployment


@action("requirements.edit")
def write_requirements(work: Work, id: str, report: Requirements) -> Deployment:
    """The report is stored as it is, complete or not; one that was submitted or approved must be submitted again."""
    deployment = queries.deployment(work.session, id)
    work.about("deployment", id)
    before = deployment.requirements
    shared.edited(work, deployment, requirements=report.model_dump(mode="json"))
    if deployment.requirements != before:
        deployment.requirements_state = "draft"
    return deployment


@action("requirements.submit")
def submit_requirements(work: Work, id: str) -> Deployment:
    """The report is complete, with evidence, and up for approval. Raises Incomplete with every part that is missing."""
    deployment = queries.deployment(work.session, id)
    work.about("deployment", id)
    problems = rules.requirements_problems(deployment.requirements)
    if problems:
        raise rules.Incomplete(
            f"The requirements report lacks {len(problems)} parts, the first is {problems[0]}.",
            next_step="Fill in what is missing.",
            problems=problems,
        )
    content = {"document": "requirements_report", "deployment": deployment.number, "report": deployment.requirements}
    _prove_requirements(work, deployment)
    deployment.requirements_state = "submitted"
    approving.ask(
        work,
        "requirements_report",
        subject_id=id,
        title=f"{deployment.number} {deployment.title}",
        content=content,
        roles={"author": {work.actor.id}},
    )
    return deployment


@system_action("requirements.note_decision")
def requirements_decided(work: Work, event: ApprovalDecided) -> None:
    """The approval of the report is known to the deployment, with evidence when it was given."""
    deployment = queries.deployment(work.session, event.subject_id)
    work.about("deployment", deployment.id, approved=event.approved)
    deployment.requirements_state = "approved" if event.approved else "rejected"
    if not event.approved:
        return
    request = approvals.request(work.session, event.request_id)
    proof = evidence.record(
        work,
        source="deployments.requirements_approved",
        kind="approval",
        subject=("deployment", deployment.id),
        state=State.MET,
        facts={
            "kind": event.kind,
            "subject": deployment.id,
            "content_hash": request.content_sha256,
            "votes": [[vote.person_id, vote.approve] for vote in approvals.votes(work.session, request.id)],
            "decision": "approved",
        },
    )
    shared.log_step(work, deployment, "requirements_approved", state="done", evidence_ids=[proof.id])


@action("deployment.plan")
def declare_environment(work: Work, id: str, environment: Environment) -> Deployment:
    """What the model needs is written down; a probe of an earlier declaration counts no more."""
    deployment = queries.deployment(work.session, id)
    work.about("deployment", id)
    shared.edited(work, deployment, environment=environment.model_dump(mode="json"))
    return deployment


@action("deployment.plan")
def set_tests(work: Work, id: str, tests: FunctionalTest) -> Deployment:
    """The functional test asks this from now on. Raises Incomplete when a label is not covered."""
    deployment = queries.deployment(work.session, id)
    work.about("deployment", id)
    plain = tests.model_dump(mode="json")
    problems = rules.tests_problems(plain)
    if problems:
        raise rules.Incomplete(f"The test lacks {problems[0]}.", next_step="Add what is missing.", problems=problems)
    shared.edited(work, deployment, tests=plain)
    return deployment


@action("environment.probe")
def probe_environment(work: Work, id: str) -> str:
    """The machine will be looked at; returns the job's id. Raises NotReady without a declaration."""
    deployment = queries.deployment(work.session, id)
    work.about("deployment", id)
    if not deployment.environment:
        raise BadInput("Nothing is declared that could be compared.", next_step="Declare the environment first.")
    return work.enqueue("deployments.probe", id)


@system_action("environment.note_probe")
def note_probe(work: Work, id: str, *, target: str, declared: dict[str, Any], found: dict[str, Any], job: str) -> None:
    """What was found on `target`, with every mismatch, as evidence."""
    deployment = queries.deployment(work.session, id)
    work.about("deployment", id, target=target)
    if shared.has_step(deployment, "probe", job):
        return
    mismatches = rules.mismatches(declared, found)
    proof = evidence.record(
        work,
        source="deployments.environment_probed",
        kind="probe",
        subject=("deployment", id),
        state=_probe_state(mismatches),
        facts={"target": target, "declared": declared, "found": found, "mismatches": mismatches},
    )
    deployment.probe = {
        "environment_sha256": digest(declared),
        "target": target,
        "found": found,
        "mismatches": mismatches,
        "evidence_id": proof.id,
        "at": iso(work.now),
    }
    shared.log_step(work, deployment, "probe", state="done", job=job, evidence_ids=[proof.id])


def _probe_state(mismatches: list[dict[str, Any]]) -> State:
    states = {row["state"] for row in mismatches}
    if State.NOT_MET.value in states:
        return State.NOT_MET
    return State.NOT_MEASURED if states else State.MET


def _prove_requirements(work: Work, deployment: Deployment) -> None:
    sha256 = digest(deployment.requirements)
    proof = evidence.record(
        work,
        source="deployments.requirements_submitted",
        kind="document_check",
        subject=("deployment", deployment.id),
        state=State.MET,
        facts={
            "document": "requirements_report",
            "version": sha256,
            "required": [*rules.SECTIONS, "items"],
            "missing": [],
            "requirements": len(deployment.requirements["items"]),
        },
    )
    shared.log_step(work, deployment, "requirements_submitted", state="done", evidence_ids=[proof.id])
