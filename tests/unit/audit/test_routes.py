"""The trail over HTTP: times have a zone, pages have bounds, and a stalled seal is told."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from gnomon.control.access.schemas import NewKey
from gnomon.control.audit import routes
from gnomon.control.audit.sealer import Sealer
from gnomon.control.people import actions as people
from gnomon.kit.clock import FakeClock
from gnomon.kit.web import tell_errors
from gnomon.kit.work import Platform
from tests.fakes.client import TestClient
from tests.fakes.platform import actor, do, make_platform

KEY = Ed25519PrivateKey.generate()


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    made = make_platform(tmp_path, permissions={"audit.view": ["auditor"], "audit.verify": ["auditor"]})
    do(made, "lin", people.set_locale, "en")
    yield made
    made.database.close()


@pytest.fixture
def client(platform: Platform) -> TestClient:
    app = FastAPI()
    app.state.platform = platform
    app.state.audit_key = KEY.public_key()
    app.state.identify = lambda _session, token: actor(token)
    app.include_router(routes.router)
    tell_errors(app)
    return TestClient(app, headers={"authorization": "Bearer shen"})


@pytest.mark.parametrize(
    "params",
    [
        {"since": "2026-03-01T00:00:00"},
        {"until": "2026-03-01T00:00:00"},
        {"limit": 0},
        {"limit": 1001},
        {"offset": -1},
        {"offset": 2**64},
    ],
)
def test_what_cannot_be_asked_is_refused(client: TestClient, params: dict[str, str]) -> None:
    assert client.get("/api/v1/audit", params=params).status_code == 422


def test_times_with_a_zone_bound_the_search(client: TestClient) -> None:
    day = {"since": "2026-03-02T17:00:00+08:00", "until": "2026-03-02T17:00:01+08:00"}
    assert client.get("/api/v1/audit", params=day).json()["total"] == 1
    assert client.get("/api/v1/audit", params={"since": day["until"]}).json()["total"] == 0


def test_verification_says_when_sealing_has_stopped(client: TestClient, platform: Platform) -> None:
    assert isinstance(platform.clock, FakeClock)
    assert client.get("/api/v1/audit/verify").json()["ok"]
    platform.clock.advance(timedelta(minutes=2))
    told = client.get("/api/v1/audit/verify").json()
    assert (told["ok"], told["unsealed"], told["at_seq"]) == (False, 1, None)
    Sealer(platform, KEY).run_once()
    assert client.get("/api/v1/audit/verify").json()["ok"]


def test_the_end_of_a_key_has_a_zone() -> None:
    fields = {"caller": "desk", "team": "business"}
    assert NewKey.model_validate(fields | {"expires_at": "2027-01-01T00:00:00Z"}).expires_at
    with pytest.raises(ValueError, match="timezone"):
        NewKey.model_validate(fields | {"expires_at": "2027-01-01T00:00:00"})
