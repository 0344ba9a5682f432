"""The sweep of the permission matrix: every route that changes something, called as every post, and nothing changed.

The application under the sweep runs on a platform that is `dry`: its hooks ask the real permission matrix and then
stop, so that no action ever begins. A call therefore ends in one of three ways: 403 (denied), `Reached` (allowed, and
stopped at the door), or anything else - then the question was never asked, and the cell counts as not reached.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy.orm import Session

from gnomon.app.sampling import sample
from gnomon.control.people.queries import OPEN
from gnomon.control.rulebook.checks import CheckResult
from gnomon.kit.errors import BadInput, GnomonError
from gnomon.kit.work import Actor, Deed, Hooks, Platform

CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
NOTHING = "sweep-nothing"  # stands for every id: no such thing exists
SHOWN = 50


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

    @property
    def reached(self) -> bool:
        return self.allowed or self.denied


@dataclass(frozen=True, slots=True)
class SweepResult:
    """Every cell that was tried; `wrong` where a reached one differs from the matrix, or asked for no permission."""

    cells: tuple[Cell, ...]
    wrong: tuple[Cell, ...]
    surface: str = "api"
    routes: int = 0
    permissions: frozenset[str] = field(default_factory=frozenset)

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

    def authorise(self, session: Session, actor: Actor, permission: str) -> None:
        self.asked.append(permission)
        self._real.authorise(session, actor, permission)
        raise Reached("The permission is held.", permission=permission)

    def audit(self, session: Session, actor: Actor, at: datetime, deeds: list[Deed]) -> list[int]:
        return []  # thousands of refusals that nobody meant would bury the real ones

    def committed(self, audit_ids: list[int]) -> None:
        return


def dry(platform: Platform) -> Platform:
    """The same database and clock, with hooks that decide as the real ones do and let no action begin."""
    return Platform(platform.database, hooks=DryHooks(platform.hooks), bus=platform.bus, clock=platform.clock)


def sweep(
    app: FastAPI, matrix: Mapping[str, Collection[str]], tokens: Mapping[str, str], *, surface: str = "api"
) -> SweepResult:
    """Call every changing route of `app` as every post and compare with `matrix` (permission: posts that hold it).

    `tokens` maps a post to a sign-in token of somebody who holds that post alone. Raises NotDry unless the
    application runs on a `dry` platform: on a real one a call that is allowed would be carried out.
    """
    platform: Platform = app.state.platform
    if not isinstance(platform.hooks, DryHooks):
        raise NotDry("This application would carry out what it is asked.", next_step="Make it on sweep.dry(platform).")
    return asyncio.run(_sweep(app, platform.hooks, matrix, tokens, surface=surface))


async def _sweep(
    app: FastAPI, hooks: DryHooks, matrix: Mapping[str, Collection[str]], tokens: Mapping[str, str], *, surface: str
) -> SweepResult:
    calls = list(_calls(app))
    cells: list[Cell] = []
    # What a route does when it is not stopped properly is a fault to report, not one to die of.
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://sweep.invalid") as client:
        for call in calls:
            for post, token in tokens.items():
                cells.append(await _try(client, hooks, call, post=post, token=token))
    asked = {(cell.method, cell.path): cell.permission for cell in cells if cell.permission}
    wrong = tuple(cell for cell in cells if cell.reached and not _is_right(cell, asked, matrix))
    return SweepResult(tuple(cells), wrong, surface, len(calls), frozenset(asked.values()))


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    path: str
    url: str
    params: dict[str, Any]
    body: Any


async def _try(client: httpx.AsyncClient, hooks: DryHooks, call: _Call, *, post: str, token: str) -> Cell:
    hooks.asked.clear()
    answer = await client.request(
        call.method, call.url, params=call.params, json=call.body, headers={"authorization": f"Bearer {token}"}
    )
    return Cell(
        call.method,
        call.path,
        post,
        hooks.asked[0] if hooks.asked else "",
        answer.status_code,
        allowed=answer.status_code == Reached.status and _code(answer) == Reached.code,
        denied=answer.status_code == 403,
    )


def _is_right(cell: Cell, asked: Mapping[tuple[str, str], str], matrix: Mapping[str, Collection[str]]) -> bool:
    permission = asked.get((cell.method, cell.path), "")
    if not permission:
        return False  # denied without being asked for anything: nobody can ever do this
    return cell.allowed == (permission in OPEN or cell.post in matrix.get(permission, ()))


def _code(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return ""


def _calls(app: FastAPI) -> list[_Call]:
    """Every changing route, with a valid body: validation comes before permission and would hide it."""
    described = app.openapi()
    return [
        _call(path, method.upper(), operation, described)
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
        if method.upper() in CHANGES
    ]


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
