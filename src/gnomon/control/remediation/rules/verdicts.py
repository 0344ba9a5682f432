"""Whether a round reached what it promised: goals, guards on the same items, guards from live traffic."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from gnomon.contract.thresholds import Threshold, judge
from gnomon.contract.verdicts import State

Verdict = Literal["met", "not_met", "insufficient", "invalid"]


@dataclass(frozen=True, slots=True)
class LiveResult:
    """A guard judged by what happened outside the test set; `detail` says from what."""

    indicator: str
    state: State
    detail: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        return {"indicator": self.indicator, "state": self.state.value, "detail": self.detail}


def verdict(
    *,
    goals: Sequence[State],
    guards: Sequence[State],
    live: Sequence[State],
    frozen_at: datetime,
    run_requested_at: datetime,
    plan_intact: bool,
) -> Verdict:
    """Met when every goal and every guard is. A run from before the freeze, or a changed plan, judges nothing.

    No goal is no success, and what was not measured is never met.
    """
    if run_requested_at <= frozen_at or not plan_intact:
        return "invalid"
    states = [*goals, *guards, *live]
    if State.NOT_MET in states:
        return "not_met"
    return "met" if goals and all(state is State.MET for state in states) else "insufficient"


def unmet(results: Mapping[str, State]) -> list[str]:
    """The names of what is not met, by name: what the next round has to carry."""
    return sorted(name for name, state in results.items() if state is not State.MET)


def live_result(
    threshold: Threshold,
    *,
    outcomes: Mapping[str, int],
    p95_ms: float | None,
    failures: Sequence[str],
    ignored: Sequence[str],
) -> LiveResult:
    """A guard on one target's traffic. `failures` and `ignored` are the success rule's outcomes.

    The indicator is `success_ratio` or `latency_p95_ms`; another one is not measured.
    """
    counted = sum(n for outcome, n in outcomes.items() if outcome not in ignored)
    failed = sum(n for outcome, n in outcomes.items() if outcome in failures)
    if threshold.indicator == "success_ratio":
        good = counted - failed
        value = good / counted if counted else None
        judgement = judge(threshold, value=value, n=counted, numerator=good, denominator=counted)
    elif threshold.indicator == "latency_p95_ms":
        judgement = judge(threshold, value=p95_ms, n=outcomes.get("ok", 0))
    else:
        judgement = judge(threshold, value=None, n=0)
    return LiveResult(threshold.indicator, judgement.state, judgement.as_dict())
