"""Names are looked for beside the event loop: in turn, as well as ever, and without holding up who asks for none."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from gnomon.app.gateway import guard
from gnomon.contract.verdicts import Masked
from gnomon.guard.names.finder import name_finder
from tests.fakes.bundle import Home
from tests.fakes.upstream import Script, Upstream
from tests.unit.gateway import conftest
from tests.unit.gateway.conftest import HTTP, Gateway, bearer
from tests.unit.gateway.fake_guard import FAKE_GUARD, FakeMasker

PIECES = ("昨天，宁波市人民医院主任李", "建军会见了记者王", "晓燕。电话138", "12345678。", "谢谢")


class SlowMasker(FakeMasker):
    def mask(self, text: str, direction: Any, vault: Any, *, field: str = "", fired: Any = None) -> Masked:
        time.sleep(0.4)
        return super().mask(text, direction, vault)

    def hits(self, data: bytes) -> bool:
        return True


def with_names(home: Home) -> None:
    masks = tuple(msgspec.structs.replace(mask, speed="names") for mask in home.policy.mask_policies)
    home.publish(msgspec.structs.replace(home.policy, mask_policies=masks))


def streamed(gateway: Gateway, text: str = "你好") -> str:
    body = {"model": "gnomon-chat", "stream": True, "messages": [{"role": "user", "content": text}]}
    answer = HTTP.post(f"{gateway.url}/chat/completions", json=body, headers=bearer())
    return answer.text


def said(events: str) -> str:
    blocks = [msgspec.json.decode(line[6:]) for line in events.splitlines() if line.startswith("data: {")]
    return "".join(choice["delta"].get("content") or "" for block in blocks for choice in block.get("choices", ()))


@pytest.fixture
def named(home: Home, start: Callable[..., Gateway], monkeypatch: pytest.MonkeyPatch) -> Gateway:
    monkeypatch.setattr(conftest, "FAKE_GUARD", guard())
    with_names(home)
    return start(home)


def test_a_stream_with_names_is_masked_as_the_whole(named: Gateway, upstream: Upstream) -> None:
    upstream.script = Script(pieces=PIECES)
    events = streamed(named)
    assert events.rstrip().endswith("data: [DONE]")
    shown = said(events)
    upstream.script = Script(reply="".join(PIECES))
    whole = named.call().json()["choices"][0]["message"]["content"]
    assert shown == whole
    for value in ("李建军", "王晓燕", "人民医院", "13812345678"):
        assert value not in shown
    assert shown.endswith("谢谢")
    assert all(record["entities_out"]["PERSON"] == 2 for record in named.records())


def test_what_the_caller_says_of_people_does_not_go_out(named: Gateway, upstream: Upstream) -> None:
    assert named.call("请给记者王晓燕写一封信。").status_code == 200
    assert "王晓燕" not in str(upstream.requests[0][1])


def test_a_block_in_a_stream_reaches_the_caller_though_it_was_found_beside_the_loop(
    home: Home, start: Callable[..., Gateway], upstream: Upstream
) -> None:
    with_names(home)
    upstream.script = Script(pieces=("好的，", "绝密", "，再说"))
    events = streamed(start(home))
    assert "content_blocked" in events
    assert "[DONE]" not in events
    assert "再说" not in events


def test_other_requests_do_not_wait_while_names_are_looked_for(
    home: Home, start: Callable[..., Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conftest, "FAKE_GUARD", replace(FAKE_GUARD, masker=SlowMasker))
    with_names(home)
    gateway = start(home)
    with httpx.Client() as client:
        client.get(f"{gateway.url}/models", headers=bearer())
        slow = threading.Thread(target=gateway.call, args=("很长的话",))
        slow.start()
        time.sleep(0.1)
        began = time.monotonic()
        assert client.get(f"{gateway.url}/models", headers=bearer()).status_code == 200
        took = time.monotonic() - began
        is_busy = slow.is_alive()
        slow.join()
    assert is_busy
    assert took < 0.3


def test_a_bundle_whose_names_cannot_be_sought_is_refused_and_the_last_one_stays(
    home: Home, start: Callable[..., Gateway], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(conftest, "FAKE_GUARD", guard())
    gateway = start(home)
    monkeypatch.setenv("GNOMON_NAMES_FILE", str(tmp_path / "none.names"))
    name_finder.cache_clear()
    with_names(home)
    gateway.worker.services.loader.load()
    assert "none.names" in gateway.worker.services.loader.problems["policy"]
    assert gateway.call().status_code == 200
    name_finder.cache_clear()
