"""Reads: the mask policies in force, restorations, and the key that copies are sealed to."""

import base64

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from gnomon.contract.bundle import MaskPolicy
from gnomon.control.privacy.tables import MaskPolicyVersion, Restoration
from gnomon.kit import services
from gnomon.kit.errors import NotFound
from gnomon.kit.keys import secret_key


def newest(session: Session) -> list[MaskPolicyVersion]:
    """The version in force of each policy, by id."""
    rows = session.scalars(select(MaskPolicyVersion).order_by(MaskPolicyVersion.id, MaskPolicyVersion.at))
    return list({row.id: row for row in rows}.values())


def versions(session: Session, policy_id: str) -> list[MaskPolicyVersion]:
    """All versions of a policy, oldest first."""
    query = select(MaskPolicyVersion).where(MaskPolicyVersion.id == policy_id)
    return list(session.scalars(query.order_by(MaskPolicyVersion.at)))


def policy_in_force(session: Session, policy_id: str) -> MaskPolicy:
    """Raises NotFound."""
    found = {policy.id: policy for policy in mask_policies(session)}
    if policy_id not in found:
        raise NotFound(f"There is no mask policy {policy_id}.", next_step=f"There are: {', '.join(sorted(found))}.")
    return found[policy_id]


def in_force_or_none(session: Session, policy_id: str) -> MaskPolicy | None:
    return next((policy for policy in mask_policies(session) if policy.id == policy_id), None)


def mask_policies(session: Session) -> list[MaskPolicy]:
    return [msgspec.convert(row.content, MaskPolicy) for row in newest(session)]


def restorations(session: Session, *, limit: int = 100) -> list[Restoration]:
    """Newest first."""
    return list(session.scalars(select(Restoration).order_by(Restoration.asked_at.desc()).limit(limit)))


def restoration(session: Session, id: str) -> Restoration:
    found = session.get(Restoration, id)
    if found is None:
        raise NotFound(f"There is no restoration {id}.", next_step="See the list of restorations.")
    return found


def private_key() -> X25519PrivateKey:
    """The key that opens copies; it lies in the control plane's home and never in a database or a bundle."""
    return X25519PrivateKey.from_private_bytes(secret_key(services.settings().home / "keys" / "restore.key"))


def restore_key() -> str:
    """The public half, base64, which gateways seal copies to."""
    return base64.b64encode(private_key().public_key().public_bytes_raw()).decode()
