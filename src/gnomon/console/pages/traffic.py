"""Traffic records: who asked which model, how it ended; the masked content only for those who may read it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import Response

from gnomon.console.pages import _loop, _words
from gnomon.console.pages._loop import Cell, Line
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.urls import Column
from gnomon.control.catalog import queries as catalog
from gnomon.kit import i18n, services
from gnomon.kit.errors import NotFound, Unavailable
from gnomon.kit.web import allow

router = APIRouter(include_in_schema=False)
LIMIT = 500  # newest records that one page of the record store brings; older ones by `before`


@router.get("/traffic", dependencies=[allow("traffic.view")])
def traffic(reader: ReaderDep) -> Response:
    """The newest records that fit; an export needs the right to take traffic along."""
    _ = reader.context.gettext
    columns = [
        Column("at", _("时间")),
        Column("id", _("请求编号")),
        Column("model", _("所属模型")),
        Column("target", _("路由目标")),
        Column("caller", _("调用方")),
        Column("outcome", _("结果")),
        Column("status", _("状态码"), num=True),
        Column("total", _("时延（ms）"), num=True),
        Column("first", _("首字（ms）"), num=True, hidden=True),
        Column("tokens_in", _("输入令牌"), num=True),
        Column("tokens_out", _("输出令牌"), num=True),
        Column("masked", _("脱敏处"), num=True),
        Column("policy", _("策略版本"), hidden=True),
        Column("team", _("团队"), hidden=True),
    ]
    if reader.view.get("export"):
        reader.require("traffic.export")
    models = [(one.name, one.name) for one in catalog.models(reader.session)]
    choices = {
        "model": (_("所属模型"), models),
        "outcome": (_("结果"), _words.options(reader.context, "outcome")),
    }
    try:
        rows = services.get("records").query("recent", **_asked(reader))
    except Unavailable:
        return _loop.show(reader, "traffic.html", list=None, export_refused="", older="", limit=LIMIT)
    lines = [_line(reader, row) for row in rows]
    made = _loop.listing(reader, columns, lines, sort="-at", name="traffic", label=_("流量记录"), choices=choices)
    if isinstance(made, Response):
        return made
    older = reader.view.to(before=str(float(rows[-1]["at"]))) if len(rows) == LIMIT else ""
    return _loop.show(
        reader, "traffic.html", list=made, export_refused=reader.refusal("traffic.export"), older=older, limit=LIMIT
    )


@router.get("/traffic/{id}", dependencies=[allow("traffic.view")])
def record(id: str, reader: ReaderDep) -> Response:
    """One record; its masked request and reply only for those who may read them."""
    rows = services.get("records").query("record", id=id)
    if not rows:
        raise NotFound(
            reader.context.gettext("没有流量记录 %(id)s。", id=id),
            next_step=reader.context.gettext("可能已过保存期，或还没有采集到。"),
        )
    row, may_read = rows[0], reader.may("traffic.read")
    return _loop.show(
        reader,
        "traffic_record.html",
        row=row,
        at=_at(reader, row),
        outcome=_words.badge(reader.context, "outcome", row["outcome"]),
        timings=_timings(reader, row),
        masked=[
            (way, entity, n)
            for way, found in ((_way(reader, "in"), row["entities_in"]), (_way(reader, "out"), row["entities_out"]))
            for entity, n in (found or {}).items()
        ],
        judged=[(_way(reader, "in" if one["direction"] == "input" else "out"), one) for one in row["content"] or ()],
        asked=(row["request"] or "") if may_read else None,
        replied=(row["reply"] or "") if may_read else None,
        read_refused=reader.refusal("traffic.read"),
    )


def _asked(reader: Reader) -> dict[str, Any]:
    """The parameters of the named query that the address gives."""
    view = reader.view
    found: dict[str, Any] = {"limit": LIMIT}
    for name in ("model", "outcome", "caller"):
        if view.get(name):
            found[name] = view.get(name)
    try:
        found["before"] = float(view.get("before")) if view.get("before") else None
    except ValueError:
        found["before"] = None
    return found


def _line(reader: Reader, row: Mapping[str, Any]) -> Line:
    masked = sum(int(n) for found in (row["entities_in"], row["entities_out"]) for n in (found or {}).values())
    at = _at(reader, row)
    return Line(
        {
            "at": _loop.moment(reader, at, seconds=True),
            "id": _loop.link(row["id"], f"/traffic/{quote(row['id'])}", code=True),
            "model": Cell(row["model"] or i18n.NOT_MEASURED, by=("model", row["model"]) if row["model"] else None),
            "target": Cell(row["target"] or i18n.NOT_MEASURED, code=True),
            "caller": Cell(row["caller"] or i18n.NOT_MEASURED, by=("caller", row["caller"]) if row["caller"] else None),
            "outcome": _loop.status(reader, "outcome", row["outcome"], param="outcome"),
            "status": Cell(str(row["status"]), int(row["status"])),
            "total": _loop.number(reader, row["total_ms"]),
            "first": _loop.number(reader, row["first_token_ms"]),
            "tokens_in": _loop.number(reader, row["tokens_in"]),
            "tokens_out": _loop.number(reader, row["tokens_out"]),
            "masked": _loop.number(reader, masked),
            "policy": Cell(row["policy"] or i18n.NOT_MEASURED, code=True),
            "team": Cell(row["team"] or i18n.NOT_MEASURED),
        },
        {"model": row["model"], "outcome": row["outcome"], "caller": row["caller"]},
        row["id"],
    )


def _at(reader: Reader, row: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(float(row["at"]), tz=reader.context.zone)


def _way(reader: Reader, way: str) -> str:
    return reader.context.gettext("输入") if way == "in" else reader.context.gettext("输出")


def _timings(reader: Reader, row: Mapping[str, Any]) -> list[tuple[str, str]]:
    _, locale = reader.context.gettext, reader.context.locale
    names = (
        ("guard_in_ms", _("输入检查完成")),
        ("connect_ms", _("连上模型服务")),
        ("first_token_ms", _("首字")),
        ("total_ms", _("全部完成")),
    )
    return [
        (name, f"{i18n.number(row[key], locale, digits=1)} ms" if row[key] is not None else i18n.NOT_MEASURED)
        for key, name in names
    ]
