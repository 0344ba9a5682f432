"""A search plants its own values through the gateway, and is worth what it saw go through and could read."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from gnomon.control.evidence import queries as evidence
from gnomon.control.evidence.tables import Artefact
from gnomon.control.privacy import actions, jobs, probe
from gnomon.control.privacy.schemas import NewSearch
from gnomon.control.rulebook.rules import load
from gnomon.engine.planting import KINDS, plants
from gnomon.guard.detectors import DETECTORS
from gnomon.guard.policy import Masker
from gnomon.kit import services
from gnomon.kit.errors import Unavailable
from gnomon.kit.outbox import JobRow
from gnomon.kit.settings import Settings
from gnomon.kit.work import Platform
from tests.fakes.platform import do, make_platform, run_jobs

assert jobs  # registers its job


class Gateway:
    """Masks as the default policy says, unless `leaks`; keeps what it was asked in a file of the home folder."""

    def __init__(self, home: Path) -> None:
        self.home, self.leaks, self.records, self.status = home, False, True, 200
        self.seen: list[str] = []
        self.ids: set[str] = set()
        self._masker = Masker(load().mask_policy(), key=bytes(32))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/models":
            return httpx.Response(200, json={"data": [{"id": "reviews"}]})
        prompt = json.loads(request.content)["messages"][0]["content"]
        self.seen.append(prompt)
        id = f"req_{len(self.seen)}"
        kept = prompt if self.leaks else self._masker.mask(prompt, "input").text
        with (self.home / "records.jsonl").open("a") as file:
            file.write(json.dumps({"id": id, "request": kept}) + "\n")
        if self.records:
            self.ids.add(id)
        return httpx.Response(self.status, json={}, headers={"x-request-id": id})

    def query(self, name: str, **params: Any) -> list[dict[str, Any]]:
        if name == "record":
            return [{"id": params["id"]}] if params["id"] in self.ids else []
        assert name == "containing"
        return []


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    fake = Gateway(tmp_path)
    monkeypatch.setattr(probe, "transport", httpx.MockTransport(fake))
    monkeypatch.setattr(probe, "WITHIN_S", 0.0)
    services.fill(settings=Settings(home=tmp_path), records=fake, platform_key="gn-test")
    return fake


@pytest.fixture
def platform(tmp_path: Path, gateway: Gateway) -> Platform:
    return make_platform(tmp_path)


def run(platform: Platform, **more: Any) -> Artefact:
    do(platform, "ren", actions.request_search, NewSearch(**({"each": 1} | more)))
    run_jobs(platform, ["privacy.search"])
    with platform.read() as session:
        return evidence.newest(session)["privacy.stored_bytes_scanned"]


def everything(platform: Platform) -> str:
    with platform.read() as session:
        tables = session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")).all()
        return "".join(str(session.execute(text(f'SELECT * FROM "{name}"')).all()) for name in tables)


def test_every_structured_entity_is_planted_and_masked_by_the_default_policy() -> None:
    assert {detector.entity for detector in DETECTORS} == set(KINDS)
    masker = Masker(load().mask_policy(), key=bytes(32))
    for one in plants(bytes(range(32)), each=20):
        assert one.value in one.sentence
        assert one.value not in masker.mask(one.sentence, "input").text, one.entity
    assert plants(b"a", each=2) == plants(b"a", each=2) != plants(b"b", each=2)


def test_what_the_platform_planted_and_saw_recorded_is_the_sample(platform: Platform, gateway: Gateway) -> None:
    proof = run(platform)
    facts = proof.facts
    assert (proof.state, facts["n"], facts["values_sent"], facts["values_found"]) == ("met", 35, 35, 0)
    assert facts["entities"] == sorted(KINDS)
    assert (facts["requests"], facts["requests_recorded"], facts["requests_streamed"]) == (9, 9, 4)
    assert facts["control_found"]
    assert len(gateway.seen) == 9
    assert load().missing_facts("measurement", facts) == ()


def test_what_was_planted_is_found_when_it_is_stored(platform: Platform, gateway: Gateway) -> None:
    gateway.leaks = True
    proof = run(platform)
    assert (proof.state, proof.facts["values_found"]) == ("not_met", 35)
    assert proof.facts["where"] == ["records.jsonl"]


def test_values_of_the_caller_are_looked_for_and_do_not_make_a_sample(platform: Platform, gateway: Gateway) -> None:
    gateway.records = False  # nothing shows that what was planted went through
    proof = run(platform, values=[f"1380013{n:04}" for n in range(500)])
    assert (proof.state, proof.facts["n"], proof.facts["extra_values"]) == ("not_measured", 0, 500)
    gateway.records = True
    (services.settings().home / "note.txt").write_text("沪A13900139000")
    proof = run(platform, values=["13900139000"])
    assert (proof.state, proof.facts["extra_found"]) == ("not_met", 1)


def test_requests_that_were_refused_prove_nothing(platform: Platform, gateway: Gateway) -> None:
    gateway.status = 400
    assert run(platform).state == "not_measured"


def test_a_search_that_could_not_read_all_is_insufficient(platform: Platform, gateway: Gateway) -> None:
    (services.settings().home / "pack.docx").write_bytes(b"PK\x03\x04 and nothing more")
    proof = run(platform)
    assert (proof.state, proof.facts["unread"]) == ("insufficient", 1)


def test_what_stands_there_by_chance_is_not_planted(
    platform: Platform, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = plants(b"x", each=1)
    (services.settings().home / "before.txt").write_text(one[0].value)
    monkeypatch.setattr(jobs, "plants", lambda _seed, each: one)
    assert run(platform).facts["values_planted"] == 34


def test_nothing_of_what_was_planted_is_kept_and_the_key_is_destroyed(platform: Platform, gateway: Gateway) -> None:
    mine = "沪B98765"
    run(platform, values=[mine])
    kept = everything(platform)
    assert mine not in kept
    assert not [part for prompt in gateway.seen for part in prompt.split("，") if len(part) > 12 and part in kept]
    assert list((services.settings().home / "run").glob("search-*")) == []


def test_without_a_gateway_the_job_fails_and_leaves_no_evidence(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no", request=request)

    monkeypatch.setattr(probe, "transport", httpx.MockTransport(away))
    do(platform, "ren", actions.request_search, NewSearch(each=1))
    with pytest.raises(Unavailable):
        run_jobs(platform, ["privacy.search"])
    with platform.read() as session:
        assert evidence.newest(session) == {}
        assert session.query(JobRow).one().args["sealed"]
