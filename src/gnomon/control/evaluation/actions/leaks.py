"""Look for items of a suite among the rows of data sets."""

from collections.abc import Mapping, Sequence

from gnomon.contract.thresholds import Threshold, judge
from gnomon.control.catalog import queries as catalog
from gnomon.control.evaluation import queries
from gnomon.control.evidence import actions as evidence
from gnomon.kit.work import Work, action, system_action


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
