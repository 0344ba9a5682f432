"""The gateway's own secrets in its home folder."""

import base64
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from gnomon.contract.sealing import public_of
from gnomon.kit.errors import BadInput


@dataclass(frozen=True, slots=True)
class GuardKeys:
    """Derived from the one stored key, so that neither use says anything about the other."""

    mask: bytes
    address: bytes
    secrets: bytes  # X25519: opens what control seals for the gateways


def guard_keys(home: Path) -> GuardKeys:
    """The keys of this home; the first worker makes them (32 random bytes, 0600). Raises BadInput on a bad file."""
    path = home / "keys" / "guard.key"
    if not path.exists():
        _make(path)
    root = path.read_bytes()
    if len(root) != 32:
        raise BadInput(
            f"{path} holds {len(root)} bytes, not 32.",
            next_step="Restore it from the backup, or remove it for a new one.",
        )
    uses = {name: hmac.digest(root, name.encode(), "sha256") for name in ("mask", "address", "secrets")}
    return GuardKeys(**uses)


def public_key(home: Path) -> bytes:
    """What control seals to. `keys/gateway.pub`, which a gateway leaves beside its key, goes before a key of this home:
    where control runs on a host of its own, it is copied there. Raises BadInput on a bad file."""
    path = home / "keys" / "gateway.pub"
    if not path.exists():
        return public_of(guard_keys(home).secrets)
    try:
        raw = base64.b64decode(path.read_text().strip(), validate=True)
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise BadInput(
            f"{path} is no X25519 public key in base64.", next_step="Copy it again from keys/ of a gateway's home."
        )
    return raw


def leave_public_key(home: Path) -> None:
    """`keys/gateway.pub` fits the key of this home."""
    path = home / "keys" / "gateway.pub"
    text = base64.b64encode(public_of(guard_keys(home).secrets)).decode()
    if not path.exists() or path.read_text().strip() != text:
        scratch = path.with_suffix(f".{os.getpid()}")
        scratch.write_text(text + "\n")
        scratch.replace(path)


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = path.with_suffix(f".{os.getpid()}")
    fd = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(secrets.token_bytes(32))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(scratch, path)  # whoever is first wins; the others read what it wrote
    except FileExistsError:
        pass
    finally:
        scratch.unlink()
