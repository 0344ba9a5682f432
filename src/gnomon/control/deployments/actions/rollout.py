"""The plan is carried out: installed, initialised, tested, live. Jobs note what they did; each note counts once."""

from collections.abc import Sequence
from typing import Any

from gnomon.contract.bundle import Target
from gnomon.contract.thresholds import judge
from gnomon.contract.verdicts import State
from gnomon.control.approvals import queries as approvals
from gnomon.control.catalog import queries as catalog
from gnomon.control.deployments import queries, rules
from gnomon.control.deployments.actions import plans, shared
from gnomon.control.deployments.schemas import FunctionalTestFailed
from gnomon.control.deployments.tables import Candidate, Deployment
from gnomon.control.evidence import actions as evidence
from gnomon.control.rulebook import rules as rulebook
from gnomon.kit.canonical import digest
from gnomon.kit.errors import Conflict, Denied
from gnomon.kit.work import Work, action, system_action


@action("deployment.install")
def start(work: Work, id: str) -> str:
    """The approved plan is being carried out; returns the job's id.

    Raises NotApproved or ApprovalVoid (403), Denied for anybody but the plan's executor, NotPrepared.
    """
    deployment = queries.deployment(work.session, id)
    work.about("deployment", id)
    content_sha256 = digest(queries.content(work.session, deployment))
    approvals.require_approved(work.session, kind="deployment_plan", subject_id=id, content_sha256=content_sha256)
    if work.actor.id != deployment.executor_id:
        raise Denied(f"The plan names {deployment.executor_id} as its executor.", next_step="Let them start it.")
    if deployment.requirements_state != "approved":
        raise plans.NotPrepared(
            f"The requirements report is {deployment.requirements_state}.", next_step="Get it approved first."
        )
    plans.require_prepared(work, deployment)
    shared.apply(work, deployment, "start")
    shared.log_step(work, deployment, "started", state="done")
    return work.enqueue("deployments.install", id)


@system_action("deployment.note_server")
def note_server(work: Work, id: str, *, server: dict[str, Any]) -> dict[str, Any]:
    """The deployment's model server, decided once: a job that runs again gets the same port. Returns it."""
    deployment = queries.deployment(work.session, id)
    work.about("deployment", id, server=server["id"])
    if not deployment.server:
        deployment.server = server
    return dict(deployment.server)


@system_action("deployment.note_step")
def note_step(
    work: Work,
    id: str,
    *,
    step: str,
    job: str,
    source: str,
    kind: str,
    state: State,
    facts: dict[str, Any],
    file: tuple[str, str] | None = None,
) -> None:
    """A step of the roll-out is in the log, with evidence."""
    deployment = queries.deployment(work.session, id)
    work.about("deployment", id, step=step, state=state.value)
    if shared.has_step(deployment, step, job):
        return
    proof = evidence.record(
        work, source=source, kind=kind, subject=("deployment", id), state=state, facts=facts, file=file
    )
    shared.log_step(work, deployment, step, state=state.value, job=job, evidence_ids=[proof.id])


@system_action("deployment.note_initialised")
def note_initialised(work: Work, id: str, *, job: str) -> None:
    """The model answers; its target stands in the route at weight 0 and the functional test is queued."""
    deployment = queries.deployment(work.session, id)
    work.about("deployment", id)
    if deployment.state != "installing":
        return
    shared.apply(work, deployment, "initialise")
    version = catalog.version(work.session, deployment.version_id)
    route = shared.ensure_route(work, deployment.model, mask_policy=deployment.mask_policy)
    route.mask_policy = deployment.mask_policy
    targets = queries.targets(route)
    if not deployment.target_id:
        deployment.target_id = rules.target_name(version.label, {target.id for target in targets})
    target = Target(
        id=deployment.target_id,
        upstream=deployment.server["id"],
        model=deployment.server["served_name"],
        version=version.id,
    )
    shared.set_route(work, route, targets=rules.with_target(targets, target), canary=shared.canary_of(route))
    shared.log_step(work, deployment, "initialised", state="done", job=job)
    work.enqueue("deployments.functional_test", id, kind="deployment")


@system_action("deployment.note_install_failed")
def note_install_failed(work: Work, id: str, *, job: str, why: str) -> None:
    """The installation stopped; nothing of it gets traffic."""
    deployment = queries.deployment(work.session, id)
    work.about("deployment", id, why=why)
    if deployment.state != "installing":
        return
    shared.apply(work, deployment, "fail_install")
    shared.log_step(work, deployment, "install_failed", state="failed", job=job, note=why)
    work.enqueue("deployments.write_desired", id)


@action("deployment.test")
def test(work: Work, id: str) -> str:
    """The functional test runs (again); returns the job's id. Raises WrongState before the model is initialised."""
    deployment = queries.deployment(work.session, id)
    work.about("deployment", id)
    rules.advance(queries.standing(work.session, deployment), "test")
    return work.enqueue("deployments.functional_test", id, kind="deployment")


@system_action("deployment.begin_test")
def begin_test(work: Work, id: str, *, kind: str, job: str) -> bool:
    """The deployment or candidate is being tested; False when this job has given its verdict already."""
    subject = _subject(work, id, kind)
    work.about(kind, id)
    if shared.has_step(subject, "tested", job):
        return False
    if isinstance(subject, Candidate):
        subject.state = "testing"
    elif subject.state != "testing":
        shared.apply(work, subject, "test")
    return True


@system_action("deployment.note_test_broken")
def note_test_broken(work: Work, id: str, *, kind: str, job: str, why: str) -> None:
    """The test could not be carried out: that stops the roll-out like a failure, and can be tried again."""
    subject = _subject(work, id, kind)
    work.about(kind, id, why=why)
    if shared.has_step(subject, "tested", job) or subject.state != "testing":
        return
    _fail(work, subject)
    shared.log_step(work, subject, "tested", state="failed", job=job, note=why)
    work.emit(FunctionalTestFailed(kind, id, subject.model, (), ()))


@system_action("deployment.note_tested")
def note_tested(work: Work, id: str, *, kind: str, job: str, results: Sequence[dict[str, Any]]) -> str:
    """The test's verdict, as two artefacts: normal and boundary. A failure stops the roll-out and is told.

    `results` are {id, kind, covers, status, latency_ms, problem}. Returns the state after it.
    """
    subject = _subject(work, id, kind)
    work.about(kind, id, cases=len(results), failures=[r["id"] for r in results if r["problem"]])
    if shared.has_step(subject, "tested", job) or subject.state != "testing":
        return subject.state
    proofs = [_prove_cases(work, subject, kind, part, results) for part in ("normal", "boundary")]
    passed = all(state is State.MET for _, state in proofs)
    if not passed:
        _fail(work, subject)
    elif isinstance(subject, Deployment):
        shared.apply(work, subject, "pass_test")
    else:
        subject.state = "tested"
    ids = [proof_id for proof_id, _ in proofs]
    shared.log_step(work, subject, "tested", state="passed" if passed else "failed", job=job, evidence_ids=ids)
    if not passed:
        failures = tuple(str(result["id"]) for result in results if result["problem"])
        work.emit(FunctionalTestFailed(kind, id, subject.model, failures, tuple(ids)))
    return subject.state


@action("deployment.release")
def go_live(work: Work, id: str) -> Deployment:
    """All traffic of the model goes to this deployment: the first one only, later ones come by a release.

    Raises NotTested without the passed test of exactly what is approved; Conflict when another target has traffic.
    """
    deployment = queries.deployment(work.session, id)
    work.about("deployment", id, target=deployment.target_id)
    content_sha256 = digest(queries.content(work.session, deployment))
    approvals.require_approved(work.session, kind="deployment_plan", subject_id=id, content_sha256=content_sha256)
    route = queries.route(work.session, deployment.model)
    targets = queries.targets(route)
    if any(target.weight > 0 and target.id != deployment.target_id for target in targets):
        raise Conflict(f"{deployment.model} is live already.", next_step="Request a release to the new target.")
    shared.apply(work, deployment, "go_live")
    shared.set_route(work, route, targets=rules.shift(targets, to=deployment.target_id))
    proof = evidence.record(
        work,
        source="deployments.went_live",
        kind="release",
        subject=("deployment", id),
        state=State.MET,
        facts={
            "deployment": deployment.number,
            "version": deployment.version_id,
            "target": deployment.target_id,
            "share": 1.0,
            "watched_s": 0,
            "rules": [],
            "outcome": "live",
        },
    )
    shared.log_step(work, deployment, "went_live", state="done", evidence_ids=[proof.id])
    return deployment


@action("deployment.retire")
def retire(work: Work, id: str, *, reason: str) -> Deployment:
    """The deployment is over: its server stops, its targets leave the route. Raises Conflict while it has traffic."""
    deployment = queries.deployment(work.session, id)
    work.about("deployment", id, reason=reason)
    shared.apply(work, deployment, "retire")
    if deployment.target_id:
        route = queries.route(work.session, deployment.model)
        mine = [t for t in queries.targets(route) if t.upstream == deployment.server["id"]]
        canary = shared.canary_of(route)
        if any(t.weight > 0 or (canary and canary.target == t.id) for t in mine):
            raise Conflict(f"{deployment.number} has traffic.", next_step="Release another target first.")
        rest = [t for t in queries.targets(route) if t.upstream != deployment.server["id"]]
        shared.set_route(work, route, targets=rest, canary=canary)
    shared.log_step(work, deployment, "retired", state="done", note=reason)
    work.enqueue("deployments.write_desired", id)
    return deployment


def _subject(work: Work, id: str, kind: str) -> Deployment | Candidate:
    return queries.candidate(work.session, id) if kind == "candidate" else queries.deployment(work.session, id)


def _fail(work: Work, subject: Deployment | Candidate) -> None:
    if isinstance(subject, Deployment):
        shared.apply(work, subject, "fail_test")
    else:
        subject.state = "test_failed"


def _prove_cases(
    work: Work, subject: Deployment | Candidate, kind: str, part: str, results: Sequence[dict[str, Any]]
) -> tuple[str, State]:
    rows = [result for result in results if result["kind"] == part]
    passed = sum(not row["problem"] for row in rows)
    threshold = rulebook.load().threshold("functional_pass_ratio")
    judgement = judge(
        threshold,
        value=passed / len(rows) if rows else None,
        n=len(rows),
        numerator=passed,
        denominator=len(rows),
    )
    proof = evidence.record(
        work,
        source=f"deployments.functional_test_{part}",
        kind="test_run",
        subject=(kind, subject.id),
        state=judgement.state,
        facts={
            "subject": subject.id,
            "version": subject.version_id,
            "suite": part,
            "cases": len(rows),
            "passed": passed,
            "failures": [{"id": row["id"], "problem": row["problem"]} for row in rows if row["problem"]],
            "results": rows,
            "judgement": judgement.as_dict(),
        },
    )
    return proof.id, judgement.state
