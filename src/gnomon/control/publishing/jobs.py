"""Write the newest publication of a part as a signed file, by rename."""

import base64
import os
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gnomon.contract.bundle import Part, Policy, Roster
from gnomon.contract.sealing import seal
from gnomon.control.publishing import queries
from gnomon.kit import services
from gnomon.kit.jobs import JobContext, job


@job("publishing.write")
def write(ctx: JobContext) -> None:
    """Idempotent: it always writes the newest, so that of two queued writes the second changes nothing."""
    part: Part = "policy" if ctx.subject == "policy" else "roster"
    with ctx.read() as session:
        publication = queries.latest(session, part)
    if publication is None:
        return
    content: Policy | Roster = (
        msgspec.convert(publication.payload, Policy)
        if part == "policy"
        else msgspec.convert(publication.payload, Roster)
    )
    key: Ed25519PrivateKey = services.get("bundle_key")
    folder = services.settings().home / "bundle"
    _replace(folder / "key.pub", base64.b64encode(key.public_key().public_bytes_raw()))
    _replace(folder / f"{part}.json", seal(part, content, key))


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
