"""How the service keeps its promises: every objective with its curve and budget, one service in depth, the alerts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Form
from fastapi.responses import Response

from gnomon.console.pages import _loop, _words
from gnomon.console.pages._loop import Cell, Line
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.console.urls import Column
from gnomon.contract.verdicts import State
from gnomon.control.catalog import queries as catalog
from gnomon.control.monitoring import actions, queries
from gnomon.control.monitoring.queries import ModelStanding, ObjectiveStanding
from gnomon.control.monitoring.tables import Alert, RuleRun
from gnomon.control.rulebook.schemas import Objective
from gnomon.engine import charts
from gnomon.engine.charts import Bar, Chart, Series
from gnomon.kit import i18n, services
from gnomon.kit.errors import Unavailable
from gnomon.kit.i18n import mark
from gnomon.kit.web import WorkDep, allow

router = APIRouter(include_in_schema=False)

RANGES: Final = {
    "15m": (timedelta(minutes=15), mark("15 分钟")),
    "1h": (timedelta(hours=1), mark("1 小时")),
    "24h": (timedelta(hours=24), mark("24 小时")),
    "7d": (timedelta(days=7), mark("7 天")),
}
DEFAULT: Final = "1h"
_BUCKETS_S: Final = {"15m": 60, "1h": 60, "24h": 900, "7d": 7200}
_FAULTS: Final = {
    "network": mark("网络"),
    "server": mark("主机"),
    "model": mark("模型服务"),
    "caller": mark("调用方"),
    "unclear": mark("不明"),
}
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
    return _loop.show(reader, "slo.html", ranges=_ranges(reader), **_board(reader))


@router.get("/slo/live", dependencies=[allow("slo.view")])
def live(reader: ReaderDep) -> Response:
    """The inside of the board, measured anew."""
    return _loop.show(reader, "slo_live.html", **_board(reader))


@router.get("/slo/services/{model}", dependencies=[allow("slo.view")])
def service(model: str, reader: ReaderDep) -> Response:
    """One model in depth: budget and burn, then its traffic by outcome, caller, target and masked entity."""
    found = catalog.model(reader.session, model)
    standing = next(
        (one for one in queries.overview(reader.session, reader.book, reader.now) if one.model == model), None
    )
    return _loop.show(
        reader,
        "slo_service.html",
        model=found,
        ranges=_ranges(reader),
        service=_service(reader, standing) if standing else None,
        alerts=[alert for alert in queries.alerts(reader.session) if alert.model == model][:20],
        alert_cells=_alert_cells(reader),
        traffic=_traffic(reader, model),
    )


@router.get("/alerts", dependencies=[allow("alert.view")])
def alerts(reader: ReaderDep) -> Response:
    """Every alert, open ones first."""
    _ = reader.context.gettext
    columns = [
        Column("opened", _("发生时间")),
        Column("rule", _("规则")),
        Column("about", _("对象")),
        Column("state", _("状态")),
        Column("severity", _("级别")),
        Column("fault", _("初步归因")),
        Column("value", _("测量值"), num=True),
        Column("lasted", _("持续"), num=True),
        Column("hands", _("认领人")),
    ]
    cells = _alert_cells(reader)
    found = queries.alerts(reader.session, limit=1000)
    lines = [Line(cells(one), {"state": "closed" if one.closed_at else "open"}, one.id) for one in found]
    choices = {"state": (_("状态"), [("open", _("未解除")), ("closed", _("已解除"))])}
    made = _loop.listing(reader, columns, lines, sort="-opened", name="alerts", label=_("告警"), choices=choices)
    if isinstance(made, Response):
        return made
    open_ones = [one for one in found if not one.closed_at]
    return _loop.show(reader, "alerts.html", list=made, open_alerts=open_ones, cells=cells)


@router.post("/alerts/{id}/acknowledge")
def acknowledge(id: str, reader: ReaderDep, work: WorkDep, reason: Annotated[str, Form()] = "") -> Response:
    actions.acknowledge(work, id, note=reason)
    return see_other("/alerts", notice=("ok", reader.context.gettext("告警已认领")))


# ---------------------------------------------------------------- the board


def _ranges(reader: Reader) -> list[tuple[str, str, bool, None]]:
    now = _range(reader)
    return [
        (reader.context.gettext(word), reader.view.to(range=key), key == now, None)
        for key, (_span, word) in RANGES.items()
    ]


def _range(reader: Reader) -> str:
    chosen = reader.view.get("range", DEFAULT)
    return chosen if chosen in RANGES else DEFAULT


def _board(reader: Reader) -> dict[str, Any]:
    found = [_service(reader, one) for one in queries.overview(reader.session, reader.book, reader.now)]
    states = [_state_of(promise.standing, service.standing) for service in found for promise in service.promises]
    counts = {name: states.count(name) for name in ("met", _RISK, "not_met", "insufficient", "not_measured")}
    host_alerts = [one for one in queries.open_alerts(reader.session) if not one.model]
    return {
        "services": found,
        "counts": counts,
        "total": len(states),
        "sentence": _sentence(reader, counts, len(states)),
        "host_alerts": host_alerts,
        "alert_cells": _alert_cells(reader),
        "at": reader.now,
        "live_url": f"/slo/live?range={_range(reader)}",
        "range": _range(reader),
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


def _service(reader: Reader, standing: ModelStanding) -> Service:
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
        reader.session, model=model.model, objective=one.objective.id, since=reader.now - RANGES[_range(reader)][0]
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


# ---------------------------------------------------------------- alerts


def _alert_cells(reader: Reader) -> Any:
    """A function from an alert to its cells."""
    _, name = reader.context.gettext, _loop.who(reader)

    def cells(alert: Alert) -> dict[str, Cell]:
        closed = alert.closed_at is not None
        value = alert.facts.get("value")
        ratio = (alert.facts.get("threshold") or {}).get("unit") == "ratio"
        fault = alert.diagnosis.get("fault", "")
        return {
            "opened": _loop.moment(reader, alert.opened_at, seconds=True),
            "rule": Cell(alert.rule, code=True),
            "about": Cell(alert.model or alert.host, url=f"/slo/services/{quote(alert.model)}" if alert.model else ""),
            "state": Cell(
                _("已解除") if closed else _("未解除"),
                tone="ok" if closed else "bad",
                by=("state", "closed" if closed else "open"),
            ),
            "severity": Cell(_("立即处理") if alert.severity == "page" else _("工单处理")),
            "fault": Cell(_(_FAULTS[fault]) if fault in _FAULTS else i18n.NOT_MEASURED),
            "value": _loop.share(reader, value, digits=2) if ratio else _loop.number(reader, value, digits=2),
            "lasted": _loop.span(reader, (alert.closed_at or reader.now) - alert.opened_at),
            "hands": Cell(name(alert.acknowledged_by) if alert.acknowledged_by else i18n.NOT_MEASURED),
        }

    return cells


# ---------------------------------------------------------------- one service's traffic


def _traffic(reader: Reader, model: str) -> dict[str, Any] | None:
    """What the record store says of the model in the chosen range; None when it does not answer."""
    now, key = reader.now.timestamp(), _range(reader)
    since = now - RANGES[key][0].total_seconds()
    try:
        records = services.get("records")
        ask = {"since": since, "until": now, "model": model}
        totals = records.query("totals", **ask)
        minutes = records.query("by_minute", **ask, bucket_s=_BUCKETS_S[key])
        callers, targets = records.query("by_caller", **ask), records.query("by_target", **ask)
        entities = records.query("entities", **ask)
    except Unavailable:
        return None
    return {
        "requests": sum(int(row["requests"]) for row in totals),
        "tokens_in": sum(int(row["tokens_in"] or 0) for row in totals),
        "tokens_out": sum(int(row["tokens_out"] or 0) for row in totals),
        "outcomes": _outcomes(reader, totals),
        "latency": _latency(reader, minutes),
        "flow": _flow(reader, minutes),
        "entities": _entities(reader, entities),
        "callers": [_caller(reader, row) for row in callers],
        "targets": [_target(reader, row) for row in targets],
    }


def _method(reader: Reader) -> str:
    return reader.context.gettext("网关逐条记录，未抽样")


def _outcomes(reader: Reader, totals: list[dict[str, Any]]) -> Chart:
    bars = []
    for row in totals:
        tone, word = _words.badge(reader.context, "outcome", row["outcome"])
        bars.append(Bar(word, int(row["requests"]), tone="" if tone == "idle" else tone))
    n = sum(int(row["requests"]) for row in totals)
    title = reader.context.gettext("请求结果")
    return charts.bar(title, bars, locale=reader.context.locale, method=_method(reader), n=n)


def _latency(reader: Reader, minutes: list[dict[str, Any]]) -> Chart:
    times = [_at(reader, row["minute"]) for row in minutes]
    series = [Series(name, [row[name] for row in minutes]) for name in ("p50", "p95", "p99")]
    return charts.line(
        reader.context.gettext("端到端时延（ms）"),
        times,
        series,
        locale=reader.context.locale,
        zone=reader.context.zone,
        method=_method(reader),
        n=sum(int(row["answered"]) for row in minutes),
        low=0,
    )


def _flow(reader: Reader, minutes: list[dict[str, Any]]) -> Chart:
    _ = reader.context.gettext
    times = [_at(reader, row["minute"]) for row in minutes]
    series = [
        Series(_("请求"), [int(row["requests"]) for row in minutes]),
        Series(_("成功"), [int(row["answered"]) for row in minutes]),
    ]
    return charts.line(
        _("请求量"),
        times,
        series,
        locale=reader.context.locale,
        zone=reader.context.zone,
        method=_method(reader),
        n=sum(int(row["requests"]) for row in minutes),
        low=0,
    )


def _entities(reader: Reader, rows: list[dict[str, Any]]) -> Chart:
    _ = reader.context.gettext
    way = {"input": _("输入"), "output": _("输出")}
    bars = [Bar(f"{row['entity']} · {way[row['direction']]}", int(row["masked"])) for row in rows]
    n = sum(int(row["masked"]) for row in rows)
    return charts.bar(_("脱敏命中"), bars, locale=reader.context.locale, method=_method(reader), n=n)


def _at(reader: Reader, seconds: float) -> datetime:
    return datetime.fromtimestamp(float(seconds), tz=reader.context.zone)


def _caller(reader: Reader, row: Mapping[str, Any]) -> list[Cell]:
    return [
        Cell(
            row["caller"] or i18n.NOT_MEASURED, url=f"/traffic?caller={quote(row['caller'])}" if row["caller"] else ""
        ),
        Cell(row["team"] or i18n.NOT_MEASURED),
        _loop.number(reader, row["requests"]),
        _ok_share(reader, row),
        _loop.number(reader, row["p95"]),
        _loop.number(reader, row["tokens_in"]),
        _loop.number(reader, row["tokens_out"]),
    ]


def _target(reader: Reader, row: Mapping[str, Any]) -> list[Cell]:
    return [
        Cell(row["target"], code=True),
        Cell(reader.context.gettext("灰度") if row["canary"] else i18n.NOT_MEASURED),
        _loop.number(reader, row["requests"]),
        _ok_share(reader, row),
        _loop.number(reader, row["p50"]),
        _loop.number(reader, row["p95"]),
        _loop.number(reader, row["p99"]),
    ]


def _ok_share(reader: Reader, row: Mapping[str, Any]) -> Cell:
    return _loop.share(reader, success_ratio(reader, row["outcomes"]), digits=2)


def success_ratio(reader: Reader, outcomes: Mapping[str, int]) -> float | None:
    """By the rulebook's success rule; None when nothing counts."""
    rule = reader.book.success_rule
    counted = {outcome: int(n) for outcome, n in outcomes.items() if outcome not in rule.excluded}
    total = sum(counted.values())
    failed = sum(n for outcome, n in counted.items() if outcome in rule.failures)
    return (total - failed) / total if total else None
