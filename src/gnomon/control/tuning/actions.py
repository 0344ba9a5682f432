"""Start a training, cancel it; what its job does with it: begin, record progress, complete or fail."""

from collections.abc import Mapping, Sequence
from typing import Any

from gnomon.contract.verdicts import State
from gnomon.control.catalog import actions as catalog
from gnomon.control.catalog import queries as versions
from gnomon.control.catalog.schemas import FileEntry
from gnomon.control.evidence import actions as evidence
from gnomon.control.tuning import queries, rules
from gnomon.control.tuning.schemas import NewTraining, TrainingFinished
from gnomon.control.tuning.tables import TrainingRun
from gnomon.engine.suites.recipes import recipe_from
from gnomon.kit.canonical import digest
from gnomon.kit.clock import iso
from gnomon.kit.ids import new_id
from gnomon.kit.work import Work, action, system_action


@action("training.start")
def start_training(work: Work, new: NewTraining) -> TrainingRun:
    """A training is queued. Raises NotChecked for a base, UnfitData for data that may not be trained on."""
    base = versions.checked_version(work.session, new.base_version_id)
    recipe = recipe_from(new.recipe)
    for id in new.dataset_ids:
        _check_data(work, id, choices=recipe.choices, wanted="train")
    if new.validation_id:
        _check_data(work, new.validation_id, choices=recipe.choices, wanted="validation")
    parameters = new.parameters.model_dump(exclude_unset=True)
    training = TrainingRun(
        id=new_id("training"),
        model=base.model,
        recipe=recipe.as_dict(),
        parameters=parameters,
        label=new.label or _free_label(work, base.model),
        state="queued",
        progress=[],
        result={},
        evidence_ids=[],
        requested_by=work.actor.id,
        requested_at=work.now,
        **new.model_dump(exclude={"recipe", "label", "parameters"}),
    )
    training.job_id = work.enqueue("tuning.train", training.id)
    work.session.add(training)
    work.session.flush()
    work.about("training", training.id, base=base.id, datasets=new.dataset_ids, parameters=parameters)
    return training


@action("training.cancel")
def cancel_training(work: Work, training_id: str, *, reason: str) -> TrainingRun:
    """The training is given up; its job stops the trainer when it sees that."""
    training = queries.training(work.session, training_id)
    work.about("training", training.id, reason=reason)
    _end(work, training, "cancelled", error=reason)
    return training


@system_action("training.begin")
def begin(work: Work, training_id: str) -> bool:
    """Whether there is something to do: the training is running then."""
    training = queries.training(work.session, training_id)
    work.about("training", training.id)
    if training.state in rules.ENDED:
        return False
    training.state = rules.advance(training.id, training.state, "running")
    training.started_at = training.started_at or work.now
    return True


@system_action("training.record")
def record_progress(work: Work, training_id: str, rows: Sequence[Mapping[str, Any]]) -> bool:
    """The figures of the steps so far are in the row; False when the training was ended meanwhile."""
    training = queries.training(work.session, training_id)
    work.about("training", training.id, steps=len(rows))
    if training.state in rules.ENDED:
        return False
    training.progress = [dict(row) for row in rows]
    return True


@system_action("training.complete")
def complete(
    work: Work, training_id: str, *, files: Sequence[FileEntry], result: Mapping[str, Any], data_sha256: str
) -> TrainingRun:
    """The adapter is in the catalogue with its lineage, the training completed, its cost counted.

    The files are in the object store already. A training that was ended meanwhile stays as it is.
    """
    training = queries.training(work.session, training_id)
    work.about("training", training.id)
    if training.state in rules.ENDED:
        return training
    rules.check_result(result)
    base = versions.version(work.session, training.base_version_id)
    adapter = catalog.register_adapter(
        work,
        model=training.model,
        label=training.label,
        base_id=base.id,
        files=files,
        lineage={
            "training_id": training.id,
            "data_sha256": data_sha256,
            "dataset_ids": training.dataset_ids,
            "code": result["code"],
            "parameters": result["parameters"],
            "libraries": result["libraries"],
            "recipe": training.recipe,
            "base_sha256": base.sha256,
        },
        source=f"training {training.id}",
        licence=base.licence,
    )
    training.result = {key: value for key, value in result.items() if key != "curve"}  # `progress` holds it
    training.adapter_version_id = adapter.id
    training.evidence_ids = [_training_evidence(work, training, data_sha256), _cost_evidence(work, training)]
    work.about("training", training.id, adapter=adapter.id, cpu_minutes=rules.cpu_minutes(result))
    _end(work, training, "completed")
    return training


@system_action("training.fail")
def fail(work: Work, training_id: str, *, error: str) -> None:
    training = queries.training(work.session, training_id)
    work.about("training", training.id)
    if training.state not in rules.ENDED:
        _end(work, training, "failed", error=error)


def _check_data(work: Work, dataset_id: str, *, choices: Sequence[str], wanted: str) -> None:
    data = versions.dataset(work.session, dataset_id)
    name = f"{data.name} {data.label}"
    rules.check_data(name=name, state=data.state, purpose=data.purpose, wanted=wanted)
    rules.check_labels(name, data.checks["labels"], choices, unlabelled=int(data.checks["unlabelled"]))


def _free_label(work: Work, model: str) -> str:
    taken = [version.label for version in versions.versions(work.session, model)]
    return rules.next_label([*taken, *(run.label for run in queries.trainings(work.session, model=model))])


def _end(work: Work, training: TrainingRun, state: str, *, error: str = "") -> None:
    training.state = rules.advance(training.id, training.state, state)
    training.error, training.finished_at = error, work.now
    work.emit(
        TrainingFinished(
            training_id=training.id,
            state=state,
            case_id=training.case_id,
            measure_id=training.measure_id,
            adapter_version_id=training.adapter_version_id,
            cpu_minutes=rules.cpu_minutes(training.result),
            evidence_ids=tuple(training.evidence_ids),
        )
    )


def _training_evidence(work: Work, training: TrainingRun, data_sha256: str) -> str:
    result = training.result
    facts = {
        "run": training.id,
        "platform": {key: result.get(key) for key in ("libraries", "dtype", "threads")},
        "code_hash": result["code"]["sha256"],
        "data_hash": data_sha256,
        "parameters": result["parameters"],
        "parameters_hash": digest(result["parameters"]),
        "steps": len(training.progress),
        "metrics": training.progress[-1] if training.progress else {},
        "adapter": training.adapter_version_id,
    }
    subject = ("training", training.id)
    state = State.MET if training.progress else State.INSUFFICIENT  # without steps nothing was recorded of it
    return evidence.record(
        work, source="tuning.training_recorded", kind="training_run", subject=subject, state=state, facts=facts
    ).id


def _cost_evidence(work: Work, training: TrainingRun) -> str:
    started = training.started_at or training.requested_at
    facts = {
        "indicator": "compute_cpu_minutes",
        "value": rules.cpu_minutes(training.result),
        "n": 1,
        "numerator": None,
        "denominator": None,
        "threshold": None,
        "window_start": iso(started),
        "window_end": iso(work.now),
        "method": "processor time of the trainer's process, from the operating system",
    }
    subject = ("training", training.id)
    state = State.MET if facts["value"] else State.NOT_MEASURED
    return evidence.record(
        work, source="tuning.cost_recorded", kind="measurement", subject=subject, state=state, facts=facts
    ).id
