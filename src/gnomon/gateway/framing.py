"""Where a request's body begins and ends, and what is refused because two readers could disagree about it."""

import re
from typing import Final

from gnomon.gateway.exchange import Exchange
from gnomon.gateway.refusal import Refusal

_ORIGIN: Final = re.compile(rb"https?://[^/?#]*", re.IGNORECASE)


def check(ex: Exchange, *, upgrade: bool) -> None:
    """The head says one length and no more. Raises Refusal where it is ambiguous; what may be told after the body
    was read away stands in `ex.refusal`."""
    if upgrade:
        raise refusal(400, "不支持协议升级。 Protocol upgrades are not supported.", "upgrade_refused")
    length = ex.headers.get(b"content-length")
    coding = ex.headers.get(b"transfer-encoding")
    if not ex.http10 and b"host" not in ex.headers:
        raise refusal(400, "缺少 Host 请求头。 The Host header is missing.", "invalid_http")
    if coding is not None and (length is not None or ex.http10 or coding.strip().lower() != b"chunked"):
        raise refusal(400, "请求体长度含糊。 The length of the body is ambiguous.", "invalid_http")
    if length is not None and not length.isdigit():
        raise refusal(400, "Content-Length 无效。 Content-Length is not a number.", "invalid_http")
    if b"content-encoding" in ex.headers and ex.refusal is None:
        ex.refusal = refusal(415, "不接受压缩的请求体。 Compressed bodies are refused.", "unsupported_encoding")
    if length is not None and int(length) > max_body(ex) and ex.refusal is None:
        ex.refusal = too_large(ex)


def check_version(version: str) -> None:
    """Raises Refusal (505) for one whose messages end by other rules, though its first line looks alike."""
    if version not in ("1.1", "1.0"):
        raise refusal(505, "只支持 HTTP 1.1 和 1.0。 Only HTTP 1.1 and 1.0 are spoken.", "http_version_not_supported")


def path_of(target: bytes) -> str:
    """What is asked for, without a query; with scheme and host too, as to a proxy (RFC 9112, 3.2.2)."""
    if not target.startswith(b"/"):
        target = _ORIGIN.sub(b"", target, count=1) or b"/"
    return target.split(b"?", 1)[0].decode("latin-1")


def expects_body(ex: Exchange) -> bool:
    return b"transfer-encoding" in ex.headers or ex.headers.get(b"content-length", b"0") != b"0"


def max_body(ex: Exchange) -> int:
    """Bytes; without a bundle nobody may send any."""
    return ex.snapshot.policy.max_body_bytes if ex.snapshot is not None else 0


def too_large(ex: Exchange) -> Refusal:
    limit = max_body(ex)
    return refusal(413, f"请求体超过 {limit} 字节。 The body is longer than {limit} bytes.", "body_too_large")


def refusal(status: int, message: str, code: str) -> Refusal:
    return Refusal("bad_request", status, message=message, code=code)
