"""Language, theme, density and single keys: chosen by a form, kept in cookies, the address stays."""

from typing import Annotated

from fastapi import APIRouter, Form, Response

from gnomon.console.render import COOKIES, DENSITIES, THEMES, see_other
from gnomon.console.urls import is_local
from gnomon.kit.errors import BadInput
from gnomon.kit.i18n import LOCALES

router = APIRouter(include_in_schema=False)

_ALLOWED = {"locale": LOCALES, "theme": THEMES, "density": DENSITIES, "keys": ("on", "off")}
_YEAR_S = 365 * 86_400


@router.post("/preferences")
def choose(
    back: Annotated[str, Form()] = "/",
    locale: Annotated[str, Form()] = "",
    theme: Annotated[str, Form()] = "",
    density: Annotated[str, Form()] = "",
    keys: Annotated[str, Form()] = "",
) -> Response:
    """The choices are kept for a year; the reader is back where the form was sent from."""
    response = see_other(back if is_local(back) else "/")
    for name, value in {"locale": locale, "theme": theme, "density": density, "keys": keys}.items():
        if not value:
            continue
        if value not in _ALLOWED[name]:
            raise BadInput(f"no such {name}: {value!r}", next_step=f"choose one of {', '.join(_ALLOWED[name])}")
        response.set_cookie(COOKIES[name], value, max_age=_YEAR_S, httponly=True, samesite="lax", path="/")
    return response
