"""What masking costs: request a trial; what its job does with it: begin, finish a side, finish, fail."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from gnomon.contract.masking import MaskPolicy
from gnomon.contract.thresholds import Threshold, judge
from gnomon.contract.verdicts import State
from gnomon.control.evaluation import conditions, queries, rules
from gnomon.control.evaluation.actions.runs import queued_run
from gnomon.control.evaluation.actions.suites import open_suite
from gnomon.control.evaluation.conditions import Endpoint
from gnomon.control.evaluation.schemas import NewMaskingTrial
from gnomon.control.evaluation.tables import EvaluationRun, MaskingTrial, Suite
from gnomon.control.evidence import actions as evidence
from gnomon.control.privacy import queries as privacy
from gnomon.control.rulebook import rules as rulebook
from gnomon.engine.stats import MaskingEffect
from gnomon.engine.stats.masking import require_score
from gnomon.kit.canonical import digest
from gnomon.kit.ids import new_id
from gnomon.kit.work import Work, action, system_action

INDICATOR = "masked_score_kept"


@dataclass(frozen=True, slots=True)
class MaskingOpened:
    """What the job needs. The rows are in memory only."""

    trial: MaskingTrial
    rows: list[dict[str, Any]]
    policy: MaskPolicy
    endpoint: Endpoint


@action("evaluation.measure_masking")
def request_masking(work: Work, new: NewMaskingTrial) -> MaskingTrial:
    """A trial on any suite is queued; on a sealed one it is one counted look, when the job opens the set.

    One side of it reaches the model server unmasked. Raises NotServed, NotFound for an unknown policy, BadFigures for
    a metric of which no share can be kept.
    """
    suite = queries.suite(work.session, new.suite_id)
    require_score(new.metric)
    environment = conditions.environment(work.session, model=new.model, target_id=new.target_id)
    conditions.endpoint(work.session, model=new.model, target_id=new.target_id)
    policy = privacy.policy_in_force(work.session, new.policy or environment["mask_policy"].partition("@")[0])
    name = f"{policy.id}@{policy.version}/{new.mask_purpose}"
    raw, masked = (
        _side(work, new, suite, rules.side_environment(environment, masked_by=masked_by)) for masked_by in ("", name)
    )
    trial = MaskingTrial(
        id=new_id("masking"),
        suite_id=suite.id,
        model=new.model,
        target_id=environment["target"],
        version_id=environment["version"],
        policy_id=policy.id,
        policy_version=policy.version,
        mask_purpose=new.mask_purpose,
        metric=new.metric,
        raw_run=raw.id,
        masked_run=masked.id,
        state="queued",
        threshold=rulebook.load().threshold(INDICATOR).as_dict(),
        changed={},
        counts={},
        result={},
        requested_by=work.actor.id,
        requested_at=work.now,
    )
    trial.job_id = work.enqueue("evaluation.masking", trial.id, concurrency=new.concurrency)
    work.session.add(trial)
    work.session.flush()
    work.about("masking_trial", trial.id, suite=suite.id, model=new.model, target=trial.target_id, policy=name)
    return trial


@action("evaluation.resume")
def resume_masking(work: Work, trial_id: str) -> MaskingTrial:
    """A failed trial goes on where it stopped; answered items are not asked again."""
    trial = queries.trial(work.session, trial_id)
    work.about("masking_trial", trial.id)
    trial.state, trial.error = rules.advance(trial.id, trial.state, "queued"), ""
    for run in _sides(work, trial):
        if run.state == "failed":
            run.state, run.error = rules.advance(run.id, run.state, "queued"), ""
    trial.job_id = work.enqueue("evaluation.masking", trial.id, concurrency=4)
    return trial


@system_action("evaluation.begin_masking")
def begin_masking(work: Work, trial_id: str) -> MaskingOpened | None:
    """The trial is running and its set open, one counted look for both sides; None when it has ended already."""
    trial = queries.trial(work.session, trial_id)
    work.about("masking_trial", trial.id, suite=trial.suite_id)
    if trial.state not in ("queued", "running"):
        return None
    trial.state = rules.advance(trial.id, trial.state, "running")
    for run in _sides(work, trial):
        if run.state != "completed":
            run.state, run.started_at = rules.advance(run.id, run.state, "running"), run.started_at or work.now
    return MaskingOpened(
        trial,
        open_suite(work, trial.suite_id, by=trial.id, purpose=rules.MASKING),
        msgspec.convert(_content(work, trial), MaskPolicy),
        conditions.endpoint(work.session, model=trial.model, target_id=trial.target_id),
    )


@system_action("evaluation.finish_side")
def finish_side(
    work: Work, run_id: str, *, scores: Mapping[str, Any], answers_sha256: str, resources: Mapping[str, Any]
) -> None:
    """One side is completed with its figures. It leaves no evidence of its own: the gateway was not asked."""
    run = queries.run(work.session, run_id)
    work.about("evaluation_run", run.id, n=scores["n"], answers_sha256=answers_sha256)
    run.state = rules.advance(run.id, run.state, "completed")
    run.scores, run.resources = dict(scores), dict(resources)
    run.answers_sha256, run.finished_at = answers_sha256, work.now


@system_action("evaluation.fail_masking")
def fail_masking(work: Work, trial_id: str, *, error: str) -> None:
    """The trial failed and says why; what was answered stays."""
    trial = queries.trial(work.session, trial_id)
    work.about("masking_trial", trial.id)
    trial.state, trial.error, trial.finished_at = rules.advance(trial.id, trial.state, "failed"), error, work.now
    for run in _sides(work, trial):
        if run.state != "completed":
            run.state, run.error, run.finished_at = rules.advance(run.id, run.state, "failed"), error, work.now


@system_action("evaluation.finish_masking")
def finish_masking(
    work: Work,
    trial_id: str,
    *,
    changed: Mapping[str, Collection[str]],
    counts: Mapping[str, int],
    blocked: int,
    surrogates: Mapping[str, int],
    lost: Collection[str],
) -> MaskingTrial:
    """The trial is completed with its verdict, and evidence of it is recorded."""
    trial = queries.trial(work.session, trial_id)
    trial.changed = {item_id: list(entities) for item_id, entities in sorted(changed.items())}
    trial.counts, trial.blocked, trial.surrogates = dict(counts), blocked, dict(surrogates)
    effect = queries.masking_effect_of(work.session, trial)
    work.about("masking_trial", trial.id, state=effect.state.value, changed=effect.changed, lost=len(lost))
    trial.state = rules.advance(trial.id, trial.state, "completed")
    trial.verdict, trial.result, trial.finished_at = effect.state.value, effect.as_dict(), work.now
    trial.evidence_id = _proof(work, trial, effect)
    for run in _sides(work, trial):
        run.evidence_ids = [trial.evidence_id]
    return trial


def _proof(work: Work, trial: MaskingTrial, effect: MaskingEffect) -> str:
    claim, flips = effect.whole.claim, effect.whole.flips
    threshold = Threshold(**trial.threshold | {"effective": date.fromisoformat(trial.threshold["effective"])})
    judgement = judge(
        threshold,
        value=claim.low if claim else None,  # what is shown to be kept, not what was seen
        n=effect.changed,
        numerator=effect.whole.masked.estimate if effect.whole.masked else None,
        denominator=effect.whole.raw.estimate if effect.whole.raw else None,
    )
    raw = queries.run(work.session, trial.raw_run)
    facts = judgement.as_dict() | {
        "state": effect.state.value,
        "indicator": INDICATOR,
        "before": trial.raw_run,
        "after": trial.masked_run,
        "masking_trial": trial.id,
        "version": trial.version_id,
        "suite_hash": raw.suite_sha256,
        "environment": raw.environment,
        "policy": f"{trial.policy_id} {trial.policy_version}",
        "policy_sha256": digest(_content(work, trial)),
        "masked": trial.counts,
        "blocked": trial.blocked,
        "surrogates": trial.surrogates,
        "purpose": trial.mask_purpose,
        "metric": trial.metric,
        "n": effect.n,
        "changed": effect.changed,
        "effect": claim.ratio if claim else None,
        "interval": [claim.low, claim.high] if claim else None,
        "values": [side.estimate if side else None for side in (effect.whole.raw, effect.whole.masked)],
        "test": {"p": claim.p, "method": claim.method, "fixed": flips.fixed, "broken": flips.broken} if claim else None,
        "parts": {part.name: part.claim.as_dict() if part.claim else None for part in effect.parts},
        "verdict": effect.state.value,
        "reason": effect.reason,
        "sentence": dict(effect.sentence),
    }
    return evidence.record(
        work,
        source="evaluation.masking_utility_measured",
        kind="paired_comparison",
        subject=("suite", trial.suite_id),
        state=State(effect.state),
        facts=facts,
    ).id


def _content(work: Work, trial: MaskingTrial) -> Mapping[str, Any]:
    """The version of the policy that was asked for: another may be in force by now."""
    versions = privacy.versions(work.session, trial.policy_id)
    return next(row.content for row in versions if row.version == trial.policy_version)


def _sides(work: Work, trial: MaskingTrial) -> list[EvaluationRun]:
    return [queries.run(work.session, run_id) for run_id in (trial.raw_run, trial.masked_run)]


def _side(work: Work, new: NewMaskingTrial, suite: Suite, environment: dict[str, Any]) -> EvaluationRun:
    target = environment["target"]
    run = queued_run(work, suite, new, environment=environment, target_id=target, purpose=rules.MASKING)
    work.session.add(run)
    return run
