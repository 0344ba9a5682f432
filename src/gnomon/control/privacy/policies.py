"""Mask policies in all their versions: putting one in force."""

import msgspec
from sqlalchemy import select

from gnomon.contract.masking import MaskPolicy
from gnomon.control.privacy.schemas import MaskPolicyChanged
from gnomon.control.privacy.tables import MaskPolicyVersion
from gnomon.kit.canonical import digest
from gnomon.kit.work import Work, system_action


@system_action("mask_policy.put")
def put_policy(work: Work, policy: MaskPolicy) -> None:
    """This version of the policy is in force; the same version twice changes nothing."""
    content = msgspec.to_builtins(policy)
    work.about("mask_policy", policy.id, version=policy.version)
    query = select(MaskPolicyVersion).where(MaskPolicyVersion.id == policy.id)
    if work.session.scalars(query.where(MaskPolicyVersion.version == policy.version)).first():
        return
    work.session.add(
        MaskPolicyVersion(
            id=policy.id,
            version=policy.version,
            content=content,
            sha256=digest(content),
            at=work.now,
            by=work.actor.id,
        )
    )
    work.emit(MaskPolicyChanged(policy.id))
