"""Canonical bytes: the same value always gives the same bytes, so that hashes and signatures mean something."""

import hashlib
from typing import Any

import rfc8785

from gnomon.kit.errors import BadInput


class NotExact(BadInput):
    """The value has no canonical form: it would read differently elsewhere, so no hash or signature can cover it."""

    code = "value_not_exact"


def canonical_bytes(value: Any) -> bytes:
    """`value` as canonical JSON (RFC 8785). Raises NotExact: NaN, infinity, bytes, ints from 2**53, half characters."""
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeError, TypeError, RecursionError) as error:
        raise NotExact(
            f"A value cannot be written down exactly: {error}.",
            next_step="Use finite numbers, whole numbers below 2**53, and complete characters.",
        ) from error


def digest(value: Any) -> str:
    """SHA-256 of the canonical bytes, as 64 hex digits."""
    return hashlib.sha256(canonical_bytes(value)).hexdigest()


def digest_bytes(data: bytes) -> str:
    """SHA-256 of raw bytes, as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()
