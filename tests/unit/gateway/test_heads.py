"""What a known head says of bytes is what the parser says of them; whatever else differs goes to the parser."""

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httptools
from hypothesis import given
from hypothesis import strategies as st

from gnomon.gateway.heads import Head, learnt
from tests.fakes.bundle import make_home, secret
from tests.fakes.upstream import Upstream
from tests.unit.gateway.conftest import Gateway

LINES = (b"POST /v1/x HTTP/1.1", b"Host: a", b"Authorization: Bearer k", b"Content-Length: %d", b"X-Other: 1")


class Parsed:
    def __init__(self, data: bytes) -> None:
        self.url, self.body, self.headers, self.whole = b"", b"", dict[bytes, bytes](), 0
        self.parser = httptools.HttpRequestParser(self)
        self.parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.lower()] = value

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.whole += 1


def request(body: bytes, lines: tuple[bytes, ...] = LINES) -> bytes:
    head = b"\r\n".join(line % len(body) if b"%d" in line else line for line in lines)
    return head + b"\r\n\r\n" + body


def known(data: bytes) -> Head | None:
    parsed = Parsed(data)
    head = Head(method="POST", path="/v1/x", headers=parsed.headers, tags={}, http10=False)
    return head if learnt(head, data) else None


@given(st.binary(max_size=40), st.binary(max_size=40), st.integers(0, 140), st.binary(max_size=3), st.integers(0, 3))
def test_what_it_takes_for_known_is_what_the_parser_reads(
    first: bytes, second: bytes, place: int, put: bytes, cut: int
) -> None:
    head = known(request(first))
    assert head is not None
    data = request(second)
    data = data[:place] + put + data[place + cut :]
    body = head.body(data)
    if body is not None:
        parsed = Parsed(data)
        assert parsed.whole == 1
        assert (parsed.url, parsed.body) == (b"/v1/x", body)
        lengths = {parsed.headers.pop(b"content-length"), head.headers[b"content-length"]}
        assert all(length.isdigit() for length in lengths)
        assert parsed.headers == {name: value for name, value in head.headers.items() if name != b"content-length"}


def test_it_takes_the_same_head_with_another_length() -> None:
    head = known(request(b"{}"))
    assert head is not None
    assert head.body(request(b"x" * 1234)) == b"x" * 1234
    assert head.body(request(b"x" * 12)[:-1]) is None
    assert head.body(request(b"x" * 12) + b"POST") is None


def test_heads_with_more_to_them_are_not_learnt() -> None:
    assert known(request(b"{}", (*LINES, b"Expect: 100-continue"))) is None
    assert known(request(b"{}", (*LINES, b"X-Long: " + b"x" * 4096))) is None
    assert known(request(b"", LINES[:3])) is None
    assert known(request(b"0\r\n\r\n", (*LINES[:3], b"Transfer-Encoding: chunked"))) is None


def ask(sock: socket.socket, text: str, key: str = "aaaaaaaa", model: str = "gnomon-chat") -> Any:
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": text}]}).encode()
    sock.sendall(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer %b\r\ncontent-length: %d\r\n\r\n%b"
        % (secret(key).encode(), len(body), body)
    )
    data = b""
    while b"\r\n\r\n" not in data:
        data += sock.recv(65_536)
    first, _, rest = data.partition(b"\r\n\r\n")
    length = int(first.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(rest) < length:
        rest += sock.recv(65_536)
    return int(first.split(b" ")[1]), json.loads(rest)


def test_on_a_kept_connection_every_request_is_judged_anew(gateway: Gateway) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port), 5) as sock:
        assert [ask(sock, "你" * n)[0] for n in (1, 2, 30)] == [200, 200, 200]
        assert ask(sock, "好", model="nobody")[0] == 404
        assert ask(sock, "好")[0] == 200
        status, told = ask(sock, "好", key="bbbbbbbb")
        assert (status, told["error"]["code"]) == (401, "invalid_api_key")
    assert len({record["id"] for record in gateway.records()}) == 6


def test_a_key_that_is_revoked_opens_nothing_on_a_connection_that_knows_it(gateway: Gateway) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port), 5) as sock:
        assert [ask(sock, "好")[0] for _ in range(3)] == [200] * 3
        roster = gateway.worker.services.loader.current
        assert roster is not None
        roster.keys.clear()
        assert ask(sock, "好")[0] == 401


def test_a_body_that_is_too_long_is_refused_on_a_connection_that_knows_the_head(
    tmp_path: Path, upstream: Upstream, start: Callable[..., Gateway]
) -> None:
    gateway = start(make_home(tmp_path, upstream_url=upstream.url, max_body_bytes=300))
    with socket.create_connection(("127.0.0.1", gateway.port), 5) as sock:
        assert [ask(sock, "好")[0] for _ in range(2)] == [200] * 2
        assert ask(sock, "好" * 300)[0] == 413
