"""Quotas: how much a key, a team or a model may use, and who has set it."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response
from pydantic import ValidationError

from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.console.urls import Column
from gnomon.control.access import actions, queries
from gnomon.control.access.schemas import NewQuota, QuotaKind
from gnomon.control.access.tables import Quota
from gnomon.control.catalog import queries as catalog
from gnomon.kit.i18n import mark
from gnomon.kit.web import WorkDep, allow

router = APIRouter(include_in_schema=False)
KINDS: Final = {"key": mark("密钥"), "team": mark("团队"), "model": mark("模型")}
LIMITS: Final = {
    "requests_per_second": mark("每秒请求上限"),
    "requests_per_minute": mark("每分钟请求上限"),
    "tokens_per_minute": mark("每分钟 token 上限"),
    "concurrency": mark("并发上限"),
    "tokens_per_day": mark("每日 token 预算"),
    "cost_per_day": mark("每日费用预算"),
}


@router.get("/quotas", dependencies=[allow("quota.view")])
def quotas(reader: ReaderDep) -> Response:
    """Every quota in force; what a key was issued with stands with the keys."""
    return _page(reader)


@router.post("/quotas", dependencies=[allow("quota.edit")])
def put(
    work: WorkDep,
    reader: ReaderDep,
    subject: Annotated[str, Form()] = "",
    requests_per_second: Annotated[str, Form()] = "",
    requests_per_minute: Annotated[str, Form()] = "",
    tokens_per_minute: Annotated[str, Form()] = "",
    concurrency: Annotated[str, Form()] = "",
    tokens_per_day: Annotated[str, Form()] = "",
    cost_per_day: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    """The quota takes the place of the one before; with every limit left empty there is none any more."""
    given = (requests_per_second, requests_per_minute, tokens_per_minute, concurrency, tokens_per_day, cost_per_day)
    typed: dict[str, Any] = {"subject": subject, "reason": reason.strip(), **dict(zip(LIMITS, given, strict=True))}
    wrong, new = _checked(reader, typed)
    if new is None:
        return _page(reader, typed=typed, errors=wrong)
    kind, _, value = subject.partition(":")
    actions.set_quota(work, _kind(kind), value, new)
    return see_other("/quotas", notice=("ok", reader.context.gettext("配额已更新，网关数秒内生效")))


def _checked(reader: Reader, typed: dict[str, Any]) -> tuple[dict[str, str], NewQuota | None]:
    """What is wrong by field, or the quota."""
    _ = reader.context.gettext
    wrong = {} if typed["subject"] in dict(_subjects(reader)) else {"subject": _("选择对象")}
    try:
        new = NewQuota.model_validate({"reason": typed["reason"], **{name: typed[name] or 0 for name in LIMITS}})
    except ValidationError as error:
        fields = {str(one["loc"][0]) for one in error.errors()}
        return wrong | {name: _("填写不小于 0 的数，0 表示不限") for name in LIMITS if name in fields} | (
            {"reason": _("需要填写理由。")} if "reason" in fields else {}
        ), None
    return wrong, None if wrong else new


def _kind(kind: str) -> QuotaKind:
    return "key" if kind == "key" else "team" if kind == "team" else "model"


def _page(reader: Reader, *, typed: dict[str, Any] | None = None, errors: dict[str, str] | None = None) -> HTMLResponse:
    _ = reader.context.gettext
    rows = [_row(reader, one) for one in queries.quotas(reader.session)]
    return reader.page(
        "quotas.html",
        status=400 if errors else 200,
        columns=[
            Column("subject", _("对象"), sort=False),
            *(Column(name, _(word), num=True, sort=False) for name, word in LIMITS.items()),
            Column("reason", _("理由"), sort=False, wrap=True),
            Column("at", _("设定时间"), sort=False),
            Column("by", _("设定人"), sort=False),
        ],
        rows=rows,
        subjects=[("", _("请选择")), *_subjects(reader)],
        limits=[(name, _(word)) for name, word in LIMITS.items()],
        typed=typed or {},
        errors=errors or {},
        edit_refused=reader.refusal("quota.edit"),
    )


def _subjects(reader: Reader) -> list[tuple[str, str]]:
    """Whom a quota can be set for: teams, models and keys that are not revoked."""
    _ = reader.context.gettext
    found = [(f"team:{team.id}", reader.say(team.title)) for team in reader.book.matrix.teams]
    found += [(f"model:{one.name}", one.name) for one in catalog.models(reader.session)]
    keys = [one for one in queries.keys(reader.session) if one.revoked_at is None]
    found += [(f"key:{one.id}", f"{one.id} ({one.caller})") for one in keys]
    return [(id, f"{_(KINDS[id.partition(':')[0]])} · {text}") for id, text in found]


def _row(reader: Reader, quota: Quota) -> dict[str, Any]:
    _ = reader.context.gettext
    name = reader.team(quota.value) if quota.kind == "team" else quota.value
    return {
        "id": quota.id,
        "subject": f"{_(KINDS[quota.kind])} · {name}",
        **queries.limits_of(quota),
        "reason": quota.reason,
        "at": quota.set_at,
        "by": reader.name(quota.set_by),
    }
