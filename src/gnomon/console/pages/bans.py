"""Bans: who is warned, throttled or refused, why, until when, who has looked at it, and what the owner says to it."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from fastapi.responses import Response
from pydantic import ValidationError

from gnomon.console import facts
from gnomon.console.deeds import BAN_REASONS
from gnomon.console.lists import exported, listed, stamp
from gnomon.console.pages.access import key_state, reason_of, writer
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.console.urls import Column
from gnomon.control.access import actions, queries
from gnomon.control.access.schemas import NewBan
from gnomon.control.access.tables import Appeal, Ban
from gnomon.kit import i18n
from gnomon.kit.errors import BadInput
from gnomon.kit.i18n import mark
from gnomon.kit.web import WorkDep, allow

router = APIRouter(include_in_schema=False)
BAN_STATES: Final = {
    "unconfirmed": ("warn", mark("待确认")),
    "proposed": ("warn", mark("待确认，已停止生效")),
    "active": ("bad", mark("生效中")),
    "lifted": ("idle", mark("已解除")),
    "over": ("idle", mark("已到期")),
}
WAITING: Final = ("unconfirmed", "proposed")
GRADES: Final = {
    "warn": ("info", mark("提醒")),
    "throttle": ("warn", mark("限流")),
    "ban": ("bad", mark("封禁访问")),
}
KINDS: Final = {"key": mark("密钥"), "address": mark("地址"), "installation": mark("整个平台")}
SOURCES: Final = {"gateway": mark("网关自动"), "watch": mark("检测自动"), "person": mark("人工")}
DECISIONS: Final = {"": mark("待决定"), "granted": mark("准予，已解除"), "rejected": mark("驳回，维持")}


@router.get("/bans", dependencies=[allow("ban.view")])
def bans(reader: ReaderDep) -> Response:
    """Every ban, those in force first."""
    view, columns, write = reader.view, _ban_columns(reader), writer(reader)
    state, grade = view.get("state"), view.get("grade")
    every = [_ban_row(reader, one) for one in queries.bans(reader.session)]
    rows = [row for row in every if state in ("", row["key"]) and grade in ("", row["graded"])]
    found = listed(view, columns, rows, sort="-at", write=write)
    if view.get("export"):
        name = f"bans-{stamp(reader.now.astimezone(reader.zone))}"
        return exported(view, columns, found.all_rows, name=name, write=write)
    return reader.page(
        "bans.html",
        columns=columns,
        found=found,
        counts={key: sum(row["key"] == key and row["graded"] == "ban" for row in every) for key in BAN_STATES},
        milder=sum(row["live"] and row["graded"] != "ban" for row in every),
        appealed=sum(one.decided_at is None for one in queries.appeals(reader.session)),
        total=len(every),
        states=[(key, reader.context.gettext(word)) for key, (_, word) in BAN_STATES.items()],
        grades=[(key, reader.context.gettext(word)) for key, (_, word) in GRADES.items()],
        active_keys=[one for one in queries.keys(reader.session) if key_state(reader, one) in ("active", "ending")],
        impose_refused=reader.refusal("ban.impose"),
        confirm_refused=reader.refusal("ban.confirm"),
        lift_refused=reader.refusal("ban.lift"),
    )


@router.get("/bans/{id}", dependencies=[allow("ban.view")])
def one_ban(id: str, reader: ReaderDep) -> Response:
    """One ban: what was seen against which limit, its evidence, who confirmed it, and the appeals against it."""
    found = queries.ban(reader.session, id)
    appeals = queries.appeals(reader.session, id)
    return reader.page(
        "ban.html",
        ban=found,
        row=_ban_row(reader, found),
        owner=queries.owner_of(reader.session, found),
        seen=facts.tree(reader, found.facts),
        appeals=[_appeal_row(reader, one) for one in appeals],
        undecided=next((one.id for one in appeals if one.decided_at is None), ""),
        confirm_refused=reader.refusal("ban.confirm"),
        lift_refused=reader.refusal("ban.lift"),
        appeal_refused=reader.refusal("ban.appeal"),
        decide_refused=reader.refusal("ban.decide"),
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


@router.post("/bans/{id}/appeals", dependencies=[allow("ban.appeal")])
def appeal(id: str, work: WorkDep, reader: ReaderDep, reason: Annotated[str, Form()] = "") -> Response:
    actions.appeal_ban(work, id, text=reason_of(reader, reason))
    return see_other(f"/bans/{id}", notice=("ok", reader.context.gettext("申诉已提交，等待风控决定")))


@router.post("/bans/{id}/appeals/{appeal_id}/{decision}", dependencies=[allow("ban.decide")])
def decide(
    id: str, appeal_id: str, decision: str, work: WorkDep, reader: ReaderDep, reason: Annotated[str, Form()] = ""
) -> Response:
    actions.decide_appeal(work, appeal_id, grant=decision == "grant", reason=reason_of(reader, reason))
    return see_other(f"/bans/{id}", notice=("ok", reader.context.gettext("申诉已有结论")))


def _ban_columns(reader: Reader) -> list[Column]:
    _ = reader.context.gettext
    return [
        Column("id", _("编号"), hidden=True),
        Column("value", _("对象")),
        Column("grade", _("措施")),
        Column("state", _("状态")),
        Column("do", _("操作"), sort=False),
        Column("reason", _("理由"), wrap=True),
        Column("kind", _("种类"), hidden=True),
        Column("source", _("来源"), hidden=True),
        Column("at", _("开始")),
        Column("until", _("结束")),
        Column("checked", _("确认人")),
    ]


def _ban_state(reader: Reader, ban: Ban) -> str:
    if ban.lifted_at:
        return "lifted"
    if ban.until <= reader.now:
        return "over"
    if ban.grade != "ban" or ban.confirmed_by:
        return "active"
    return "unconfirmed" if queries.end_of(ban) > reader.now else "proposed"


def _ban_row(reader: Reader, ban: Ban) -> dict[str, Any]:
    _, state = reader.context.gettext, _ban_state(reader, ban)
    tone, word = BAN_STATES[state]
    tone = GRADES[ban.grade][0] if state == "active" else tone
    grade_tone, grade = GRADES[ban.grade]
    reason = _(BAN_REASONS.get(ban.reason, ban.reason))
    return {
        "id": ban.id,
        "value": ban.value or _(KINDS[ban.kind]),
        "kind": _(KINDS[ban.kind]),
        "key": state,
        "graded": ban.grade,
        "grade": (grade_tone, _(grade)),
        "state": (tone, _(word)),
        "reason": f"{reason}{_('；')}{ban.lift_reason}" if ban.lift_reason else reason,
        "source": _(SOURCES[ban.source]),
        "at": ban.at,
        "until": ban.lifted_at or queries.end_of(ban),
        "checked": reader.name(ban.confirmed_by) if ban.confirmed_by else i18n.NOT_MEASURED,
        "do": "",
        "live": state in ("active", *WAITING),
        "open": state in WAITING,
    }


def _appeal_row(reader: Reader, appeal: Appeal) -> dict[str, Any]:
    _ = reader.context.gettext
    tone = {"": "warn", "granted": "ok", "rejected": "idle"}[appeal.decision]
    return {
        "id": appeal.id,
        "text": appeal.text,
        "at": appeal.at,
        "by": reader.name(appeal.by),
        "decision": (tone, _(DECISIONS[appeal.decision])),
        "reason": appeal.reason,
        "decided_by": reader.name(appeal.decided_by) if appeal.decided_by else "",
    }
