"""What a stream took that ended before its model server had counted: its caller left, or an error ended it."""

from typing import Any

import msgspec

from gnomon.gateway.exchange import Exchange
from gnomon.gateway.meters import estimated

_decode = msgspec.json.Decoder().decode


def used(ex: Exchange) -> tuple[int, int]:
    """(tokens in, tokens out) as the model server counted them.

    Where it said something in a stream, and neither a count nor [DONE], they are estimated from the length of the
    masked request and of the masked reply as far as it went. What no guard can read (pictures, speech) is not in that,
    nor is text that was still held back.
    """
    if ex.tokens_in or ex.tokens_out or ex.outcome == "ok" or not ex.begun or ex.first_token_ms is None:
        return ex.tokens_in, ex.tokens_out
    return estimated(len(ex.request)), estimated(_said_bytes(ex.reply))


def _said_bytes(reply: bytes) -> int:
    try:
        choices = _decode(reply)["choices"] if reply else []
    except msgspec.DecodeError:
        return len(reply)  # cut off at what a record keeps: what stands around its texts weighs little
    return sum(_bytes({**choice["message"], "role": ""}) for choice in choices)


def _bytes(value: Any) -> int:
    """Of all strings in it."""
    if isinstance(value, str):
        return len(value.encode())
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(map(_bytes, members))
