"""People and their posts, and the matrix of who may do what."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response
from pydantic import ValidationError

from gnomon.console.lists import Row, exported, listed, stamp, table_file
from gnomon.console.pages.access import reason_of
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.console.urls import Column
from gnomon.control.people import actions, queries, rules
from gnomon.control.people.schemas import NewPerson
from gnomon.control.people.tables import Person
from gnomon.kit import i18n
from gnomon.kit.errors import BadInput
from gnomon.kit.web import SettingsDep, WorkDep, allow

router = APIRouter(include_in_schema=False)
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")


@router.get("/admin/users", dependencies=[allow("person.view")])
def users(reader: ReaderDep) -> Response:
    """Everybody, with posts and whether they can sign in."""
    return _users(reader)


@router.post("/admin/users", dependencies=[allow("person.create")])
def invite(
    work: WorkDep,
    reader: ReaderDep,
    settings: SettingsDep,
    login: Annotated[str, Form()] = "",
    name: Annotated[str, Form()] = "",
    team: Annotated[str, Form()] = "",
) -> Response:
    """The person exists, without a post; the answer shows the one-time link, this once."""
    typed = {"login": login.strip(), "name": name.strip(), "team": team}
    errors = _wrong(reader, typed)
    if errors:
        return _users(reader, typed=typed, errors=errors)
    try:
        new = NewPerson.model_validate(typed | {"locale": settings.locale})
    except ValidationError as error:
        raise BadInput(str(error.errors()[0]["msg"]), next_step="Correct it and send it again.") from error
    answer = actions.invite(work, new)
    return _link(reader, settings.control_url, new.name, answer)


@router.post("/admin/users/{id}/invitation", dependencies=[allow("person.reset")])
def renew(id: str, work: WorkDep, reader: ReaderDep, settings: SettingsDep) -> HTMLResponse:
    """The old password and every post end; the answer shows a fresh one-time link, this once."""
    answer = actions.renew_invitation(work, id)
    return _link(reader, settings.control_url, reader.name(id), answer)


@router.post("/admin/users/{id}/posts", dependencies=[allow("person.assign")])
def assign(
    id: str,
    work: WorkDep,
    reader: ReaderDep,
    posts: Annotated[list[str] | None, Form()] = None,
    reason: Annotated[str, Form()] = "",
) -> Response:
    if not posts:
        raise BadInput(
            reader.context.gettext("至少要有一个岗位。"), next_step=reader.context.gettext("离岗的人请停用账号。")
        )
    actions.set_posts(work, id, posts=posts, reason=reason_of(reader, reason))
    return see_other("/admin/users", notice=("ok", reader.context.gettext("岗位已调整，下一次操作起生效")))


@router.post("/admin/users/{id}/disable", dependencies=[allow("person.disable")])
def disable(id: str, work: WorkDep, reader: ReaderDep, reason: Annotated[str, Form()] = "") -> Response:
    actions.deactivate(work, id, reason=reason_of(reader, reason))
    return see_other("/admin/users", notice=("ok", reader.context.gettext("账号已停用，全部会话已结束")))


@router.get("/permissions", dependencies=[allow("matrix.view")])
def permissions(reader: ReaderDep) -> Response:
    """Every right by every post as the matrix in force says, and who holds each post."""
    matrix = queries.matrix(reader.session)
    posts = [(post.id, reader.say(post.title)) for post in reader.book.matrix.posts]
    rows = _rights(reader, matrix.permissions)
    if reader.view.get("export"):
        reader.require("matrix.export")
        header = [reader.context.gettext("资源"), reader.context.gettext("权限"), *(title for _, title in posts)]
        cells = (
            [row["resource"], row["right"], *("✓" if id in row["posts"] else "" for id, _ in posts)] for row in rows
        )
        name = f"permissions-{stamp(reader.now.astimezone(reader.zone))}"
        return table_file(reader.view.get("export"), name, header, cells)
    return reader.page(
        "permissions.html",
        matrix=matrix,
        posts=posts,
        rows=rows,
        total=len(matrix.permissions),
        resources=[(one.id, reader.say(one.title)) for one in reader.book.matrix.resources],
        holders=_holders(reader) if reader.may("person.view") else {},
        separation=reader.book.matrix.separation,
        mine=reader.actor.posts,
        export_refused=reader.refusal("matrix.export"),
    )


# ---------------------------------------------------------------- people


def _users(reader: Reader, *, typed: dict[str, Any] | None = None, errors: dict[str, str] | None = None) -> Response:
    view, columns, write = reader.view, _columns(reader), _writer(reader)
    team, every = view.get("team"), queries.people(reader.session)
    rows = [_row(reader, one) for one in every if not team or one.team == team]
    found = listed(view, columns, rows, sort="name", write=write)
    if view.get("export"):
        name = f"people-{stamp(reader.now.astimezone(reader.zone))}"
        return exported(view, columns, found.all_rows, name=name, write=write)
    held = {post for one in every if one.active for post in one.posts}
    posts = reader.book.matrix.posts
    return reader.page(
        "users.html",
        status=400 if errors else 200,
        columns=columns,
        found=found,
        total=len(every),
        active=sum(one.active and bool(one.password_hash) for one in every),
        vacant=[reader.say(post.title) for post in posts if post.id not in held],
        teams=[(one.id, reader.say(one.title)) for one in reader.book.matrix.teams],
        posts=[(post.id, reader.say(post.title)) for post in posts],
        typed=typed or {"login": "", "name": "", "team": ""},
        errors=errors or {},
        least=rules.PASSWORD_MIN,
        refused={verb: reader.refusal(f"person.{verb}") for verb in ("create", "assign", "disable", "reset")},
    )


def _wrong(reader: Reader, typed: dict[str, Any]) -> dict[str, str]:
    _ = reader.context.gettext
    teams = [team.id for team in reader.book.matrix.teams]
    checks = (
        (
            "login",
            not _LOGIN.fullmatch(typed["login"]),
            _("2 到 64 个小写字母、数字、点、横线或下划线"),
        ),
        ("name", not 1 <= len(typed["name"]) <= 64, _("填写姓名，最多 64 个字")),
        ("team", typed["team"] not in teams, _("选择团队")),
    )
    errors = {name: text for name, wrong, text in checks if wrong}
    if not errors and queries.by_login(reader.session, typed["login"]):
        errors["login"] = _("这个账号已经有人用了")
    return errors


def _link(reader: Reader, url: str, name: str, answer: Any) -> HTMLResponse:
    return reader.page(
        "invited.html",
        name=name,
        link=f"{url}/invitation?token={answer.token}",
        expires_at=answer.expires_at,
    )


def _columns(reader: Reader) -> list[Column]:
    _ = reader.context.gettext
    return [
        Column("name", _("姓名")),
        Column("login", _("账号")),
        Column("team", _("团队")),
        Column("posts", _("岗位"), wrap=True),
        Column("state", _("状态")),
        Column("at", _("加入时间")),
        Column("do", _("操作"), sort=False),
    ]


def _row(reader: Reader, person: Person) -> dict[str, Any]:
    _ = reader.context.gettext
    waiting = ("info", _("待设密码")) if not person.password_hash else ("ok", _("可登录"))
    return {
        "id": person.id,
        "name": person.name,
        "login": person.login,
        "team": reader.team(person.team),
        "posts": reader.posts(person.posts),
        "held": person.posts,
        "state": waiting if person.active else ("idle", _("已停用")),
        "at": person.created_at,
        "do": "",
        "active": person.active,
        "self": person.id == reader.actor.id,
    }


def _writer(reader: Reader) -> Any:
    def write(row: Row, column: Column) -> str:
        if column.key == "at":
            return i18n.moment(row["at"], reader.context.locale, zone=reader.zone)
        return str(row["state"][1] if column.key == "state" else row[column.key])

    return write


# ---------------------------------------------------------------- the matrix


def _rights(reader: Reader, permissions: dict[str, Any]) -> list[dict[str, Any]]:
    """The rights that the address asks for, by resource in the rulebook's order."""
    resource, post, q = reader.view.get("resource"), reader.view.get("post"), reader.view.get("q").casefold()
    order = {one.id: i for i, one in enumerate(reader.book.matrix.resources)}
    titles = {one.id: reader.say(one.title) for one in reader.book.matrix.resources}
    rows = []
    for name in sorted(permissions, key=lambda one: (order.get(one.partition(".")[0], len(order)), one)):
        id = name.partition(".")[0]
        row = {
            "name": name,
            "resource": titles.get(id, id),
            "right": reader.permission(name),
            "posts": set(permissions[name]),
        }
        if (resource and id != resource) or (post and post not in row["posts"]):
            continue
        if q in f"{name} {row['right']} {row['resource']}".casefold():
            rows.append(row)
    return rows


def _holders(reader: Reader) -> dict[str, str]:
    """The names of those who hold each post."""
    held: dict[str, list[str]] = {}
    for person in queries.people(reader.session):
        for post in person.posts if person.active else ():
            held.setdefault(post, []).append(person.name)
    return {post: reader.context.gettext("、").join(names) for post, names in held.items()}
