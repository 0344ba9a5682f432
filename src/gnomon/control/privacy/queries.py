"""Reads: the mask policies in force."""

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from gnomon.contract.bundle import MaskPolicy
from gnomon.control.privacy.tables import MaskPolicyVersion


def newest(session: Session) -> list[MaskPolicyVersion]:
    """The version in force of each policy, by id."""
    rows = session.scalars(select(MaskPolicyVersion).order_by(MaskPolicyVersion.id, MaskPolicyVersion.at))
    return list({row.id: row for row in rows}.values())


def mask_policies(session: Session) -> list[MaskPolicy]:
    return [msgspec.convert(row.content, MaskPolicy) for row in newest(session)]
