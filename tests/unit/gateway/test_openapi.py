"""The published description says what the gateway does: every path, every code of it, answered as described."""

import httpx
import pytest

from gnomon.gateway import openapi
from gnomon.gateway.probes import PROBES
from gnomon.gateway.requests import ENDPOINTS
from tests.unit.gateway.conftest import HTTP, Gateway, bearer
from tests.unit.gateway.test_http import HEAD, send


def described() -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = httpx.Response(200, content=openapi.document()).json()["paths"]
    return found


def test_every_path_that_is_served_is_described_and_no_other() -> None:
    assert {path for path in described() if "{" not in path} == set(ENDPOINTS) | set(PROBES)
    assert {path for path in described() if "{" in path} == {"/v1/models/{model}"}


def test_the_description_is_served_to_whoever_asks(gateway: Gateway) -> None:
    answer = HTTP.get(f"http://127.0.0.1:{gateway.port}/openapi.json")
    assert answer.json()["openapi"].startswith("3.1")
    assert not gateway.records()


@pytest.mark.parametrize(("path", "methods"), described().items())
def test_a_path_takes_the_methods_that_are_described_and_says_so_of_others(
    gateway: Gateway, path: str, methods: dict[str, object]
) -> None:
    url = f"http://127.0.0.1:{gateway.port}{path}".replace("{model}", "gnomon-chat")
    for method in ("get", "post", "put", "delete", "patch", "options"):
        status = HTTP.request(method, url, headers=bearer()).status_code
        assert (status != 405) == (method in methods), (method, status)


@pytest.mark.parametrize("path", ["/livez", "/v1/models", "/v1/models/gnomon-chat", "/v1/chat/completions", "/nothing"])
def test_an_answer_to_head_has_no_body_which_the_next_answer_would_begin_with(gateway: Gateway, path: str) -> None:
    asked = HEAD.replace(b"POST /v1/chat/completions", b"%b " + path.encode()).replace(b"  ", b" ") + b"\r\n"
    got = send(gateway, asked.replace(b"%b", b"HEAD") + asked.replace(b"%b", b"GET"))
    first, _, second = got.partition(b"\r\n\r\n")
    assert second.startswith(b"HTTP/1.1 "), got
    assert int(first.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]) > 0
