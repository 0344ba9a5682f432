"""Reads: cases and rounds, the Gantt chart's data, the budget, and what the registers say of each other."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from gnomon.control.deployments.tables import RouteState
from gnomon.control.evaluation.tables import EvaluationRun, Look
from gnomon.control.findings import queries as findings
from gnomon.control.findings import rules as finding_rules
from gnomon.control.remediation import rules
from gnomon.control.remediation.tables import BudgetLine, Case, Measure, Round, Task
from gnomon.kit.canonical import digest
from gnomon.kit.errors import NotFound


@dataclass(frozen=True, slots=True)
class GanttTask:
    """A row of the Gantt chart: dates as frozen, progress as told, and what its slip would mean."""

    task: Task
    critical: bool
    slack_days: int
    overdue: bool


def case(session: Session, id: str) -> Case:
    """By id or by number (ZG-2026-001)."""
    found = session.get(Case, id) or session.scalars(select(Case).where(Case.number == id)).first()
    if found is None:
        raise NotFound(f"There is no case {id}.", next_step="Look it up in the list of cases.")
    return found


def cases(session: Session, *, state: str = "", model: str = "") -> list[Case]:
    """Newest first."""
    query = select(Case).order_by(Case.opened_at.desc(), Case.id.desc())
    if state:
        query = query.where(Case.state == state)
    if model:
        query = query.where(Case.model == model)
    return list(session.scalars(query))


def numbers(session: Session, year: int) -> list[str]:
    return list(session.scalars(select(Case.number).where(Case.number.like(f"ZG-{year}-%"))))


def rounds(session: Session, case_id: str) -> list[Round]:
    return list(session.scalars(select(Round).where(Round.case_id == case_id).order_by(Round.n)))


def current_round(session: Session, case: Case) -> Round:
    """The newest round. Raises NotFound before the first plan."""
    found = session.scalars(select(Round).where(Round.case_id == case.id, Round.n == case.rounds)).first()
    if found is None:
        raise NotFound(f"The case {case.number} has no plan yet.", next_step="Plan a round.")
    return found


def round_by_id(session: Session, id: str) -> Round:
    found = session.get(Round, id)
    if found is None:
        raise NotFound(f"There is no round {id}.")
    return found


def is_intact(round: Round) -> bool:
    """Whether the stored plan is, byte by byte, what was frozen."""
    return digest(round.content) == round.frozen_sha256


def measures(session: Session, case_id: str, round: int | None = None) -> list[Measure]:
    """By rank."""
    query = select(Measure).where(Measure.case_id == case_id).order_by(Measure.round, Measure.rank)
    return list(session.scalars(query if round is None else query.where(Measure.round == round)))


def measure(session: Session, id: str) -> Measure:
    found = session.get(Measure, id)
    if found is None:
        raise NotFound(f"There is no measure {id}.")
    return found


def tasks(session: Session, case_id: str, round: int | None = None) -> list[Task]:
    query = select(Task).where(Task.case_id == case_id).order_by(Task.round, Task.start, Task.key)
    return list(session.scalars(query if round is None else query.where(Task.round == round)))


def task(session: Session, id: str) -> Task:
    found = session.get(Task, id)
    if found is None:
        raise NotFound(f"There is no task {id}.")
    return found


def budget(session: Session, case_id: str, round: int | None = None) -> list[BudgetLine]:
    query = select(BudgetLine).where(BudgetLine.case_id == case_id).order_by(BudgetLine.round, BudgetLine.id)
    return list(session.scalars(query if round is None else query.where(BudgetLine.round == round)))


def budget_line(session: Session, id: str) -> BudgetLine:
    found = session.get(BudgetLine, id)
    if found is None:
        raise NotFound(f"There is no budget line {id}.")
    return found


def budget_totals(session: Session, case_id: str) -> dict[str, dict[str, float]]:
    """Planned, committed and actual of all rounds, by kind and unit."""
    return rules.totals_of(
        {
            "kind": line.kind,
            "unit": line.unit,
            "planned": line.planned,
            "committed": line.committed,
            "actual": line.actual,
        }
        for line in budget(session, case_id)
    )


def gantt(session: Session, case_id: str, *, today: date, round: int | None = None) -> list[GanttTask]:
    """The tasks of a round (the newest unless another is named), in order of their start."""
    found = case(session, case_id)
    planned = tasks(session, found.id, found.rounds if round is None else round)
    specs = [specified(one) for one in planned]
    slack = {item.key: item.slack for item in rules.schedule(specs)}
    path = set(rules.critical_path(specs))
    return [
        GanttTask(
            task=one,
            critical=one.key in path,
            slack_days=slack[one.key],
            overdue=rules.is_overdue(one.end, progress=one.progress, today=today),
        )
        for one in planned
    ]


def overdue(session: Session, *, today: date) -> list[Task]:
    """Late tasks of cases that are not closed, the latest first."""
    running = {found.id: found.rounds for found in cases(session) if found.state != "closed"}
    late = [
        one
        for case_id, round in running.items()
        for one in tasks(session, case_id, round)
        if rules.is_overdue(one.end, progress=one.progress, today=today)
    ]
    return sorted(late, key=lambda one: (one.end, one.id))


def specified(one: Task) -> rules.TaskSpec:
    return rules.TaskSpec(one.key, one.start, one.end, tuple(one.depends_on))


def candidate_versions(session: Session, case: Case) -> set[str]:
    """The versions that the measures of the current round made."""
    found = measures(session, case.id, case.rounds)
    return {one.candidate_version_id for one in found if one.candidate_version_id}


def hands(case: Case, round: Round) -> frozenset[str]:
    """Whoever owns the case, planned its round or verified it: they do not close it."""
    return frozenset({case.owner_id, round.planned_by, round.verified_by} - {""})


def peeks(session: Session, case: Case, round: Round) -> list[str]:
    """Looks at the baseline's sealed set, since the freeze, with a candidate of this round, but for the round's own."""
    baseline = session.get(EvaluationRun, round.baseline_run_id)
    made = candidate_versions(session, case)
    if baseline is None or not made:
        return []
    query = (
        select(EvaluationRun.id)
        .join(Look, Look.id == EvaluationRun.id)
        .where(
            EvaluationRun.suite_sha256 == baseline.suite_sha256,
            EvaluationRun.version_id.in_(made),
            EvaluationRun.id != round.verification_run_id,
            Look.at > round.frozen_at,
        )
    )
    return list(session.scalars(query.order_by(EvaluationRun.requested_at)))


def serves(session: Session, *, model: str, version_id: str) -> bool:
    """Whether this version has all of the model's traffic, no canary running."""
    route = session.get(RouteState, model)
    if route is None or route.canary is not None or not version_id:
        return False
    weighted = [target for target in route.targets if float(target.get("weight", 0.0)) > 0]
    return bool(weighted) and all(target.get("version") == version_id for target in weighted)


def verified_version(session: Session, round: Round) -> str:
    """The version that the verification run was made with; empty before it."""
    run = session.get(EvaluationRun, round.verification_run_id) if round.verification_run_id else None
    return run.version_id if run else ""


def unreconciled(session: Session) -> list[str]:
    """What the registers of findings and cases say differently of each other, open ends of closed cases included."""
    held = {found.id: found.finding_ids for found in cases(session)}
    lines = finding_rules.reconcile(findings.standings(session), held)
    for found in cases(session, state="closed"):
        for one in findings.findings(session, ids=found.finding_ids):
            if one.state != "closed":
                lines.append(f"case {found.number} is closed, its finding {one.number} is {one.state}")
    return lines


def ran_before_goal(session: Session) -> tuple[int, list[str]]:
    """How many verifications there were, and the rounds whose run was requested before the goal was frozen."""
    verified = [one for one in session.scalars(select(Round)) if one.verification_run_id]
    early = []
    for one in verified:
        run = session.get(EvaluationRun, one.verification_run_id)
        if run is None or run.requested_at <= one.frozen_at:
            early.append(one.id)
    return len(verified), early


def workers(session: Session, case: Case) -> set[str]:
    """Everybody with a hand in the case: owner, planners, verifiers, task owners and collaborators."""
    people = {case.owner_id}
    for round in rounds(session, case.id):
        people |= {round.planned_by, round.verified_by} - {""}
    for one in tasks(session, case.id):
        people |= {one.owner_id, *one.collaborators}
    return people | {str(member["person_id"]) for member in case.group if member["part"] == "responsible"}
