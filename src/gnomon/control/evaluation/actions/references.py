"""Set a run beside what it has to be measured against: its launch baseline, an industry figure, a competitor."""

from typing import Any

from gnomon.contract.verdicts import State
from gnomon.control.evaluation import queries, rules
from gnomon.control.evaluation.schemas import Reference, References
from gnomon.control.evidence import actions as evidence
from gnomon.control.evidence.tables import Artefact
from gnomon.kit.work import Work, action


@action("evaluation.compare")
def record_references(work: Work, run_id: str, given: References) -> Artefact:
    """Evidence of how far a completed run is from each reference; one that does not exist is told with its reason.

    Raises RunNotComplete, and BadReference for a metric that the run does not have.
    """
    run = queries.run(work.session, run_id)
    rules.require_completed(run.id, run.state)
    work.about("evaluation_run", run.id, metric=given.metric, baseline=given.baseline_run_id)
    mine = rules.value_of(run.scores, given.metric)
    told: dict[str, Any] = {"baseline": _baseline(work, given, suite_sha256=run.suite_sha256)}
    told |= {"industry": _plain(given.industry), "competitor": _plain(given.competitor)}
    distances = {name: round(mine - one["value"], 6) for name, one in told.items() if one.get("value") is not None}
    return evidence.record(
        work,
        source="evaluation.references_compared",
        kind="reference_comparison",
        subject=("evaluation_run", run.id),
        state=State.MET if distances else State.INSUFFICIENT,  # three reasons are no comparison
        facts={
            "suite": run.suite_id,
            **told,
            "results": {"metric": given.metric, "value": mine, "n": run.scores["n"], "distances": distances},
        },
    )


def _baseline(work: Work, given: References, *, suite_sha256: str) -> dict[str, Any]:
    if not given.baseline_run_id:
        return {"reason": given.no_baseline_because}
    before = queries.run(work.session, given.baseline_run_id)
    rules.require_completed(before.id, before.state)
    if before.suite_sha256 != suite_sha256:
        raise rules.BadReference(
            f"The run {before.id} was made on another set.", next_step="Name a run on the same set.", run=before.id
        )
    return {"run": before.id, "value": rules.value_of(before.scores, given.metric)}


def _plain(reference: Reference) -> dict[str, Any]:
    return reference.model_dump(exclude_defaults=True)
