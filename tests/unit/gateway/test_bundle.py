"""A new bundle is taken whole or not at all, and the last good one survives everything."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gnomon.contract.bundle import Cache, Canary, Key, Route, Shadow, Target
from gnomon.contract.signing import sign_part
from gnomon.gateway.loader import Loader
from tests.fakes.bundle import Home, make_home, make_key
from tests.fakes.upstream import Upstream
from tests.unit.gateway.conftest import HTTP, Gateway
from tests.unit.gateway.fake_guard import FAKE_GUARD

replace = msgspec.structs.replace


def loader(home: Home) -> Loader:
    found = Loader(home.path / "bundle", guard=FAKE_GUARD, mask_key=b"k" * 32)
    found.load()
    return found


def test_a_new_serial_replaces_and_an_older_or_equal_one_does_not(tmp_path: Path) -> None:
    home = make_home(tmp_path, upstream_url="http://127.0.0.1:9/v1")
    watched = loader(home)
    first = watched.current
    assert first is not None
    old_roster = sign_part("roster", home.roster, home.key)
    home.publish(roster=replace(home.roster, keys=(make_key("bbbbbbbb"),)))
    assert watched.changed()
    watched.load()
    assert not watched.changed()
    assert watched.current is not None
    assert set(watched.current.keys) == {"bbbbbbbb"}
    assert watched.current.routes is first.routes  # the policy was not prepared again
    home.write("roster", old_roster)
    watched.load()
    assert set(watched.current.keys) == {"bbbbbbbb"}
    assert "not newer" in watched.problems["roster"]
    assert watched.refused == 1


def test_a_new_epoch_wins_over_any_serial(tmp_path: Path) -> None:
    home = make_home(tmp_path, upstream_url="http://127.0.0.1:9/v1")
    watched = loader(home)
    home.policy = replace(home.policy, epoch=2, serial=0)
    home.publish()
    watched.load()
    assert watched.current is not None
    assert watched.current.policy_version == "2.0"


def test_what_is_bad_changes_nothing_and_is_loud(tmp_path: Path) -> None:
    home = make_home(tmp_path, upstream_url="http://127.0.0.1:9/v1")
    watched = loader(home)
    good = watched.current
    stranger = make_home(tmp_path / "other", upstream_url="http://127.0.0.1:9/v1")
    misfit = replace(home.policy.routes[0], targets=(Target(id="t", upstream="nowhere", model="m"),))
    bad = {
        "cut": sign_part("policy", home.policy, home.key)[:-20],
        "garbage": b"\xff\x00",
        "empty": b"",
        "other part": sign_part("roster", home.roster, home.key),
        "other signer": sign_part("policy", replace(home.policy, serial=99), stranger.key),
        "misfit": sign_part("policy", replace(home.policy, serial=100, routes=(misfit,)), home.key),
        "no mask": sign_part("policy", replace(home.policy, serial=101, mask_policies=()), home.key),
    }
    for number, data in enumerate(bad.values(), start=1):
        home.write("policy", data)
        watched.load()
        assert watched.current is good
        assert watched.refused == number
        assert watched.problems["policy"]
    home.policy = replace(home.policy, serial=102)
    home.publish()
    watched.load()
    assert watched.problems == {}
    assert watched.current is not good


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"timeout_s": 0.0}, "timeout_s of route gnomon-chat is 0; it must be more than 0"),
        ({"total_s": -1.0}, "total_s of route gnomon-chat is -1; it must be 0 or more"),
        ({"cache": Cache(ttl_s=0)}, "ttl_s of cache of route gnomon-chat is 0"),
        ({"canary": Canary(id="c", target="t", share=1.5, watch_until=0)}, "share of the canary c is 1.5"),
        ({"shadow": Shadow(target="t", share=-0.1)}, "share of the shadow of route gnomon-chat is -0.1"),
        ({"targets": (Target(id="t", upstream="u", model="m"),) * 2}, "more than one target of route gnomon-chat"),
    ],
)
def test_a_policy_that_cannot_be_is_refused_by_name_and_value(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    home = make_home(tmp_path, upstream_url="http://127.0.0.1:9/v1")
    watched = loader(home)
    good = watched.current
    home.policy = replace(home.policy, serial=9, routes=(replace(home.policy.routes[0], **changes),))
    home.publish()
    watched.load()
    assert watched.current is good
    assert said in watched.problems["policy"]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ((make_key(sha256="abc"),), "digest of key aaaaaaaa is no SHA-256"),
        ((make_key(), make_key()), "more than one key with the name 'aaaaaaaa'"),
        ((make_key(concurrency=-1),), "concurrency of key aaaaaaaa is -1"),
    ],
)
def test_a_roster_that_cannot_be_is_refused_by_name_and_value(tmp_path: Path, keys: tuple[Key, ...], said: str) -> None:
    home = make_home(tmp_path, upstream_url="http://127.0.0.1:9/v1")
    watched = loader(home)
    good = watched.current
    home.roster = replace(home.roster, serial=9, keys=keys)
    home.publish()
    watched.load()
    assert watched.current is good
    assert said in watched.problems["roster"]


def test_a_restart_finds_the_last_good_parts_when_the_new_ones_are_broken(tmp_path: Path) -> None:
    home = make_home(tmp_path, upstream_url="http://127.0.0.1:9/v1")
    loader(home)
    home.write("policy", b"broken")
    (tmp_path / "bundle" / "roster.json").unlink()
    again = loader(home)
    assert again.current is not None
    assert again.current.policy_version == "1.1"
    assert "policy" in again.problems


def test_a_restart_does_not_go_back_to_an_older_bundle(tmp_path: Path) -> None:
    home = make_home(tmp_path, upstream_url="http://127.0.0.1:9/v1")
    old = sign_part("roster", home.roster, home.key)
    home.publish(roster=replace(home.roster, keys=()))
    loader(home)
    home.write("roster", old)
    again = loader(home)
    assert again.current is not None
    assert again.current.keys == {}  # the revoked key stays revoked


def test_requests_see_a_new_route_within_a_second_and_a_bad_bundle_shows_in_readyz(
    home: Home, gateway: Gateway, upstream: Upstream
) -> None:
    route = Route(model="second", targets=home.policy.routes[0].targets, mask_policy="default")
    assert gateway.call(model="second").status_code == 404
    home.publish(policy=replace(home.policy, routes=(*home.policy.routes, route)))
    _until(lambda: gateway.call(model="second").status_code == 200)
    home.write("policy", b"broken")
    ready = f"http://127.0.0.1:{gateway.port}/readyz"
    _until(lambda: "policy" in HTTP.get(ready).json()["problems"])
    assert HTTP.get(ready).status_code == 200
    assert gateway.call(model="second").status_code == 200


def test_without_a_bundle_it_says_so_and_recovers(
    tmp_path: Path, upstream: Upstream, start: Callable[..., Gateway]
) -> None:
    home = make_home(tmp_path, upstream_url=upstream.url)
    for part in ("policy", "roster"):
        (tmp_path / "bundle" / f"{part}.json").rename(tmp_path / f"{part}.json")
    gateway = start(home)
    refused = gateway.call()
    assert (refused.json()["error"]["code"], refused.headers["retry-after"]) == ("not_ready", "5")
    assert HTTP.get(f"http://127.0.0.1:{gateway.port}/readyz").status_code == 503
    assert HTTP.get(f"http://127.0.0.1:{gateway.port}/livez").status_code == 200
    for part in ("policy", "roster"):
        (tmp_path / f"{part}.json").rename(tmp_path / "bundle" / f"{part}.json")
    _until(lambda: gateway.call().status_code == 200)


def _until(condition: Callable[[], bool], within_s: float = 3.0) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
