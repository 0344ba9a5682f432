"""What tuning keeps of its own rules: the cost of every training is counted."""

from gnomon.contract.verdicts import State
from gnomon.control.rulebook.checks import CheckContext, CheckResult, check
from gnomon.control.tuning import queries, rules


@check("tuning.compute_cost_counted")
def compute_cost_counted(context: CheckContext) -> CheckResult | None:
    """Trainings that completed within the window, and the processor time that they used."""
    ended = [
        run
        for run in queries.trainings(context.session)
        if run.state == "completed" and run.finished_at and run.finished_at >= context.since
    ]
    if not ended:
        return None
    uncounted = [run.id for run in ended if "cpu_seconds" not in run.result]
    minutes = round(sum(rules.cpu_minutes(run.result) for run in ended), 4)
    return CheckResult(
        n=len(ended),
        facts={"indicator": "compute_cpu_minutes", "uncounted": uncounted},
        value=minutes,
        state=State.NOT_MET if uncounted else State.MET,
        numerator=len(ended) - len(uncounted),
        denominator=len(ended),
    )
