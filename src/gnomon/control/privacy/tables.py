"""Mask policies in all their versions, of which the newest of each id is in force; and restorations."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from gnomon.kit.db import Base


class Restoration(Base):
    """Who asked to see, for which reason, what stands behind the placeholders of one record."""

    __tablename__ = "privacy_restoration"
    id: Mapped[str] = mapped_column(primary_key=True)
    record_id: Mapped[str] = mapped_column(index=True)
    ticket: Mapped[str]  # the matter it is for, in whatever system
    reason: Mapped[str]
    state: Mapped[str]  # asked | approved | rejected
    approval_id: Mapped[str]
    asked_by: Mapped[str]
    asked_at: Mapped[datetime] = mapped_column(index=True)
    decided_at: Mapped[datetime | None]
    until: Mapped[datetime | None]  # read until then
    reads: Mapped[int] = mapped_column(default=0)


class MaskPolicyVersion(Base):
    __tablename__ = "privacy_mask_policy"
    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[dict[str, Any]]  # contract.bundle.MaskPolicy as plain JSON
    sha256: Mapped[str]
    at: Mapped[datetime] = mapped_column(index=True)
    by: Mapped[str]


class PersonPlace(Base):
    """A keyed token of an identifier stands here. Nothing in this table says whose; see guard.persons."""

    __tablename__ = "privacy_person_place"
    holder: Mapped[str] = mapped_column(primary_key=True)  # texts | datasets | suites | files | copies
    ref: Mapped[str] = mapped_column(primary_key=True)  # "findings_finding:finding_…", an id, a path in the home folder
    token: Mapped[str] = mapped_column(primary_key=True, index=True)
    entity: Mapped[str]
    at: Mapped[datetime]


class PersonScan(Base):
    """What a holder has looked through and need not again while it stays as it was."""

    __tablename__ = "privacy_person_scan"
    holder: Mapped[str] = mapped_column(primary_key=True)
    ref: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str]  # digest or time of change of what was read; "…!why" where not all of it could be
    at: Mapped[datetime]


class RightsRequest(Base):
    """A person asks what is stored about them, for a copy of it, or to have it erased.

    Who it is stands nowhere in plain: `sealed` opens with a key that is destroyed when the request ends.
    """

    __tablename__ = "privacy_rights_request"
    id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)  # GR-2026-0001, as people say it
    wants: Mapped[str]  # find | export | erase
    asked_by: Mapped[str]  # person | representative
    state: Mapped[str] = mapped_column(index=True)  # subjects.rules.STATES
    sealed: Mapped[str]
    subject_digest: Mapped[str]  # of the keyed tokens: the same person's requests are known as such
    entities: Mapped[list[str]]  # which kinds of identifier were given
    due_at: Mapped[datetime] = mapped_column(index=True)
    identity: Mapped[dict[str, Any]]  # {how, by, at}: who has checked that it is the person, and how
    found: Mapped[dict[str, Any]]  # {at, places, by_holder, possible, kept, unread}; no values
    places: Mapped[list[dict[str, Any]]]  # {holder, ref, entities}
    package: Mapped[dict[str, Any]]  # {sha256, sealed_sha256, until, downloads, at}
    approval_id: Mapped[str] = mapped_column(default="")
    outcome: Mapped[dict[str, Any]]  # what an erasure did and left: counts, digests, reasons
    evidence_id: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")  # why it was refused
    job_id: Mapped[str] = mapped_column(default="")
    opened_by: Mapped[str]
    opened_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
