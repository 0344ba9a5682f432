"""The sweep over the real console and API: every route asks for one permission before it looks at what it is given."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gnomon.app import control, sweep, wiring
from gnomon.console import site
from gnomon.control.people.tables import MatrixVersion
from gnomon.control.rulebook.rules import load
from gnomon.kit import services
from gnomon.kit.db import Base
from gnomon.kit.settings import Settings
from gnomon.kit.work import Actor
from tests.fakes.platform import MONDAY
from tests.fakes.threads import without_threads


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sweep.SweepResult]:
    patch = pytest.MonkeyPatch()
    patch.setattr(services, "_shared", {})
    without_threads(patch)
    book, settings = load(), Settings(home=Path(tmp_path_factory.mktemp("sweep")))
    platform = wiring.build(settings)
    for name in wiring.DOMAINS:
        wiring.load(name, "tables")
    Base.metadata.create_all(platform.database.engine)
    held = {permission: sorted(posts) for permission, posts in book.matrix.permissions.items()}
    with platform.database.session() as session:
        session.add(MatrixVersion(version=1, permissions=held, exclusive=[], made_at=MONDAY, made_by="t", source="t"))
        session.commit()
    app = control.create_app(sweep.dry(platform), settings)
    app.state.identify = lambda _session, token: Actor(id=token, name=token, posts=frozenset({token}))
    posts = {post.id: post.id for post in book.matrix.posts}
    yield sweep.sweep(app, book.matrix.permissions, posts, pages=site.routers())
    services.get("records").close()
    platform.database.close()
    patch.undo()


def of_pages(cells: tuple[sweep.Cell, ...]) -> list[sweep.Cell]:
    return [cell for cell in cells if not cell.path.startswith("/api/")]


def test_no_page_is_out_of_reach(found: sweep.SweepResult) -> None:
    late = {f"{cell.method} {cell.path} -> {cell.status}" for cell in of_pages(found.not_reached)}
    assert late == set(), "these answer before they ask: give the route dependencies=[allow('<permission>')]"
    assert len(of_pages(found.cells)) > 500


def test_every_page_is_open_to_whom_the_matrix_names_and_to_nobody_else(found: sweep.SweepResult) -> None:
    assert of_pages(found.wrong) == []


def test_no_action_behind_a_page_asks_for_another_permission_than_its_door(found: sweep.SweepResult) -> None:
    assert {(cell.method, cell.path, cell.permission) for cell in of_pages(found.cells) if cell.behind} == set()


def test_no_route_of_the_api_is_out_of_reach_or_open_to_others_than_the_matrix_names(found: sweep.SweepResult) -> None:
    cells = [cell for cell in found.cells if cell.path.startswith("/api/")]
    assert len({(cell.method, cell.path) for cell in cells}) > 50
    late = {f"{cell.method} {cell.path} -> {cell.status}" for cell in cells if not cell.reached}
    assert late == set(), "these answer before they ask: give the route dependencies=[allow('<permission>')]"
    assert [cell for cell in found.wrong if cell.path.startswith("/api/")] == []


def test_every_permission_that_is_asked_for_is_one_that_the_matrix_knows(found: sweep.SweepResult) -> None:
    assert found.permissions - sweep.OPEN <= set(load().matrix.permissions)


def test_pages_and_api_together_make_a_figure(found: sweep.SweepResult) -> None:
    check = found.as_check()
    assert check is not None
    assert (check.value, check.facts["not_reached"]) == (0.0, [])
