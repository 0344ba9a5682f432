"""Uploads over HTTP: resumable, in order, only into drafts."""

import httpx
import pytest
from fastapi import FastAPI

from gnomon.control.catalog import queries, routes, uploads
from gnomon.kit.errors import BadInput
from gnomon.kit.web import tell_errors
from gnomon.kit.work import Platform
from tests.fakes.catalog import register_base, weights
from tests.fakes.client import TestClient
from tests.fakes.platform import actor


@pytest.fixture
def http(platform: Platform) -> TestClient:
    app = FastAPI()
    app.include_router(routes.router)
    app.state.platform, app.state.identify = platform, lambda _session, token: actor(token)
    tell_errors(app)
    return TestClient(app, headers={"authorization": "Bearer wei"})


@pytest.fixture
def path(platform: Platform, http: TestClient) -> str:
    register_base(platform)
    body = {"label": "base-2", "source": "t", "licence": "x"}
    made = http.post("/api/v1/models/reviews/versions", json=body)
    return f"/api/v1/models/reviews/versions/{made.json()['id']}/files/model.safetensors"


def part(http: TestClient, path: str, data: bytes, first: int, total: int) -> httpx.Response:
    span = f"bytes {first}-{first + len(data) - 1}/{total}"
    return http.put(path, content=data, headers={"content-range": span})


def test_an_upload_that_broke_off_goes_on_where_it_stopped(platform: Platform, http: TestClient, path: str) -> None:
    data = weights(64)
    assert part(http, path, data[:100], 0, len(data)).json()["received"] == 100
    wrong = part(http, path, data[50:], 50, len(data))
    assert (wrong.status_code, wrong.json()["error"]["facts"]["received"]) == (409, 100)
    status = http.get(path.replace("/files/", "/uploads/")).json()
    assert (status["received"], status["complete"]) == (100, False)
    done = part(http, path, data[100:], 100, len(data)).json()
    assert done["complete"]
    with platform.read() as session:
        version = queries.version(session, path.split("/")[6])
    assert version.files == [{"path": "model.safetensors", "sha256": done["sha256"], "size": len(data)}]
    assert http.get(path.replace("/files/", "/uploads/")).json()["complete"]


def test_an_upload_whose_end_was_lost_is_ended_by_an_empty_part(http: TestClient, path: str) -> None:
    data = weights()
    assert not part(http, path, data, 0, len(data) + 1).json()["complete"]
    end = http.put(path, content=b"", headers={"content-range": f"bytes {len(data)}-{len(data) - 1}/{len(data)}"})
    assert end.json()["complete"]


def test_a_whole_body_is_one_file_and_a_second_one_replaces_it(http: TestClient, path: str) -> None:
    assert http.put(path, content=b"old").json()["received"] == 3
    done = http.put(path, content=weights()).json()
    assert (done["complete"], done["received"]) == (True, len(weights()))


def test_uploads_into_a_fixed_version_or_out_of_the_folder_are_refused(
    platform: Platform, http: TestClient, path: str
) -> None:
    with platform.read() as session:
        base = queries.versions(session, "reviews")[0]
    fixed = http.put(f"/api/v1/models/reviews/versions/{base.id}/files/x.json", content=b"{}")
    assert (fixed.status_code, fixed.json()["error"]["code"]) == (409, "version_is_fixed")
    assert http.put(path.replace("model.safetensors", "a%2F..%2F..%2Fx"), content=b"x").status_code in (400, 404)


def test_a_part_longer_than_announced_is_refused(http: TestClient, path: str) -> None:
    answer = http.put(path, content=b"12345", headers={"content-range": "bytes 0-2/9"})
    assert answer.status_code == 400


@pytest.mark.parametrize("header", ["bytes 5-2/9", "bytes 0-9/9", "0-2/9", "bytes 0-2/*", "bytes -2/9"])
def test_a_range_that_makes_no_sense_is_refused(header: str) -> None:
    with pytest.raises(BadInput):
        uploads.parse_range(header)


def test_a_stranger_and_a_visitor_without_the_right_upload_nothing(platform: Platform, path: str) -> None:
    app = FastAPI()
    app.include_router(routes.router)
    app.state.platform, app.state.identify = platform, lambda _session, _token: None
    tell_errors(app)
    assert TestClient(app).put(path, content=b"x").status_code == 401
