"""What only a request's own steps may know: under a key of its own that is destroyed when the request ends."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gnomon.control.privacy.subjects.rules import WrongState
from gnomon.control.privacy.subjects.schemas import Identifier
from gnomon.kit import keys, services
from gnomon.kit.errors import BadInput

_NONCE = 12


@dataclass(frozen=True, slots=True)
class Sealed:
    """Whom a request is about."""

    identifiers: tuple[Identifier, ...]
    contact: str

    def __repr__(self) -> str:
        return f"Sealed({len(self.identifiers)} identifiers)"  # never the values


def seal_person(id: str, identifiers: Sequence[Identifier], contact: str) -> str:
    """Hex digits that `person` opens as long as the request's key is there."""
    content = {"identifiers": [one.model_dump() for one in identifiers], "contact": contact}
    return seal(id, json.dumps(content).encode()).hex()


def person(id: str, sealed: str) -> Sealed:
    content: dict[str, Any] = json.loads(opened(id, bytes.fromhex(sealed)))
    return Sealed(tuple(Identifier(**one) for one in content["identifiers"]), content["contact"])


def seal(id: str, data: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(keys.secret_key(_path(id))).encrypt(nonce, data, id.encode())


def opened(id: str, data: bytes) -> bytes:
    """Raises WrongState once the key is destroyed, BadInput when a byte was changed."""
    if not _path(id).exists():
        raise WrongState("The key of this request is destroyed.", next_step="Open a new request.")
    try:
        return AESGCM(keys.secret_key(_path(id))).decrypt(data[:_NONCE], data[_NONCE:], id.encode())
    except InvalidTag as error:
        raise BadInput("What was sealed for this request was changed.", next_step="Open a new request.") from error


def forget(id: str) -> None:
    """Nobody can open what was sealed for this request any more. The key's bytes are overwritten, then unlinked."""
    path = _path(id)
    if path.exists():
        with path.open("r+b") as file:
            file.write(bytes(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()


def _path(id: str) -> Path:
    folder: Path = services.settings().home
    return folder / "keys" / "rights" / f"{id}.key"
