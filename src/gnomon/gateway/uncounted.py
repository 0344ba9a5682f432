"""What an answer took whose model server did not count: it never does, its caller left, or an error ended a stream."""

from typing import Any, Final

import msgspec

from gnomon.gateway.answers import usage_of
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.meters import estimated

_decode: Final = msgspec.json.Decoder().decode


def used(ex: Exchange) -> tuple[int, int]:
    """(tokens in, tokens out) as the model server counted them.

    Where it answered, or said something in a stream, and told no count, they are estimated from the length of the
    masked request and of the masked reply as far as it went. What no guard can read (pictures, speech) is not in that,
    nor is text that was still held back.
    """
    if ex.tokens_in or ex.tokens_out or not _answers(ex):
        return ex.tokens_in, ex.tokens_out
    return estimated(len(ex.request)), estimated(_said_bytes(ex.reply))


def taken(asked: bytes, answer: bytes) -> tuple[int, int]:
    """The same of a whole answer to a call of ours, which no caller hears yet or ever. Raises Garbage: it is none."""
    counted = usage_of(answer)
    return counted if any(counted) else (estimated(len(asked)), estimated(_said_bytes(answer)))


def _answers(ex: Exchange) -> bool:
    """Whether a model worked for a caller who heard of it."""
    if ex.cache == "hit":
        return False
    says = ex.first_token_ms is not None
    return (ex.begun and (says or ex.outcome == "ok")) or (says and ex.outcome == "ok")


def _said_bytes(reply: bytes) -> int:
    try:
        answer = _decode(reply) if reply else None
        choices = answer.get("choices") if isinstance(answer, dict) else None
        return sum([_bytes(_said(choice)) for choice in choices]) if isinstance(choices, list) else 0
    except (msgspec.DecodeError, RecursionError):
        return len(reply)  # cut off at what a record keeps, or too deep: what stands around its texts weighs little


def _said(choice: Any) -> Any:
    if not isinstance(choice, dict):
        return None
    message = choice.get("message")
    return {**message, "role": ""} if isinstance(message, dict) else choice.get("text")


def _bytes(value: Any) -> int:
    """Of all strings in it."""
    if isinstance(value, str):
        return len(value.encode())
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum([_bytes(member) for member in members])
