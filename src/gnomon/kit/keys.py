"""Key files: made once with mode 0600, read at start, never in the database."""

import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gnomon.kit.errors import BadInput


def secret_key(path: Path, *, length: int = 32) -> bytes:
    """The `length` random bytes in `path`, made if absent. Raises BadInput when the file has another length."""
    key = _read_or_make(path, secrets.token_bytes(length))
    if len(key) != length:
        raise BadInput(
            f"The key file {path.name} has {len(key)} bytes, not {length}.", next_step="Restore it from a backup."
        )
    return key


def numbered(folder: Path) -> list[Path]:
    """The key files `<n>.key` in `folder`, oldest first: the one in use is the last."""
    found = (path for path in folder.glob("*.key") if path.stem.isdigit())
    return sorted(found, key=lambda path: int(path.stem))


def next_numbered(folder: Path) -> Path:
    """Where the key belongs that comes after those in `folder`."""
    known = numbered(folder)
    return folder / f"{int(known[-1].stem) + 1 if known else 1}.key"


def signing_key(path: Path) -> Ed25519PrivateKey:
    """The Ed25519 private key whose 32 raw bytes are in `path`, made if absent."""
    return Ed25519PrivateKey.from_private_bytes(secret_key(path))


def _read_or_make(path: Path, fresh: bytes) -> bytes:
    try:
        return path.read_bytes()  # never half of it: a key gets its name when all of it is on the disk
    except FileNotFoundError:
        _make(path, fresh)
        return path.read_bytes()


def _make(path: Path, fresh: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(fresh)
        file.flush()
        os.fsync(descriptor)
    try:
        os.link(draft, path)  # of two processes that start together one wins, and both read the same key
    except FileExistsError:
        pass
    finally:
        draft.unlink()
