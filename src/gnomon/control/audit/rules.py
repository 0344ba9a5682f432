"""The chain as pure functions: what is hashed, and what a reader can find wrong."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gnomon.kit.canonical import NotExact, canonical_bytes, digest, digest_bytes
from gnomon.kit.clock import iso

GENESIS = "0" * 64
LATE = timedelta(minutes=1)  # sealing takes milliseconds: what waits for longer is not being sealed


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
    """The seal over `entry` and all before it; of one without a canonical form, over a digest that stands for it."""
    try:
        return digest({"prev": prev, "entry": entry})
    except NotExact:  # none is written any more, but one that exists must not keep the others from being sealed
        return digest({"prev": prev, "not_exact": mark(entry)})


def mark(value: Any) -> str:
    """A digest of what has no canonical form: the same wherever the value was read from JSON."""
    return digest_bytes(json.dumps(value, sort_keys=True, default=repr).encode())


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
