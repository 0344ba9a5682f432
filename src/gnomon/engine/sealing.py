"""Sealed test sets: rows encrypted at rest, so that whoever trains cannot read what will be asked.

Layout: `GNSEAL1\\n`, 32 bytes SHA-256 of the content, 8 bytes that name the key, 12 bytes nonce, AES-256-GCM of the
content with everything before it authenticated. The key is kept elsewhere; the content hash does not depend on it, so a
set keeps its identity when it is sealed anew.
"""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gnomon.kit.canonical import NotExact, canonical_bytes, digest_bytes
from gnomon.kit.errors import BadInput

_MAGIC = b"GNSEAL1\n"
_HASH, _KEY_NAME, _NONCE = 32, 8, 12
_HEADER = len(_MAGIC) + _HASH + _KEY_NAME
_KEY_BYTES = 32


class BadSeal(BadInput):
    """The bytes are no sealed set, or were changed."""

    code: ClassVar[str] = "bad_seal"


class WrongSealKey(BadInput):
    """The set was sealed with another key."""

    code: ClassVar[str] = "wrong_seal_key"


def new_seal_key() -> bytes:
    """A fresh AES-256 key."""
    return AESGCM.generate_key(bit_length=_KEY_BYTES * 8)


def content_bytes(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The rows as canonical JSONL (RFC 8785), in the order given. Raises BadInput on what JSON cannot say."""
    try:
        return b"".join(canonical_bytes(dict(row)) + b"\n" for row in rows)
    except (NotExact, TypeError) as error:
        raise BadInput(f"A row cannot be written as JSON: {error}", next_step="Correct the row.") from error


def content_hash(rows: Sequence[Mapping[str, Any]]) -> str:
    """SHA-256 of the content, 64 hex digits: what names a test set, sealed or not."""
    return digest_bytes(content_bytes(rows))


def seal_rows(rows: Sequence[Mapping[str, Any]], key: bytes) -> bytes:
    """The rows sealed with `key` (32 bytes). Sealing twice gives different bytes with the same content hash."""
    content = content_bytes(rows)
    header = _MAGIC + bytes.fromhex(digest_bytes(content)) + _name_of(key)
    nonce = os.urandom(_NONCE)
    return header + nonce + AESGCM(key).encrypt(nonce, content, header)


def sealed_hash(blob: bytes) -> str:
    """The content hash that the seal claims; `open_rows` proves it. Needs no key. Raises BadSeal."""
    _check_layout(blob)
    return blob[len(_MAGIC) : len(_MAGIC) + _HASH].hex()


def open_rows(blob: bytes, key: bytes) -> list[dict[str, Any]]:
    """The rows, exactly as they were sealed. Raises WrongSealKey for another key, BadSeal when a byte was changed."""
    _check_layout(blob)
    header, rest = blob[:_HEADER], blob[_HEADER:]
    sealed_with, given = header[-_KEY_NAME:], _name_of(key)
    if sealed_with != given:
        raise WrongSealKey(
            f"The set was sealed with key {sealed_with.hex()}; this is key {given.hex()}.",
            next_step="Ask evaluation to release the key of this set.",
        )
    try:
        content = AESGCM(key).decrypt(rest[:_NONCE], rest[_NONCE:], header)
    except InvalidTag as error:
        raise _changed() from error
    if digest_bytes(content) != sealed_hash(blob):
        raise _changed()
    return [json.loads(line) for line in content.splitlines()]


def _name_of(key: bytes) -> bytes:
    if len(key) != _KEY_BYTES:
        raise WrongSealKey(
            f"A seal key has {_KEY_BYTES} bytes, this one has {len(key)}.", next_step="Give the set's own key."
        )
    return bytes.fromhex(digest_bytes(b"gnomon-seal-key\n" + key))[:_KEY_NAME]


def _check_layout(blob: bytes) -> None:
    if not blob.startswith(_MAGIC) or len(blob) < _HEADER + _NONCE + 16:
        raise BadSeal(
            f"These {len(blob)} bytes are not a sealed set.", next_step="Give the file that was sealed, whole."
        )


def _changed() -> BadSeal:
    return BadSeal("The sealed set was changed after it was sealed.", next_step="Restore it from a backup.")
