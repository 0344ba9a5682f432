"""One service in depth: budget and burn, then its traffic by outcome, caller, target and masked entity."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import Response

from gnomon.console.pages import _loop, _words, alerts, slo
from gnomon.console.pages._loop import Cell
from gnomon.console.reader import Reader, ReaderDep
from gnomon.control.catalog import queries as catalog
from gnomon.control.monitoring import queries
from gnomon.engine import charts
from gnomon.engine.charts import Bar, Chart, Series
from gnomon.kit import i18n, services
from gnomon.kit.errors import Unavailable
from gnomon.kit.web import allow

router = APIRouter(include_in_schema=False)

_BUCKETS_S: Final = {"15m": 60, "1h": 60, "24h": 900, "7d": 7200}


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
        ranges=slo.range_tabs(reader),
        service=slo.service_of(reader, standing) if standing else None,
        alerts=[alert for alert in queries.alerts(reader.session) if alert.model == model][:20],
        alert_cells=alerts.alert_cells(reader),
        traffic=_traffic(reader, model),
    )


def _traffic(reader: Reader, model: str) -> dict[str, Any] | None:
    """What the record store says of the model in the chosen range; None when it does not answer."""
    now, key = reader.now.timestamp(), slo.range_of(reader)
    since = now - slo.RANGES[key][0].total_seconds()
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
    way = {"input": _("输入侧"), "output": _("输出侧")}
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
