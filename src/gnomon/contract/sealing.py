"""A text that one side seals and only the other opens: control writes model servers' secrets, gateways read them.

X25519, HKDF-SHA-256, AES-256-GCM. What it is for (`about`) is authenticated, so that a secret which was sealed for one
address cannot be sent to another by moving it. Layout: version, public key of the sealer, nonce, sealed text.
"""

import base64
import os
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_VERSION = b"\x01"
_PUBLIC, _NONCE = 32, 12
_INFO = b"gnomon sealed text"


class NotOpened(ValueError):
    """Sealed to another key, for something else, or damaged."""


def sealed(text: str, *, public_key: bytes, about: str) -> str:
    own = X25519PrivateKey.generate()
    public = own.public_key().public_bytes_raw()
    key = _derived(own.exchange(X25519PublicKey.from_public_bytes(public_key)), public + public_key)
    nonce = os.urandom(_NONCE)
    body = AESGCM(key).encrypt(nonce, text.encode(), _VERSION + about.encode())
    return base64.b64encode(_VERSION + public + nonce + body).decode()


def opened(data: str, *, private_key: bytes, about: str) -> str:
    """The text. Raises NotOpened."""
    try:
        raw = base64.b64decode(data, validate=True)
        version, public, nonce, body = (
            raw[:1],
            raw[1 : 1 + _PUBLIC],
            raw[1 + _PUBLIC :][:_NONCE],
            raw[1 + _PUBLIC + _NONCE :],
        )
        own = X25519PrivateKey.from_private_bytes(private_key)
        key = _derived(
            own.exchange(X25519PublicKey.from_public_bytes(public)), public + own.public_key().public_bytes_raw()
        )
        return AESGCM(key).decrypt(nonce, body, version + about.encode()).decode()
    except (InvalidTag, ValueError) as error:
        raise NotOpened("sealed to another key, for something else, or damaged") from error


def public_of(private_key: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(private_key).public_key().public_bytes_raw()


def secret_of(upstream: str, url: str) -> str:
    """What a model server's secret is sealed about: that server, at that scheme, host and port."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"upstream {upstream} {parts.scheme}://{(parts.hostname or '').lower()}:{port}"


def _derived(shared: bytes, salt: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=salt, info=_INFO).derive(shared)
