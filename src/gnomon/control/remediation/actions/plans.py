"""Plan a round: check it, freeze it, ask for approval. Nothing in it changes afterwards."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from gnomon.contract.verdicts import State
from gnomon.control.approvals import actions as approvals
from gnomon.control.approvals.schemas import ApprovalDecided
from gnomon.control.approvals.tables import ApprovalRequest
from gnomon.control.evaluation import queries as evaluation
from gnomon.control.evaluation import rules as evaluation_rules
from gnomon.control.evaluation.tables import EvaluationRun, Suite
from gnomon.control.evidence import actions as evidence
from gnomon.control.findings import queries as findings
from gnomon.control.people import queries as people
from gnomon.control.remediation import queries, rules
from gnomon.control.remediation.guards import frozen_guards
from gnomon.control.remediation.schemas import GoalIn, Plan
from gnomon.control.remediation.tables import BudgetLine, Case, Measure, Round, Task
from gnomon.control.rulebook import rules as rulebook
from gnomon.control.tuning.schemas import NewTraining
from gnomon.engine.stats.goals import Goal, Guard
from gnomon.engine.stats.metrics import metric
from gnomon.kit import services
from gnomon.kit.canonical import digest
from gnomon.kit.clock import iso
from gnomon.kit.errors import BadInput
from gnomon.kit.ids import new_id
from gnomon.kit.work import Work, action, system_action

KIND = "remediation_plan"


@action("case.plan")
def plan_round(work: Work, case_id: str, plan: Plan) -> Round:
    """The next round is frozen as it stands and waits for approval by the posts that the rulebook names.

    Raises BadPlan, BadTasks, or CaseStateConflict where the case has a plan in force already.
    """
    case = queries.case(work.session, case_id)
    work.about("case", case.id, baseline_run=plan.baseline_run_id)
    state = rules.advance(case.number, case.state, "planned")
    run = evaluation.run(work.session, plan.baseline_run_id)
    content = _content(work, case, plan, run)
    round = Round(
        id=new_id("round"),
        case_id=case.id,
        n=case.rounds + 1,
        state="frozen",
        content=content,
        frozen_sha256=digest(content),
        frozen_at=work.now,
        planned_by=work.actor.id,
        baseline_run_id=run.id,
        verification={},
        leftovers=[],
    )
    work.session.add(round)
    case.state, case.rounds = state, round.n
    _spread(work, case, round, plan)
    work.session.flush()
    round.approval_id = ask(
        work,
        KIND,
        subject_id=round.id,
        title=_title(case, round),
        content=content,
        roles={"author": {work.actor.id}, "executor": {case.owner_id}},
    ).id
    work.about("case", case.id, round=round.n, frozen_sha256=round.frozen_sha256)
    _prove(work, case, round, plan)
    return round


@system_action("case.plan_decided")
def plan_decided(work: Work, event: ApprovalDecided) -> None:
    """The round is approved, or rejected and the case free to be planned anew."""
    round = queries.round_by_id(work.session, event.subject_id)
    case = queries.case(work.session, round.case_id)
    work.about("case", case.id, round=round.n, approved=event.approved)
    if round.state != "frozen" or round.n != case.rounds:
        return
    round.state = "approved" if event.approved else "rejected"
    back = "assessed" if round.n == 1 else "next_round"
    case.state = rules.advance(case.number, case.state, "approved" if event.approved else back)


def ask(
    work: Work, kind: str, *, subject_id: str, title: str, content: dict[str, Any], roles: Mapping[str, set[str]]
) -> ApprovalRequest:
    """A pending request for exactly `content`, by the rulebook's quorum; whoever has an excluded role does not vote."""
    quorum = rulebook.load().quorum(kind)
    barred = {person for role in quorum.excluded for person in roles.get(role, set()) if person}
    return approvals.ask(
        work,
        kind=kind,
        subject_id=subject_id,
        title=title,
        content=content,
        seats=quorum.seats,
        barred=barred,
        lapses_after=quorum.lapses_after,
    )


def _title(case: Case, round: Round) -> str:
    """What approvers see first: a plan that is looser than the rulebook says so here."""
    n = len(round.content["deviations"])
    looser = f" ⚠ {n} 项放宽制度限值 deviations from the rulebook" if n else ""
    return f"{case.number} {case.title} / {round.n}{looser}"


def goal_of(plain: dict[str, Any]) -> Goal:
    """The goal as the statistics know it, from the frozen plan."""
    return Goal.from_dict(plain)


def guard_of(plain: dict[str, Any]) -> Guard:
    return Guard.from_dict(plain)


def _content(work: Work, case: Case, plan: Plan, run: EvaluationRun) -> dict[str, Any]:
    """Everything that is frozen, as plain JSON."""
    evaluation_rules.require_completed(run.id, run.state)
    if run.model != case.model:
        raise BadInput(f"The run {run.id} is of {run.model}.", next_step=f"Name a run of {case.model}.")
    suite = evaluation.suite(work.session, run.suite_id)
    _check_names(work, case, plan)
    guards, live_guards, deviations = frozen_guards(plan, today=services.today(work.now))
    return {
        "case": case.number,
        "round": case.rounds + 1,
        "model": case.model,
        "frozen_at": iso(work.now),
        "baseline": {
            "run": run.id,
            "suite": suite.id,
            "suite_sha256": run.suite_sha256,
            "recipe": run.recipe["id"],
            "decoding": run.decoding,
            "answers_sha256": run.answers_sha256,
        },
        "deviations": deviations,
        "goals": _goals(work, plan, run, suite),
        "guards": guards,
        "live_guards": live_guards,
        "criteria": plan.criteria,
        "measures": [measure.model_dump(mode="json") for measure in plan.measures],
        "tasks": [task.model_dump(mode="json") for task in plan.tasks],
        "budget": [line.model_dump(mode="json") for line in plan.budget],
        "trade_off": plan.trade_off.model_dump(mode="json"),
    }


def _check_names(work: Work, case: Case, plan: Plan) -> None:
    for task in plan.tasks:
        for id in (task.owner_id, *task.collaborators):
            people.person(work.session, id)
        if task.finding_id and findings.finding(work.session, task.finding_id).id not in case.finding_ids:
            raise rules.BadPlan(
                f"The task {task.key} is about finding {task.finding_id}, which is not in this case.",
                next_step="Name a finding of the case.",
            )
    measured = {measure.key for measure in plan.measures}
    strange = [line.measure_key for line in plan.budget if line.measure_key and line.measure_key not in measured]
    if strange:
        raise rules.BadPlan(f"The budget names the measure {strange[0]}, which is none.", next_step="Correct it.")
    for measure in plan.measures:
        if measure.method == "lora":
            _check_training(measure.key, measure.params)
    rules.check_tasks([rules.TaskSpec(t.key, t.start, t.end, tuple(t.depends_on)) for t in plan.tasks])


def _check_training(key: str, params: dict[str, Any]) -> None:
    """Refused now, while the plan can still be changed, rather than after it was approved."""
    try:
        NewTraining.model_validate(params)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(step) for step in first["loc"])
        raise rules.BadPlan(
            f"The measure {key} cannot be carried out: params.{field}: {first['msg']}.",
            next_step="Correct the measure.",
            measure=key,
        ) from error


def _goals(work: Work, plan: Plan, run: EvaluationRun, suite: Suite) -> list[dict[str, Any]]:
    measured = {
        f"{figure['name']}:{figure['label']}" if figure["label"] else figure["name"]: float(figure["value"])
        for figure in run.scores["figures"]
        if figure["value"] is not None
    }
    specs = [_spec(goal, measured) for goal in plan.goals]
    rules.check_goals(specs, today=services.today(work.now), recipe=str(run.recipe["id"]), measured=measured)
    statistics = rulebook.load().guards.statistics
    level = rules.goal_level(len(plan.goals), alpha=statistics.goal_alpha)
    goals = []
    for given, spec in zip(plan.goals, specs, strict=True):
        rules.check_ambition(spec, higher_is_better=metric(spec.metric).higher_is_better)  # raises UnknownMetric
        if given.min_n < statistics.slice_min_n:
            raise rules.BadPlan(
                f"The goal for {spec.metric} would be decided by {given.min_n} items; the rulebook asks for"
                f" {statistics.slice_min_n}.",
                next_step="Leave min_n out, or give a greater one.",
            )
        if spec.slice and spec.slice not in suite.features:
            raise rules.BadPlan(
                f"The suite {suite.name} has no slice {spec.slice}.", next_step="Name one that its page lists."
            )
        goal = Goal(
            metric=spec.metric,
            to_value=spec.to_value,
            set=suite.id,
            slice=spec.slice,
            from_value=spec.from_value,
            by=spec.by,
            level=level,
            min_n=given.min_n,
        )
        goals.append(goal.as_dict() | {"recipe": spec.recipe})
    return goals


def _spec(goal: GoalIn, measured: dict[str, float]) -> rules.GoalSpec:
    start = goal.from_value
    if start is None and not goal.slice:
        start = measured.get(goal.metric)
    return rules.GoalSpec(goal.metric, goal.to_value, goal.by, goal.recipe, goal.slice, start)


def _spread(work: Work, case: Case, round: Round, plan: Plan) -> None:
    """The parts that are worked with, as rows beside the frozen content."""
    ranked = {
        one.key: one
        for one in rules.rank(
            [rules.MeasureSpec(m.key, m.importance, m.urgency, m.difficulty, m.effect) for m in plan.measures]
        )
    }
    mine = {"case_id": case.id, "round": round.n}
    for measure in plan.measures:
        place = ranked[measure.key]
        work.session.add(
            Measure(
                id=new_id("measure"),
                state="planned",
                rank=place.rank,
                score=place.score,
                **mine,
                **measure.model_dump(),
            )
        )
    for task in plan.tasks:
        work.session.add(Task(id=new_id("task"), progress=0, **mine, **task.model_dump()))
    for line in plan.budget:
        work.session.add(
            BudgetLine(id=new_id("budget"), committed=0.0, actual=0.0, entries=[], **mine, **line.model_dump())
        )


def _prove(work: Work, case: Case, round: Round, plan: Plan) -> None:
    content = round.content
    goal = content["goals"][0]
    ranked = queries.measures(work.session, case.id, round.n)
    planned = rules.budget_totals(
        ({"committed": 0, "actual": 0} | line.model_dump() for line in plan.budget), "planned"
    )
    first, last = min(task.start for task in plan.tasks), max(task.end for task in plan.tasks)
    by_kind = {kind: {k: v for k, v in planned.items() if k.startswith(kind)} for kind in ("person_days", "compute")}
    by_kind["purchase"] = {k: v for k, v in planned.items() if k.startswith("purchase")}
    facts_of = {
        ("remediation.goals_frozen", "goal"): {
            "round": round.n,
            "metric": goal["metric"],
            "suite_hash": content["baseline"]["suite_sha256"],
            "slice": goal["slice"],
            "baseline": goal["from"],
            "target": goal["to"],
            "due": goal["by"],
            "recipe": goal["recipe"],
            "goals": content["goals"],
            "guards": content["guards"] + content["live_guards"],
            "deviations": content["deviations"],
            "frozen_at": content["frozen_at"],
            "frozen_sha256": round.frozen_sha256,
        },
        ("remediation.trade_off_recorded", "trade_off"): content["trade_off"],
        ("remediation.measures_ranked", "ranking"): {
            "measures": [measure.key for measure in ranked],
            "importance": {measure.key: measure.importance for measure in ranked},
            "urgency": {measure.key: measure.urgency for measure in ranked},
            "difficulty": {measure.key: measure.difficulty for measure in ranked},
            "expected_effect": {measure.key: measure.effect for measure in ranked},
        },
        ("remediation.resources_estimated", "resource_estimate"): {
            "people_days": by_kind["person_days"],
            "compute": by_kind["compute"],
            "money": by_kind["purchase"],
            "time": {"start": first.isoformat(), "end": last.isoformat(), "days": (last - first).days + 1},
        },
        ("remediation.tasks_planned", "task_plan"): {
            "tasks": [task.key for task in plan.tasks],
            "owners": {task.key: task.owner_id for task in plan.tasks},
            "dependencies": {task.key: task.depends_on for task in plan.tasks},
            "progress": {task.key: 0 for task in plan.tasks},
            "overdue": [],
            "critical_path": rules.critical_path(
                [rules.TaskSpec(t.key, t.start, t.end, tuple(t.depends_on)) for t in plan.tasks]
            ),
        },
    }
    for (source, kind), facts in facts_of.items():
        told = {"case": case.number, **facts}
        evidence.record(work, source=source, kind=kind, subject=("case", case.id), state=State.MET, facts=told)
