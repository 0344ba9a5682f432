"""Identifiers that sort by the time they were made and say what they name: `case_01k9…`."""

import secrets
import time
from typing import Final

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base 32: no i, l, o, u


def new_id(kind: str) -> str:
    """A fresh id `<kind>_<26 characters>`: 48 bits of milliseconds, then 80 random bits (the layout of a ULID)."""
    value = (time.time_ns() // 1_000_000 << 80) | secrets.randbits(80)
    return f"{kind}_" + "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5))
