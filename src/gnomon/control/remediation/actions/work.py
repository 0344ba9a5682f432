"""The work between approval and verification: measures, tasks, money."""

from gnomon.contract.verdicts import State
from gnomon.control.approvals import queries as approvals
from gnomon.control.catalog import queries as catalog
from gnomon.control.evidence import actions as evidence
from gnomon.control.evidence import queries as proofs
from gnomon.control.remediation import queries, rules
from gnomon.control.remediation.actions.plans import KIND
from gnomon.control.remediation.schemas import MeasureResult, Spend, TaskUpdate
from gnomon.control.remediation.tables import BudgetLine, Case, Measure, Round, Task
from gnomon.control.tuning import actions as tuning
from gnomon.control.tuning import queries as trainings
from gnomon.control.tuning.schemas import NewTraining, TrainingFinished
from gnomon.kit.clock import iso
from gnomon.kit.errors import BadInput, Conflict, Denied
from gnomon.kit.work import Work, action, system_action


class NothingToShow(BadInput):
    """A measure by hand names nothing that came of it after the freeze."""

    code = "nothing_to_show"


@action("case.apply")
def start_measures(work: Work, case_id: str) -> Case:
    """Every measure of the round is under way; those by training are queued.

    Raises NotApproved unless exactly the frozen plan is approved, PlanFrozen when the stored plan is another one.
    """
    case = queries.case(work.session, case_id)
    round = queries.current_round(work.session, case)
    work.about("case", case.id, round=round.n)
    require_frozen(work, case, round)
    case.state, round.state = rules.advance(case.number, case.state, "implementing"), "implementing"
    for measure in queries.measures(work.session, case.id, round.n):
        measure.state = "running"
        if measure.method == "lora":
            given = measure.params | {"case_id": case.id, "measure_id": measure.id}
            measure.training_id = tuning.start_training(work, NewTraining.model_validate(given)).id
    return case


def require_frozen(work: Work, case: Case, round: Round) -> None:
    """Return when the plan is intact and exactly it is approved."""
    rules.check_change(
        case.number,
        frozen_sha256=round.frozen_sha256,
        content_sha256=round.frozen_sha256 if queries.is_intact(round) else "altered",
    )
    approvals.require_approved(work.session, kind=KIND, subject_id=round.id, content_sha256=round.frozen_sha256)


@system_action("case.note_training")
def note_training(work: Work, event: TrainingFinished) -> None:
    """A training of a measure ended: its candidate and its cost are noted. Wiring calls it on TrainingFinished."""
    work.about("measure", event.measure_id, training=event.training_id, state=event.state)
    measure = work.session.get(Measure, event.measure_id) if event.measure_id else None
    if measure is None or measure.training_id != event.training_id or measure.state != "running":
        return
    case = queries.case(work.session, measure.case_id)
    if event.state != "completed":
        measure.state = "failed"
        measure.note = trainings.training(work.session, event.training_id).error
        return
    measure.state, measure.candidate_version_id = "done", event.adapter_version_id
    _count_compute(work, measure, minutes=event.cpu_minutes, what=event.training_id)
    _prove(work, case, measure, inputs=trainings.training(work.session, event.training_id).dataset_ids)


@action("measure.apply")
def finish_measure(work: Work, measure_id: str, result: MeasureResult) -> Measure:
    """A measure that people carry out is done (or failed), with what came of it.

    Done is shown by evidence or data that came after the freeze, and not by a note. Raises NothingToShow otherwise.
    """
    measure = queries.measure(work.session, measure_id)
    work.about("measure", measure.id, state=result.state, candidate=result.candidate_version_id)
    if measure.method != "by_hand" or measure.state != "running":
        raise Conflict(
            f"The measure {measure.key} is {measure.state} and carried out by {measure.method}.",
            next_step="Only a running measure by hand is finished by hand.",
        )
    case = queries.case(work.session, measure.case_id)
    if result.candidate_version_id:
        catalog.version_of(work.session, case.model, result.candidate_version_id)
    if result.state == "done":
        shown = _shown(work, queries.current_round(work.session, case), result)
    measure.state, measure.note = result.state, result.note
    measure.candidate_version_id = result.candidate_version_id
    if result.state == "done":
        _prove(work, case, measure, inputs=result.dataset_ids, shown=shown)
    return measure


def _shown(work: Work, round: Round, result: MeasureResult) -> list[str]:
    """Ids of the evidence that the measure was carried out: named, or that of the data sets named."""
    named = list(dict.fromkeys(result.evidence_ids))
    named += [catalog.dataset(work.session, id).evidence_id for id in dict.fromkeys(result.dataset_ids)]
    if not named:
        raise NothingToShow(
            "A measure by hand is done when something shows it.",
            next_step="Name at least one piece of evidence or data set that came of it.",
        )
    early = [id for id in named if proofs.artefact(work.session, id).made_at <= round.frozen_at]
    if early:
        raise NothingToShow(
            f"The evidence {early[0]} is from before the plan was frozen ({iso(round.frozen_at)}).",
            next_step="Name what came of the measure.",
            early=early,
        )
    return named


@action("task.edit")
def update_task(work: Work, task_id: str, update: TaskUpdate) -> Task:
    """How far a task is. Only who works on it says so; dates, owners and dependencies stay as frozen."""
    task = queries.task(work.session, task_id)
    work.about("task", task.id, before=task.progress, after=update.progress)
    case = queries.case(work.session, task.case_id)
    if work.actor.id not in {task.owner_id, *task.collaborators, case.owner_id}:
        raise Denied("You do not work on this task.", next_step=f"Ask its owner, {task.owner_id}.")
    if case.state == "closed" or task.round != case.rounds:
        raise Conflict(f"The round {task.round} of case {case.number} is over.", next_step="Look at the next round.")
    task.progress, task.note, task.updated_at = update.progress, update.note, work.now
    return task


@action("budget.edit")
def record_spend(work: Work, line_id: str, spend: Spend) -> BudgetLine:
    """An amount is committed or spent (a negative one takes back); every entry stays."""
    line = queries.budget_line(work.session, line_id)
    work.about("budget_line", line.id, column=spend.column, amount=spend.amount)
    before = line.committed if spend.column == "committed" else line.actual
    if before + spend.amount < 0:
        raise BadInput(
            f"{spend.column} would become {before + spend.amount}; it was {before}.", next_step="Give a smaller amount."
        )
    _enter(work, line, column=spend.column, amount=spend.amount, what=spend.what)
    return line


def _count_compute(work: Work, measure: Measure, *, minutes: float, what: str) -> None:
    """The processor time goes to the measure's compute line, else to the round's first; without one it is unplanned."""
    lines = [line for line in queries.budget(work.session, measure.case_id, measure.round) if line.kind == "compute"]
    own = [line for line in lines if line.measure_key == measure.key] or lines
    if own:
        _enter(work, own[0], column="actual", amount=minutes, what=what)


def _enter(work: Work, line: BudgetLine, *, column: str, amount: float, what: str) -> None:
    entry = {"what": what, "column": column, "amount": amount, "by": work.actor.id, "at": iso(work.now)}
    line.entries = [*line.entries, entry]
    if column == "committed":
        line.committed = round(line.committed + amount, 6)
    else:
        line.actual = round(line.actual + amount, 6)


def _prove(work: Work, case: Case, measure: Measure, *, inputs: list[str], shown: list[str] | None = None) -> None:
    evidence.record(
        work,
        source="remediation.measure_applied",
        kind="measure_run",
        subject=("case", case.id),
        state=State.MET,
        facts={
            "case": case.number,
            "measure": measure.id,
            "kind": measure.kind,
            "inputs": inputs,
            "parameters": measure.params.get("parameters", {}),
            "candidate": measure.candidate_version_id,
            "note": measure.note,
            "shown_by": shown or [],
        },
    )
