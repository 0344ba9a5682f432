"""The bytes of a suite: sealed with a key of its own, which is wrapped under the installation's suite key."""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gnomon.engine import sealing
from gnomon.kit import keys, services
from gnomon.kit.errors import BadInput

_NONCE = 12


def store(rows: Sequence[Mapping[str, Any]], *, sealed: bool, suite_id: str) -> tuple[str, str]:
    """(digest of the stored object, wrapped key); the key is empty for a set that is not sealed."""
    if not sealed:
        return services.blobs().put(sealing.content_bytes(rows)), ""
    key = sealing.new_seal_key()
    return services.blobs().put(sealing.seal_rows(rows, key)), wrap(key, suite_id=suite_id)


def rows_of(blob_sha256: str, wrapped_key: str, *, suite_id: str) -> list[dict[str, Any]]:
    """The rows. For a sealed set only the counted action may call this. Raises BadInput when bytes or key are wrong."""
    data = services.blobs().get(blob_sha256)
    if wrapped_key:
        return sealing.open_rows(data, unwrap(wrapped_key, suite_id=suite_id))
    return [json.loads(line) for line in data.splitlines()]


def wrap(key: bytes, *, suite_id: str) -> str:
    """`key` encrypted for this suite alone, as hex digits."""
    nonce = os.urandom(_NONCE)
    return (nonce + AESGCM(_master()).encrypt(nonce, key, suite_id.encode())).hex()


def unwrap(wrapped: str, *, suite_id: str) -> bytes:
    data = bytes.fromhex(wrapped)
    try:
        return AESGCM(_master()).decrypt(data[:_NONCE], data[_NONCE:], suite_id.encode())
    except InvalidTag as error:
        raise BadInput(
            f"The key of suite {suite_id} cannot be released: the suite key of this installation is another one.",
            next_step="Restore keys/suites.key from the backup that belongs to this database.",
        ) from error


def _master() -> bytes:
    return keys.secret_key(services.settings().home / "keys" / "suites.key")
