"""HTTP: suites, runs and their reports, comparisons, verification."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from gnomon.control.evaluation import actions, queries
from gnomon.control.evaluation.report import report
from gnomon.control.evaluation.schemas import LeakCheck, NewComparison, NewMaskingTrial, NewRun, NewSuite, References
from gnomon.control.evaluation.tables import Comparison, EvaluationRun, MaskingTrial, Suite
from gnomon.engine.stats.goals import Goal, Guard
from gnomon.kit.clock import iso
from gnomon.kit.web import ReadDep, WorkDep, allow

router = APIRouter(prefix="/api/v1/evaluation", tags=["evaluation"])
Limit = Annotated[int, Query(ge=1, le=1000)]


def plain_suite(suite: Suite) -> dict[str, Any]:
    return {
        "id": suite.id,
        "name": suite.name,
        "purpose": suite.purpose,
        "sha256": suite.sha256,
        "n": suite.n,
        "labels": suite.labels,
        "label_counts": suite.label_counts,
        "positive": suite.positive,
        "recipe": suite.recipe,
        "source": suite.source,
        "licence": suite.licence,
        "sealed": suite.sealed,
        "looks": suite.looks,
        "slices": {name: len(ids) for name, ids in suite.features.items()},
        "made_by": suite.made_by,
        "made_at": iso(suite.made_at),
    }


def plain_run(run: EvaluationRun) -> dict[str, Any]:
    return {
        "id": run.id,
        "suite_id": run.suite_id,
        "suite_sha256": run.suite_sha256,
        "model": run.model,
        "target_id": run.target_id,
        "version_id": run.version_id,
        "recipe": run.recipe,
        "decoding": run.decoding,
        "environment": run.environment,
        "purpose": run.purpose,
        "state": run.state,
        "n": run.n,
        "n_done": run.n_done,
        "error": run.error,
        "job_id": run.job_id,
        "evidence_ids": run.evidence_ids,
        "answers_sha256": run.answers_sha256,
        "requested_by": run.requested_by,
        "requested_at": iso(run.requested_at),
        "started_at": iso(run.started_at) if run.started_at else None,
        "finished_at": iso(run.finished_at) if run.finished_at else None,
    }


def plain_comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "id": comparison.id,
        "before_run": comparison.before_run,
        "after_run": comparison.after_run,
        "goal": comparison.goal,
        "guards": comparison.guards,
        "state": comparison.state,
        "goal_state": comparison.goal_state,
        "result": comparison.result,
        "evidence_id": comparison.evidence_id,
        "made_by": comparison.made_by,
        "made_at": iso(comparison.made_at),
    }


def plain_trial(trial: MaskingTrial) -> dict[str, Any]:
    names = ("id", "suite_id", "model", "target_id", "version_id", "mask_purpose", "metric", "raw_run", "masked_run")
    more = ("state", "verdict", "threshold", "counts", "blocked", "surrogates", "result")
    end = ("evidence_id", "error", "job_id")
    times = {
        "requested_at": iso(trial.requested_at),
        "finished_at": iso(trial.finished_at) if trial.finished_at else None,
    }
    policy = {"policy": f"{trial.policy_id}@{trial.policy_version}", "requested_by": trial.requested_by}
    return {name: getattr(trial, name) for name in (*names, *more, *end)} | policy | times


@router.get("/suites", dependencies=[allow("suite.view")])
def suites(session: ReadDep) -> list[dict[str, Any]]:
    return [plain_suite(suite) for suite in queries.suites(session)]


@router.post("/suites", status_code=201)
def add_suite(body: NewSuite, work: WorkDep) -> dict[str, Any]:
    return plain_suite(actions.add_suite(work, body))


@router.get("/suites/{id}", dependencies=[allow("suite.view")])
def suite(id: str, session: ReadDep) -> dict[str, Any]:
    found = queries.suite(session, id)
    looks = [
        {"by": look.id, "number": look.number, "purpose": look.purpose, "openings": look.openings, "at": iso(look.at)}
        for look in queries.looks(session, found.id)
    ]
    return plain_suite(found) | {"look_list": looks}


@router.post("/suites/{id}/leak-checks", status_code=202)
def check_leaks(id: str, body: LeakCheck, work: WorkDep) -> dict[str, Any]:
    return {"job_id": actions.request_leak_check(work, id, dataset_ids=body.dataset_ids)}


@router.get("/runs", dependencies=[allow("evaluation.view")])
def runs(session: ReadDep, model: str = "", suite_id: str = "", limit: Limit = 200) -> list[dict[str, Any]]:
    return [plain_run(run) for run in queries.runs(session, model=model, suite_id=suite_id, limit=limit)]


@router.post("/runs", status_code=202)
def request_run(body: NewRun, work: WorkDep) -> dict[str, Any]:
    return plain_run(actions.request_run(work, body))


@router.post("/sealed-runs", status_code=202)
def request_sealed_run(body: NewRun, work: WorkDep) -> dict[str, Any]:
    return plain_run(actions.request_sealed_run(work, body))


@router.post("/runs/{id}/resume", status_code=202)
def resume_run(id: str, work: WorkDep) -> dict[str, Any]:
    return plain_run(actions.resume_run(work, id))


@router.get("/runs/{id}", dependencies=[allow("evaluation.view")])
def run(id: str, session: ReadDep) -> dict[str, Any]:
    return plain_run(queries.run(session, id))


@router.get("/runs/{id}/report", dependencies=[allow("evaluation.view")])
def run_report(id: str, session: ReadDep) -> dict[str, Any]:
    """Figures with intervals, confusion matrix, slices, ROC points, latencies."""
    found = queries.run(session, id)
    return plain_run(found) | report(session, found)


@router.get("/runs/{id}/failures", dependencies=[allow("evaluation.view")])
def failures(id: str, session: ReadDep, limit: Limit = 200) -> dict[str, Any]:
    found = queries.failures(session, queries.run(session, id).id)
    return {"total": len(found), "items": [answer.as_dict() for answer in found[:limit]]}


@router.get("/runs/{id}/verify", dependencies=[allow("evaluation.view")])
def verify(id: str, session: ReadDep) -> dict[str, Any]:
    """Every figure of the run, recomputed from the stored answers."""
    return queries.verify(session, id).as_dict()


@router.post("/runs/{id}/references", status_code=201, dependencies=[allow("evaluation.compare")])
def record_references(id: str, body: References, work: WorkDep) -> dict[str, Any]:
    """The run beside its launch baseline, an industry figure and a competitor; a missing one with its reason."""
    proof = actions.record_references(work, id, body)
    return {"evidence_id": proof.id, "state": proof.state, "facts": proof.facts}


@router.get("/comparisons", dependencies=[allow("evaluation.view")])
def comparisons(session: ReadDep, run_id: str = "") -> list[dict[str, Any]]:
    return [plain_comparison(found) for found in queries.comparisons(session, run_id=run_id)]


@router.post("/comparisons", status_code=201, dependencies=[allow("evaluation.compare")])
def compare(body: NewComparison, work: WorkDep) -> dict[str, Any]:
    stored = actions.compare(
        work,
        before_run=body.before_run,
        after_run=body.after_run,
        goal=Goal.from_dict(body.goal),
        guards=[Guard.from_dict(guard) for guard in body.guards],
    )
    return plain_comparison(stored)


@router.get("/comparisons/{id}", dependencies=[allow("evaluation.view")])
def comparison(id: str, session: ReadDep) -> dict[str, Any]:
    return plain_comparison(queries.comparison(session, id))


@router.get("/comparisons/{id}/verify", dependencies=[allow("evaluation.view")])
def verify_comparison(id: str, session: ReadDep) -> dict[str, Any]:
    return queries.verify_comparison(session, id).as_dict()


@router.get("/masking-trials", dependencies=[allow("evaluation.view")])
def trials(session: ReadDep, suite_id: str = "", limit: Limit = 200) -> list[dict[str, Any]]:
    return [plain_trial(trial) for trial in queries.trials(session, suite_id=suite_id, limit=limit)]


@router.post("/masking-trials", status_code=202)
def request_masking(body: NewMaskingTrial, work: WorkDep) -> dict[str, Any]:
    """A suite is put to the model server as it is and masked by a policy; the result says how much of the score is
    kept, by a paired non-inferiority test."""
    return plain_trial(actions.request_masking(work, body))


@router.get("/masking-trials/{id}", dependencies=[allow("evaluation.view")])
def trial(id: str, session: ReadDep) -> dict[str, Any]:
    return plain_trial(queries.trial(session, id))


@router.post("/masking-trials/{id}/resume", status_code=202)
def resume_masking(id: str, work: WorkDep) -> dict[str, Any]:
    return plain_trial(actions.resume_masking(work, id))


@router.get("/masking-trials/{id}/verify", dependencies=[allow("evaluation.view")])
def verify_trial(id: str, session: ReadDep) -> dict[str, Any]:
    """The effect of masking, recomputed from the stored answers of both sides."""
    return queries.verify_trial(session, id).as_dict()
