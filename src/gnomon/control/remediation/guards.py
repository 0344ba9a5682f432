"""The guards of a plan as they are frozen: the rulebook's figures, tightened or openly loosened by the plan."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from gnomon.control.remediation import rules
from gnomon.control.remediation.schemas import Deviation, GuardIn, LiveGuardIn, Plan
from gnomon.control.rulebook import rules as rulebook
from gnomon.engine.stats.goals import Guard
from gnomon.engine.stats.metrics import metric
from gnomon.engine.stats.sentences import metric_words

ON_TRAFFIC = ("success_ratio", "latency_p95_ms")

Frozen = dict[str, Any]


def frozen_guards(plan: Plan, *, today: date) -> tuple[list[Frozen], list[Frozen], list[Frozen]]:
    """(guards on the same items, live guards, deviations). Raises BadPlan, LooserThanRulebook, UnknownMetric."""
    deviations: list[Frozen] = []
    guards: list[Frozen] = []
    for place, given in enumerate(plan.guards):
        frozen, looser = _guard(given)
        name = f"guard {given.metric} {given.slice}".strip()
        zh, en = metric_words(given.metric)
        title = (f"{zh} {given.slice} ", f"{en} {given.slice}".strip()) if given.slice else (zh, en)
        deviations += _declared(name, "guards", place, looser, title, given.deviation, today)
        guards.append(frozen)
    live_guards: list[Frozen] = []
    for place, live in enumerate(plan.live_guards):
        frozen, looser = _live_guard(live)
        title = _live_title(live.indicator)
        name = f"live {live.indicator}"
        deviations += _declared(name, "live_guards", place, looser, title, live.deviation, today)
        live_guards.append(frozen)
    return guards, live_guards, deviations


def _declared(
    name: str,
    kind: rules.Kind,
    place: int,
    looser: list[rules.Looser],
    title: tuple[str, str],
    given: Deviation | None,
    today: date,
) -> list[Frozen]:
    reason, until = (given.reason, given.until) if given else ("", None)
    return rules.declared(name, kind, place, looser, title=title, reason=reason, until=until, today=today)


def _live_title(indicator: str) -> tuple[str, str]:
    title = next(one.title for one in rulebook.load().thresholds if one.indicator == indicator)
    return f"线上{title.zh}", f"live {title.en}"


def _guard(guard: GuardIn) -> tuple[Frozen, list[rules.Looser]]:
    """What the plan leaves out comes from the rulebook's guards."""
    metric(guard.metric)
    house = _house(guard)
    margin = guard.margin if guard.margin is not None else house.get("margin")
    if margin is None:
        raise rules.BadPlan(
            f"The rulebook has no margin for {guard.metric}.", next_step="Give the guard a margin of its own."
        )
    relative = guard.relative if guard.relative is not None else bool(house.get("relative", False))
    alpha = guard.alpha if guard.alpha is not None else house["alpha"]
    frozen = Guard(guard.metric, margin, relative=relative, slice=guard.slice, alpha=alpha).as_dict()
    return frozen, rules.looser_guard(frozen, house)


def _house(guard: GuardIn) -> Mapping[str, Any]:
    """What the rulebook says of this guard: always an alpha, a margin with its scale where it knows the metric."""
    house = rulebook.load().guards
    wanted = "critical_slice_accuracy" if guard.slice and guard.metric == "accuracy" else guard.metric
    known = next((one for one in house.guards if one.id == wanted), None)
    alpha = {"alpha": house.statistics.guard_alpha}
    return alpha | ({"margin": known.margin, "relative": known.scale == "relative"} if known else {})


def _live_guard(guard: LiveGuardIn) -> tuple[Frozen, list[rules.Looser]]:
    book = rulebook.load()
    if guard.evidence_source:
        if not any(control.threshold == guard.indicator for control in book.controls_from(guard.evidence_source)):
            raise rules.BadPlan(
                f"The source {guard.evidence_source} does not measure {guard.indicator}.",
                next_step="Name the source of a control that is judged by this indicator.",
            )
        return {"indicator": guard.indicator, "evidence_source": guard.evidence_source}, []
    if guard.indicator not in ON_TRAFFIC:
        raise rules.BadPlan(
            f"{guard.indicator} is not measured on one target's traffic.",
            next_step=f"Use {' or '.join(ON_TRAFFIC)}, or name an evidence source.",
        )
    house = book.threshold(guard.indicator).as_dict()
    limit = dict(house)
    if guard.limit is not None:
        limit |= {"limit": guard.limit, "source": "remediation plan"}
    if guard.min_n is not None:
        limit |= {"min_n": guard.min_n}
    return {"indicator": guard.indicator, "evidence_source": "", "threshold": limit}, rules.looser_limit(limit, house)
