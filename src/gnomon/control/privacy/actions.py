"""Changes to mask policies, and the proof that what is stored holds nothing that was planted."""

from typing import Any

import msgspec
from sqlalchemy import select

from gnomon.contract.bundle import MaskPolicy
from gnomon.contract.thresholds import Threshold, judge
from gnomon.control.evidence import actions as evidence
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


@system_action("mask_policy.record_scan")
def record_scan(work: Work, *, threshold: Threshold, found: int, planted: int, facts: dict[str, Any]) -> None:
    """How many planted values a search of all stored bytes found, as evidence."""
    judgement = judge(threshold, value=float(found), n=planted, numerator=found, denominator=planted)
    work.about("scan", "stored_bytes", found=found, planted=planted)
    evidence.record(
        work,
        source="privacy.stored_bytes_scanned",
        kind="byte_search",
        subject=("installation", "stored_bytes"),
        state=judgement.state,
        facts=judgement.as_dict() | {"values_planted": planted, "values_found": found} | facts,
    )
