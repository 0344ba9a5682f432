"""One round of measuring: every objective and every alert rule, for every model and host, judged by the rulebook."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from gnomon.contract.thresholds import Judgement, judge
from gnomon.contract.verdicts import State
from gnomon.control.monitoring import rules
from gnomon.control.monitoring.rules import Diagnosis, Topic
from gnomon.control.monitoring.schemas import Evaluation, Point
from gnomon.control.monitoring.tables import HostSample
from gnomon.control.rulebook.rules import Rulebook
from gnomon.control.rulebook.schemas import BurnWindow, Objective
from gnomon.control.traffic.figures import Figures, Ratio, succeeded

REFUSED = "upstream_refused"
HOST_WINDOW = timedelta(minutes=15)  # over which OPS-3.3 means a utilisation
# rule: (what of a sample, indicator). The disk is judged as it is now: a mean over minutes would only be late.
HOST_RULES = {
    "cpu-high": ("cpu", "cpu_memory_utilisation_high"),
    "memory-high": ("memory", "cpu_memory_utilisation_high"),
    "gpu-high": ("gpu", "gpu_utilisation_alert"),
    "disk-high": ("disk", "disk_utilisation_alert"),
}


@dataclass(slots=True)
class Round:
    """What one round found. A point is there only where there was traffic to judge."""

    points: list[Point] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)


@dataclass(slots=True)
class ModelMeasuring:
    """Measures one model at `now`; asks the record store once for each span."""

    figures: Figures
    book: Rulebook
    model: str
    task: str
    now: datetime
    saturated: bool | None = None
    _outcomes: dict[float, dict[str, int]] = field(default_factory=dict)

    def run(self) -> Round:
        found = Round()
        for objective in objectives_of(self.book, self.task):
            self._objective(objective, found)
        window_m = _success_objective(self.book).window_m
        found.evaluations += [self._alarm(window_m), self._refusals(window_m)]
        found.evaluations += [self._burn(window) for window in self.book.slo.burn_windows]
        return found

    def _objective(self, objective: Objective, found: Round) -> None:
        ratio = self._ratio(objective)
        verdict = self._judged(objective.indicator, ratio.value, ratio)
        facts = verdict.as_dict() | {"objective": objective.id, "window_m": objective.window_m}
        if ratio.n:
            found.points.append(Point(objective.id, self.model, facts))
        outcome = objective.measure == "outcome"
        diagnosis = None
        if verdict.state is State.NOT_MET:
            diagnosis = self._fault(objective.window_m) if outcome else self._late(ratio)
        topic = Topic.SUCCESS if outcome else Topic.LATENCY
        found.evaluations.append(
            Evaluation(objective.id, topic, "ticket", verdict.state, facts, model=self.model, diagnosis=diagnosis)
        )

    def _ratio(self, objective: Objective) -> Ratio:
        if objective.measure == "outcome":
            return self._success(objective.window_m)
        since = self.now - timedelta(minutes=objective.window_m)
        return self.figures.within(objective, since, self.now, model=self.model)

    def _alarm(self, window_m: int) -> Evaluation:
        ratio = self._success(window_m)
        verdict = self._judged("success_ratio_alarm", ratio.value, ratio)
        diagnosis = self._fault(window_m) if verdict.state is State.NOT_MET else None
        facts = verdict.as_dict() | {"window_m": window_m}
        return Evaluation(
            "success-alarm", Topic.SUCCESS, "page", verdict.state, facts, model=self.model, diagnosis=diagnosis
        )

    def _refusals(self, window_m: int) -> Evaluation:
        """What the model server refused is no failure of the service, and watched here so that this hides nothing."""
        refused, judged = self._seen(window_m).get(REFUSED, 0), self._success(window_m).n
        n = refused + judged
        verdict = self._judged("upstream_refused_ratio", refused / n if n else None, Ratio(refused, n))
        diagnosis = rules.diagnose({REFUSED: refused}) if verdict.state is State.NOT_MET else None
        facts = verdict.as_dict() | {"window_m": window_m}
        return Evaluation(
            "upstream-refused", Topic.SUCCESS, "ticket", verdict.state, facts, model=self.model, diagnosis=diagnosis
        )

    def _burn(self, window: BurnWindow) -> Evaluation:
        objective = self.book.threshold(_success_objective(self.book).indicator).limit
        long, short = self._errors(window, window.long_m), self._errors(window, window.short_m)
        state = rules.both(long.state, short.state)
        facts: dict[str, Any] = {"factor": window.factor, "objective": objective}
        for name, minutes, verdict in (("long", window.long_m, long), ("short", window.short_m, short)):
            bad = round((verdict.value or 0.0) * verdict.n)
            rate = rules.burn_rate(bad, verdict.n, objective=objective)
            facts[name] = verdict.as_dict() | {"minutes": minutes, "burn_rate": rate}
        diagnosis = self._fault(window.long_m) if state is State.NOT_MET else None
        return Evaluation(
            f"burn-{window.id}", Topic.SUCCESS, window.severity, state, facts, model=self.model, diagnosis=diagnosis
        )

    def _errors(self, window: BurnWindow, minutes: int) -> Judgement:
        ratio = self._success(minutes)
        return self._judged(window.indicator, ratio.bad / ratio.n if ratio.n else None, Ratio(ratio.bad, ratio.n))

    def _judged(self, indicator: str, value: float | None, ratio: Ratio) -> Judgement:
        threshold = self.book.threshold(indicator)
        return judge(threshold, value=value, n=ratio.n, numerator=ratio.good, denominator=ratio.n)

    def _success(self, minutes: int) -> Ratio:
        return succeeded(self._seen(minutes), self.book.success_rule)

    def _seen(self, minutes: float) -> dict[str, int]:
        if minutes not in self._outcomes:
            since = self.now - timedelta(minutes=minutes)
            self._outcomes[minutes] = self.figures.outcomes(since, self.now, model=self.model)
        return self._outcomes[minutes]

    def _fault(self, minutes: int) -> Diagnosis:
        failures = self.book.success_rule.failures
        return rules.diagnose({outcome: n for outcome, n in self._seen(minutes).items() if outcome in failures})

    def _late(self, ratio: Ratio) -> Diagnosis:
        return rules.diagnose({}, slow=ratio.bad, saturated=self.saturated)


def objectives_of(book: Rulebook, task: str) -> list[Objective]:
    """The objectives that speak about models of this kind of task."""
    return [objective for objective in book.slo.objectives if task in objective.tasks]


def budget(figures: Figures, book: Rulebook, objective: Objective, *, model: str, now: datetime) -> dict[str, Any]:
    """What the objective's period has left of its error budget, with the counts it was made of."""
    ratio = figures.within(objective, now - timedelta(days=objective.objective_d), now, model=model)
    limit = book.threshold(objective.indicator).limit
    return rules.spending(ratio.bad, ratio.n, objective=limit, days=objective.objective_d).as_dict()


def hosts(samples: Mapping[str, Sequence[HostSample]], book: Rulebook) -> list[Evaluation]:
    """The exhaustion rules for each host, from its samples of the last window (oldest first)."""
    return [_host(book, host, rule, seen) for host, seen in samples.items() if seen for rule in HOST_RULES]


def saturated(evaluations: Iterable[Evaluation]) -> bool | None:
    """Whether a processor or memory is exhausted somewhere; None while that is not known of any host."""
    states = {one.state for one in evaluations if one.rule in ("cpu-high", "memory-high", "gpu-high")}
    if State.NOT_MET in states:
        return True
    return False if State.MET in states else None


def _host(book: Rulebook, host: str, rule: str, samples: Sequence[HostSample]) -> Evaluation:
    what, indicator = HOST_RULES[rule]
    looked_at = samples[-1:] if what == "disk" else samples
    readable = [sample for sample in looked_at if getattr(sample, what) is not None]
    value = rules.mean([getattr(sample, what) for sample in readable])
    n = rules.minutes_seen(sample.at for sample in readable)
    verdict = judge(book.threshold(indicator), value=value, n=n)
    return Evaluation(rule, Topic.EXHAUSTION, "ticket", verdict.state, verdict.as_dict(), host=host)


def _success_objective(book: Rulebook) -> Objective:
    return next(objective for objective in book.slo.objectives if objective.measure == "outcome")
