"""What a search must know while it runs and nobody afterwards: under a key that is destroyed when it ends."""

import json
import os
import secrets
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gnomon.kit import keys, services
from gnomon.kit.errors import NotFound

_NONCE = 12


def seal(name: str, content: dict[str, Any]) -> str:
    """`content` encrypted under a key of its own, as hex digits. `name` is of the key."""
    nonce = os.urandom(_NONCE)
    data = json.dumps(content).encode()
    return (nonce + AESGCM(keys.secret_key(_path(name))).encrypt(nonce, data, name.encode())).hex()


def opened(name: str, sealed: str) -> dict[str, Any]:
    """The content. Raises NotFound once the key is destroyed."""
    if not _path(name).exists():
        raise NotFound("The key of this search is destroyed.", next_step="Start a new search.")
    data = bytes.fromhex(sealed)
    content: dict[str, Any] = json.loads(
        AESGCM(keys.secret_key(_path(name))).decrypt(data[:_NONCE], data[_NONCE:], name.encode())
    )
    return content


def forget(name: str) -> None:
    """Nobody can open what was sealed under this name any more."""
    _path(name).unlink(missing_ok=True)


def fresh_name() -> str:
    return f"search-{secrets.token_hex(8)}"


def _path(name: str) -> Path:
    folder: Path = services.settings().home
    return folder / "run" / f"{name}.key"
