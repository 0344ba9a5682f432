"""An exported trail is verified from the file alone; what it shows is evidence for its control, good or bad."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from gnomon.control.audit import routes as audit
from gnomon.control.audit import rules
from gnomon.control.audit import sealer as sealing
from gnomon.control.audit.sealer import Sealer
from gnomon.control.evidence.tables import Artefact
from gnomon.control.people import actions as people
from gnomon.control.rulebook import exports, queries, routes
from gnomon.control.rulebook.rules import load
from gnomon.kit.clock import FakeClock
from gnomon.kit.web import tell_errors
from gnomon.kit.work import Platform
from tests.fakes.client import TestClient
from tests.fakes.platform import actor, do, make_platform

KEY = Ed25519PrivateKey.generate()
CONTROL = load().controls_from("audit.export_verified")[0]
VERIFICATION = "/api/v1/audit/exports/verification"


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    monkeypatch.setattr(sealing, "CHECKPOINT_EVERY", 4)
    rights = {"audit.verify": ["auditor"], "audit.export": ["auditor"], "session.set_locale": ["auditor"]}
    made = make_platform(tmp_path, permissions=rights)
    grow(made, 6)
    yield made
    made.database.close()


@pytest.fixture
def client(platform: Platform) -> TestClient:
    app = FastAPI()
    app.state.platform, app.state.audit_key = platform, KEY.public_key()
    app.state.identify = lambda _session, token: actor(token)
    app.include_router(audit.router)
    app.include_router(routes.router)
    tell_errors(app)
    return TestClient(app, headers={"authorization": "Bearer shen"})


def grow(platform: Platform, n: int) -> None:
    for _ in range(n):
        do(platform, "lin", people.set_locale, "en")
    Sealer(platform, KEY).run_once()


def exported(client: TestClient) -> list[bytes]:
    return client.get("/api/v1/audit/export").content.splitlines(keepends=True)


def verified(client: TestClient, lines: list[bytes]) -> dict[str, Any]:
    answer = client.post(VERIFICATION, content=b"".join(lines))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def standing(platform: Platform) -> tuple[str, str]:
    with platform.read() as session:
        found = queries.control_standings(session, platform.clock.now(), book=load())[CONTROL.id]
        return found.state.state.value, found.refusal


def rewritten(lines: list[bytes], at: int) -> list[bytes]:
    """The chain with one entry changed and every later seal made anew: whole by itself, and another."""
    prev, made = rules.GENESIS, []
    for number, line in enumerate(lines, start=1):
        link = json.loads(line)
        if number == at:
            link["entry"]["facts"] = {"nothing": "happened"}
        link |= {"prev": prev, "sha256": rules.seal(prev, link["entry"])}
        prev = link["sha256"]
        made.append(json.dumps(link).encode() + b"\n")
    return made


def test_a_true_export_meets_its_control_with_every_fact_that_its_kind_needs(
    client: TestClient, platform: Platform
) -> None:
    assert standing(platform)[0] == "not_measured"
    found = verified(client, exported(client))
    assert (found["state"], found["records"], found["checkpoint"]["seq"]) == ("met", 6, 4)
    assert standing(platform) == ("met", "")
    with platform.read() as session:
        kept = session.scalars(select(Artefact)).one()
        assert load().missing_facts(CONTROL.evidence, kept.facts) == ()
        assert (kept.facts["breaks"], kept.subject_id) == (0, found["file_sha256"])


def test_a_chain_that_was_rewritten_and_is_whole_again_is_not_the_stored_one(
    client: TestClient, platform: Platform
) -> None:
    found = verified(client, rewritten(exported(client), 2))
    assert (found["state"], found["problem"]) == ("not_met", "the file's head is not the stored seal of the same entry")
    assert standing(platform)[0] == "not_met"


def test_a_chain_longer_than_the_stored_one_is_not_it(client: TestClient) -> None:
    lines = exported(client)
    last = json.loads(lines[-1])
    more = {"seq": 7, "prev": last["sha256"], "entry": {}, "sha256": rules.seal(last["sha256"], {})}
    found = verified(client, [*lines, json.dumps(more).encode()])
    assert (found["state"], found["at_seq"]) == ("not_met", 7)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(at=st.integers(0, 4), how=st.sampled_from(["alter", "drop", "swap", "double"]))
def test_every_edit_of_the_file_is_seen_where_it_was_made(client: TestClient, at: int, how: str) -> None:
    lines = exported(client)[:6]
    if how == "alter":
        lines[at] = lines[at].replace(b"lin", b"wei")
    elif how == "drop":
        del lines[at]
    elif how == "swap":
        lines[at], lines[at + 1] = lines[at + 1], lines[at]
    else:
        lines.insert(at, lines[at])
    found = verified(client, lines)
    assert (found["state"], found["at_seq"]) == ("not_met", at + 2 if how == "double" else at + 1)


def test_an_export_that_ends_before_an_earlier_one_says_too_little(client: TestClient) -> None:
    lines = exported(client)
    assert verified(client, lines)["state"] == "met"
    for _ in range(2):  # the short one does not lower the bar for the next
        found = verified(client, lines[:3])
        assert (found["state"], "an earlier export reached 6" in found["problem"]) == ("insufficient", True)


def test_an_old_export_says_too_little(client: TestClient, platform: Platform) -> None:
    lines = exported(client)
    assert isinstance(platform.clock, FakeClock)
    platform.clock.advance(CONTROL.max_age + timedelta(days=1))
    assert verified(client, lines)["state"] == "insufficient"


def test_a_signature_of_another_key_is_told(client: TestClient) -> None:
    client.app.state.audit_key = Ed25519PrivateKey.generate().public_key()  # type: ignore[attr-defined]
    found = verified(client, exported(client))
    assert (found["state"], found["problem"], found["at_seq"]) == ("not_met", "a checkpoint's signature is wrong", 4)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "holds no audit record"),
        (b"\xff\xfe", "Line 1 is not"),
        (b"[]\n", "Line 1 is not"),
        (b'{"seq": true, "prev": "", "entry": {}, "sha256": ""}', "Line 1 is not"),
        (b'{"seq": 1, "prev": "", "entry": "x", "sha256": ""}', "Line 1 is not"),
        (b"[" * 100_000, "Line 1 is not"),
        (b'{"seq": 1, "prev": "", "sha256": "", "entry": ' + b'{"a":' * 900 + b"1" + b"}" * 901, ""),
    ],
)
def test_what_is_no_export_leaves_no_evidence(client: TestClient, platform: Platform, body: bytes, says: str) -> None:
    answer = client.post(VERIFICATION, content=body)
    if says:
        assert answer.status_code == 400
        assert says in answer.json()["error"]["message"]
        assert standing(platform)[0] == "not_measured"
    else:
        assert answer.status_code in (201, 400)
        assert standing(platform)[0] != "met"


def test_a_file_too_large_is_refused_before_it_is_read(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "MAX_BYTES", 100)
    answer = client.post(VERIFICATION, content=b"x" * 101)
    assert (answer.status_code, answer.json()["error"]["facts"]["limit"]) == (400, 100)


def test_only_who_may_verify_leaves_this_evidence(client: TestClient, platform: Platform) -> None:
    answer = client.post(VERIFICATION, content=b"", headers={"authorization": "Bearer wei"})
    assert answer.status_code == 403
    assert standing(platform)[0] == "not_measured"
