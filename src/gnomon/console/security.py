"""What every response of the console carries, and what no other site may make a reader's browser do."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gnomon.console.assets import ASSETS, PREFIX
from gnomon.console.render import context_of, error_page
from gnomon.kit.errors import Denied

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; font-src 'self'"
)
_HEADERS: Final = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class CrossSite(Denied):
    """A form or script of another site tried to change something here."""

    code = "cross_site"


class SecurityMiddleware:
    """Refuses changes that another site started, and adds the headers to every response."""

    def __init__(self, app: ASGIApp, *, trusted_origins: Iterable[str] = (), https: bool = False) -> None:
        self._app = app
        self._trusted = frozenset(trusted_origins)
        self._headers = _HEADERS | ({"Strict-Transport-Security": "max-age=31536000"} if https else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._dress(MutableHeaders(scope=message))
            await send(message)

        if scope["method"] not in _SAFE and comes_from_elsewhere(Headers(scope=scope), self._trusted):
            await _refusal(Request(scope))(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)

    def _dress(self, headers: MutableHeaders) -> None:
        for name, value in self._headers.items():
            headers[name] = value
        # Pages show what one person may see: no shared cache and no disk keeps them.
        headers.setdefault("Cache-Control", "private, no-store")


def comes_from_elsewhere(headers: Headers, trusted: Iterable[str] = ()) -> bool:
    """Whether a browser says that another site started this request.

    Every current browser sends Sec-Fetch-Site or Origin with a POST; a request with neither comes from a program,
    which carries no reader's cookies by accident.
    """
    origin = headers.get("origin", "")
    if origin and origin in set(trusted):
        return False
    site = headers.get("sec-fetch-site", "")
    if site:
        return site not in ("same-origin", "none")
    return bool(origin) and urlsplit(origin).netloc != headers.get("host", "")


def _refusal(request: Request) -> Response:
    error = CrossSite(
        "the change was started by another site",
        next_step="open the page here and send the form again",
        origin=request.headers.get("origin", ""),
        host=request.headers.get("host", ""),
    )
    if "text/html" in request.headers.get("accept", ""):
        return error_page(request, context_of(request), error)
    return JSONResponse(error.as_dict(), status_code=error.status)


def install(app: Starlette, *, trusted_origins: Iterable[str] = (), https: bool = False) -> None:
    """The application serves the static files, compresses what is worth it, and is guarded."""
    app.router.routes.append(
        Route(f"{PREFIX}/{{digest}}/{{name}}", ASSETS.answer, methods=["GET"], name="static", include_in_schema=False)
    )
    app.add_middleware(GZipMiddleware, minimum_size=500)
    app.add_middleware(SecurityMiddleware, trusted_origins=tuple(trusted_origins), https=https)
