"""Where a route lets token numbers pass unread, only token numbers pass unread."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.fakes.bundle import make_home
from tests.fakes.upstream import Upstream
from tests.unit.gateway.conftest import HTTP, Gateway, bearer

PHONE = "13812345678"


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ([1, 2, 3], 200),
        ([[1, 2], [3]], 200),
        ([1, f"电话{PHONE}"], 400),
        ([[f"电话{PHONE}"]], 400),
        ([[1, 2], [f"电话{PHONE}"]], 400),
        ([[{"text": PHONE}]], 400),
        ([[[PHONE]]], 400),
        ([int(PHONE)], 400),
        ([[1, 1.5]], 400),
        ([True], 400),
    ],
)
@pytest.mark.parametrize(("path", "field"), [("embeddings", "input"), ("completions", "prompt")])
def test_what_is_not_all_token_numbers_is_never_taken_for_them(
    tmp_path: Path, upstream: Upstream, start: Callable[..., Gateway], path: str, field: str, given: object, status: int
) -> None:
    home = make_home(tmp_path, upstream_url=upstream.url)
    routes = tuple(msgspec.structs.replace(route, unscanned=("tokens",)) for route in home.policy.routes)
    home.publish(msgspec.structs.replace(home.policy, routes=routes))
    gateway = start(home)
    body = {"model": "gnomon-chat", field: given}
    assert HTTP.post(f"{gateway.url}/{path}", json=body, headers=bearer()).status_code == status
    assert PHONE not in str(upstream.requests)
    assert PHONE not in str(gateway.records())
