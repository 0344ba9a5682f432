"""Decisions of monitoring as pure functions: budgets, burn rates, what opens and closes an alert, whose fault it is.

With an objective of 99.5 % a request in 200 may fail: that share is the error budget. A burn rate of 1 spends it
exactly by the end of the period; the three windows of the rulebook are factors of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any, Literal

from gnomon.contract.verdicts import State
from gnomon.engine.stats.interval import wilson
from gnomon.kit.errors import BadInput

Fault = Literal["network", "server", "model", "caller", "unclear"]

# Whose side the end of a request points to. A timeout and a 5xx are the model server's own; what reached no server is
# the network's; `internal` is this host's; what the model server refused is in the request that it was sent.
FAULT_OF: Mapping[str, Fault] = {
    "upstream_unreachable": "network",
    "internal": "server",
    "upstream_error": "model",
    "timeout": "model",
    "upstream_refused": "caller",
}
CLEAR_SHARE = 0.5  # a fault is named when it has more than half of what went wrong


class BadObjective(BadInput):
    code = "bad_objective"


class Topic(StrEnum):
    LATENCY = "latency"
    SUCCESS = "success"
    EXHAUSTION = "exhaustion"


@dataclass(frozen=True, slots=True)
class Spending:
    """`bad` of `total` requests against a budget: `left` is its share that remains (negative when overspent)."""

    objective: float
    days: int
    bad: int
    total: int
    left: float | None
    minutes: float  # of total outage that the whole budget is worth
    minutes_left: float | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`fault` has `share` of `n` things that went wrong; `confidence`: lower end of that share's 95 % interval."""

    fault: Fault
    counts: dict[str, int]
    share: float
    confidence: float
    n: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def error_budget(objective: float) -> float:
    """The share of requests that may fail. Raises BadObjective outside (0, 1): a promise of all leaves no budget."""
    if not 0.0 < objective < 1.0:
        raise BadObjective(
            f"An objective is a share between 0 and 1, not {objective}.", next_step="Give .995, for example."
        )
    return 1.0 - objective


def burn_limit(factor: float, *, objective: float) -> float:
    """The error ratio at which the budget is spent `factor` times too fast."""
    return factor * error_budget(objective)


def burn_rate(bad: int, total: int, *, objective: float) -> float | None:
    """How many times too fast the budget is being spent; None where nothing was seen."""
    return bad / total / error_budget(objective) if total else None


def budget_minutes(objective: float, *, days: int) -> float:
    """Minutes of total outage in `days` that the budget is worth: 216 for 99.5 % of 30 days."""
    return error_budget(objective) * days * 24 * 60


def spending(bad: int, total: int, *, objective: float, days: int) -> Spending:
    """What `bad` of `total` requests of the period leave of the budget."""
    allowed = error_budget(objective) * total
    left = 1.0 - bad / allowed if total else None
    minutes = budget_minutes(objective, days=days)
    return Spending(objective, days, bad, total, left, minutes, None if left is None else left * minutes)


def both(long: State, short: State) -> State:
    """A burn rule of two windows: broken when both are, met as soon as one is; else as unknown as the less known."""
    states = {long, short}
    if states == {State.NOT_MET}:
        return State.NOT_MET
    if State.MET in states:
        return State.MET
    return State.NOT_MEASURED if State.NOT_MEASURED in states else State.INSUFFICIENT


def change(state: State, *, is_open: bool) -> Literal["open", "close", "none"]:
    """What a judgement does to an alert. Silence is no recovery: only a met judgement closes."""
    if state is State.NOT_MET and not is_open:
        return "open"
    return "close" if state is State.MET and is_open else "none"


def diagnose(outcomes: Mapping[str, int], *, slow: int = 0, saturated: bool | None = None) -> Diagnosis:
    """Whose fault it looks like, from the outcomes that broke the rule and the answers that came too late.

    Slow answers point to the host where it is saturated, to the model where it is known not to be.
    """
    counts: dict[str, int] = {}
    for outcome, n in outcomes.items():
        if outcome in FAULT_OF and n:
            counts[FAULT_OF[outcome]] = counts.get(FAULT_OF[outcome], 0) + n
    if slow:
        late = "unclear" if saturated is None else "server" if saturated else "model"
        counts[late] = counts.get(late, 0) + slow
    n = sum(counts.values())
    if n == 0:
        return Diagnosis("unclear", {}, 0.0, 0.0, 0)
    fault = max(sorted(counts), key=lambda side: counts[side])
    share = counts[fault] / n
    named: Any = fault if share > CLEAR_SHARE else "unclear"
    return Diagnosis(named, counts, share, wilson(counts[fault], n).low, n)


def longest_gap(at: Iterable[datetime], *, until: datetime) -> timedelta | None:
    """The longest time between two samples, or from the last one to `until`; None without a sample."""
    ordered = [*sorted(at), until]
    if len(ordered) == 1:
        return None
    return max(later - earlier for earlier, later in pairwise(ordered))


def minutes_seen(at: Iterable[datetime]) -> int:
    """How many different minutes have a sample: the observations behind a mean over minutes."""
    return len({moment.replace(second=0, microsecond=0) for moment in at})


def mean(values: Sequence[float | None]) -> float | None:
    """The mean of what could be read; None when nothing could."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
