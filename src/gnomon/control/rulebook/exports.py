"""An exported audit trail: received whole, verified from the file alone, then held against what is stored."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import Request
from sqlalchemy import select
from sqlalchemy.orm import Session

from gnomon.contract.verdicts import State
from gnomon.control.audit import rules
from gnomon.control.audit.tables import AuditCheckpoint, AuditEntry, AuditSeal
from gnomon.kit.clock import iso
from gnomon.kit.errors import BadInput

MAX_BYTES = 1 << 30  # of one file: over a million entries
MAX_LINE = 1 << 20  # of one entry: many times what any action tells
_IN_MEMORY = 8 << 20


@dataclass(frozen=True, slots=True)
class Export:
    """A file as it came: where to read it, and the SHA-256 of its bytes."""

    file: IO[bytes]
    sha256: str


@dataclass(frozen=True, slots=True)
class Examined:
    """What the file showed. `problem` is empty when it is met; `at_seq` is set where the chain itself is at fault."""

    state: State
    verdict: rules.ChainVerdict
    checkpoint: dict[str, Any] | None
    problem: str = ""
    at_seq: int | None = None


async def receive(request: Request) -> AsyncIterator[Export]:
    """The body of the request, on disk once it is large. Raises BadInput above MAX_BYTES."""
    digest, size = hashlib.sha256(), 0
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        async for chunk in request.stream():
            size += len(chunk)
            if size > MAX_BYTES:
                raise BadInput(
                    f"The file is larger than {MAX_BYTES} bytes.",
                    next_step="Verify it with `gnomon audit verify FILE`, which has no limit.",
                    limit=MAX_BYTES,
                )
            digest.update(chunk)
            file.write(chunk)
        file.seek(0)
        yield Export(file, digest.hexdigest())


def links(file: IO[bytes]) -> Iterator[rules.Link]:
    """The file's entries in its own order. Raises BadInput naming the first line that is not one."""
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        try:
            if len(line) > MAX_LINE:
                raise ValueError("too long")
            yield _link(json.loads(line))
        except (ValueError, TypeError, RecursionError) as error:
            raise BadInput(
                f"Line {number} is not an audit record.", next_step="Export the chain again.", line=number
            ) from error


def examine(session: Session, export: Export, *, key: Ed25519PublicKey, since: datetime, reached: int) -> Examined:
    """Walk the file, then compare its head and its newest signed checkpoint with what is stored here.

    A whole chain says too little when its newest entry is older than `since`, or when it is shorter than the `reached`
    entries that an earlier export already showed. Raises BadInput for a file that holds no chain at all.
    """
    seals = {one.seq: one for one in session.scalars(select(AuditCheckpoint))}
    seen: list[tuple[AuditCheckpoint, str]] = []
    verdict = rules.verify(_noting(links(export.file), seals, seen))
    if verdict.ok and verdict.length == 0:
        raise BadInput("The file holds no audit record.", next_step="Export the chain again.")
    newest = {"seq": seen[-1][0].seq, "key": seen[-1][0].key_id} if seen else None
    problem, at_seq = verdict.problem, verdict.at_seq
    if verdict.ok:
        problem, at_seq = _differs(session, verdict, seen[-1:], key)
    if problem:
        return Examined(State.NOT_MET, verdict, newest, problem, at_seq)
    problem = _lacks(session, verdict.length, since, reached)
    return Examined(State.INSUFFICIENT if problem else State.MET, verdict, newest, problem)


def _link(told: Any) -> rules.Link:
    link = rules.Link(**told)
    if type(link.seq) is not int or not isinstance(link.entry, dict):
        raise TypeError("not the shape of an entry")
    return link


def _noting(
    found: Iterable[rules.Link], seals: Mapping[int, AuditCheckpoint], seen: list[tuple[AuditCheckpoint, str]]
) -> Iterator[rules.Link]:
    """The same links; `seen` gets every checkpoint that was passed, with the seal that the file has there."""
    for link in found:
        if link.seq in seals:
            seen.append((seals[link.seq], link.sha256))
        yield link


def _differs(
    session: Session, verdict: rules.ChainVerdict, newest: list[tuple[AuditCheckpoint, str]], key: Ed25519PublicKey
) -> tuple[str, int | None]:
    """Where a chain that holds by itself is another than the one stored here."""
    stored = session.get(AuditSeal, verdict.length)
    if stored is None:
        return f"the stored chain has no entry {verdict.length}", verdict.length
    if stored.sha256 != verdict.head:
        return "the file's head is not the stored seal of the same entry", verdict.length
    for checkpoint, sha256 in newest:
        signature = base64.b64decode(checkpoint.signature)
        if checkpoint.sha256 != sha256:
            return "the file differs from a signed checkpoint", checkpoint.seq
        if not rules.is_signed(checkpoint.seq, sha256, checkpoint.at, signature=signature, key=key):
            return "a checkpoint's signature is wrong", checkpoint.seq
    return "", None


def _lacks(session: Session, length: int, since: datetime, reached: int) -> str:
    if length < reached:
        return f"the file ends at entry {length}, and an earlier export reached {reached}"
    last = session.scalars(
        select(AuditEntry.at).join(AuditSeal, AuditSeal.entry_id == AuditEntry.id).where(AuditSeal.seq == length)
    ).first()
    if last is None:
        return f"entry {length} itself is no longer stored"
    return f"the newest entry is of {iso(last)}, before {iso(since)}" if last < since else ""
