"""Sign in and out, choose the first password, and what a person sets for themselves."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from gnomon.console import faults
from gnomon.console.reader import ReaderDep, context_for
from gnomon.console.render import COOKIES, Context, page, see_other
from gnomon.console.urls import is_local
from gnomon.control.people import actions, queries, rules
from gnomon.control.people.routes import set_cookie, try_sign_in
from gnomon.control.people.schemas import SignInAnswer
from gnomon.control.people.tables import Person
from gnomon.kit.errors import BadInput, GnomonError, NotFound
from gnomon.kit.i18n import LOCALES
from gnomon.kit.web import COOKIE, ReadDep, VisitorDep, WorkDep, platform_of
from gnomon.kit.work import NOBODY

router = APIRouter(include_in_schema=False)
_YEAR_S = 365 * 86_400


class InvitationSpent(NotFound):
    """The one-time link is unknown, used or too old."""

    code = "invitation_spent"


@router.get("/sign-in")
def sign_in_form(request: Request, visitor: VisitorDep, next: str = "/") -> Response:
    """The form; who is signed in already goes on."""
    if visitor.kind == "person":
        return see_other(_local(next))
    return _sign_in_page(request, account="", next=next, errors={})


@router.post("/sign-in")
def sign_in(
    request: Request,
    session: ReadDep,
    account: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",
) -> Response:
    """Signed in and where one wanted to go, or the form again with what is wrong."""
    context = context_for(request)
    errors = {
        id: text
        for id, value, text in (
            ("account", account.strip(), context.gettext("填写账号")),
            ("password", password, context.gettext("填写密码")),
        )
        if not value
    }
    if errors:
        return _sign_in_page(request, account=account, next=next, errors=errors, status=400)
    try:
        answer = try_sign_in(request, login=account.strip()[:64], password=password[:256])
    except GnomonError as error:
        told = faults.in_words(context, error)
        shown = {"password": context.gettext("%(what)s%(next)s", what=told.message, next=told.next_step)}
        return _sign_in_page(request, account=account, next=next, errors=shown, status=error.status)
    return _enter(request, answer, to=_local(next), locale=queries.person(session, answer.person).locale)


@router.post("/sign-out")
def sign_out(request: Request, visitor: VisitorDep) -> Response:
    """The session is over on the server too; signing out twice does no harm."""
    if visitor.kind == "person":
        with platform_of(request).work(visitor) as work:
            actions.sign_out(work)
    response = see_other("/sign-in")
    response.delete_cookie(COOKIE, path="/")
    return response


@router.get("/invitation")
def invitation(request: Request, session: ReadDep, token: str = "") -> HTMLResponse:
    """The form for a first password. Raises InvitationSpent on a link that is unknown, spent or too old."""
    person = _invited(request, session, token)
    return _invitation_page(request, person, token, {})


@router.post("/invitation")
def accept(
    request: Request,
    session: ReadDep,
    token: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
) -> Response:
    """The password is set and the person signed in, or the form again with what is wrong."""
    context = context_for(request)
    person = _invited(request, session, token)
    errors = _password_errors(context, login=person.login, password=password, again=again)
    if errors:
        return _invitation_page(request, person, token, errors)
    with platform_of(request).work(NOBODY) as work:
        answer = actions.accept_invitation(work, token=token, password=password)
    return _enter(request, answer, to="/", locale=person.locale)


@router.get("/me")
def me(reader: ReaderDep) -> HTMLResponse:
    """Who I am here, and how pages look for me."""
    return reader.page(
        "me.html",
        person=queries.person(reader.session, reader.actor.id),
        rights=sorted(
            reader.permission(name)
            for name, posts in queries.matrix(reader.session).permissions.items()
            if reader.actor.posts & set(posts)
        ),
    )


@router.post("/me/language")
def language(work: WorkDep, locale: Annotated[str, Form()] = "") -> Response:
    """Pages and messages are in `locale` from now on, on every device."""
    if locale not in LOCALES:
        raise BadInput(f"There is no language {locale!r}.", next_step=f"Choose one of {', '.join(LOCALES)}.")
    actions.set_locale(work, locale)
    response = see_other("/me")
    _keep_locale(response, locale)
    return response


def _sign_in_page(
    request: Request, *, account: str, next: str, errors: dict[str, str], status: int = 200
) -> HTMLResponse:
    values: dict[str, Any] = {"account": account, "errors": errors, "next": _local(next)}
    return page(request, context_for(request), "sign_in.html", status=status, **values)


def _invitation_page(request: Request, person: Person, token: str, errors: dict[str, str]) -> HTMLResponse:
    values: dict[str, Any] = {"token": token, "person": person, "errors": errors, "least": rules.PASSWORD_MIN}
    return page(request, context_for(request), "invitation.html", status=400 if errors else 200, **values)


def _invited(request: Request, session: ReadDep, token: str) -> Person:
    found = queries.invitation(session, token) if token else None
    if found is None or found.used_at or found.expires_at <= platform_of(request).clock.now():
        context = context_for(request)
        raise InvitationSpent(
            context.gettext("这个邀请链接无效、已用过或已过期。"),
            next_step=context.gettext("请系统管理员重发一个；链接只能用一次。"),
        )
    return queries.person(session, found.person_id)


def _password_errors(context: Context, *, login: str, password: str, again: str) -> dict[str, str]:
    try:
        rules.check_password(password, login=login)
    except GnomonError as error:
        return {"password": faults.in_words(context, error).message}
    return {} if password == again else {"again": context.gettext("两次输入的密码不一致")}


def _enter(request: Request, answer: SignInAnswer, *, to: str, locale: str) -> Response:
    response = see_other(to)
    set_cookie(response, answer, secure=request.url.scheme == "https")
    if COOKIES["locale"] not in request.cookies:
        _keep_locale(response, locale)
    return response


def _keep_locale(response: Response, locale: str) -> None:
    response.set_cookie(COOKIES["locale"], locale, max_age=_YEAR_S, httponly=True, samesite="lax", path="/")


def _local(target: str) -> str:
    return target if is_local(target) else "/"
