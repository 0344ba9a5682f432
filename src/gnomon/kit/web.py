"""What routes and pages share: who asks, a Work to change with, a session to read with, errors told once.

Wiring puts on `app.state`: `platform` (kit.work.Platform), `settings` (kit.settings.Settings) and `identify`,
a function (Session, token) -> Actor | None. A person is known by the session cookie or by `Authorization: Bearer`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.params import Depends as DependsMarker
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from gnomon.kit.error_texts import spoken, told
from gnomon.kit.errors import Denied, GnomonError, SignInNeeded
from gnomon.kit.i18n import SOURCE
from gnomon.kit.settings import Settings
from gnomon.kit.work import NOBODY, Actor, Platform, Work

COOKIE = "gnomon_session"
MAX_OFFSET = 1_000_000_000  # below what the databases take for a row number


def attach(app: FastAPI, router: APIRouter) -> None:
    """Every route of `router`, which has its own prefix, is one of the application's.

    `include_router` would make each of our three hundred routes once more at the first request, to add what we do not
    add to them - a third of a second that somebody waits for - and search router by router at every request.
    """
    app.router.routes.extend(router.routes)


def platform_of(request: Request) -> Platform:
    return cast(Platform, request.app.state.platform)


def settings_of(request: Request) -> Settings:
    return cast(Settings, request.app.state.settings)


def token_of(request: Request) -> str:
    """The sign-in token that came with the request, or an empty string."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else request.cookies.get(COOKIE, "")


def visitor(request: Request) -> Actor:
    """Who asks; a nobody (with their address) when not signed in."""
    token = token_of(request)
    if not token:
        return stranger(request)
    with platform_of(request).read() as session:
        actor: Actor | None = request.app.state.identify(session, token)
    if actor is None:
        return stranger(request)
    request.state.locale = actor.locale  # an error of this request is told in it
    return replace(actor, address=_address(request))


def stranger(request: Request) -> Actor:
    """Whoever asks, as nobody in particular: how one signs in."""
    return replace(NOBODY, address=_address(request))


def person(visitor: Annotated[Actor, Depends(visitor)]) -> Actor:
    """Who asks; raises SignInNeeded for a stranger."""
    if visitor.kind == "nobody":
        raise SignInNeeded("This needs a signed-in person.", next_step="Sign in and try again.")
    return visitor


def work(request: Request, actor: Annotated[Actor, Depends(person)]) -> Iterator[Work]:
    with platform_of(request).work(actor) as work:
        yield work


def reader(request: Request) -> Iterator[Session]:
    with platform_of(request).read() as session:
        yield session


def allow(permission: str) -> DependsMarker:
    """A dependency that lets only holders of `permission` in: `dependencies=[allow("audit.read")]`.

    On a route that changes something it asks before the form is looked at; who is refused leaves a trace, as at the
    action itself.
    """

    def check(request: Request, actor: Annotated[Actor, Depends(person)]) -> None:
        platform = platform_of(request)
        try:
            with platform.read() as session:
                platform.hooks.authorise(session, actor, permission)
        except Denied:
            if request.method not in ("GET", "HEAD"):
                with platform.work(actor) as work:
                    work.require(permission)
            raise

    return cast(DependsMarker, Depends(check))


VisitorDep = Annotated[Actor, Depends(visitor)]
ActorDep = Annotated[Actor, Depends(person)]
WorkDep = Annotated[Work, Depends(work)]
ReadDep = Annotated[Session, Depends(reader)]
SettingsDep = Annotated[Settings, Depends(settings_of)]


def locale_of(request: Request) -> str:
    """The language for whoever asks: the signed-in person's, else the request's, else the installation's."""
    chosen = getattr(request.state, "locale", "") or spoken(request.headers.get("accept-language", ""))
    settings: Settings | None = getattr(request.app.state, "settings", None)
    return chosen or (settings.locale if settings else SOURCE)


def error_body(request: Request, error: GnomonError) -> dict[str, Any]:
    """The error for programs and people: code, message and facts as raised; title and next step in their language.

    `detail` is what to show below the title, see ToldError.
    """
    words = told(error, locale_of(request))
    return error.as_dict() | {"title": words.title, "detail": words.detail, "next_step": words.next_step}


def tell_errors(app: FastAPI) -> None:
    """Translate expected errors of the API once, here."""

    def answer(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, GnomonError)
        return JSONResponse({"error": error_body(request, error)}, status_code=error.status)

    app.add_exception_handler(GnomonError, answer)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
