"""A run as pages and documents show it: figures, confusion, slices, the ROC curve, latencies."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from gnomon.control.evaluation import queries, rules
from gnomon.control.evaluation.tables import EvaluationRun
from gnomon.engine.scoring import Answer


def report(session: Session, run: EvaluationRun) -> dict[str, Any]:
    """Raises RunNotComplete before the run has figures."""
    rules.require_completed(run.id, run.state)
    suite = queries.suite(session, run.suite_id)
    answers = queries.answers(session, run.id)
    return {
        "suite": {"id": suite.id, "name": suite.name, "n": suite.n, "sealed": suite.sealed, "looks": suite.looks},
        "figures": run.scores["figures"],
        "n_scored": run.scores["n"],
        "unanswered": run.scores["unanswered"],
        "outside": run.scores["outside"],
        "outcomes": run.scores["outcomes"],
        "confusion": run.scores["confusion"],
        "slices": run.slices,
        "roc": roc_points(answers, suite.positive) if suite.positive else [],
        "positive": suite.positive,
        "latencies_ms": sorted(answer.latency_ms for answer in answers if answer.latency_ms is not None),
        "resources": run.resources,
        "failures": sum(answer.predicted != answer.expected for answer in answers),
        "comparisons": [found.id for found in queries.comparisons(session, run_id=run.id)],
    }


def roc_points(answers: Sequence[Answer], positive: str) -> list[list[float]]:
    """[false-positive rate, true-positive rate] from (0, 0) to (1, 1), one step a distinct score.

    Over the items with scores; empty when one class has none.
    """
    scored = [(answer.scores.get(positive, 0.0), answer.expected == positive) for answer in answers if answer.scores]
    positives = sum(is_positive for _, is_positive in scored)
    negatives = len(scored) - positives
    if not positives or not negatives:
        return []
    points = [[0.0, 0.0]]
    hits = alarms = 0
    ranked = sorted(scored, reverse=True)
    for place, (value, is_positive) in enumerate(ranked):
        hits, alarms = hits + is_positive, alarms + (not is_positive)
        if place + 1 == len(ranked) or ranked[place + 1][0] != value:  # equal scores are one step
            points.append([alarms / negatives, hits / positives])
    return points
