"""The sweep of the permission matrix: every route, called as every post, and nothing changed.

The application under the sweep runs on a platform that is `dry`: its hooks ask the real permission matrix and then
stop, so that no action ever begins. A call therefore ends in one of three ways: 403 (denied), `Reached` (allowed, and
stopped at the door), or anything else - then the question was never asked, and the cell counts as not reached.
A route that asks at its door and again in an action is called twice: the second time the door lets through who may
pass, and the action's own question is the next cell. What a valid sample cannot lead to is named as not seen.
"""

import asyncio
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from sqlalchemy.orm import Session

from gnomon.app.sampling import sample
from gnomon.control.people.queries import OPEN
from gnomon.control.rulebook.checks import CheckResult
from gnomon.kit.errors import BadInput, GnomonError
from gnomon.kit.work import Actor, Deed, Hooks, Platform

CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_METHODS = CHANGES | {"GET"}
NOTHING = "sweep-nothing"  # stands for every id: no such thing exists
SHOWN = 50
# What visitors do about themselves - get an identity, give it up, choose how pages look - needs no post.
PERSONAL = frozenset({"/sign-in", "/sign-out", "/invitation", "/preferences", "/me/language", "/me/password"})
# Pages for everybody: how to sign in, one's own things, help, the page of components; a search that leaves out every
# register whose own right the reader lacks.
OPEN_PAGES = frozenset({"/", "/me", "/sign-in", "/invitation", "/help", "/search", "/api/v1/me"})
GALLERY = "/_gallery"
ANSWER_S = 10.0  # a page that goes on for ever is not waited for


class Reached(GnomonError):
    """The door was open: the action would have begun."""

    code = "sweep_reached"
    status = 202


class NotDry(BadInput):
    code = "sweep_not_dry"


@dataclass(frozen=True, slots=True)
class Cell:
    """One route called as one post. `permission` is what the route asked for; empty when it asked for nothing."""

    method: str
    path: str
    post: str
    permission: str
    status: int
    allowed: bool
    denied: bool
    behind: bool = False  # asked by the action, past a door that asked for something else

    @property
    def reached(self) -> bool:
        return self.allowed or self.denied


@dataclass(frozen=True, slots=True)
class SweepResult:
    """Every cell that was tried; `wrong` where a reached one differs from the matrix, or asked for no permission."""

    cells: tuple[Cell, ...]
    wrong: tuple[Cell, ...]
    surface: str = ""
    routes: int = 0
    permissions: frozenset[str] = field(default_factory=frozenset)
    unseen: tuple[str, ...] = ()  # changing routes whose door was seen and whose action was not

    @property
    def not_reached(self) -> tuple[Cell, ...]:
        return tuple(cell for cell in self.cells if not cell.reached)

    def as_check(self) -> CheckResult | None:
        """As evidence of kind `matrix_sweep`: no figure while a cell was not reached, since it may be the wrong one."""
        if not self.cells:
            return None
        missed = sorted({f"{cell.method} {cell.path} {cell.status}" for cell in self.not_reached})
        facts = {
            "surface": self.surface,
            "cells": len(self.cells),
            "allowed": sum(cell.allowed for cell in self.cells),
            "denied": sum(cell.denied for cell in self.cells),
            "wrong": len(self.wrong),
            "wrong_cells": [f"{cell.method} {cell.path} {cell.post}" for cell in self.wrong[:SHOWN]],
            "not_reached": missed[:SHOWN],
            "behind_doors_not_seen": list(self.unseen[:SHOWN]),
            "routes": self.routes,
            "permissions": len(self.permissions),
        }
        figure = float(len(self.wrong)) if self.wrong or not missed else None
        return CheckResult(n=len(self.cells), value=figure, facts=facts)


class DryHooks:
    """Asks the real hooks for the permission, remembers which, and lets nothing happen."""

    def __init__(self, real: Hooks) -> None:
        self._real = real
        self.asked: list[str] = []
        self.through = False  # whether a door lets through who may pass, so that the action behind it is asked
        self.at_door = False  # whether the last question was a door's

    def authorise(self, session: Session, actor: Actor, permission: str) -> None:
        self.asked.append(permission)
        self._real.authorise(session, actor, permission)
        # A door looks in a session for reading; an action begins in one that could write.
        self.at_door = bool(session.connection().get_execution_options().get("gnomon_read", False))
        if self.through and self.at_door:
            return
        raise Reached("The permission is held.", permission=permission)

    def audit(self, session: Session, actor: Actor, at: datetime, deeds: list[Deed]) -> list[int]:
        return []  # thousands of refusals that nobody meant would bury the real ones

    def committed(self, audit_ids: list[int]) -> None:
        return


def dry(platform: Platform) -> Platform:
    """The same database and clock, with hooks that decide as the real ones do and let no action begin."""
    return Platform(platform.database, hooks=DryHooks(platform.hooks), bus=platform.bus, clock=platform.clock)


def sweep(
    app: FastAPI,
    matrix: Mapping[str, Collection[str]],
    tokens: Mapping[str, str],
    *,
    pages: Iterable[APIRouter] = (),
) -> SweepResult:
    """Call every route of `app` as every post and compare with `matrix` (permission: posts that hold it).

    `tokens` maps a post to a sign-in token of somebody who holds that post alone. `pages` are routers that the API
    description leaves out (the console's); one that is not part of `app` shows as not reached. Raises NotDry unless
    the application runs on a `dry` platform: on a real one a call that is allowed would be carried out.
    """
    platform: Platform = app.state.platform
    if not isinstance(platform.hooks, DryHooks):
        raise NotDry("This application would carry out what it is asked.", next_step="Make it on sweep.dry(platform).")
    hidden = _page_calls(pages)
    cells, unseen = asyncio.run(_try_all(app, platform.hooks, [*_calls(app), *hidden], tokens))
    asked = {(cell.method, cell.path, cell.behind): cell.permission for cell in cells if cell.permission}
    return SweepResult(
        cells=tuple(cells),
        unseen=tuple(sorted(unseen)),
        wrong=tuple(cell for cell in cells if cell.reached and not _is_right(cell, asked, matrix)),
        surface="api, console" if hidden else "api",
        routes=len({(cell.method, cell.path) for cell in cells}),
        permissions=frozenset(asked.values()),
    )


async def _try_all(
    app: FastAPI, hooks: DryHooks, calls: Sequence["_Call"], tokens: Mapping[str, str]
) -> tuple[list[Cell], set[str]]:
    # What a route does when it is not stopped properly is a fault to report, not one to die of.
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    cells: list[Cell] = []
    unseen: set[str] = set()
    async with httpx.AsyncClient(transport=transport, base_url="http://sweep.invalid") as client:
        for call in calls:
            for post, token in tokens.items():
                at_door = await _try(client, hooks, call, post=post, token=token)
                cells.append(at_door)
                if not (at_door.allowed and call.method in CHANGES and hooks.at_door):
                    continue
                behind = await _try(client, hooks, call, post=post, token=token, through=True)
                if not behind.reached:
                    unseen.add(f"{call.method} {call.path}")
                elif behind.permission != at_door.permission:
                    cells.append(behind)
    return cells, unseen


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    path: str
    url: str
    params: dict[str, Any]
    body: Any
    form: dict[str, str] | None = None


async def _try(
    client: httpx.AsyncClient, hooks: DryHooks, call: _Call, *, post: str, token: str, through: bool = False
) -> Cell:
    """One call; with `through` past a door that this post may pass, so that the last question is the cell's."""
    hooks.asked.clear()
    hooks.through = through
    try:
        async with asyncio.timeout(ANSWER_S):
            answer = await client.request(
                call.method,
                call.url,
                params=call.params,
                json=call.body,
                data=call.form,
                headers={"authorization": f"Bearer {token}", "accept": "application/json"},
            )
    except TimeoutError:
        answer = httpx.Response(504)
    return Cell(
        call.method,
        call.path,
        post,
        hooks.asked[-1] if hooks.asked else "",
        answer.status_code,
        allowed=answer.status_code == Reached.status and _code(answer) == Reached.code,
        denied=answer.status_code == 403,
        behind=through,
    )


def _is_right(cell: Cell, asked: Mapping[tuple[str, str, bool], str], matrix: Mapping[str, Collection[str]]) -> bool:
    permission = asked.get((cell.method, cell.path, cell.behind), "")
    if not permission:
        return False  # denied without being asked for anything: nobody can ever do this
    return cell.allowed == (permission in OPEN or cell.post in matrix.get(permission, ()))


def _code(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return ""


def _calls(app: FastAPI) -> list[_Call]:
    """Every route, with a valid body: validation comes before permission and would hide it."""
    described = app.openapi()
    return [
        _call(path, method.upper(), operation, described)
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
        if method.upper() in _METHODS and (method.upper() in CHANGES or path not in OPEN_PAGES)
    ]


def _page_calls(pages: Iterable[APIRouter]) -> list[_Call]:
    """Every route of the pages. A page asks for permission before it reads its form, or is not reached."""
    return [
        _Call(method, route.path, _url(route.path), {}, None, _form(route))
        for router in pages
        for route in router.routes
        if isinstance(route, APIRoute) and not route.path.startswith(GALLERY)
        for method in sorted(_METHODS & (route.methods or set()))
        if route.path not in (PERSONAL if method in CHANGES else OPEN_PAGES)
    ]


def _url(path: str) -> str:
    return re.sub(r"{[^}]+}", NOTHING, re.sub(r"{[^}]+:int}", "0", path))


def _form(route: APIRoute) -> dict[str, str]:
    """A text in every field for one: what a form leaves empty many pages refuse before they ask."""
    return {
        parameter.alias: NOTHING
        for parameter in route.dependant.body_params
        if parameter.field_info.is_required() or parameter.field_info.annotation is str
    }


def _call(path: str, method: str, operation: dict[str, Any], described: dict[str, Any]) -> _Call:
    url, params = path, {}
    for parameter in operation.get("parameters", []):
        value = _parameter(parameter, described)
        if parameter["in"] == "path":
            url = url.replace(f"{{{parameter['name']}}}", str(value))
        elif parameter["in"] == "query" and parameter.get("required"):
            params[parameter["name"]] = value
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return _Call(method, path, url, params, sample(content["schema"], described) if content else None)


def _parameter(parameter: dict[str, Any], described: dict[str, Any]) -> Any:
    schema = parameter.get("schema", {})
    return NOTHING if schema.get("type") == "string" and set(schema) <= {"type", "title"} else sample(schema, described)
