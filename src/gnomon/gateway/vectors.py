"""Vectors that an embeddings answer gives in base64, as most clients ask for them: numbers, and no text to guard.

Read as text they are full of what might be a name, and a vector with one letter changed is another vector. They are
taken out before the answer is guarded and put back after. Only what must be numbers is: as 32-bit floats, letters of
any script are nearly all far too large, and digits far too small.
"""

import math
from array import array
from base64 import b64decode
from binascii import Error
from typing import Any

import msgspec

from gnomon.gateway.answers import decoded

_LARGEST = 1e4
_LEAST = 1e-3  # of the largest number in a vector
_encode = msgspec.json.Encoder().encode


def take_out(data: bytes) -> tuple[bytes, dict[int, str]]:
    """The answer without its vectors in base64, and these by their rows. Raises Garbage."""
    if data.find(b'"embedding"') < 0:
        return data, {}
    value = decoded(data)
    found = {}
    for number, row in enumerate(_rows(value)):
        vector = row.get("embedding") if isinstance(row, dict) else None
        if isinstance(vector, str) and is_vector(vector):
            found[number], row["embedding"] = vector, ""
    return (_encode(value), found) if found else (data, found)


def put_back(data: bytes, vectors: dict[int, str]) -> bytes:
    """The guarded answer with its vectors in their places."""
    value = decoded(data)
    rows = _rows(value)
    for number, vector in vectors.items():
        rows[number]["embedding"] = vector
    return _encode(value)


def left_out(data: bytes) -> bytes:
    """A guarded answer with a remark in the place of each vector: how many numbers it has. Raises Garbage."""
    value = decoded(data)
    for row in _rows(value):
        vector = row.get("embedding") if isinstance(row, dict) else None
        if isinstance(vector, list):
            row["embedding"] = f"[{len(vector)} numbers]"
        elif isinstance(vector, str) and is_vector(vector):
            row["embedding"] = f"[{len(b64decode(vector)) // 4} numbers]"
    return _encode(value)


def is_vector(text: str) -> bool:
    """Whether this is base64 of 32-bit floats (little-endian) that may be a vector of an embedding."""
    try:
        numbers = array("f", b64decode(text, validate=True))
    except (Error, ValueError):
        return False
    if not numbers or not math.isfinite(sum(numbers)):
        return False
    largest = max(max(numbers), -min(numbers))
    return _LEAST <= largest <= _LARGEST


def _rows(value: Any) -> list[Any]:
    rows = value.get("data") if isinstance(value, dict) else None
    return rows if isinstance(rows, list) else []
