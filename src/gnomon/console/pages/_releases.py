"""What the pages of releases share: the list, the steps, both arms of a canary, timed switches, buttons."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from fastapi.responses import Response

from gnomon.console.pages import _loop, _words
from gnomon.console.pages._loop import Cell, Line
from gnomon.console.pages.slo_service import success_ratio
from gnomon.console.reader import Reader
from gnomon.console.urls import Column
from gnomon.control.approvals import queries as approvals
from gnomon.control.deployments import queries, rules
from gnomon.control.deployments.tables import Release
from gnomon.engine import charts
from gnomon.engine.charts import Chart, Series
from gnomon.kit import i18n, services
from gnomon.kit.errors import BadInput, Unavailable
from gnomon.kit.i18n import mark

OPEN: Final = ("requested", "approved", "canary")
_POINTS = 60  # of a canary's curves: as many as a card is wide enough for
_VERBS: Final = {"roll_back": mark("回滚"), "roll_forward": mark("恢复发布")}


def reason_of(reader: Reader, reason: str) -> str:
    _ = reader.context.gettext
    if len(reason.strip()) < 2:
        raise BadInput(_("没有填写理由。"), next_step=_("返回上一页填写理由，至少 2 个字。"))
    return reason.strip()[:1000]


def release_list(reader: Reader, found: Sequence[Release], *, sort: str, name: str = "") -> _loop.List | Response:
    _, who = reader.context.gettext, _loop.who(reader)
    columns = [
        Column("requested", _("申请时间")),
        Column("model", _("所属模型"), hidden=bool(name)),
        Column("change", _("变更")),
        Column("state", _("状态")),
        Column("share", _("灰度占比"), num=True),
        Column("watch", _("观察时长"), num=True),
        Column("full", _("全量时间")),
        Column("by", _("申请人")),
    ]
    lines = [
        Line(
            {
                "requested": Cell(
                    _loop.moment(reader, one.requested_at).text, one.requested_at.timestamp(), url=f"/releases/{one.id}"
                ),
                "model": Cell(one.model, by=("model", one.model)),
                "change": Cell(f"{one.from_target} → {one.to_target}", code=True),
                "state": _loop.status(reader, "release", one.state, param="state"),
                "share": _loop.share(reader, one.share),
                "watch": _loop.span(reader, timedelta(seconds=one.watch_s)),
                "full": _loop.moment(reader, one.full_at),
                "by": Cell(who(one.requested_by)),
            },
            {"state": one.state, "model": one.model},
            one.id,
        )
        for one in found
    ]
    choices: dict[str, Any] = {"state": (_("状态"), _words.options(reader.context, "release"))}
    if not name:
        models = sorted({one.model for one in found})
        choices["model"] = (_("所属模型"), [(one, one) for one in models])
    return _loop.listing(
        reader,
        columns,
        lines,
        sort=sort,
        name=f"releases{'-' + name if name else ''}",
        label=_("发布"),
        choices=choices,
    )


def steps_of(reader: Reader, one: Release) -> list[tuple[str, str, str]]:
    _, view = reader.context.gettext, reader.context
    reached = {"requested": 1, "rejected": 1, "approved": 2, "canary": 3, "retreated": 3, "aborted": 3, "full": 5}
    place = reached.get(one.state, 5)
    stopped = one.state in ("rejected", "retreated", "aborted", "rolled_back")
    names = [_("申请"), _("审批"), _("灰度"), _("观察"), _("全量")]
    if one.state == "canary" and one.watch_until and reader.now < one.watch_until:
        place = 3
    elif one.state == "canary":
        place = 4
    steps = [
        (name, "done" if i < place else ("stopped" if stopped else "now") if i == place else "todo", "")
        for i, name in enumerate(names)
    ]
    if one.state == "rolled_back":
        steps.append((_words.badge(view, "release", one.state)[1], "stopped", ""))
    return steps


def both_arms(reader: Reader, one: Release) -> dict[str, Any] | None:
    """What both arms saw since the canary began; None where there was none or nobody can say."""
    if one.canary_at is None:
        return None
    since, until = one.canary_at.timestamp(), (one.full_at or reader.now).timestamp()
    bucket = max(60, round((until - since) / _POINTS / 60) * 60)
    try:
        records = services.get("records")
        rows = records.query("by_target", model=one.model, since=since, until=until + 1)
        curves = {
            target: records.query(
                "by_minute", model=one.model, target=target, since=since, until=until + 1, bucket_s=bucket
            )
            for target in (one.from_target, one.to_target)
        }
    except Unavailable:
        return {"down": True}
    mine = {
        one.from_target: [row for row in rows if row["target"] == one.from_target],
        one.to_target: [row for row in rows if row["target"] == one.to_target and row["canary"] == one.id],
    }
    return {
        "down": False,
        "rows": [_arm(reader, target, found, least=one.min_requests) for target, found in mine.items()],
        "latency": _curve(reader, one, curves, what="p95"),
        "success": _curve(reader, one, curves, what="success"),
    }


def _arm(reader: Reader, target: str, rows: Sequence[Mapping[str, Any]], *, least: int) -> list[Cell]:
    outcomes: dict[str, int] = {}
    for row in rows:
        for outcome, n in row["outcomes"].items():
            outcomes[outcome] = outcomes.get(outcome, 0) + int(n)
    n = sum(int(row["requests"]) for row in rows)
    p95 = max((float(row["p95"]) for row in rows if row["p95"] is not None), default=None)
    enough = (
        Cell(reader.context.gettext("足够"), tone="ok")
        if n >= least
        else Cell(reader.context.gettext("还差 %(n)s", n=i18n.number(least - n)), tone="warn")
    )
    return [
        Cell(target, code=True),
        _loop.number(reader, n),
        enough,
        _loop.share(reader, success_ratio(reader, outcomes), digits=2),
        _loop.number(reader, p95),
    ]


def _curve(reader: Reader, one: Release, curves: Mapping[str, Sequence[Mapping[str, Any]]], *, what: str) -> Chart:
    """The new target is series 1, the old one series 2, on one time axis."""
    _ = reader.context.gettext
    minutes = sorted({float(row["minute"]) for rows in curves.values() for row in rows})
    series = []
    for target in (one.to_target, one.from_target):
        by_minute = {float(row["minute"]): row for row in curves[target]}
        series.append(Series(target, [_value(reader, by_minute.get(minute), what) for minute in minutes]))
    n = sum(int(row["requests"]) for rows in curves.values() for row in rows)
    return charts.line(
        _("p95 时延（ms）") if what == "p95" else _("请求成功率"),
        [datetime.fromtimestamp(minute, tz=reader.context.zone) for minute in minutes],
        series,
        locale=reader.context.locale,
        zone=reader.context.zone,
        method=_("网关逐条记录，含评测对候选的请求"),
        n=n,
        percent=what == "success",
        high=1.0 if what == "success" else None,
        low=0 if what == "p95" else None,
    )


def _value(reader: Reader, row: Mapping[str, Any] | None, what: str) -> float | None:
    if row is None:
        return None
    if what == "success":
        return success_ratio(reader, row["outcomes"])
    return None if row["p95"] is None else float(row["p95"])


def timing_rows(reader: Reader, found: Sequence[Release]) -> list[list[Cell]]:
    """Every timed switch, newest first."""
    _ = reader.context.gettext
    lines = [(line, one) for one in found for line in one.timings]
    return [
        [
            _loop.moment(reader, datetime.fromisoformat(line["at"]), seconds=True),
            Cell(_(_VERBS[line["verb"]]) if line["verb"] in _VERBS else line["verb"]),
            Cell(one.from_target if line["verb"] == "roll_back" else one.to_target, code=True),
            _loop.span(reader, timedelta(seconds=line["seconds"]))
            if line["seconds"] is not None
            else Cell(_("未测量")),
            Cell(line["policy"], code=True),
        ]
        for line, one in sorted(lines, key=lambda pair: str(pair[0]["at"]), reverse=True)
    ]


def buttons_off(reader: Reader, one: Release) -> dict[str, str]:
    standing = queries.release_standing(reader.session, one)

    def full() -> None:
        rules.advance_release(standing, "promote")
        if one.watch_until and reader.now < one.watch_until:
            left = (one.watch_until - reader.now).total_seconds()
            raise rules.WatchOpen(f"{left:.0f} s")

    def canary() -> None:
        rules.advance_release(standing, "start_canary")

    def abort() -> None:
        rules.advance_release(standing, "abort")

    off = {
        "canary": _loop.refused(reader, "canary.start", canary),
        "full": _loop.refused(reader, "canary.promote", full),
        "abort": _loop.refused(reader, "canary.abort", abort),
    }
    asked = approvals.latest(reader.session, "release", one.id)
    voted = asked is not None and any(
        vote.person_id == reader.actor.id for vote in approvals.votes(reader.session, asked.id)
    )
    if not off["canary"] and voted:
        off["canary"] = reader.context.gettext("你审批过这次发布，由别人开始灰度")
    return off
