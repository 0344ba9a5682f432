"""Jobs over HTTP: staff look, others do not, and a page has its bounds."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from gnomon.app import job_routes
from gnomon.control.rulebook import rules as rulebook
from gnomon.kit.outbox import JobRow
from gnomon.kit.web import tell_errors
from gnomon.kit.work import Platform
from tests.fakes.client import TestClient
from tests.fakes.platform import actor, make_platform


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    rights = {name: sorted(posts) for name, posts in rulebook.load().matrix.permissions.items()}
    made = make_platform(tmp_path, permissions=rights)
    with made.database.session() as session:
        for id, subject in (("job_1", "run_1"), ("job_2", "schedule")):
            fields = {"args": {"secret": "x"}, "state": "queued", "progress": {}, "actor_id": "lin"}
            session.add(JobRow(id=id, name="test.job", subject=subject, created_at=made.clock.now(), **fields))
        session.commit()
    yield made
    made.database.close()


@pytest.fixture
def client(platform: Platform) -> TestClient:
    app = FastAPI()
    app.state.platform = platform
    app.state.identify = lambda _session, token: actor(token)
    app.include_router(job_routes.router)
    tell_errors(app)
    return TestClient(app)


def as_(login: str) -> dict[str, str]:
    return {"authorization": f"Bearer {login}"}


def test_staff_see_jobs_but_neither_their_arguments_nor_the_schedules(client: TestClient) -> None:
    found = client.get("/api/v1/jobs", headers=as_("wei"))
    assert [job["id"] for job in found.json()] == ["job_1"]
    assert "secret" not in found.text


@pytest.mark.parametrize("path", ["/api/v1/jobs", "/api/v1/jobs/job_1"])
def test_administrators_and_strangers_see_none(client: TestClient, path: str) -> None:
    assert client.get(path, headers=as_("admin")).status_code == 403
    assert client.get(path).status_code == 401


@pytest.mark.parametrize("limit", [0, -1, 501, 2**70])
def test_a_page_has_its_bounds(client: TestClient, limit: int) -> None:
    assert client.get("/api/v1/jobs", params={"limit": limit}, headers=as_("wei")).status_code == 422
