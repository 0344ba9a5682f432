"""A bundle that fails in a way that nobody foresaw stops no gateway from starting."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from gnomon.gateway import loader, snapshot
from tests.fakes.bundle import Home
from tests.unit.gateway.conftest import HTTP, Gateway


def test_it_starts_with_the_last_good_one_or_says_why_it_serves_nobody(
    home: Home, start: Callable[..., Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    start(home, name="w1").stop()
    prepare = snapshot.prepare

    def fails(policy: Any, *arguments: Any, **more: Any) -> Any:
        if policy.max_body_bytes == 12_345:
            raise KeyError("unforeseen")
        return prepare(policy, *arguments, **more)

    monkeypatch.setattr(loader, "prepare", fails)
    home.publish(msgspec.structs.replace(home.policy, max_body_bytes=12_345))
    gateway = start(home, name="w2")
    assert gateway.call().status_code == 200
    gateway.stop()

    for part in ("policy", "roster"):
        (home.path / "bundle" / "last" / f"{part}.json").unlink()
    gateway = start(home, name="w3")
    told = HTTP.get(f"{gateway.url.removesuffix('/v1')}/readyz")
    assert told.status_code == 503
    assert "unforeseen" in told.text
