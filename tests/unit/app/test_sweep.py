"""The sweep finds a door that is open to the wrong post, one that asks for nothing, and one it cannot reach."""

import re
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, FastAPI, Form
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from sqlalchemy import func, select

from gnomon.app import sweep
from gnomon.app.sampling import sample
from gnomon.contract.verdicts import State
from gnomon.control.audit.tables import AuditEntry
from gnomon.control.rulebook.checks import judged
from gnomon.control.rulebook.rules import load
from gnomon.kit.errors import NotFound
from gnomon.kit.outbox import JobRow
from gnomon.kit.web import WorkDep, allow, tell_errors
from gnomon.kit.work import Actor, Platform, Work, action, system_action
from tests.fakes.client import TestClient
from tests.fakes.platform import make_platform

MATRIX = {"lamp.light": ["engineer"], "lamp.break": ["auditor"], "lamp.view": ["engineer", "auditor"]}
POSTS = {"engineer": "engineer", "auditor": "auditor"}
done: list[str] = []


class Lamp(BaseModel):
    name: str = Field(min_length=3, pattern=r"^[a-z]+$")
    brightness: float = Field(gt=0)
    colours: list[str] = Field(min_length=1)


@action("lamp.light")
def light(work: Work, lamp: Lamp) -> None:
    done.append(lamp.name)


@action("lamp.break")
def destroy(work: Work) -> None:
    done.append("broken")


@system_action("lamp.explode")
def explode(work: Work) -> None:
    done.append("exploded")


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    return make_platform(tmp_path, permissions=MATRIX)


def application(platform: Platform, *, stop: bool = True) -> FastAPI:
    app = FastAPI()
    app.state.platform = sweep.dry(platform) if stop else platform
    app.state.identify = lambda _session, token: Actor(id=token, name=token, posts=frozenset({token}))
    tell_errors(app)

    @app.post("/api/lamps")
    def light_one(body: Lamp, work: WorkDep) -> None:
        light(work, body)

    @app.delete("/api/lamps/{id}")
    def break_one(id: str, work: WorkDep) -> None:
        destroy(work)

    @app.get("/api/lamps", dependencies=[allow("lamp.view")])
    def lamps() -> list[str]:
        return []

    return app


def states(result: sweep.SweepResult) -> State:
    check = result.as_check()
    assert check
    book = load()
    return judged(book.controls_from("people.matrix_swept")[0], check, rulebook=book).state


def test_doors_that_keep_to_the_matrix_are_all_right_and_nothing_is_done(platform: Platform) -> None:
    found = sweep.sweep(application(platform), MATRIX, POSTS)
    assert (len(found.cells), found.wrong, found.not_reached) == (6, (), ())
    assert found.permissions == {"lamp.light", "lamp.break", "lamp.view"}
    assert states(found) is State.MET
    assert done == []
    with platform.read() as session:
        assert session.scalar(select(func.count()).select_from(AuditEntry)) == 0
        assert session.scalar(select(func.count()).select_from(JobRow)) == 0


def test_a_door_open_to_a_post_that_the_matrix_does_not_name_is_wrong(platform: Platform) -> None:
    stricter = MATRIX | {"lamp.light": ["auditor"]}  # the installation still lets engineers in
    found = sweep.sweep(application(platform), stricter, POSTS)
    assert {(cell.path, cell.post) for cell in found.wrong} == {("/api/lamps", "engineer"), ("/api/lamps", "auditor")}
    assert states(found) is State.NOT_MET


def test_a_permission_that_is_in_no_matrix_is_wrong_where_somebody_holds_it(platform: Platform) -> None:
    found = sweep.sweep(
        application(platform), {name: posts for name, posts in MATRIX.items() if name != "lamp.light"}, POSTS
    )
    assert [cell.post for cell in found.wrong] == ["engineer"]


def test_a_door_that_asks_for_nothing_is_not_reached_and_ends_green(platform: Platform) -> None:
    app = application(platform)

    @app.post("/api/open")
    def unguarded() -> str:
        return "anybody"

    found = sweep.sweep(app, MATRIX, POSTS)
    assert {cell.path for cell in found.not_reached} == {"/api/open"}
    assert states(found) is State.NOT_MEASURED


def test_a_page_that_shows_to_anybody_is_not_reached(platform: Platform) -> None:
    app = application(platform)

    @app.get("/api/secrets")
    def secrets() -> str:
        return "for all"

    assert {(cell.method, cell.path) for cell in sweep.sweep(app, MATRIX, POSTS).not_reached} == {
        ("GET", "/api/secrets")
    }


def test_a_page_open_to_a_post_that_the_matrix_does_not_name_is_wrong(platform: Platform) -> None:
    found = sweep.sweep(application(platform), MATRIX | {"lamp.view": ["auditor"]}, POSTS)
    assert [(cell.method, cell.post) for cell in found.wrong] == [("GET", "engineer")]


def test_the_question_behind_a_door_is_a_cell_of_its_own(platform: Platform) -> None:
    app = application(platform)

    @app.post("/api/wreckers", dependencies=[allow("lamp.view")])
    def wreck(work: WorkDep) -> None:
        destroy(work)

    found = sweep.sweep(app, MATRIX, POSTS)
    behind = {(cell.post, cell.permission): cell.allowed for cell in found.cells if cell.behind}
    assert behind == {("engineer", "lamp.break"): False, ("auditor", "lamp.break"): True}
    assert (found.wrong, found.unseen, done) == ((), (), [])
    stricter = MATRIX | {"lamp.break": []}  # wrong at the action only
    wrong = sweep.sweep(app, stricter, POSTS).wrong
    assert ("/api/wreckers", "auditor", True) in {(cell.path, cell.post, cell.behind) for cell in wrong}


def test_an_action_that_a_sample_does_not_lead_to_is_named(platform: Platform) -> None:
    app = application(platform)

    @app.post("/api/rooms/{id}/lamps", dependencies=[allow("lamp.light")])
    def look_first(id: str, work: WorkDep) -> None:
        raise NotFound(f"There is no room {id}.")

    found = sweep.sweep(app, MATRIX, POSTS)
    assert (found.not_reached, found.unseen) == ((), ("POST /api/rooms/{id}/lamps",))
    check = found.as_check()
    assert check is not None
    assert check.facts["behind_doors_not_seen"] == ["POST /api/rooms/{id}/lamps"]


def test_who_is_refused_at_the_door_of_a_change_leaves_a_trace(platform: Platform) -> None:
    app = application(platform, stop=False)
    app.include_router(pages())
    with TestClient(app) as client:
        for method, path in (("GET", "/api/lamps"), ("POST", "/lamps/1/break")):
            answer = client.request(method, path, headers={"authorization": "Bearer stranger"}, data={})
            assert answer.status_code == 403
    with platform.read() as session:
        trail = [(entry.permission, entry.outcome) for entry in session.scalars(select(AuditEntry))]
    assert trail == [("lamp.break", "denied")]


def test_a_door_that_looks_before_it_asks_is_not_reached(platform: Platform) -> None:
    app = application(platform)

    @app.post("/api/rooms/{id}/lamps")
    def hasty(id: str, work: WorkDep) -> None:
        raise NotFound(f"There is no room {id}.")

    assert {cell.status for cell in sweep.sweep(app, MATRIX, POSTS).not_reached} == {404}


def test_a_door_that_breaks_down_is_not_reached(platform: Platform) -> None:
    app = application(platform)

    @app.post("/api/broken")
    def broken(work: WorkDep) -> None:
        raise RuntimeError

    assert {cell.status for cell in sweep.sweep(app, MATRIX, POSTS).not_reached} == {500}


def test_what_nobody_at_all_may_do_should_not_be_a_door(platform: Platform) -> None:
    app = application(platform)

    @app.post("/api/explosions")
    def explode_one(work: WorkDep) -> None:
        explode(work)

    found = sweep.sweep(app, MATRIX, POSTS)
    assert {(cell.path, cell.permission) for cell in found.wrong} == {("/api/explosions", "")}


def pages() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.post("/lamps/{id}/break", dependencies=[allow("lamp.break")])
    def asks_first(id: str, work: WorkDep, why: Annotated[str, Form()]) -> None:
        destroy(work)

    @router.post("/lamps")
    def asks_in_the_action(work: WorkDep, name: Annotated[str, Form()]) -> None:
        light(work, Lamp(name="xxx", brightness=1, colours=["red"]))

    @router.post("/preferences")
    def own_view() -> None:
        return

    return router


def test_pages_are_swept_too_but_for_what_visitors_do_about_themselves(platform: Platform) -> None:
    app, router = application(platform), pages()
    app.include_router(router)
    found = sweep.sweep(app, MATRIX, POSTS, pages=[router])
    assert {cell.path for cell in found.cells} == {"/api/lamps", "/api/lamps/{id}", "/lamps/{id}/break", "/lamps"}
    assert (found.wrong, found.not_reached) == ((), ())
    assert found.surface == "api, console"


def test_pages_that_the_application_does_not_have_are_not_reached(platform: Platform) -> None:
    found = sweep.sweep(application(platform), MATRIX, POSTS, pages=[pages()])
    assert {cell.path for cell in found.not_reached} == {"/lamps/{id}/break", "/lamps"}
    assert states(found) is State.NOT_MEASURED


def test_an_application_that_would_do_what_it_is_asked_is_not_swept(platform: Platform) -> None:
    with pytest.raises(sweep.NotDry):
        sweep.sweep(application(platform, stop=False), MATRIX, POSTS)


def test_no_doors_are_no_evidence() -> None:
    assert sweep.SweepResult((), ()).as_check() is None


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string", "minLength": 5}, "xxxxx"),
        ({"type": "string", "format": "date"}, "2030-01-01"),
        ({"type": "integer", "minimum": 3}, 3),
        ({"type": "number", "exclusiveMinimum": 0}, 1e-3),
        ({"type": "integer", "maximum": 0}, 0),
        ({"enum": ["a", "b"]}, "a"),
        ({"const": 7}, 7),
        ({"anyOf": [{"type": "boolean"}, {"type": "null"}]}, False),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [1, 1]),
        ({"type": "array", "items": {"type": "integer"}}, []),
        ({"type": "object", "minProperties": 1, "additionalProperties": {"type": "string"}}, {"x0": "x"}),
        ({"$ref": "#/components/schemas/A"}, {"b": "x"}),
        ({}, {}),
    ],
)
def test_a_sample_fits_its_schema(schema: dict[str, Any], value: Any) -> None:
    part = {"type": "object", "required": ["b"], "properties": {"b": {"type": "string"}}}
    assert sample(schema, {"components": {"schemas": {"A": part}}}) == value


@given(st.integers(0, 40), st.sampled_from([r"^[a-z]+$", r"^F-\d{4}-\d{4}$", r"^OPS-\d+\.\d+$", ""]))
def test_a_text_is_as_long_as_asked_and_fits_the_pattern_where_one_can_be_found(least: int, pattern: str) -> None:
    text = sample({"type": "string", "minLength": least, "pattern": pattern}, {})
    assert len(text) >= least
    if pattern == r"^[a-z]+$":
        assert re.search(pattern, text)
