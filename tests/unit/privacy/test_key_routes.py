"""Keys are changed by who may, by route or command; the trail names them, and nothing ever shows one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi import FastAPI

import gnomon.control.privacy.jobs  # noqa: F401 - as wiring does: the tables of what holds persons
from gnomon.cli import main, session
from gnomon.cli.client import Client
from gnomon.control.audit.tables import AuditEntry
from gnomon.control.privacy import routes
from gnomon.control.rulebook.rules import load
from gnomon.guard.persons import person_index
from gnomon.guard.pseudonym_keys import key_names
from gnomon.kit import services
from gnomon.kit.settings import Settings
from gnomon.kit.web import tell_errors
from gnomon.kit.work import Platform
from tests.fakes.client import TestClient
from tests.fakes.platform import actor, make_platform


@dataclass(frozen=True)
class Ring:
    path: str
    words: tuple[str, ...]
    folder: str
    permission: str
    names: Callable[[Path], tuple[str, ...]]


RINGS = [
    Ring(
        "/api/v1/privacy/subjects/keys", ("subject", "keys"), "persons", "rights_request.rotate",
        lambda home: person_index(home).key_names,
    ),
    Ring("/api/v1/privacy/pseudonym-keys", ("mask", "keys"), "pseudonyms", "mask_policy.rotate", key_names),
]  # fmt: skip
each = pytest.mark.parametrize("ring", RINGS, ids=lambda ring: ring.folder)


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    services.fill(settings=Settings(home=tmp_path))
    book = load().matrix.permissions
    return make_platform(tmp_path, permissions={name: sorted(posts) for name, posts in book.items()})


@pytest.fixture
def as_(platform: Platform) -> Callable[[str], TestClient]:
    app = FastAPI()
    app.state.platform = platform
    app.state.identify = lambda _session, token: actor(token)
    app.include_router(routes.router)
    tell_errors(app)
    return lambda login: TestClient(app, headers={"authorization": f"Bearer {login}"})


def stored(home: Path, ring: Ring) -> list[bytes]:
    return [path.read_bytes() for path in sorted((home / "keys" / ring.folder).glob("*.key"))]


@each
def test_a_new_key_is_in_use_and_the_older_ones_are_still_named(
    ring: Ring, as_: Callable[[str], TestClient], tmp_path: Path
) -> None:
    (first,) = as_("rong").get(ring.path).json()["keys"]
    made = as_("rong").post(ring.path)
    assert made.status_code == 201
    assert made.json()["keys"] == list(ring.names(tmp_path)) == as_("rong").get(ring.path).json()["keys"]
    assert made.json()["keys"][0] == first
    assert len(set(made.json()["keys"])) == 2
    assert len(as_("rong").post(ring.path).json()["keys"]) == 3
    assert len(set(stored(tmp_path, ring))) == len(stored(tmp_path, ring)) >= 2


@each
@pytest.mark.parametrize("login", ["wei", "lin", "bai", "ren", "shen"])
def test_nobody_else_changes_a_key_or_learns_how_many_there_are(
    ring: Ring, login: str, as_: Callable[[str], TestClient], tmp_path: Path
) -> None:
    assert as_(login).get(ring.path).status_code == 403
    assert as_(login).post(ring.path).status_code == 403
    assert stored(tmp_path, ring) == []


@each
def test_the_trail_tells_who_changed_which_key_and_no_answer_holds_one(
    ring: Ring, as_: Callable[[str], TestClient], platform: Platform, tmp_path: Path
) -> None:
    answer = as_("rong").post(ring.path)
    with platform.read() as open_:
        (entry,) = open_.query(AuditEntry).filter(AuditEntry.permission == ring.permission)
    told = f"{entry.facts}{answer.text}"
    assert (entry.actor_id, entry.outcome) == ("rong", "done")
    assert [*entry.facts["before"], entry.facts["made"]] == answer.json()["keys"]
    assert not [key for key in stored(tmp_path, ring) if key.hex() in told or str(key) in told]


@each
def test_the_command_lists_the_keys_and_makes_a_new_one(
    ring: Ring,
    as_: Callable[[str], TestClient],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    def client() -> Client:
        made = Client("http://gnomon.test")
        made._http = as_("rong")
        return made

    def said(*words: str) -> list[str]:
        with pytest.raises(SystemExit) as left:
            main.main([*ring.words, *words])
        assert not left.value.code
        return capsys.readouterr().out.splitlines()

    monkeypatch.setattr(session, "client", client)
    (only,) = said()
    assert said("--new") == [only.split()[0], f"{ring.names(tmp_path)[1]}  使用中 / in use"]
    assert len(said()) == 2
