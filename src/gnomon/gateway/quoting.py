"""A text as a string of JSON, from its UTF-8 too: in C where there is a build, else by the twins here."""

from collections.abc import Callable
from typing import Final

import msgspec

from gnomon import native

_encode = msgspec.json.Encoder().encode


def quoted_slowly(text: str | bytes) -> bytes | None:
    """The JSON string of a text, or of its UTF-8; None for half a character and for bytes that are no UTF-8."""
    try:
        return _encode(text.decode() if isinstance(text, bytes) else text)
    except UnicodeError:
        return None


def is_utf8_slowly(data: bytes) -> bool:
    """Whether bytes are UTF-8 as RFC 3629 has it."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def holds_slowly(data: bytes, *signs: bytes) -> bool:
    """Whether one of the signs, none of them empty, stands in the data. One pass in C, not one for each sign."""
    return any(data.find(sign) >= 0 for sign in signs)


_made = native.load("strings")
quoted: Final[Callable[[str | bytes], bytes | None]] = _made.quoted if _made else quoted_slowly
is_utf8: Final[Callable[[bytes], bool]] = _made.is_utf8 if _made else is_utf8_slowly
holds: Final[Callable[..., bool]] = _made.holds if _made else holds_slowly
