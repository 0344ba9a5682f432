"""The bytes of our own answers: status lines, headers, OpenAI error objects."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

import msgspec

from gnomon.gateway.exchange import NOTHING, Exchange
from gnomon.gateway.over_limit import limit_headers
from gnomon.gateway.refusal import Refusal

_encode: Final = msgspec.json.encode
_LINES: Final = {s.value: f"HTTP/1.1 {s.value} {s.phrase}\r\n".encode() for s in HTTPStatus}
_TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "invalid_request_error",
    413: "invalid_request_error",
    429: "rate_limit_error",
}


def head(
    ex: Exchange,
    status: int,
    *,
    content_type: bytes,
    length: int | None,
    headers: Iterable[tuple[str, str]] = (),
) -> bytes:
    """The head of a response; `length` None means a chunked body (for HTTP/1.0: one that ends with the connection)."""
    parts = [
        _LINES.get(status) or f"HTTP/1.1 {status} Status\r\n".encode(),
        b"content-type: ",
        content_type,
        b"\r\nx-request-id: ",
        ex.id.encode(),
    ]
    if length is not None:
        parts.append(b"\r\ncontent-length: %d" % length)
    elif not ex.http10:
        parts.append(b"\r\ntransfer-encoding: chunked\r\ncache-control: no-cache")
    if ex.room is not NOTHING:
        parts.append(limit_headers(ex.room))
    for name, value in ex.more_headers:
        parts.append(f"\r\n{name}: {value}".encode("latin-1"))
    for name, value in headers:
        parts.append(f"\r\n{name}: {value}".encode("latin-1"))
    parts.append(b"\r\nconnection: close\r\n\r\n" if ex.close else b"\r\n\r\n")
    return b"".join(parts)


def error_object(refusal: Refusal) -> bytes:
    """The body that OpenAI clients turn into their own exception."""
    kind = _TYPES.get(refusal.status, "invalid_request_error" if refusal.status < 500 else "server_error")
    return _encode({"error": {"message": refusal.message, "type": kind, "param": refusal.param, "code": refusal.code}})


def refused(ex: Exchange, refusal: Refusal) -> bytes:
    body = error_object(refusal)
    first = head(ex, refusal.status, content_type=b"application/json", length=len(body), headers=refusal.headers)
    return first if ex.method == "HEAD" else first + body


def whole(ex: Exchange, status: int, body: bytes, *, content_type: bytes = b"application/json") -> bytes:
    first = head(ex, status, content_type=content_type, length=len(body))
    return first if ex.method == "HEAD" else first + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def last_chunk(ex: Exchange, data: bytes) -> bytes:
    if ex.http10:
        return data
    return (b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data)) if data else b"0\r\n\r\n"
