"""Checks of live traffic: within its time, answered, timed, known, and refused past a limit."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from gnomon.contract.verdicts import State
from gnomon.control.catalog.tables import Model
from gnomon.control.rulebook.checks import SHOWN, CheckContext, CheckResult, check, gate
from gnomon.control.traffic import overrun
from gnomon.control.traffic.figures import Figures, Ratio, succeeded
from gnomon.kit import services
from gnomon.kit.clock import iso

REFUSED = ("limited", "banned")


@check("traffic.latency_share_within")
def latency_share_within(ctx: CheckContext) -> CheckResult | None:
    """Whole answers within the limit of their model's kind of task, over all registered models."""
    figures = _figures(ctx)
    total, by_model = Ratio(0, 0), {}
    for model in ctx.session.scalars(select(Model).order_by(Model.name)):
        for objective in ctx.rulebook.slo.objectives:
            if objective.measure != "total" or model.task not in objective.tasks:
                continue
            ratio = figures.within(objective, ctx.since, ctx.now, model=model.name)
            total += ratio
            by_model[model.name] = {"limit_ms": objective.limit_ms, "within": ratio.good, "n": ratio.n}
    return _measured(ctx, total, {"models": by_model})


@check("traffic.success_ratio")
def success_ratio(ctx: CheckContext) -> CheckResult | None:
    outcomes = _figures(ctx).outcomes(ctx.since, ctx.now)
    ratio = succeeded(outcomes, ctx.rulebook.success_rule)
    return _measured(ctx, ratio, {"outcomes": outcomes, "success_rule": ctx.rulebook.success_rule.version})


@check("traffic.timing_coverage")
def timing_coverage(ctx: CheckContext) -> CheckResult | None:
    return _measured(ctx, _figures(ctx).timed(ctx.since, ctx.now), {})


@check("traffic.unregistered_models")
def unregistered_models(ctx: CheckContext) -> CheckResult | None:
    """Models that were served and stand in no register."""
    served = _figures(ctx).models(ctx.since, ctx.now)
    known = set(ctx.session.scalars(select(Model.name)))
    return gate("what is served is registered", examined=len(served), broken=set(served) - known)


@check("traffic.limits_enforced", costly=True)
def limits_enforced(ctx: CheckContext) -> CheckResult | None:
    """An event, seen in the records: requests past a limit or under a ban were refused, and none past one was served.

    None while nothing was refused. What was served is held against the limits of keys, teams and models: requests,
    tokens, requests at once, tokens and cost of a day.
    """
    figures = _figures(ctx)
    outcomes = figures.outcomes(ctx.since, ctx.now)
    refused = {outcome: outcomes[outcome] for outcome in REFUSED if outcomes.get(outcome)}
    zone = services.settings().timezone
    limits, over = overrun.find(ctx.session, figures, ctx.since, ctx.now, zone=zone)
    if not refused and not over:
        return None
    facts = {
        "rule": "requests past a limit of rate, tokens, slots or day are refused",
        "window_start": iso(ctx.since),
        "window_end": iso(ctx.now),
        "refused": refused,
        "limits_examined": limits,
        "served_past_a_limit": [asdict(one) for one in over[:SHOWN]],
        "served_past_a_limit_count": len(over),
    }
    state = State.NOT_MET if over else State.MET
    return CheckResult(n=sum(refused.values()) + len(over), state=state, facts=facts)


@check("traffic.content_retention")
def content_retention(ctx: CheckContext) -> CheckResult | None:
    """How old the oldest masked request or reply is that is still kept. None while none is."""
    (found,) = ctx.service("records").query("content")
    if not found["n"]:
        return None
    oldest = datetime.fromtimestamp(found["oldest"], UTC)
    facts = {
        "log_class": "content",
        "retention_days": ctx.rulebook.threshold("content_retention_days").limit,
        "oldest": iso(oldest),
        "kept": found["n"],
    }
    return CheckResult(n=found["n"], value=(ctx.now - oldest) / timedelta(days=1), facts=facts)


@check("traffic.quarantine_retention")
def quarantine_retention(ctx: CheckContext) -> CheckResult | None:
    """How old the oldest line is that could not be stored and is kept aside; nothing aside is measured too."""
    found = ctx.service("records").health()["quarantine"]
    oldest = datetime.fromtimestamp(found["oldest"], UTC) if found["oldest"] is not None else None
    facts = {
        "log_class": "quarantine",
        "retention_days": ctx.rulebook.threshold("quarantine_retention_days").limit,
        "oldest": iso(oldest) if oldest else None,
        "kept": found["lines"],
    }
    age = (ctx.now - oldest) / timedelta(days=1) if oldest else 0.0
    return CheckResult(n=max(found["lines"], 1), value=age, facts=facts)


def _figures(ctx: CheckContext) -> Figures:
    return Figures(ctx.service("records"), ctx.rulebook.success_rule)


def _measured(ctx: CheckContext, ratio: Ratio, facts: dict[str, Any]) -> CheckResult | None:
    if ratio.n == 0:
        return None
    span = {"window_start": iso(ctx.since), "window_end": iso(ctx.now)}
    return CheckResult(n=ratio.n, value=ratio.value, numerator=ratio.good, denominator=ratio.n, facts=span | facts)
