"""What tuning keeps of its own rules: the cost of every training is counted."""

from gnomon.contract.verdicts import State
from gnomon.control.rulebook.checks import CheckContext, CheckResult, check
from gnomon.control.tuning import queries, rules
from gnomon.kit.clock import iso


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
    counted = [run for run in ended if float(run.result.get("cpu_seconds") or 0) > 0]  # a real training used some
    uncounted = sorted({run.id for run in ended} - {run.id for run in counted})
    minutes = round(sum(rules.cpu_minutes(run.result) for run in counted), 4)
    return CheckResult(
        n=len(ended),
        facts={
            "indicator": "compute_cpu_minutes",
            "window_start": iso(context.since),
            "window_end": iso(context.now),
            "method": "processor time of each trainer's process, from the operating system",
            "uncounted": uncounted,
        },
        value=minutes,
        state=State.NOT_MET if uncounted else State.MET,
        numerator=len(ended) - len(uncounted),
        denominator=len(ended),
    )
