"""Request a run; what its job does with it: begin, record answers, finish or fail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gnomon.contract.verdicts import State
from gnomon.control.evaluation import conditions, queries, rules
from gnomon.control.evaluation.actions.suites import open_suite
from gnomon.control.evaluation.schemas import EvaluationFinished, NewMaskingTrial, NewRun
from gnomon.control.evaluation.tables import EvaluationAnswer, EvaluationRun, Suite
from gnomon.control.evidence import actions as evidence
from gnomon.engine.runs import Decoding
from gnomon.engine.scoring import Answer
from gnomon.engine.stats import seed_of
from gnomon.kit.ids import new_id
from gnomon.kit.work import Work, action, system_action


@dataclass(frozen=True, slots=True)
class Opened:
    """What the job needs. The rows are in memory only."""

    rows: list[dict[str, Any]]
    already: frozenset[str]


@action("evaluation.run")
def request_run(work: Work, new: NewRun) -> EvaluationRun:
    """A run is queued under the conditions that hold now. Raises SealedSuite for a set that is sealed."""
    suite = queries.suite(work.session, new.suite_id)
    if suite.sealed:
        raise rules.SealedSuite(
            f"The suite {suite.name} is sealed: every use of it is counted.",
            next_step="Request a run on the sealed set.",
        )
    return _queue(work, new)


@action("evaluation.run_sealed")
def request_sealed_run(work: Work, new: NewRun) -> EvaluationRun:
    """A run on a sealed (or open) set is queued; the look is counted when the job opens the set."""
    return _queue(work, new)


@action("evaluation.resume")
def resume_run(work: Work, run_id: str) -> EvaluationRun:
    """A failed run goes on where it stopped; answered items are not asked again."""
    run = queries.run(work.session, run_id)
    if run.purpose == rules.MASKING:
        raise rules.RunStateConflict(
            f"The run {run.id} is one side of a masking trial, which goes on as a whole.",
            next_step="Resume the trial.",
            state=run.state,
        )
    work.about("evaluation_run", run.id, done=run.n_done, n=run.n)
    run.state, run.error = rules.advance(run.id, run.state, "queued"), ""
    run.job_id = work.enqueue("evaluation.run", run.id, concurrency=4)
    return run


@system_action("evaluation.begin")
def begin(work: Work, run_id: str) -> Opened | None:
    """The run is running and its set open, a counted look; None when the run has ended already."""
    run = queries.run(work.session, run_id)
    work.about("evaluation_run", run.id, suite=run.suite_id)
    if run.state not in ("queued", "running"):
        return None
    run.state = rules.advance(run.id, run.state, "running")
    run.started_at = run.started_at or work.now
    rows = open_suite(work, run.suite_id, by=run.id, purpose=run.purpose)
    return Opened(rows, frozenset(queries.answered_ids(work.session, run.id)))


@system_action("evaluation.record")
def record_answers(work: Work, run_id: str, answers: Sequence[Answer]) -> int:
    """The answers are stored, each item once; returns how many items of the run are answered."""
    run = queries.run(work.session, run_id)
    known = queries.answered_ids(work.session, run.id)
    fresh = {answer.item_id: answer for answer in answers if answer.item_id not in known}
    work.session.add_all(_row(run.id, answer) for answer in fresh.values())
    run.n_done = len(known) + len(fresh)
    work.about("evaluation_run", run.id, recorded=len(fresh), done=run.n_done)
    return run.n_done


@system_action("evaluation.fail")
def fail(work: Work, run_id: str, *, error: str) -> None:
    """The run failed and says why; what was answered stays."""
    run = queries.run(work.session, run_id)
    work.about("evaluation_run", run.id, done=run.n_done)
    run.state, run.error, run.finished_at = rules.advance(run.id, run.state, "failed"), error, work.now
    work.emit(EvaluationFinished(run.id, "failed", run.purpose))


@system_action("evaluation.finish")
def finish(
    work: Work,
    run_id: str,
    *,
    scores: Mapping[str, Any],
    slices: Sequence[Mapping[str, Any]],
    answers_sha256: str,
    resources: Mapping[str, Any],
) -> EvaluationRun:
    """The run is completed with its figures, and evidence of them is recorded."""
    run = queries.run(work.session, run_id)
    work.about("evaluation_run", run.id, n=scores["n"], answers_sha256=answers_sha256)
    run.state = rules.advance(run.id, run.state, "completed")
    run.scores, run.slices, run.resources = dict(scores), [dict(part) for part in slices], dict(resources)
    run.answers_sha256, run.finished_at = answers_sha256, work.now
    run.evidence_ids = [
        _metrics_evidence(work, run),
        _slices_evidence(work, run),
        _performance_evidence(work, run),
        _benchmark_evidence(work, run),
    ]
    work.emit(EvaluationFinished(run.id, "completed", run.purpose, tuple(run.evidence_ids)))
    return run


def _queue(work: Work, new: NewRun) -> EvaluationRun:
    suite = queries.suite(work.session, new.suite_id)
    environment = conditions.environment(work.session, model=new.model, target_id=new.target_id)
    run = queued_run(work, suite, new, environment=environment, target_id=new.target_id, purpose=new.purpose)
    run.job_id = work.enqueue("evaluation.run", run.id, concurrency=new.concurrency)
    work.session.add(run)
    work.session.flush()
    work.about("evaluation_run", run.id, suite=suite.id, model=new.model, target=new.target_id, purpose=new.purpose)
    return run


def queued_run(
    work: Work,
    suite: Suite,
    asked: NewRun | NewMaskingTrial,
    *,
    environment: dict[str, Any],
    target_id: str,
    purpose: str,
) -> EvaluationRun:
    """A run that has asked nothing yet, under these conditions; the caller adds it to the session."""
    return EvaluationRun(
        id=new_id("run"),
        suite_id=suite.id,
        suite_sha256=suite.sha256,
        model=asked.model,
        target_id=target_id,
        version_id=environment["version"],
        recipe=suite.recipe,
        decoding=Decoding(**asked.decoding.model_dump()).as_dict(),
        environment=environment,
        purpose=purpose,
        state="queued",
        n=suite.n,
        n_done=0,
        scores={},
        slices=[],
        resources={},
        evidence_ids=[],
        requested_by=work.actor.id,
        requested_at=work.now,
    )


def _row(run_id: str, answer: Answer) -> EvaluationAnswer:
    return EvaluationAnswer(
        run_id=run_id,
        item_id=answer.item_id,
        expected=answer.expected,
        predicted=answer.predicted,
        scores=dict(answer.scores) if answer.scores is not None else None,
        outcome=answer.outcome,
        latency_ms=answer.latency_ms,
        request_id=answer.request_id,
    )


def _metrics_evidence(work: Work, run: EvaluationRun) -> str:
    figures = run.scores["figures"]
    named = {f"{one['name']}:{one['label']}" if one["label"] else one["name"]: one for one in figures}
    facts = {
        "version": run.version_id,
        "suite": run.suite_id,
        "suite_hash": run.suite_sha256,
        "recipe": run.recipe["id"],
        "n": run.scores["n"],
        "metrics": {name: one["value"] for name, one in named.items()},
        "intervals": {name: [one["low"], one["high"]] for name, one in named.items()},
        # 64 bits: as text, because a JSON number holds 53
        "seed": str(seed_of([answer.item_id for answer in queries.answers(work.session, run.id)])),
        "answers_sha256": run.answers_sha256,
        "decoding": run.decoding,
    }
    state = State.MET if run.scores["n"] else State.NOT_MEASURED
    return _record(work, run, source="evaluation.metrics_computed", kind="evaluation", facts=facts, state=state)


def _slices_evidence(work: Work, run: EvaluationRun) -> str:
    def named(finding: str) -> list[str]:
        return [part["name"] for part in run.slices if part["finding"] == finding]

    facts = {
        "version": run.version_id,
        "suite_hash": run.suite_sha256,
        "slices": named("weaker"),
        "examined": len(run.slices),
        "method": "Fisher exact, Benjamini-Hochberg over slices with enough items and power",
        "insufficient": named("insufficient"),
    }
    state = State.MET if run.slices else State.INSUFFICIENT  # nothing was large enough to be looked at
    return _record(work, run, source="evaluation.slices_found", kind="slice_report", facts=facts, state=state)


def _performance_evidence(work: Work, run: EvaluationRun) -> str:
    latency = {one["name"]: one for one in run.scores["figures"] if one["name"].startswith("latency_")}
    p95 = latency["latency_p95_ms"]
    facts = {
        "indicator": "latency_p95_ms",
        "value": p95["value"],
        "n": p95["n"],
        "numerator": None,
        "denominator": None,
        "threshold": None,  # measured here; judged by the goals and guards of a plan, and by the service's objectives
        "window_start": run.resources.get("started_at"),
        "window_end": run.resources.get("ended_at"),
        "method": p95["method"],
        "latency_ms": {name: [one["value"], one["low"], one["high"]] for name, one in latency.items()},
        "throughput_per_s": run.resources.get("throughput_per_s"),
        "cpu": run.resources.get("cpu"),
        "memory": run.resources.get("memory"),
    }
    measured = p95["value"] is not None and facts["throughput_per_s"] is not None and facts["cpu"] is not None
    state = State.MET if measured else State.INSUFFICIENT
    return _record(work, run, source="evaluation.performance_measured", kind="measurement", facts=facts, state=state)


def _benchmark_evidence(work: Work, run: EvaluationRun) -> str:
    environment = run.environment
    unstated = [key for key, value in queries.comparable_of(run).items() if value is None]
    facts = {
        "suite": run.suite_id,
        "suite_hash": run.suite_sha256,
        "environment": environment,
        "conditions": {"recipe": run.recipe["id"], "decoding": run.decoding, "unstated": unstated},
        "results": {one["name"]: one["value"] for one in run.scores["figures"] if not one["label"]},
    }
    state = State.INSUFFICIENT if unstated else State.MET
    return _record(work, run, source="evaluation.benchmark_recorded", kind="benchmark", facts=facts, state=state)


def _record(work: Work, run: EvaluationRun, *, source: str, kind: str, facts: dict[str, Any], state: State) -> str:
    subject = ("evaluation_run", run.id)
    return evidence.record(work, source=source, kind=kind, subject=subject, facts=facts, state=state).id
