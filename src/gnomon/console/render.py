"""Templates to text. How a page is made:

1. `pages/<domain>.py` holds `router = APIRouter()`. A handler reads its filters from `View.of(request)`, calls queries
   or actions, and ends with `return page(request, context, "slo.html", rows=rows, ...)`.
2. `context = context_of(request, actor=..., environment=...)`: who reads, in which language, theme and density.
3. `templates/slo.html` begins with `{% extends "base.html" %}{% import "_macros.html" as ui %}` and fills the blocks
   `title` and `main`. Chinese is the source text: `{{ _("错误预算") }}`, `{{ _("共 %(n)s 项", n=number(total)) }}`; in
   Python `context.gettext("...")`, or `mark("...")` where the language is not known yet. English goes into
   `locale/en/LC_MESSAGES/<page>.po`, one file for each page; a test fails on a missing, fuzzy or unused text.
4. Every template knows: `context`, `view` (the URL), `locale`, `number`, `percent`, `day`, `moment`, `duration`,
   `size`, `asset("x.css")`. A handler draws a `Chart` (engine.charts) and the template says `{{ ui.figure(chart) }}`.
5. After a POST: `return see_other("/cases/1", notice=("ok", context.gettext("方案已批准")))`: the notice shows once.
"""

import os
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse

from gnomon.console import navigation
from gnomon.console.assets import ASSETS
from gnomon.console.urls import View, is_local, page_numbers, pages
from gnomon.contract.verdicts import State
from gnomon.engine.charts.palette import DASHES, MARKS
from gnomon.kit import i18n
from gnomon.kit.error_texts import told
from gnomon.kit.errors import BadInput, GnomonError
from gnomon.kit.i18n import mark

_HERE: Final = Path(__file__).parent
TEMPLATES: Final = _HERE / "templates"
LOCALE: Final = _HERE / "locale"
ZONE: Final = ZoneInfo("Asia/Shanghai")
"""The clock that pages show when the installation names no other."""

THEMES: Final = ("auto", "light", "dark")
DENSITIES: Final = ("comfortable", "compact")
COOKIES: Final = {
    "locale": "gnomon_locale",
    "theme": "gnomon_theme",
    "density": "gnomon_density",
    "keys": "gnomon_keys",
}
NOTICE: Final = "gnomon_notice"
ENVIRONMENTS: Final = {
    "production": mark("生产"),
    "staging": mark("预发"),
    "canary": mark("灰度"),
    "demo": mark("演示"),
}
VERDICTS: Final = {
    State.MET: ("ok", mark("达标")),
    State.NOT_MET: ("bad", mark("未达标")),
    State.INSUFFICIENT: ("warn", mark("数据不足")),
    State.NOT_MEASURED: ("idle", mark("未测量")),
}


class Notice(NamedTuple):
    """A line that tells what just happened."""

    tone: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who is reading: the name and the posts as the reader's language writes them."""

    name: str
    posts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What every page needs to know about its reader and itself."""

    view: View
    locale: str = i18n.SOURCE
    theme: str = "auto"
    density: str = "comfortable"
    single_keys: bool = True
    actor: Actor | None = None
    environment: str = "production"
    paths: frozenset[str] = frozenset()
    notices: tuple[Notice, ...] = ()
    zone: tzinfo = field(default=ZONE)

    def gettext(self, text: str, **values: object) -> str:
        """`text` in the reader's language, its %(names)s filled in."""
        found = gettext(text, self.locale)
        return found % values if values else found


@cache
def catalogue() -> i18n.Catalogue:
    """The console's texts in other languages than the source; read when the first of them is asked for."""
    return i18n.load(LOCALE, strict=os.environ.get("GNOMON_STRICT_TEXTS") == "1")


def gettext(text: str, locale: str) -> str:
    """`text` in `locale`."""
    return text if locale == i18n.SOURCE else catalogue().gettext(text, locale)


def context_of(
    request: Request,
    *,
    actor: Actor | None = None,
    environment: str = "production",
    zone: tzinfo = ZONE,
    notices: tuple[Notice, ...] = (),
) -> Context:
    """The reader's context: cookies decide, then the browser's language; nonsense in a cookie counts as absent."""
    if environment not in ENVIRONMENTS:
        known = ", ".join(ENVIRONMENTS)
        raise BadInput(f"no such environment: {environment!r}", next_step=f"use one of {known}")
    return Context(
        view=View.of(request),
        locale=_chosen(request, "locale", i18n.LOCALES) or _spoken(request.headers.get("accept-language", "")),
        theme=_chosen(request, "theme", THEMES) or "auto",
        density=_chosen(request, "density", DENSITIES) or "comfortable",
        single_keys=_chosen(request, "keys", ("on", "off")) != "off",
        actor=actor,
        environment=environment,
        paths=_paths(request.scope["app"]),
        notices=(*_left_notice(request), *notices),
        zone=zone,
    )


def render(context: Context, template: str, **values: Any) -> str:
    """The template as text. A value that the template names and nobody gave raises `jinja2.UndefinedError`."""
    values = {
        "context": context,
        "view": context.view,
        "groups": navigation.visible(context.paths),
        "current": navigation.current(context.view.path),
        **values,
    }
    return jinja(context.locale, context.zone).get_template(template).render(values)


def page(request: Request, context: Context, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """The template as a response; a notice that it showed is not shown again."""
    response = HTMLResponse(render(context, template, **values), status_code=status)
    if NOTICE in request.cookies:
        response.delete_cookie(NOTICE, path="/")
    return response


def error_page(request: Request, context: Context, error: GnomonError) -> HTMLResponse:
    """The error as a page: what happened, why, what to do next, with its stable code and its status."""
    words = told(error, context.locale)
    return page(request, context, "error.html", status=error.status, error=error, told=words)


def see_other(target: str, *, notice: tuple[str, str] | None = None) -> RedirectResponse:
    """To `target`, a path of this site, after a form was done; the notice shows on the next page."""
    if not is_local(target):
        raise BadInput(f"a form cannot lead to {target!r}", next_step="give a path of this site")
    response = RedirectResponse(target, status_code=303)
    if notice:
        tone, text = notice
        response.set_cookie(NOTICE, quote(f"{tone}|{text}"[:300]), max_age=60, httponly=True, samesite="lax", path="/")
    return response


@cache
def jinja(locale: str, zone: tzinfo) -> Environment:
    """One Jinja environment for each language: texts and formats are its own, so macros need no context."""
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    spoken = partial(gettext, locale=locale)
    env.install_gettext_callables(spoken, _one_form(spoken), newstyle=True)  # type: ignore[attr-defined]
    env.globals.update(
        locale=locale,
        moment=partial(i18n.moment, locale=locale, zone=zone),
        iso=_iso,
        number=partial(i18n.number, locale=locale),
        percent=partial(i18n.percent, locale=locale),
        day=partial(i18n.day, locale=locale),
        duration=partial(i18n.duration, locale=locale),
        size=partial(i18n.size, locale=locale),
        asset=ASSETS.url,
        marks=MARKS,
        dashes=DASHES,
        environments=ENVIRONMENTS,
        verdicts=VERDICTS,
        home=navigation.HOME,
        page_numbers=page_numbers,
        page_count=pages,
    )
    return env


def _one_form(gettext: Any) -> Any:
    """Neither language of the console needs plural forms: numbers stand before a unit or after a colon."""
    return lambda singular, plural, n: gettext(singular)


def _iso(value: datetime) -> str:
    return value.isoformat(timespec="seconds")


def _chosen(request: Request, name: str, allowed: tuple[str, ...]) -> str:
    value = request.cookies.get(COOKIES[name], "")
    return value if value in allowed else ""


def _spoken(header: str) -> str:
    """Chinese unless the browser's first language is another."""
    first = header.split(",")[0].strip().lower()
    return i18n.SOURCE if not first or first == "*" or first.startswith("zh") else "en"


def _left_notice(request: Request) -> tuple[Notice, ...]:
    tone, _, text = unquote(request.cookies.get(NOTICE, "")).partition("|")
    return (Notice(tone, text),) if tone in MARKS and text else ()


@cache
def _paths(app: Any) -> frozenset[str]:
    return navigation.paths_of(app)
