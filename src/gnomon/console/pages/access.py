"""Keys of callers: who may ask which model, how much, and until when."""

from datetime import datetime, time, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response
from pydantic import ValidationError

from gnomon.console.lists import Row, exported, listed, stamp
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.console.urls import Column
from gnomon.control.access import actions, queries
from gnomon.control.access.schemas import NewKey, Reason
from gnomon.control.access.tables import ApiKey
from gnomon.control.catalog import queries as catalog
from gnomon.kit import i18n
from gnomon.kit.errors import BadInput
from gnomon.kit.i18n import mark
from gnomon.kit.web import SettingsDep, WorkDep, allow

router = APIRouter(include_in_schema=False)
SCOPES: Final = {"chat": mark("问答"), "evaluate": mark("评测"), "restore": mark("还原")}
KEY_STATES: Final = {
    "active": ("ok", mark("有效")),
    "ending": ("warn", mark("即将到期")),
    "expired": ("idle", mark("已到期")),
    "revoked": ("idle", mark("已吊销")),
}
SOON = timedelta(days=14)


@router.get("/access", dependencies=[allow("key.view")])
def keys(reader: ReaderDep) -> Response:
    """Every key with its state; never its text."""
    return _keys(reader)


@router.post("/access/keys", dependencies=[allow("key.issue")])
def issue(
    work: WorkDep,
    reader: ReaderDep,
    settings: SettingsDep,
    caller: Annotated[str, Form()] = "",
    team: Annotated[str, Form()] = "",
    models: Annotated[list[str] | None, Form()] = None,
    scopes: Annotated[list[str] | None, Form()] = None,
    until: Annotated[str, Form()] = "",
    requests_per_minute: Annotated[str, Form()] = "",
    concurrency: Annotated[str, Form()] = "",
) -> Response:
    """The key is made; this answer is the only place that ever shows its text."""
    typed = {
        "caller": caller.strip(),
        "team": team,
        "models": models or [],
        "scopes": scopes or [],
        "until": until,
        "requests_per_minute": requests_per_minute,
        "concurrency": concurrency,
    }
    new, errors = _new_key(reader, typed)
    if new is None:
        return _keys(reader, typed=typed, errors=errors)
    answer = actions.issue_key(work, new, environment=settings.environment)
    return reader.page("key_issued.html", answer=answer, new=new, gateway=settings.gateway_url)


@router.post("/access/keys/{id}/revoke", dependencies=[allow("key.revoke")])
def revoke(id: str, work: WorkDep, reader: ReaderDep, reason: Annotated[str, Form()] = "") -> Response:
    actions.revoke_key(work, id, reason=reason_of(reader, reason))
    return see_other("/access", notice=("ok", reader.context.gettext("密钥 %(id)s 已吊销，网关数秒内生效", id=id)))


def reason_of(reader: Reader, text: str) -> str:
    """The reason that the audit log needs. Raises BadInput without one."""
    try:
        return Reason(reason=text.strip()).reason
    except ValidationError as error:
        raise BadInput(
            reader.context.gettext("需要填写理由。"),
            next_step=reader.context.gettext("写明原因后再提交，它会写入审计日志。"),
        ) from error


# ---------------------------------------------------------------- keys


def _keys(reader: Reader, *, typed: dict[str, Any] | None = None, errors: dict[str, str] | None = None) -> Response:
    view, columns, write = reader.view, _key_columns(reader), writer(reader)
    state = view.get("state")
    every = [_key_row(reader, one) for one in queries.keys(reader.session)]
    rows = [row for row in every if not state or row["key"] == state]
    found = listed(view, columns, rows, sort="-at", write=write)
    if view.get("export"):
        name = f"keys-{stamp(reader.now.astimezone(reader.zone))}"
        return exported(view, columns, found.all_rows, name=name, write=write)
    blank = {"scopes": ["chat"], "models": ["*"]}
    return _keys_page(reader, columns, found, every, typed or blank, errors or {})


def _keys_page(
    reader: Reader, columns: list[Column], found: Any, every: list[dict[str, Any]], typed: Any, errors: dict[str, str]
) -> HTMLResponse:
    _ = reader.context.gettext
    models = [(one.name, one.name) for one in catalog.models(reader.session)]
    return reader.page(
        "access.html",
        status=400 if errors else 200,
        columns=columns,
        found=found,
        counts={key: sum(row["key"] == key for row in every) for key in KEY_STATES},
        total=len(every),
        states=[(key, _(word)) for key, (_tone, word) in KEY_STATES.items()],
        teams=[("", _("请选择")), *((team.id, reader.say(team.title)) for team in reader.book.matrix.teams)],
        models=[("*", _("全部模型")), *models],
        scopes=[(id, _(word)) for id, word in SCOPES.items()],
        typed=typed,
        errors=errors,
        issue_refused=reader.refusal("key.issue"),
        revoke_refused=reader.refusal("key.revoke"),
    )


def _new_key(reader: Reader, typed: dict[str, Any]) -> tuple[NewKey | None, dict[str, str]]:
    """What was typed as a key to make, or what is wrong with it by field."""
    _ = reader.context.gettext
    errors = {
        name: text
        for name, wrong, text in (
            ("caller", not 1 <= len(typed["caller"]) <= 64, _("填写调用方，最多 64 个字")),
            ("team", typed["team"] not in [team.id for team in reader.book.matrix.teams], _("选择团队")),
            ("models", not typed["models"], _("至少选一个模型")),
            ("scopes", not typed["scopes"] or not set(typed["scopes"]) <= set(SCOPES), _("至少选一种用途")),
            ("requests_per_minute", not _whole(typed["requests_per_minute"]), _("填写不小于 0 的整数，0 表示不限")),
            ("concurrency", not _whole(typed["concurrency"]), _("填写不小于 0 的整数，0 表示不限")),
        )
        if wrong
    }
    expires_at = _end_of(reader, typed["until"])
    if typed["until"] and (expires_at is None or expires_at <= reader.now):
        errors["until"] = _("填写今天或以后的日期")
    if errors:
        return None, errors
    new = NewKey.model_validate(
        {
            **{name: typed[name] for name in ("caller", "team", "models", "scopes")},
            "expires_at": expires_at,
            "requests_per_minute": int(typed["requests_per_minute"] or 0),
            "concurrency": int(typed["concurrency"] or 0),
        }
    )
    return new, {}


def _whole(text: str) -> bool:
    return not text or (text.isascii() and text.isdigit() and len(text) < 8)


def _end_of(reader: Reader, text: str) -> datetime | None:
    """The end of that day on the installation's clock; None when it is no day."""
    try:
        day = datetime.fromisoformat(text).date()
    except ValueError:
        return None
    return datetime.combine(day + timedelta(days=1), time(), reader.zone)


def _key_columns(reader: Reader) -> list[Column]:
    _ = reader.context.gettext
    return [
        Column("id", _("密钥")),
        Column("caller", _("调用方")),
        Column("team", _("团队")),
        Column("state", _("状态")),
        Column("do", _("操作"), sort=False),
        Column("models", _("模型"), wrap=True),
        Column("scopes", _("用途")),
        Column("rpm", _("每分钟请求上限"), num=True),
        Column("concurrency", _("并发上限"), num=True),
        Column("until", _("到期时间")),
        Column("at", _("签发时间"), hidden=True),
        Column("by", _("签发人"), hidden=True),
    ]


def key_state(reader: Reader, key: ApiKey) -> str:
    if key.revoked_at:
        return "revoked"
    if key.expires_at and key.expires_at <= reader.now:
        return "expired"
    return "ending" if key.expires_at and key.expires_at <= reader.now + SOON else "active"


def _key_row(reader: Reader, key: ApiKey) -> dict[str, Any]:
    _, state = reader.context.gettext, key_state(reader, key)
    tone, word = KEY_STATES[state]
    comma = _("、")
    return {
        "id": key.id,
        "caller": key.caller,
        "team": reader.team(key.team),
        "key": state,
        "state": (tone, _(word)),
        "models": _("全部模型") if key.models == ["*"] else comma.join(key.models),
        "scopes": comma.join(_(SCOPES[scope]) if scope in SCOPES else scope for scope in key.scopes),
        "rpm": key.requests_per_minute,
        "concurrency": key.concurrency,
        "until": key.expires_at,
        "at": key.created_at,
        "by": reader.name(key.created_by),
        "do": "",
        "live": state in ("active", "ending"),
    }


def writer(reader: Reader) -> Any:
    """How a cell of keys or bans is written in an export."""

    def write(row: Row, column: Column) -> str:
        value = row[column.key]
        if column.key == "state":
            return str(value[1])
        if isinstance(value, datetime):
            return i18n.moment(value, reader.context.locale, zone=reader.zone)
        if column.key in ("rpm", "concurrency"):
            return i18n.number(value) if value else reader.context.gettext("不限")
        return i18n.NOT_MEASURED if value is None else str(value)

    return write
