"""Reads: suites, runs, answers, comparisons; recomputing what is stored."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gnomon.control.catalog import fingerprints
from gnomon.control.catalog.rules import keyed
from gnomon.control.evaluation import rules
from gnomon.control.evaluation.tables import Comparison, EvaluationAnswer, EvaluationRun, Look, MaskingTrial, Suite
from gnomon.engine.masked_copy import lost
from gnomon.engine.scoring import Answer, score
from gnomon.engine.stats import MaskingEffect, masking_effect
from gnomon.engine.stats.compare import Comparison as Compared
from gnomon.engine.stats.compare import compare
from gnomon.engine.stats.goals import Goal, Guard
from gnomon.kit.canonical import digest
from gnomon.kit.errors import NotFound


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether every stored figure is what the stored answers give; `differences` names the others."""

    id: str
    equal: bool
    n: int
    figures: int
    differences: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "equal": self.equal,
            "n": self.n,
            "figures": self.figures,
            "differences": self.differences,
        }


def suite(session: Session, id: str) -> Suite:
    """By id or by name."""
    found = session.get(Suite, id) or session.scalars(select(Suite).where(Suite.name == id)).first()
    if found is None:
        raise NotFound(f"There is no suite {id}.", next_step="Add it first.")
    return found


def suites(session: Session) -> list[Suite]:
    return list(session.scalars(select(Suite).order_by(Suite.made_at)))


def looks(session: Session, suite_id: str) -> list[Look]:
    return list(session.scalars(select(Look).where(Look.suite_id == suite_id).order_by(Look.number)))


def sealed_text_hashes(session: Session) -> dict[str, list[str]]:
    """Suite id → fingerprints of the texts of each sealed set, for leak checks that need no look.

    Wiring hands it to the catalogue. Sets from before fingerprints were keyed are keyed here.
    """
    key = fingerprints.key()
    return {suite.id: [keyed(one, key) for one in suite.text_hashes] for suite in suites(session) if suite.sealed}


def run(session: Session, id: str) -> EvaluationRun:
    found = session.get(EvaluationRun, id)
    if found is None:
        raise NotFound(f"There is no evaluation run {id}.", next_step="Look it up in the list of runs.")
    return found


def runs(session: Session, *, model: str = "", suite_id: str = "", limit: int = 200) -> list[EvaluationRun]:
    """Newest first."""
    query = select(EvaluationRun).order_by(EvaluationRun.requested_at.desc(), EvaluationRun.id.desc()).limit(limit)
    if model:
        query = query.where(EvaluationRun.model == model)
    if suite_id:
        query = query.where(EvaluationRun.suite_id == suite_id)
    return list(session.scalars(query))


def answered_ids(session: Session, run_id: str) -> set[str]:
    return set(session.scalars(select(EvaluationAnswer.item_id).where(EvaluationAnswer.run_id == run_id)))


def answered(session: Session, run_id: str) -> int:
    counted = select(func.count()).select_from(EvaluationAnswer).where(EvaluationAnswer.run_id == run_id)
    return session.scalar(counted) or 0


def answers(session: Session, run_id: str) -> list[Answer]:
    """In the order of item ids."""
    query = select(EvaluationAnswer).where(EvaluationAnswer.run_id == run_id).order_by(EvaluationAnswer.item_id)
    return [
        Answer(row.item_id, row.expected, row.predicted, row.scores, row.outcome, row.latency_ms, row.request_id)
        for row in session.scalars(query)
    ]


def failures(session: Session, run_id: str) -> list[Answer]:
    """The items that were answered wrong or not at all, by id; texts are in the suite, not here."""
    return [answer for answer in answers(session, run_id) if answer.predicted != answer.expected]


def answers_digest(found: Iterable[Answer]) -> str:
    """SHA-256 over all answers: two reports with the same digest rest on the same answers."""
    return digest([answer.as_dict() for answer in found])


def comparison(session: Session, id: str) -> Comparison:
    found = session.get(Comparison, id)
    if found is None:
        raise NotFound(f"There is no comparison {id}.")
    return found


def comparisons(session: Session, *, run_id: str = "") -> list[Comparison]:
    query = select(Comparison).order_by(Comparison.made_at.desc(), Comparison.id.desc())
    if run_id:
        query = query.where((Comparison.before_run == run_id) | (Comparison.after_run == run_id))
    return list(session.scalars(query))


def verify(session: Session, run_id: str) -> Verification:
    """Every figure of a completed run computed anew from the stored answers, and compared exactly.

    Slices are checked by their counts: n, errors and the error rates, from the suite's stored slice membership.
    """
    found = run(session, run_id)
    rules.require_completed(found.id, found.state)
    about = suite(session, found.suite_id)
    stored = answers(session, run_id)
    computed = score(stored, about.labels, about.positive or None).as_dict()
    lines = rules.differences(found.scores, computed, path="scores")
    lines += rules.differences(found.answers_sha256, answers_digest(stored), path="answers_sha256")
    lines += rules.differences(found.n, len(stored), path="n")
    lines += _slice_differences(found.slices, about.features, stored)
    figures = len(computed["figures"]) + len(found.slices)
    return Verification(found.id, not lines, len(stored), figures, lines)


def verify_comparison(session: Session, id: str) -> Verification:
    """The comparison computed anew from the stored answers of both runs."""
    found = comparison(session, id)
    again = compare_runs(
        session,
        before_run=found.before_run,
        after_run=found.after_run,
        goal=Goal.from_dict(found.goal),
        guards=[Guard.from_dict(guard) for guard in found.guards],
    )
    computed = again.as_dict()
    lines = rules.differences(found.result, computed, path="comparison")
    return Verification(found.id, not lines, again.n, len(computed["guards"]) + len(computed["slices"]) + 3, lines)


def trial(session: Session, id: str) -> MaskingTrial:
    found = session.get(MaskingTrial, id)
    if found is None:
        raise NotFound(f"There is no masking trial {id}.", next_step="Look it up in the list of trials.")
    return found


def trials(session: Session, *, suite_id: str = "", run_id: str = "", limit: int = 200) -> list[MaskingTrial]:
    """Newest first; of one suite, or with that run as a side."""
    query = select(MaskingTrial).order_by(MaskingTrial.requested_at.desc(), MaskingTrial.id.desc()).limit(limit)
    if suite_id:
        query = query.where(MaskingTrial.suite_id == suite_id)
    if run_id:
        query = query.where((MaskingTrial.raw_run == run_id) | (MaskingTrial.masked_run == run_id))
    return list(session.scalars(query))


def masking_effect_of(session: Session, found: MaskingTrial) -> MaskingEffect:
    """What masking cost, from the stored answers of both sides."""
    raw, masked = answers(session, found.raw_run), answers(session, found.masked_run)
    return masking_effect(
        raw,
        masked,
        changed=found.changed,
        limit=found.threshold["limit"],
        min_changed=found.threshold["min_n"],
        metric_name=found.metric,
        lost=lost(raw, masked),
        positive=suite(session, found.suite_id).positive or None,
    )


def verify_trial(session: Session, id: str) -> Verification:
    """The effect computed anew from the stored answers of both sides."""
    found = trial(session, id)
    rules.require_completed(found.id, found.state)
    computed = masking_effect_of(session, found).as_dict()
    lines = rules.differences(found.result, computed, path="masking")
    return Verification(found.id, not lines, computed["n"], 3 * len(computed["parts"]), lines)


def compare_runs(
    session: Session, *, before_run: str, after_run: str, goal: Goal, guards: Iterable[Guard] = ()
) -> Compared:
    """The paired comparison of two completed runs. Raises NotComparable when they differ in more than the model."""
    before, after = run(session, before_run), run(session, after_run)
    for one in (before, after):
        rules.require_completed(one.id, one.state)
    about = suite(session, before.suite_id)
    return compare(
        answers(session, before.id),
        answers(session, after.id),
        goal=goal,
        guards=list(guards),
        comparable_before=comparable_of(before),
        comparable_after=comparable_of(after),
        slices=about.features,
        positive=about.positive or None,
    )


def comparable_of(found: EvaluationRun) -> dict[str, Any]:
    return rules.comparable(
        suite_sha256=found.suite_sha256, recipe=found.recipe, decoding=found.decoding, environment=found.environment
    )


def _slice_differences(
    slices: Iterable[Mapping[str, Any]], features: Mapping[str, Iterable[str]], stored: Iterable[Answer]
) -> list[str]:
    wrong = {answer.item_id: answer.predicted != answer.expected for answer in stored}
    lines = []
    for part in slices:
        groups = [set(features.get(name, ())) for name in part["features"]]
        ids = set.intersection(*groups) & wrong.keys() if groups else set()
        errors = sum(wrong[id] for id in ids)
        rest = len(wrong) - len(ids)
        computed = {
            "n": len(ids),
            "errors": errors,
            "rate": errors / len(ids) if ids else None,
            "rest_rate": (sum(wrong.values()) - errors) / rest if rest else None,
        }
        kept = {
            "n": part["n"],
            "errors": part["errors"],
            "rate": part["rate"]["estimate"],
            "rest_rate": part["rest_rate"],
        }
        lines += rules.differences(kept, computed, path=f"slices.{part['name']}")
    return lines
