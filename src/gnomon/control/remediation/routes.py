"""HTTP: cases, their plans, tasks, money, verification and closure."""

from typing import Any

from fastapi import APIRouter, Request

from gnomon.control.evaluation import queries as evaluation
from gnomon.control.evaluation.routes import plain_comparison, plain_run
from gnomon.control.remediation import actions, live, queries
from gnomon.control.remediation.schemas import (
    Assessment,
    Closure,
    Group,
    MeasureResult,
    NewCase,
    NextRound,
    Plan,
    Spend,
    StartVerification,
    Supervision,
    TaskUpdate,
)
from gnomon.control.remediation.tables import BudgetLine, Case, Measure, Round, Task
from gnomon.kit import services
from gnomon.kit.clock import iso
from gnomon.kit.web import ReadDep, WorkDep, allow, platform_of

router = APIRouter(prefix="/api/v1", tags=["remediation"])


def plain_case(case: Case) -> dict[str, Any]:
    return {
        "id": case.id,
        "number": case.number,
        "title": case.title,
        "level": case.level,
        "model": case.model,
        "owner_id": case.owner_id,
        "finding_ids": case.finding_ids,
        "state": case.state,
        "rounds": case.rounds,
        "assessment": case.assessment,
        "group": case.group,
        "supervisions": case.supervisions,
        "opened_by": case.opened_by,
        "opened_at": iso(case.opened_at),
        "closed_by": case.closed_by,
        "closed_at": iso(case.closed_at) if case.closed_at else None,
    }


def plain_round(round: Round) -> dict[str, Any]:
    return {
        "id": round.id,
        "case_id": round.case_id,
        "n": round.n,
        "state": round.state,
        "content": round.content,
        "frozen_sha256": round.frozen_sha256,
        "frozen_at": iso(round.frozen_at),
        "intact": queries.is_intact(round),
        "planned_by": round.planned_by,
        "baseline_run_id": round.baseline_run_id,
        "approval_id": round.approval_id,
        "verification_run_id": round.verification_run_id,
        "verdict": round.verdict,
        "verification": round.verification,
        "verified_by": round.verified_by,
        "verified_at": iso(round.verified_at) if round.verified_at else None,
        "leftovers": round.leftovers,
    }


def plain_measure(measure: Measure) -> dict[str, Any]:
    names = ("id", "round", "key", "kind", "method", "title", "params", "importance", "urgency", "difficulty", "effect")
    more = ("rank", "score", "state", "training_id", "candidate_version_id", "note")
    return {name: getattr(measure, name) for name in (*names, *more)}


def plain_task(task: Task) -> dict[str, Any]:
    names = ("id", "round", "key", "title", "owner_id", "collaborators", "depends_on", "progress", "finding_id")
    return {name: getattr(task, name) for name in (*names, "check", "note")} | {
        "start": task.start.isoformat(),
        "end": task.end.isoformat(),
        "updated_at": iso(task.updated_at) if task.updated_at else None,
    }


def plain_line(line: BudgetLine) -> dict[str, Any]:
    names = ("id", "round", "kind", "title", "unit", "measure_key", "planned", "committed", "actual", "entries")
    return {name: getattr(line, name) for name in names}


@router.get("/cases", dependencies=[allow("case.view")])
def cases(session: ReadDep, state: str = "", model: str = "") -> list[dict[str, Any]]:
    return [plain_case(case) for case in queries.cases(session, state=state, model=model)]


@router.post("/cases", status_code=201)
def open_case(body: NewCase, work: WorkDep) -> dict[str, Any]:
    return plain_case(actions.open_case(work, body))


@router.get("/cases/{id}", dependencies=[allow("case.view")])
def case(id: str, session: ReadDep) -> dict[str, Any]:
    """The case with its rounds and measures."""
    found = queries.case(session, id)
    return plain_case(found) | {
        "round_list": [plain_round(round) for round in queries.rounds(session, found.id)],
        "measures": [plain_measure(measure) for measure in queries.measures(session, found.id)],
    }


@router.post("/cases/{id}/group")
def form_group(id: str, body: Group, work: WorkDep) -> dict[str, Any]:
    return plain_case(actions.form_group(work, id, body))


@router.post("/cases/{id}/assessment")
def assess(id: str, body: Assessment, work: WorkDep) -> dict[str, Any]:
    return plain_case(actions.assess(work, id, body))


@router.post("/cases/{id}/rounds", status_code=201)
def plan_round(id: str, body: Plan, work: WorkDep) -> dict[str, Any]:
    return plain_round(actions.plan_round(work, id, body))


@router.post("/cases/{id}/measures/start")
def start_measures(id: str, work: WorkDep) -> dict[str, Any]:
    started = actions.start_measures(work, id)
    found = queries.measures(work.session, started.id, started.rounds)
    return plain_case(started) | {"measures": [plain_measure(measure) for measure in found]}


@router.post("/measures/{id}/finish")
def finish_measure(id: str, body: MeasureResult, work: WorkDep) -> dict[str, Any]:
    return plain_measure(actions.finish_measure(work, id, body))


@router.get("/cases/{id}/gantt", dependencies=[allow("task.view")])
def gantt(id: str, session: ReadDep, request: Request, round: int | None = None) -> list[dict[str, Any]]:
    """Tasks with dates, progress, slack, the critical path and what is overdue."""
    today = services.today(platform_of(request).clock.now())
    rows = queries.gantt(session, queries.case(session, id).id, today=today, round=round)
    return [
        plain_task(row.task) | {"critical": row.critical, "slack_days": row.slack_days, "overdue": row.overdue}
        for row in rows
    ]


@router.put("/tasks/{id}")
def update_task(id: str, body: TaskUpdate, work: WorkDep) -> dict[str, Any]:
    return plain_task(actions.update_task(work, id, body))


@router.get("/cases/{id}/budget", dependencies=[allow("budget.view")])
def budget(id: str, session: ReadDep) -> dict[str, Any]:
    found = queries.case(session, id)
    lines = [plain_line(line) for line in queries.budget(session, found.id)]
    return {"lines": lines, "totals": queries.budget_totals(session, found.id)}


@router.post("/budget-lines/{id}/entries", status_code=201)
def record_spend(id: str, body: Spend, work: WorkDep) -> dict[str, Any]:
    return plain_line(actions.record_spend(work, id, body))


@router.post("/cases/{id}/verification", status_code=202)
def start_verification(id: str, body: StartVerification, work: WorkDep) -> dict[str, Any]:
    return plain_run(actions.start_verification(work, id, body))


@router.post("/cases/{id}/verdict", dependencies=[allow("case.verify")])
def verify_round(id: str, session: ReadDep, work: WorkDep) -> dict[str, Any]:
    round = actions.verify_round(work, id, seen=live.look(session, id, at=work.now))
    compared = [evaluation.comparison(work.session, one) for one in round.verification["comparisons"]]
    return plain_round(round) | {"comparisons": [plain_comparison(one) for one in compared]}


@router.post("/cases/{id}/next-round")
def open_next_round(id: str, body: NextRound, work: WorkDep) -> dict[str, Any]:
    return plain_case(actions.open_next_round(work, id, body))


@router.post("/cases/{id}/closure-request", status_code=202)
def request_closure(id: str, body: Closure, work: WorkDep) -> dict[str, Any]:
    return {"approval_id": actions.request_closure(work, id, comment=body.comment).id}


@router.post("/cases/{id}/supervisions", status_code=201)
def supervise(id: str, body: Supervision, work: WorkDep) -> dict[str, Any]:
    return plain_case(actions.supervise(work, id, body))
