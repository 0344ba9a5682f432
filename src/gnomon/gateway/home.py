"""The gateway's own secrets in its home folder."""

import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from gnomon.kit.errors import BadInput


@dataclass(frozen=True, slots=True)
class GuardKeys:
    """Derived from the one stored key, so that neither use says anything about the other."""

    mask: bytes
    address: bytes


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
    return GuardKeys(mask=hmac.digest(root, b"mask", "sha256"), address=hmac.digest(root, b"address", "sha256"))


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
