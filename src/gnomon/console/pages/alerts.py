"""The alerts: what broke, since when, whose fault it looks like, and who has it in hand."""

from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Form
from fastapi.responses import Response

from gnomon.console.pages import _loop
from gnomon.console.pages._loop import Cell, Line
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.console.urls import Column
from gnomon.control.monitoring import actions, queries
from gnomon.control.monitoring.tables import Alert
from gnomon.kit import i18n
from gnomon.kit.i18n import mark
from gnomon.kit.web import WorkDep, allow

router = APIRouter(include_in_schema=False)

_FAULTS: Final = {
    "network": mark("网络"),
    "server": mark("主机"),
    "model": mark("模型服务"),
    "caller": mark("调用方"),
    "unclear": mark("不明"),
}


@router.get("/alerts", dependencies=[allow("alert.view")])
def alerts(reader: ReaderDep) -> Response:
    """Every alert, open ones first."""
    _ = reader.context.gettext
    columns = [
        Column("opened", _("发生时间")),
        Column("rule", _("规则")),
        Column("about", _("对象")),
        Column("state", _("状态")),
        Column("severity", _("处置")),
        Column("fault", _("初步归因")),
        Column("value", _("测量值"), num=True),
        Column("lasted", _("持续"), num=True),
        Column("hands", _("认领人")),
    ]
    cells = alert_cells(reader)
    found = queries.alerts(reader.session, limit=1000)
    lines = [Line(cells(one), {"state": "closed" if one.closed_at else "open"}, one.id) for one in found]
    choices = {"state": (_("状态"), [("open", _("未解除")), ("closed", _("已恢复"))])}
    made = _loop.listing(reader, columns, lines, sort="-opened", name="alerts", label=_("告警"), choices=choices)
    if isinstance(made, Response):
        return made
    open_ones = [one for one in found if not one.closed_at]
    return _loop.show(reader, "alerts.html", list=made, open_alerts=open_ones, cells=cells)


@router.post("/alerts/{id}/acknowledge", dependencies=[allow("alert.acknowledge")])
def acknowledge(id: str, reader: ReaderDep, work: WorkDep, reason: Annotated[str, Form()] = "") -> Response:
    actions.acknowledge(work, id, note=reason)
    return see_other("/alerts", notice=("ok", reader.context.gettext("告警已认领")))


def alert_cells(reader: Reader) -> Any:
    """A function from an alert to its cells."""
    _, name = reader.context.gettext, _loop.who(reader)

    def cells(alert: Alert) -> dict[str, Cell]:
        closed = alert.closed_at is not None
        value = alert.facts.get("value")
        burn = (alert.facts.get("long") or {}).get("burn_rate")
        ratio = (alert.facts.get("threshold") or {}).get("unit") == "ratio"
        fault = alert.diagnosis.get("fault", "")
        return {
            "opened": _loop.moment(reader, alert.opened_at, seconds=True),
            "rule": Cell(alert.rule, code=True),
            "about": Cell(alert.model or alert.host, url=f"/slo/services/{quote(alert.model)}" if alert.model else ""),
            "state": Cell(
                _("已恢复") if closed else _("未解除"),
                tone="ok" if closed else "bad",
                by=("state", "closed" if closed else "open"),
            ),
            "severity": Cell(_("立即处理") if alert.severity == "page" else _("工单处理")),
            "fault": Cell(_(_FAULTS[fault]) if fault in _FAULTS else i18n.NOT_MEASURED),
            "value": Cell(f"{i18n.number(burn, reader.context.locale, digits=2)}×", burn)
            if burn is not None
            else _loop.share(reader, value, digits=2)
            if ratio
            else _loop.number(reader, value, digits=2),
            "lasted": _loop.span(reader, (alert.closed_at or reader.now) - alert.opened_at),
            "hands": Cell(name(alert.acknowledged_by) if alert.acknowledged_by else i18n.NOT_MEASURED),
        }

    return cells
