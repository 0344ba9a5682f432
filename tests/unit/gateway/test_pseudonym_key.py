"""A new key of pseudonyms is in use from a gateway's next start; callers have their values back either way."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gnomon.app.gateway import guard
from gnomon.contract.masking import MaskPolicy, MaskRule
from gnomon.guard.pseudonym_keys import add_key
from tests.fakes.bundle import make_home, make_key
from tests.fakes.upstream import Script, Upstream
from tests.unit.gateway import conftest
from tests.unit.gateway.conftest import Gateway

MOBILE = "13812345678"
MASK = MaskPolicy(id="p", version="1", rules=(MaskRule(entity="*", operator="pseudonym"),))


def test_after_a_change_of_keys_the_same_value_has_another_pseudonym(
    tmp_path: Path, upstream: Upstream, start: Callable[..., Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conftest, "FAKE_GUARD", guard())
    keys = (make_key("aaaaaaaa", scopes=("chat", "restore")),)
    home = make_home(tmp_path, upstream_url=upstream.url, mask=MASK, keys=keys)

    def asked(gateway: Gateway) -> str:
        """What the model server saw; it says the same back."""
        gateway.call(f"我是{MOBILE}")
        text: str = upstream.requests[-1][1]["messages"][0]["content"]
        assert text.startswith("我是⟦手机_")
        upstream.script = Script(reply=text)
        assert gateway.call(f"我是{MOBILE}").json()["choices"][0]["message"]["content"] == f"我是{MOBILE}"
        return text

    first = start(home)
    before = asked(first)
    add_key(home.path)
    assert asked(first) == before  # who runs keeps its key
    first.stop()
    after = [asked(start(home, name=name)) for name in ("w2", "w3")]  # and all who start have the same one
    assert after[0] == after[1] != before
