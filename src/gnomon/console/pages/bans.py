"""Bans: who may not ask the models for now, why, until when, and who has looked at it."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from fastapi.responses import Response
from pydantic import ValidationError

from gnomon.console.lists import exported, listed, stamp
from gnomon.console.pages.access import key_state, reason_of, writer
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.console.urls import Column
from gnomon.control.access import actions, queries
from gnomon.control.access.schemas import NewBan
from gnomon.control.access.tables import Ban
from gnomon.kit import i18n
from gnomon.kit.errors import BadInput
from gnomon.kit.i18n import mark
from gnomon.kit.web import WorkDep, allow

router = APIRouter(include_in_schema=False)
BAN_STATES: Final = {
    "unconfirmed": ("warn", mark("待确认")),
    "active": ("bad", mark("封禁中")),
    "lifted": ("idle", mark("已解除")),
    "over": ("idle", mark("已到期")),
}


@router.get("/bans", dependencies=[allow("ban.view")])
def bans(reader: ReaderDep) -> Response:
    """Every ban, those in force first."""
    view, columns, write = reader.view, _ban_columns(reader), writer(reader)
    state = view.get("state")
    every = [_ban_row(reader, one) for one in queries.bans(reader.session)]
    rows = [row for row in every if not state or row["key"] == state]
    found = listed(view, columns, rows, sort="-at", write=write)
    if view.get("export"):
        name = f"bans-{stamp(reader.now.astimezone(reader.zone))}"
        return exported(view, columns, found.all_rows, name=name, write=write)
    return reader.page(
        "bans.html",
        columns=columns,
        found=found,
        counts={key: sum(row["key"] == key for row in every) for key in BAN_STATES},
        total=len(every),
        states=[(key, reader.context.gettext(word)) for key, (_, word) in BAN_STATES.items()],
        active_keys=[one for one in queries.keys(reader.session) if key_state(reader, one) in ("active", "ending")],
        impose_refused=reader.refusal("ban.impose"),
        confirm_refused=reader.refusal("ban.confirm"),
        lift_refused=reader.refusal("ban.lift"),
    )


@router.post("/bans", dependencies=[allow("ban.impose")])
def impose(
    work: WorkDep,
    reader: ReaderDep,
    kind: Annotated[str, Form()] = "",
    value: Annotated[str, Form()] = "",
    hours: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    """The key or the address (as the gateway's digest of it) is refused from the next roster on."""
    try:
        new = NewBan.model_validate(
            {"kind": kind, "value": value.strip(), "reason": reason.strip(), "minutes": float(hours or "nan") * 60}
        )
    except (ValidationError, ValueError) as error:
        raise BadInput(
            reader.context.gettext("封禁的对象、时长或理由没有填对。"),
            next_step=reader.context.gettext("选择对象，时长填大于 0 的小时数，理由至少 2 个字。"),
        ) from error
    made = actions.ban(work, new)
    return see_other("/bans", notice=("ok", reader.context.gettext("封禁 %(id)s 已生效", id=made.id)))


@router.post("/bans/{id}/confirm", dependencies=[allow("ban.confirm")])
def confirm(id: str, work: WorkDep, reader: ReaderDep) -> Response:
    actions.confirm_ban(work, id)
    return see_other("/bans", notice=("ok", reader.context.gettext("已确认封禁 %(id)s", id=id)))


@router.post("/bans/{id}/lift", dependencies=[allow("ban.lift")])
def lift(id: str, work: WorkDep, reader: ReaderDep, reason: Annotated[str, Form()] = "") -> Response:
    actions.lift_ban(work, id, reason=reason_of(reader, reason))
    return see_other("/bans", notice=("ok", reader.context.gettext("已解除封禁 %(id)s", id=id)))


def unconfirmed(reader: Reader) -> list[Ban]:
    """Bans in force that risk control has not looked at."""
    return [one for one in queries.bans(reader.session, active_at=reader.now) if not one.confirmed_by]


def _ban_columns(reader: Reader) -> list[Column]:
    _ = reader.context.gettext
    return [
        Column("id", _("编号"), hidden=True),
        Column("value", _("对象")),
        Column("state", _("状态")),
        Column("do", _("操作"), sort=False),
        Column("kind", _("种类")),
        Column("reason", _("理由"), wrap=True),
        Column("source", _("来源")),
        Column("at", _("开始")),
        Column("until", _("结束")),
        Column("checked", _("确认人")),
    ]


def _ban_state(reader: Reader, ban: Ban) -> str:
    if ban.lifted_at:
        return "lifted"
    if ban.until <= reader.now:
        return "over"
    return "active" if ban.confirmed_by else "unconfirmed"


def _ban_row(reader: Reader, ban: Ban) -> dict[str, Any]:
    _, state = reader.context.gettext, _ban_state(reader, ban)
    tone, word = BAN_STATES[state]
    return {
        "id": ban.id,
        "value": ban.value,
        "kind": _("密钥") if ban.kind == "key" else _("地址"),
        "key": state,
        "state": (tone, _(word)),
        "reason": f"{ban.reason}{_('；')}{ban.lift_reason}" if ban.lift_reason else ban.reason,
        "source": _("网关自动") if ban.source == "gateway" else _("人工"),
        "at": ban.at,
        "until": ban.lifted_at or ban.until,
        "checked": reader.name(ban.confirmed_by) if ban.confirmed_by else i18n.NOT_MEASURED,
        "do": "",
        "live": state in ("active", "unconfirmed"),
        "open": state == "unconfirmed",
    }
