"""The deployment plan: written, complete, approved by both sides; any edit voids."""

from gnomon.contract.verdicts import State
from gnomon.control.approvals.schemas import ApprovalDecided
from gnomon.control.catalog import queries as catalog
from gnomon.control.deployments import queries, rules
from gnomon.control.deployments.actions import approving, shared
from gnomon.control.deployments.schemas import Plan
from gnomon.control.deployments.tables import Deployment
from gnomon.control.evidence import actions as evidence
from gnomon.control.people import queries as people
from gnomon.kit.canonical import digest
from gnomon.kit.errors import NotReady
from gnomon.kit.work import Work, action, system_action


class NotPrepared(NotReady):
    code = "not_prepared"
    status = 409


@action("deployment.plan")
def write_plan(work: Work, id: str, plan: Plan) -> Deployment:
    """The plan is stored as it is, complete or not; an approval of an earlier one is void."""
    deployment = queries.deployment(work.session, id)
    work.about("deployment", id)
    shared.edited(work, deployment, plan=plan.model_dump(mode="json"))
    deployment.executor_id = plan.executor
    return deployment


@action("deployment.submit")
def submit_plan(work: Work, id: str) -> Deployment:
    """The plan is complete, with evidence, and up for joint approval.

    Raises Incomplete with what the plan lacks; NotPrepared when requirements, probe, tests or version are not ready.
    """
    deployment = queries.deployment(work.session, id)
    work.about("deployment", id)
    everybody = {person.id for person in people.people(work.session) if person.active}
    problems = rules.plan_problems(deployment.plan, people=everybody) + rules.tests_problems(deployment.tests)
    if problems:
        raise rules.Incomplete(
            f"The plan lacks {len(problems)} parts, the first is {problems[0]}.",
            next_step="Fill in what is missing.",
            problems=problems,
        )
    require_prepared(work, deployment)
    shared.apply(work, deployment, "submit")
    proof = evidence.record(
        work,
        source="deployments.plan_submitted",
        kind="document_check",
        subject=("deployment", id),
        state=State.MET,
        facts={
            "document": "deployment_plan",
            "version": digest(deployment.plan),
            "required": ["timetable", "executor", "steps", "resources", "rollback"],
            "missing": [],
        },
    )
    shared.log_step(work, deployment, "plan_submitted", state="done", evidence_ids=[proof.id])
    approving.ask(
        work,
        "deployment_plan",
        subject_id=id,
        title=f"{deployment.number} {deployment.title}",
        content=queries.content(work.session, deployment),
        roles={"author": {work.actor.id, deployment.author_id}, "executor": {deployment.executor_id}},
    )
    return deployment


@system_action("deployment.note_decision")
def plan_decided(work: Work, event: ApprovalDecided) -> None:
    """The deployment is approved or rejected; a decision about papers that were edited meanwhile changes nothing."""
    deployment = queries.deployment(work.session, event.subject_id)
    work.about("deployment", deployment.id, approved=event.approved)
    if deployment.state == "submitted":
        shared.apply(work, deployment, "approve" if event.approved else "reject")


def require_prepared(work: Work, deployment: Deployment) -> None:
    """Raises NotPrepared, or NotChecked, unless requirements, version and probe allow the plan to be carried out."""
    catalog.checked_version(work.session, deployment.version_id)
    if deployment.requirements_state not in ("submitted", "approved"):
        raise NotPrepared(
            f"The requirements report is {deployment.requirements_state}.", next_step="Complete and submit it first."
        )
    if deployment.probe.get("environment_sha256") != digest(deployment.environment):
        raise NotPrepared(
            "The machine was not probed for the environment as it is declared now.", next_step="Probe it first."
        )
    lacking = rules.unpinned(deployment.environment.get("packages", {}))
    if lacking:
        raise NotPrepared(
            f"The pinned list leaves out what the model server needs: {', '.join(lacking)}.",
            next_step="Declare their versions in environment.packages.",
            packages=lacking,
        )
    accepted = set(deployment.plan.get("accepted_mismatches", []))
    open_rows = [row["item"] for row in deployment.probe["mismatches"] if row["item"] not in accepted]
    if open_rows:
        raise NotPrepared(
            f"The machine lacks {', '.join(open_rows[:5])}.",
            next_step="Put it right and probe again, or accept the mismatch in the plan.",
            mismatches=open_rows,
        )
