"""The sealer: chains committed entries and signs checkpoints. One thread of the control process runs it.

Ids are given out before commits, so a chain by id would have holes; the sealer gives its own `seq` to what it finds
committed. Two sealers (two control processes) are harmless: `seq` is a primary key, and the slower one tries again.
"""

import base64
import threading
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gnomon.contract.signing import key_id
from gnomon.control.audit import rules
from gnomon.control.audit.tables import AuditCheckpoint, AuditEntry, AuditSeal
from gnomon.kit import log
from gnomon.kit.clock import iso
from gnomon.kit.db import Database
from gnomon.kit.work import Platform

_log = log.get(__name__)
BATCH = 500
CHECKPOINT_EVERY = 100  # links between two signed checkpoints


class Sealer:
    """Wake it after a commit; `wait` returns when the entries are sealed."""

    def __init__(self, platform: Platform, key: Ed25519PrivateKey, *, idle_s: float = 0.5) -> None:
        self._platform = platform
        self._database: Database = platform.database
        self._key = key
        self._idle_s = idle_s
        self._wake = threading.Event()
        self._sealed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._loop, name="audit-sealer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()
        self._thread.join(timeout=5)

    def wait(self, entry_ids: list[int], *, timeout_s: float = 5.0) -> bool:
        """Wake the sealer and wait until the entries are in the chain; False when it took longer than the timeout."""
        with self._sealed:
            self._wake.set()
            return self._sealed.wait_for(lambda: self._are_sealed(entry_ids), timeout_s)

    def run_once(self) -> int:
        """Seal what is committed and not yet sealed, oldest first; returns how many."""
        with self._database.aside() as session:
            entries = session.scalars(
                select(AuditEntry)
                .where(~exists().where(AuditSeal.entry_id == AuditEntry.id))
                .order_by(AuditEntry.id)
                .limit(BATCH)
            ).all()
            if not entries:
                return 0
            self._chain(session, list(entries))
            session.commit()
        with self._sealed:
            self._sealed.notify_all()
        return len(entries)

    def _chain(self, session: Session, entries: list[AuditEntry]) -> None:
        last = session.scalars(select(AuditSeal).order_by(AuditSeal.seq.desc()).limit(1)).first()
        seq, prev = (last.seq, last.sha256) if last else (0, rules.GENESIS)
        for entry in entries:
            seq += 1
            sha256 = rules.seal(prev, content(entry))
            session.add(AuditSeal(seq=seq, entry_id=entry.id, prev=prev, sha256=sha256))
            prev = sha256
            if seq % CHECKPOINT_EVERY == 0:
                self._sign(session, seq, sha256)

    def _sign(self, session: Session, seq: int, sha256: str) -> None:
        # Whole milliseconds: the signature covers the text that a reader rebuilds from the stored time.
        now = self._platform.clock.now()
        at = now.replace(microsecond=now.microsecond // 1000 * 1000)
        signature = self._key.sign(rules.checkpoint_bytes(seq, sha256, at))
        session.add(
            AuditCheckpoint(
                seq=seq,
                sha256=sha256,
                at=at,
                key_id=key_id(self._key.public_key()),
                signature=base64.b64encode(signature).decode(),
            )
        )

    def checkpoint(self) -> None:
        """Sign the head of the chain as it is now (at stop, before an export)."""
        with self._database.session() as session:
            last = session.scalars(select(AuditSeal).order_by(AuditSeal.seq.desc()).limit(1)).first()
            if last and session.get(AuditCheckpoint, last.seq) is None:
                self._sign(session, last.seq, last.sha256)
                session.commit()

    def _are_sealed(self, entry_ids: list[int]) -> bool:
        with self._database.read() as session:
            found = session.scalars(select(AuditSeal.entry_id).where(AuditSeal.entry_id.in_(entry_ids))).all()
        return len(found) == len(entry_ids)

    def _loop(self) -> None:
        while not self._stopping:
            self._wake.wait(self._idle_s)
            self._wake.clear()
            try:
                while self.run_once() == BATCH:
                    pass
            except IntegrityError:
                _log.info("audit_seal_raced")  # another sealer was first; the next round goes on from its head
                self._wake.set()
            except Exception:  # noqa: BLE001 - the trail must go on being sealed when the database comes back
                _log.exception("audit_seal_failed")


def content(entry: AuditEntry) -> dict[str, Any]:
    """What of an entry is sealed: all of it, times as ISO text so that both databases give the same bytes."""
    return {
        "id": entry.id,
        "at": iso(entry.at),
        "actor": [entry.actor_kind, entry.actor_id, entry.actor_name],
        "address": entry.address,
        "sign_in": entry.sign_in,
        "permission": entry.permission,
        "outcome": entry.outcome,
        "object": [entry.object_kind, entry.object_id],
        "facts": entry.facts,
    }
