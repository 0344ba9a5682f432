"""Checks of evaluation itself: sets by content, looks counted, figures with intervals, leaks."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from gnomon.contract.thresholds import Threshold, judge
from gnomon.contract.verdicts import State
from gnomon.control.catalog import queries as catalog
from gnomon.control.evaluation import queries, rules
from gnomon.control.evaluation.tables import Comparison, EvaluationRun, Look
from gnomon.control.evidence import actions as evidence
from gnomon.kit.work import Work, action, system_action

INSTALLATION = ("installation", "evaluation")


@system_action("evaluation.check")
def record_checks(work: Work, *, violations: Threshold) -> None:
    """Evidence of what evaluation keeps of its own rules. `violations`: how many records may break a gate."""
    work.about(*INSTALLATION)
    completed = list(work.session.scalars(select(EvaluationRun).where(EvaluationRun.state == "completed")))
    bare = {run.id: rules.figures_without_interval(run.scores) for run in completed}
    _gate(
        work,
        violations,
        source="evaluation.figures_without_interval",
        rule="every figure has an interval",
        examined=len(bare),
        broken=[id for id, names in bare.items() if names],
    )
    opened = {look.id for look in work.session.scalars(select(Look))}
    sealed = {suite.id for suite in queries.suites(work.session) if suite.sealed}
    touched = [run for run in completed if run.suite_id in sealed]
    _gate(
        work,
        violations,
        source="evaluation.sealed_uses_counted",
        rule="every run on a sealed set is a counted look",
        examined=len(touched),
        broken=[run.id for run in touched if run.id not in opened],
    )
    pairs = list(work.session.scalars(select(Comparison)))
    _gate(
        work,
        violations,
        source="evaluation.incomparable_compared",
        rule="only what differs in the model alone is compared",
        examined=len(pairs),
        broken=[pair.id for pair in pairs if not _is_comparable(work, pair)],
    )
    _register(work)


@action("suite.verify")
def request_leak_check(work: Work, suite_id: str, *, dataset_ids: Sequence[str]) -> str:
    """A search for near duplicates between the suite and these data sets is queued; returns the job's id."""
    suite = queries.suite(work.session, suite_id)
    for id in dataset_ids:
        catalog.dataset(work.session, id)
    work.about("suite", suite.id, datasets=list(dataset_ids))
    return work.enqueue("evaluation.check_leaks", suite.id, dataset_ids=list(dataset_ids))


@system_action("suite.record_leaks")
def record_leaks(work: Work, suite_id: str, *, found: Mapping[str, int], threshold: Threshold) -> None:
    """How many near duplicates of its items each data set holds, as evidence."""
    suite = queries.suite(work.session, suite_id)
    total = sum(found.values())
    verdict = judge(threshold, value=float(total), n=suite.n, numerator=total, denominator=suite.n)
    work.about("suite", suite.id, leaks=dict(found))
    for dataset_id, leaks in found.items():
        dataset = catalog.dataset(work.session, dataset_id)
        evidence.record(
            work,
            source="evaluation.leaks_checked",
            kind="data_check",
            subject=("suite", suite.id),
            state=verdict.state,
            facts={
                "dataset": dataset_id,
                "dataset_hash": dataset.sha256,
                "suite_hash": suite.sha256,
                "checks": ["near duplicates of test items"],
                "n": dataset.n,
                "findings": leaks,
                "judgement": verdict.as_dict(),
            },
        )


def _gate(work: Work, limit: Threshold, *, source: str, rule: str, examined: int, broken: Sequence[str]) -> None:
    verdict = judge(limit, value=float(len(broken)) if examined else None, n=examined, numerator=len(broken))
    facts: dict[str, Any] = {"rule": rule, "examined": examined, "violations": len(broken), "broken": list(broken)[:20]}
    evidence.record(
        work,
        source=source,
        kind="gate_check",
        subject=INSTALLATION,
        state=verdict.state,
        facts=facts | {"judgement": verdict.as_dict()},
    )


def _is_comparable(work: Work, pair: Comparison) -> bool:
    before, after = (queries.comparable_of(queries.run(work.session, id)) for id in (pair.before_run, pair.after_run))
    return before == after and None not in before.values()


def _register(work: Work) -> None:
    suites = queries.suites(work.session)
    missing = sorted({"development", "validation", "test"} - {suite.purpose for suite in suites})
    incomplete = [suite.id for suite in suites if len(suite.sha256) != 64 or not suite.source or not suite.licence]
    state = State.NOT_MEASURED if not suites else State.NOT_MET if missing or incomplete else State.MET
    evidence.record(
        work,
        source="evaluation.suites_versioned",
        kind="register_check",
        subject=INSTALLATION,
        state=state,
        facts={"register": "suites", "entries": len(suites), "incomplete": incomplete, "missing": missing},
    )
