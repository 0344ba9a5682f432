"""Write the newest publication of a part as a signed file, by rename."""

import base64
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gnomon.contract.bundle import Part, Policy, Roster
from gnomon.contract.signing import BadBundle, open_part, sign_part
from gnomon.control.publishing import queries
from gnomon.kit import services
from gnomon.kit.jobs import JobContext, job


@job("publishing.write")
def write(ctx: JobContext) -> None:
    """Idempotent: it always writes the newest, so that of two queued writes the second changes nothing."""
    _write(ctx, "policy" if ctx.subject == "policy" else "roster")


@job("publishing.keep", every=timedelta(seconds=10))
def keep(ctx: JobContext) -> None:
    """A file that was lost, damaged or never written (the disk was full) is written again."""
    key: Ed25519PrivateKey = services.get("bundle_key")
    parts: tuple[Part, ...] = ("policy", "roster")
    for part in parts:
        with ctx.read() as session:
            latest = queries.latest(session, part)
        try:
            data = (services.settings().home / "bundle" / f"{part}.json").read_bytes()
            found = open_part(part, data, key.public_key())
            current = latest is None or (found.epoch, found.serial) == (latest.epoch, latest.serial)
        except (OSError, BadBundle):
            current = False
        if not current:
            _write(ctx, part)


def _write(ctx: JobContext, part: Part) -> None:
    key: Ed25519PrivateKey = services.get("bundle_key")
    folder = services.settings().home / "bundle"
    with _alone(folder):  # read and write as one, or a slow writer would put an older serial over a newer one
        with ctx.read() as session:
            publication = queries.latest(session, part)
        if publication is None:
            return
        content: Policy | Roster = (
            msgspec.convert(publication.payload, Policy)
            if part == "policy"
            else msgspec.convert(publication.payload, Roster)
        )
        _replace(folder / "key.pub", base64.b64encode(key.public_key().public_bytes_raw()))
        _replace(folder / f"{part}.json", sign_part(part, content, key))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _replace(path: Path, data: bytes) -> None:
    if path.exists() and path.read_bytes() == data:
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
