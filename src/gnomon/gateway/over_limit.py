"""What a caller is told about its limits: headers and refusals as OpenAI sends them."""

from typing import Final

from gnomon.contract.ports import Entry, Meter, Room
from gnomon.gateway.refusal import Refusal

_WHOSE: Final = {"key": ("此密钥", "this key"), "team": ("所属团队", "the team"), "model": ("此模型", "this model")}
_WHAT: Final = {
    "slots": ("并发请求数", "requests at once"),
    "requests": ("请求频率", "request rate"),
    "tokens": ("每分钟 token 数", "tokens a minute"),
    "day_tokens": ("每日 token 预算", "tokens a day"),
    "day_cost": ("每日费用预算", "cost a day"),
}
_LINES: Final = b"\r\nx-ratelimit-limit-%b: %%d\r\nx-ratelimit-remaining-%b: %%d\r\nx-ratelimit-reset-%b: %%b"
_REQUESTS: Final = _LINES % (b"requests", b"requests", b"requests")
_TOKENS: Final = _LINES % (b"tokens", b"tokens", b"tokens")


def limit_headers(room: Entry) -> bytes:
    """Header lines, each with its line break before it."""
    lines = b""
    if room.requests is not None:
        lines = _REQUESTS % _told(room.requests)
    return lines if room.tokens is None else lines + _TOKENS % _told(room.tokens)


def _told(room: Room) -> tuple[int, int, bytes]:
    return room.limit, room.left if room.left > 0 else 0, duration(room.reset_s).encode()


def scarcer(one: Entry, other: Entry) -> Entry:
    """Of two limits of a kind the one with less left is told."""
    if one.requests is None and one.tokens is None:
        return other
    return Entry(requests=_less(one.requests, other.requests), tokens=_less(one.tokens, other.tokens))


def over_limit(found: Entry) -> Refusal:
    """429: clients wait as long as `retry-after` says; a spent budget they are told not to try again."""
    chinese, english = _who(found.subject)
    what, in_english = _WHAT[found.refused]
    limit = f"{found.limit / 1e6:g}" if found.refused == "day_cost" else str(found.limit)
    spent = found.refused.startswith("day")
    return Refusal(
        "limited",
        429,
        message=f"{chinese}的{what}已达上限 {limit}。 The limit of {english} is reached: {limit} {in_english}.",
        code="insufficient_quota" if spent else "rate_limit_exceeded",
        headers=(("retry-after", seconds(found.wait)), *((("x-should-retry", "false"),) if spent else ())),
    )


def refuse_too_large(meters: tuple[Meter, ...], tokens: int) -> None:
    """Raises Refusal where the request alone is more than a minute's tokens.

    Waiting would not help; who does not know `x-should-retry` waits at least that minute.
    """
    for meter in meters:
        if 0 < meter.tokens_per_minute < tokens:
            chinese, english = _who(meter.subject)
            raise Refusal(
                "limited",
                429,
                message=f"请求过大：约需 {tokens} 个 token，{chinese}每分钟限 {meter.tokens_per_minute}。"
                f" Request too large: about {tokens} tokens, and {english} has {meter.tokens_per_minute} a minute.",
                code="rate_limit_exceeded",
                headers=(("retry-after", "60"), ("x-should-retry", "false")),
            )


def seconds(wait: float) -> str:
    return str(max(1, int(wait + 0.999)))


def duration(wait: float) -> str:
    """As Go writes durations, which is what OpenAI's headers hold: `17ms`, `8.64s`, `6m0s`, `1h0m0s`."""
    thousandths = int(wait * 1000.0 + 0.5) if wait > 0.0 else 0
    if thousandths < 1000:
        return f"{thousandths}ms"
    wait = thousandths / 1000
    if wait < 60.0:
        return f"{wait:g}s"
    minutes, rest = divmod(round(wait), 60)
    return f"{minutes}m{rest}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60}m{rest}s"


def _who(subject: str) -> tuple[str, str]:
    return _WHOSE[subject.partition(":")[0]]


def _less(one: Room | None, other: Room | None) -> Room | None:
    if one is None or other is None:
        return one or other
    return one if one.left <= other.left else other
