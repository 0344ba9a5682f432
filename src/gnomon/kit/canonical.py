"""Canonical bytes: the same value always gives the same bytes, so that hashes and signatures mean something."""

import hashlib
from typing import Any

import rfc8785


def canonical_bytes(value: Any) -> bytes:
    """`value` as canonical JSON (RFC 8785). Raises `rfc8785.CanonicalizationError` on NaN, bytes, ints past 2**53."""
    return rfc8785.dumps(value)


def digest(value: Any) -> str:
    """SHA-256 of the canonical bytes, as 64 hex digits."""
    return hashlib.sha256(canonical_bytes(value)).hexdigest()


def digest_bytes(data: bytes) -> str:
    """SHA-256 of raw bytes, as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()
