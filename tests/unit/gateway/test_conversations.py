"""Placeholders that are stable in a conversation are told apart by caller and by what the caller calls it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gnomon.app.gateway import guard
from gnomon.contract.masking import MaskPolicy, MaskRule
from tests.fakes.bundle import make_home, make_key
from tests.fakes.upstream import Upstream
from tests.unit.gateway import conftest
from tests.unit.gateway.conftest import HTTP, Gateway, bearer

MASK = MaskPolicy(id="p", version="1", rules=(MaskRule(entity="*", operator="pseudonym", format="conversation"),))


def test_a_conversation_keeps_its_placeholders_and_shares_them_with_no_other(
    tmp_path: Path, upstream: Upstream, start: Callable[..., Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conftest, "FAKE_GUARD", guard())
    keys = (make_key("aaaaaaaa"), make_key("bbbbbbbb"))
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, mask=MASK, keys=keys))

    def sent(conversation: str, key: str = "aaaaaaaa") -> Any:
        body = {"model": "gnomon-chat", "messages": [{"role": "user", "content": "13812345678"}]}
        headers = bearer(key) | ({"x-gnomon-conversation": conversation} if conversation else {})
        assert HTTP.post(f"{gateway.url}/chat/completions", json=body, headers=headers).status_code == 200
        return upstream.requests[-1][1]["messages"][0]["content"]

    first = sent("c1")
    assert first.startswith("⟦手机_")
    assert sent("c1") == first
    assert len({first, sent("c2"), sent("c1", key="bbbbbbbb"), sent(""), sent("")}) == 5
    assert "x-gnomon-conversation" not in upstream.requests[-1][2]
