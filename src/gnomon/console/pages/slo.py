"""How the service keeps its promises: every objective with its curve and budget, one service in depth, the alerts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response

from gnomon.console.pages import _loop, _words, alerts
from gnomon.console.pages._loop import Cell
from gnomon.console.reader import Reader, ReaderDep
from gnomon.contract.verdicts import State
from gnomon.control.monitoring import queries
from gnomon.control.monitoring.queries import ModelStanding, ObjectiveStanding
from gnomon.control.monitoring.tables import Alert, RuleRun
from gnomon.control.rulebook.schemas import Objective
from gnomon.engine import charts
from gnomon.engine.charts import Chart, Series
from gnomon.kit import i18n
from gnomon.kit.i18n import mark
from gnomon.kit.web import allow

router = APIRouter(include_in_schema=False)

RANGES: Final = {
    "15m": (timedelta(minutes=15), mark("15 分钟")),
    "1h": (timedelta(hours=1), mark("1 小时")),
    "24h": (timedelta(hours=24), mark("24 小时")),
    "7d": (timedelta(days=7), mark("7 天")),
}
DEFAULT: Final = "1h"
_RISK: Final = "at_risk"


@dataclass(frozen=True, slots=True)
class Promise:
    """One objective of one model as the page shows it."""

    standing: ObjectiveStanding
    tone: str
    word: str
    sli: str
    shown: str  # value with what it was counted from
    target: str
    chart: Chart
    at: datetime | None
    left: str
    spent: str
    over: bool


@dataclass(frozen=True, slots=True)
class Service:
    standing: ModelStanding
    promises: list[Promise]
    burns: list[list[Cell]]


@router.get("/slo", dependencies=[allow("slo.view")])
def overview(reader: ReaderDep) -> Response:
    return _loop.show(reader, "slo.html", ranges=range_tabs(reader), **_board(reader))


@router.get("/slo/live", dependencies=[allow("slo.view")])
def live(reader: ReaderDep) -> Response:
    """The inside of the board, measured anew."""
    return _loop.show(reader, "slo_live.html", **_board(reader))


def range_tabs(reader: Reader) -> list[tuple[str, str, bool, None]]:
    now = range_of(reader)
    return [
        (reader.context.gettext(word), reader.view.to(range=key), key == now, None)
        for key, (_span, word) in RANGES.items()
    ]


def range_of(reader: Reader) -> str:
    chosen = reader.view.get("range", DEFAULT)
    return chosen if chosen in RANGES else DEFAULT


def _board(reader: Reader) -> dict[str, Any]:
    found = [service_of(reader, one) for one in queries.overview(reader.session, reader.book, reader.now)]
    states = [_state_of(promise.standing, service.standing) for service in found for promise in service.promises]
    counts = {name: states.count(name) for name in ("met", _RISK, "not_met", "insufficient", "not_measured")}
    host_alerts = [one for one in queries.open_alerts(reader.session) if not one.model]
    return {
        "services": found,
        "counts": counts,
        "total": len(states),
        "sentence": _with_alerts(reader, _sentence(reader, counts, len(states)), queries.open_alerts(reader.session)),
        "host_alerts": host_alerts,
        "alert_cells": alerts.alert_cells(reader),
        "at": reader.now,
        "live_url": f"/slo/live?range={range_of(reader)}",
        "range": range_of(reader),
    }


def _sentence(reader: Reader, counts: Mapping[str, int], total: int) -> tuple[str, str]:
    _ = reader.context.gettext
    if not total:
        return "idle", _("还没有登记在用的模型，没有可测量的目标。")
    if counts["not_met"]:
        text = _("%(n)s 项目标未达标，共 %(total)s 项。", n=counts["not_met"], total=total)
        return "bad", text
    if counts[_RISK]:
        return "warn", _("%(n)s 项目标达标但有风险，共 %(total)s 项。", n=counts[_RISK], total=total)
    unknown = counts["insufficient"] + counts["not_measured"]
    if unknown == total:
        return "idle", _("%(total)s 项目标都还没有足够的测量，不能判定。", total=total)
    if unknown:
        return "info", _("已测量的目标都达标；%(n)s 项未测量或数据不足，不能判定。", n=unknown)
    return "ok", _("%(total)s 项目标全部达标。", total=total)


def _with_alerts(reader: Reader, said: tuple[str, str], alerts: Sequence[Alert]) -> tuple[str, str]:
    """An open alert is told in the same breath, and never beside a calm mark."""
    if not alerts:
        return said
    tone, text = said
    more = reader.context.gettext("%(n)s 条告警未解除。", n=len(alerts))
    return ("bad" if tone == "bad" else "warn"), f"{text} {more}"


def _state_of(one: ObjectiveStanding, model: ModelStanding) -> str:
    """The judged state; a met one is at risk while an alert of it is open or its budget is overspent."""
    if one.state is not State.MET:
        return one.state.value
    alarmed = {alert.rule for alert in model.alerts}
    broken = one.objective.measure == "outcome" and any(run.state == State.NOT_MET.value for run in model.burns)
    return _RISK if one.objective.id in alarmed or broken or (_left(one) is not None and _left(one) <= 0) else "met"  # type: ignore[operator]


def _left(one: ObjectiveStanding) -> float | None:
    left = one.budget.facts.get("left") if one.budget else None
    return None if left is None else float(left)


def service_of(reader: Reader, standing: ModelStanding) -> Service:
    return Service(
        standing,
        [_promise(reader, one, standing) for one in standing.objectives],
        [_burn(reader, run) for run in standing.burns],
    )


def _promise(reader: Reader, one: ObjectiveStanding, model: ModelStanding) -> Promise:
    _, locale = reader.context.gettext, reader.context.locale
    state = _state_of(one, model)
    tone, word = ("warn", _("有风险")) if state == _RISK else _words.badge(reader.context, "verdict", state)
    limit = reader.book.threshold(one.objective.indicator).limit
    points = queries.series(
        reader.session, model=model.model, objective=one.objective.id, since=reader.now - RANGES[range_of(reader)][0]
    )
    sli = _sli(reader, one.objective)
    title = reader.say(one.objective.title)
    chart = charts.line(
        title,
        [point.at for point in points],
        [Series(_("达成率"), [point.value for point in points])],
        locale=locale,
        zone=reader.context.zone,
        method=sli,
        n=one.point.n if one.point else 0,
        target=limit,
        low=_floor([limit, *(point.value for point in points if point.value is not None)]),
        high=1.0,
        digits=2,
        percent=True,
        height=152,
    )
    budget, left = one.budget, _left(one)
    return Promise(
        standing=one,
        tone=tone,
        word=word,
        sli=sli,
        shown=_shown(reader, one),
        target=_("≥ %(limit)s", limit=i18n.percent(limit, locale, digits=2)),
        chart=chart,
        at=one.point.at if one.point else None,
        left=_budget_text(reader, budget.facts) if budget else _("错误预算还没有计算"),
        spent=i18n.percent(left, locale, digits=1),
        over=left is not None and left <= 0,
    )


def _floor(values: Sequence[float]) -> float:
    """Where the axis begins: below the lowest value by half of what that lacks to the whole."""
    lowest = min(values)
    return max(0.0, lowest - (1 - lowest) / 2)


def _shown(reader: Reader, one: ObjectiveStanding) -> str:
    _, locale = reader.context.gettext, reader.context.locale
    if one.point is None or one.point.value is None:
        return _("没有请求可供测量")
    good, counted = one.point.judgement["numerator"], one.point.judgement["denominator"]
    return _(
        "%(value)s（%(good)s / %(counted)s）",
        value=i18n.percent(one.point.value, locale, digits=2),
        good=i18n.number(good, locale),
        counted=i18n.number(counted, locale),
    )


def _budget_text(reader: Reader, facts: Mapping[str, Any]) -> str:
    _, locale = reader.context.gettext, reader.context.locale
    if not facts["total"]:
        return _("%(days)s 天内没有请求", days=facts["days"])
    minutes = facts.get("minutes_left")
    left = i18n.duration(timedelta(minutes=float(minutes)), locale) if minutes is not None else i18n.NOT_MEASURED
    return _(
        "%(days)s 天内失败 %(bad)s / %(total)s，预算余 %(left)s",
        days=facts["days"],
        bad=i18n.number(facts["bad"], locale),
        total=i18n.number(facts["total"], locale),
        left=left,
    )


def _sli(reader: Reader, objective: Objective) -> str:
    """How the objective is declared to be measured."""
    _ = reader.context.gettext
    window = i18n.duration(timedelta(minutes=objective.window_m), reader.context.locale)
    if objective.measure == "outcome":
        return _("成功的请求占计入口径的请求；窗口 %(window)s", window=window)
    what = _("首字时延") if objective.measure == "first_token" else _("端到端时延")
    how = _("流式") if objective.streaming else _("非流式")
    limit = i18n.number(objective.limit_ms, reader.context.locale)
    return _(
        "%(how)s请求中%(what)s不超过 %(limit)s ms 的占比；窗口 %(window)s",
        how=how,
        what=what,
        limit=limit,
        window=window,
    )


def _burn(reader: Reader, run: RuleRun) -> list[Cell]:
    facts = run.facts
    return [
        Cell(run.rule.removeprefix("burn-"), code=True),
        Cell(_rate(reader, facts["long"])),
        Cell(_rate(reader, facts["short"])),
        _loop.number(reader, facts["factor"], digits=1),
        _loop.status(reader, "verdict", run.state),
        _loop.moment(reader, run.at),
    ]


def _rate(reader: Reader, window: Mapping[str, Any]) -> str:
    locale = reader.context.locale
    span = i18n.duration(timedelta(minutes=window["minutes"]), locale)
    rate = window["burn_rate"]
    return f"{span}  {i18n.number(rate, locale, digits=2)}{'×' if rate is not None else ''}"
