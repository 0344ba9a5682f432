"""A job that still presents a revoked key bans nobody; who tries keys is banned as ever, and neither learns which."""

import time
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec
import pytest

from gnomon.contract.bundle import EndedKey, GuessRule
from gnomon.gateway import stale
from tests.fakes.bundle import Home, make_home, make_key, secret
from tests.fakes.upstream import Upstream
from tests.unit.gateway.conftest import HTTP, Gateway, bearer

Start = Callable[..., Gateway]
RULE = GuessRule(count=3, window_s=60, ban_s=900)


@pytest.fixture
def home(tmp_path: Path, upstream: Upstream) -> Home:
    made = make_home(tmp_path, upstream_url=upstream.url, guess=RULE)
    gone = make_key("bbbbbbbb")
    ended = (EndedKey(id=gone.id, sha256=gone.sha256),)
    made.publish(roster=msgspec.structs.replace(made.roster, ended=ended))
    return made


def models(gateway: Gateway, token: str) -> httpx.Response:
    return HTTP.get(f"{gateway.url}/models", headers={"authorization": f"Bearer {token}"})


def told(response: httpx.Response) -> tuple[int, object, list[str]]:
    return response.status_code, response.json()["error"], sorted(response.headers)


def test_a_key_that_has_ended_is_no_guess_and_is_told_once(home: Home, start: Start) -> None:
    gateway = start(home)
    assert {models(gateway, secret("bbbbbbbb")).status_code for _ in range(20)} == {401}
    assert gateway.call().status_code == 200
    (notice,) = gateway.lines("notice")
    assert (notice["kind"], notice["subject"], notice["reason"]) == ("suspicion", "key:bbbbbbbb", "stale_key")
    assert gateway.worker.services.admission.stale.presented == 20
    assert {record.get("tried", "") for record in gateway.records()} == {""}


def test_a_caller_cannot_tell_a_key_that_has_ended_from_one_that_never_was(home: Home, start: Start) -> None:
    gateway = start(home)
    assert told(models(gateway, secret("bbbbbbbb"))) == told(models(gateway, secret("zzzzzzzz")))


def test_the_id_of_an_ended_key_with_another_secret_is_a_guess(home: Home, start: Start) -> None:
    gateway = start(home)
    wrong = secret("bbbbbbbb")[:-3] + "xyz"
    assert [models(gateway, wrong).status_code for _ in range(4)] == [401, 401, 401, 403]
    assert gateway.call().status_code == 403


def test_control_hears_again_after_an_hour_with_how_often_it_was(
    home: Home, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = start(home)
    for _ in range(4):
        models(gateway, secret("bbbbbbbb"))
    later = time.clock_gettime(time.CLOCK_BOOTTIME) + 3601
    monkeypatch.setattr(stale, "ticks", lambda: later)
    models(gateway, secret("bbbbbbbb"))
    assert [notice["facts"]["count"] for notice in gateway.lines("notice")] == [1.0, 4.0]


def test_a_key_that_expired_while_it_was_on_the_roster_is_told_too(
    tmp_path: Path, upstream: Upstream, start: Start
) -> None:
    key = make_key(expires_at=time.time() - 1)
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, guess=RULE, keys=(key,)))
    assert {HTTP.get(f"{gateway.url}/models", headers=bearer()).status_code for _ in range(9)} == {401}
    assert [notice["subject"] for notice in gateway.lines("notice")] == [f"key:{key.id}"]
