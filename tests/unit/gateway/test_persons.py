"""A record has a keyed token of every identifier that was masked, both ways, and the identifier nowhere."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from gnomon.contract.bundle import Cache
from gnomon.guard.persons import person_index
from tests.fakes.bundle import Home, make_home
from tests.fakes.upstream import Script, Upstream
from tests.unit.gateway.conftest import HTTP, Gateway, bearer

ASKED, ANSWERED = "13812345678", "13998765432"


def tokens(home: Home, *values: str) -> list[str]:
    index = person_index(home.path)
    return sorted(index.token(value) for value in values)


@pytest.fixture
def home(tmp_path: Path, upstream: Upstream) -> Home:
    return make_home(tmp_path, upstream_url=upstream.url)


@pytest.mark.parametrize("stream", [False, True])
def test_a_record_names_both_sides_by_token_only(
    home: Home, upstream: Upstream, start: Callable[..., Gateway], stream: bool
) -> None:
    upstream.script = Script(pieces=("请拨", ANSWERED[:5], ANSWERED[5:], "。")) if stream else Script(reply=ANSWERED)
    gateway = start(home)
    gateway.call(f"我是{ASKED}", stream=stream)
    gateway.call("你好")
    first, second = gateway.records()[:2]
    assert first["persons"] == tokens(home, ASKED, ANSWERED)
    assert ASKED not in json.dumps(first)
    assert second.get("persons", []) in ([], tokens(home, ANSWERED))


def test_an_answer_given_again_names_whom_it_named_before(
    home: Home, upstream: Upstream, start: Callable[..., Gateway]
) -> None:
    (route,) = home.policy.routes
    home.publish(msgspec.structs.replace(home.policy, routes=(msgspec.structs.replace(route, cache=Cache(ttl_s=60)),)))
    upstream.script = Script(reply=f"请拨{ANSWERED}")
    gateway = start(home)
    gateway.call("谁值班")
    gateway.call("谁值班")
    first, second = gateway.records()
    assert second["cache"] == "hit"
    assert first["persons"] == second["persons"] == tokens(home, ANSWERED)


def test_a_comment_and_a_tag_name_whom_they_are_about(home: Home, start: Callable[..., Gateway]) -> None:
    gateway = start(home)
    head = {**bearer("aaaaaaaa"), "x-gnomon-tag-who": ASKED}
    body = {"model": "gnomon-chat", "messages": [{"role": "user", "content": "你好"}]}
    HTTP.post(f"{gateway.url}/chat/completions", json=body, headers=head)
    (record,) = gateway.records()
    assert record["persons"] == tokens(home, ASKED)
    said = {"request_id": record["id"], "rating": 1, "comment": f"请回电{ANSWERED}"}
    assert HTTP.post(f"{gateway.url}/feedback", json=said, headers=bearer("aaaaaaaa")).status_code == 200
    assert gateway.lines("feedback")[0]["persons"] == tokens(home, ANSWERED)
