"""The console on an application: its security, every page, and errors told as pages to people, as JSON to programs."""

import pkgutil
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from importlib import import_module
from typing import Any, ClassVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from gnomon.console import faults, pages, security
from gnomon.console.reader import context_for
from gnomon.console.render import ENVIRONMENTS, error_page
from gnomon.kit import log
from gnomon.kit.errors import BadInput, GnomonError, NotFound, SignInNeeded
from gnomon.kit.ids import new_id
from gnomon.kit.settings import Settings
from gnomon.kit.web import attach, error_body, visitor

_log = log.get(__name__)
_Handler = Callable[[Request, Any], Response | Awaitable[Response]]


class Refused(GnomonError):
    """What the framework itself refuses: an unknown address, a wrong method."""

    code: ClassVar[str] = "refused"


class Broken(GnomonError):
    """A fault of ours. What happened stands in the log under `reference`; whoever asked is told no more than that."""


def mount(app: FastAPI, *, https: bool = False) -> None:
    """`app` (with `state.platform`, `state.settings`, `state.identify`) answers every page.

    Raises BadInput when the settings name an environment or a zone that does not exist: better at start than per page.
    """
    _check(app.state.settings)
    for router in routers():
        attach(app, router)
    api_says_bad_input = app.exception_handlers.get(RequestValidationError)
    app.add_exception_handler(GnomonError, _expected)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _bad_input(api_says_bad_input))
    app.add_exception_handler(Exception, _unexpected)
    security.install(app, https=https)


def routers() -> list[APIRouter]:
    """The router of every module in `console.pages`, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(pages.__path__))
    return [import_module(f"{pages.__name__}.{name}").router for name in names if not name.startswith("_")]


def wants_page(request: Request) -> bool:
    """Whether a person's browser asks: what lies under /api is for programs whatever they accept."""
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


async def _expected(request: Request, error: Exception) -> Response:
    assert isinstance(error, GnomonError)
    if not wants_page(request):
        return JSONResponse({"error": error_body(request, error)}, status_code=error.status)
    if isinstance(error, SignInNeeded) and request.method in ("GET", "HEAD"):
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/sign-in?next={quote(target, safe='/')}" if target != "/" else "/sign-in", 303)
    return await run_in_threadpool(_page, request, error)


async def _unexpected(request: Request, error: Exception) -> Response:
    told = Broken("The fault is ours; nothing was saved.", reference=new_id("fault"))
    _log.error("request_failed", path=request.url.path, kind=type(error).__name__, **told.facts)
    if not wants_page(request):
        return JSONResponse({"error": error_body(request, told)}, status_code=told.status)
    try:
        return await run_in_threadpool(_page, request, told)
    except Exception:  # noqa: BLE001 - what broke the request (a database that is gone) may break its error page too
        words = f"出了意外 / something unexpected happened: {told.facts['reference']}"
        return PlainTextResponse(words, status_code=told.status)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    told = _told(request, error)
    if not wants_page(request):
        return JSONResponse({"error": error_body(request, told)}, status_code=error.status_code, headers=error.headers)
    return await run_in_threadpool(_page, request, told)


def _told(request: Request, error: HTTPException) -> GnomonError:
    if error.status_code == HTTPStatus.NOT_FOUND:
        return NotFound(f"There is nothing at {request.url.path}.", next_step="See the addresses in the side bar.")
    told = Refused(str(error.detail), next_step="Go back and use the buttons of the page.")
    told.status = error.status_code  # type: ignore[misc]  # the framework's own status, for this answer alone
    return told


def _bad_input(for_programs: Any) -> _Handler:
    async def answer(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        if not wants_page(request) and for_programs is not None:
            answered: Response = for_programs(request, error)
            return answered
        fields = ", ".join(sorted({str(item["loc"][-1]) for item in error.errors()}))
        return await _expected(request, BadInput(f"Missing or unreadable: {fields}.", next_step="Fill it in again."))

    return answer


def _page(request: Request, error: GnomonError) -> Response:
    context = context_for(request, visitor(request))
    return error_page(request, context, faults.in_words(context, error))


def _check(settings: Settings) -> None:
    if settings.environment not in ENVIRONMENTS:
        known = ", ".join(ENVIRONMENTS)
        raise BadInput(f"There is no environment {settings.environment!r}.", next_step=f"Set one of {known}.")
    try:
        ZoneInfo(settings.timezone)
    except (KeyError, ValueError, OSError) as error:
        raise BadInput(
            f"There is no time zone {settings.timezone!r}.", next_step="Set an IANA name, e.g. Asia/Shanghai."
        ) from error
