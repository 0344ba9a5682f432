"""The chain as pure functions: what is hashed, and what a reader can find wrong."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gnomon.kit.canonical import canonical_bytes, digest
from gnomon.kit.clock import iso

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Link:
    """One sealed entry: its place, the seal before it, its content, its own seal."""

    seq: int
    prev: str
    entry: dict[str, Any]
    sha256: str


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """`ok` over `length` links, or the first thing that is wrong and where."""

    ok: bool
    length: int
    head: str
    problem: str = ""
    at_seq: int | None = None


def seal(prev: str, entry: dict[str, Any]) -> str:
    return digest({"prev": prev, "entry": entry})


def verify(links: Iterable[Link]) -> ChainVerdict:
    """Walk the chain in order: every edit, deletion, insertion and swap breaks a seal or the count."""
    prev, seq = GENESIS, 0
    for link in links:
        seq += 1
        if link.seq != seq:
            return ChainVerdict(False, seq - 1, prev, f"entry {seq} is missing, found {link.seq}", seq)
        if link.prev != prev:
            return ChainVerdict(False, seq - 1, prev, "the seal does not follow the one before it", seq)
        if seal(prev, link.entry) != link.sha256:
            return ChainVerdict(False, seq - 1, prev, "the entry was altered after it was sealed", seq)
        prev = link.sha256
    return ChainVerdict(True, seq, prev)


def checkpoint_bytes(seq: int, sha256: str, at: datetime) -> bytes:
    return b"gnomon-audit-checkpoint\n" + canonical_bytes({"seq": seq, "sha256": sha256, "at": iso(at)})


def is_signed(seq: int, sha256: str, at: datetime, *, signature: bytes, key: Ed25519PublicKey) -> bool:
    try:
        key.verify(signature, checkpoint_bytes(seq, sha256, at))
    except InvalidSignature:
        return False
    return True
