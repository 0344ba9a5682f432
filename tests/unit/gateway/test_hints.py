"""What a caller is told besides the error: how long to wait, and no more of what it sent than it needs."""

import pytest

from tests.fakes.upstream import Script, Upstream
from tests.unit.gateway.conftest import Gateway


@pytest.mark.parametrize(
    ("status", "said", "answered", "told"),
    [
        (429, b"7", 429, "7"),
        (429, b"0.5", 429, "1"),
        (429, b"\xb2", 429, "1"),
        (429, b"9" * 5000, 429, "1"),
        (429, b"Wed, 21 Oct 2099 07:28:00 GMT", 429, "1"),
        (503, b"7", 502, "7"),
        (503, b"soon", 502, None),
        (500, b"7", 502, None),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_model_server_is_waited_for_as_long_as_it_asks(
    gateway: Gateway, upstream: Upstream, status: int, said: bytes, answered: int, told: str | None, stream: bool
) -> None:
    head = b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\nretry-after: %b\r\ncontent-length: 2\r\n\r\n{}"
    upstream.script = Script(respond=lambda path, body: head % (status, said))
    response = gateway.call(stream=stream)
    assert (response.status_code, response.headers.get("retry-after")) == (answered, told)


def test_a_name_that_no_model_has_is_told_back_in_part(gateway: Gateway) -> None:
    response = gateway.call(model="m" * 100_000)
    assert (response.status_code, response.json()["error"]["code"]) == (404, "model_not_found")
    assert len(response.content) < 1000
