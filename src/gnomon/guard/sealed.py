"""A vault, sealed to be kept: whoever opens it needs the key, which lies elsewhere, and must come before it expires.

A *map* is AES-256-GCM under a symmetric key: for who masks and restores himself. A *copy* is sealed to a public key
(X25519, HKDF-SHA-256, AES-256-GCM): who writes copies, as the gateway does, cannot read a single one.
Layout: version, expiry (Unix seconds, big endian), [public key of the sealer,] nonce, sealed JSON. All before the
nonce is authenticated, so that nobody moves the expiry.
"""

import json
import os
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gnomon.guard.placeholders import Vault
from gnomon.kit.errors import BadInput, Conflict

_MAP, _COPY = 1, 2
_HEAD = struct.Struct(">Bd")
_NONCE, _PUBLIC = 12, 32
_INFO = b"gnomon restoration copy"


class BadSealedMap(BadInput):
    code = "bad_sealed_map"


class SealedMapExpired(Conflict):
    code = "sealed_map_expired"


def seal(vault: Vault, *, key: bytes, expires_at: float) -> bytes:
    """A map of the vault under a key of 32 bytes."""
    return _sealed(vault, _HEAD.pack(_MAP, expires_at), key)


def opened(data: bytes, *, key: bytes, now: float) -> Vault:
    """The vault of a map. Raises SealedMapExpired after its time, BadSealedMap for another key or a changed byte."""
    return _opened(data, _HEAD.size, _MAP, key, now)


class CopySealer:
    """Seals copies to one public key. One key agreement when it is made; then microseconds a copy. Shared freely."""

    def __init__(self, public_key: bytes) -> None:
        own = X25519PrivateKey.generate()
        self._public = own.public_key().public_bytes_raw()
        shared = own.exchange(X25519PublicKey.from_public_bytes(public_key))
        self._key = _derived(shared, self._public + public_key)

    def seal(self, vault: Vault, *, expires_at: float) -> bytes:
        return _sealed(vault, _HEAD.pack(_COPY, expires_at) + self._public, self._key)


def opened_copy(data: bytes, *, private_key: X25519PrivateKey, now: float) -> Vault:
    """The vault of a copy. Raises as `opened` does."""
    if len(data) < _HEAD.size + _PUBLIC:
        raise _bad()
    sealer = data[_HEAD.size : _HEAD.size + _PUBLIC]
    public = private_key.public_key().public_bytes_raw()
    try:
        shared = private_key.exchange(X25519PublicKey.from_public_bytes(sealer))
    except ValueError as error:
        raise _bad() from error
    return _opened(data, _HEAD.size + _PUBLIC, _COPY, _derived(shared, sealer + public), now)


def _derived(shared: bytes, salt: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=salt, info=_INFO).derive(shared)


def _sealed(vault: Vault, head: bytes, key: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return head + nonce + AESGCM(key).encrypt(nonce, json.dumps(vault.originals()).encode(), head)


def _opened(data: bytes, size: int, kind: int, key: bytes, now: float) -> Vault:
    head, nonce, body = data[:size], data[size : size + _NONCE], data[size + _NONCE :]
    if len(nonce) < _NONCE or head[0] != kind:
        raise _bad()
    try:
        originals = json.loads(AESGCM(key).decrypt(nonce, body, head))
    except (InvalidTag, ValueError) as error:
        raise _bad() from error
    if _HEAD.unpack_from(head)[1] <= now:
        raise SealedMapExpired("The sealed map has expired.", next_step="What it stood for can no longer be restored.")
    return Vault(originals=originals)


def _bad() -> BadSealedMap:
    return BadSealedMap("The sealed map cannot be opened with this key.", next_step="Give the right map and its key.")
