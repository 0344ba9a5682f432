"""Changes to mask policies, and the proof that what is stored holds nothing that was planted."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import select

from gnomon.contract.bundle import MaskPolicy
from gnomon.contract.thresholds import Threshold, judge
from gnomon.control.evidence import actions as evidence
from gnomon.control.evidence.tables import Artefact
from gnomon.control.privacy.schemas import MaskPolicyChanged
from gnomon.control.privacy.tables import MaskPolicyVersion
from gnomon.engine import byte_search
from gnomon.kit import services
from gnomon.kit.canonical import digest
from gnomon.kit.work import Work, action, system_action


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


@action("mask_policy.measure")
def search_stored_bytes(work: Work, planted: Sequence[str], *, threshold: Threshold) -> Artefact:
    """Evidence of how many `planted` values stand in anything that is stored. The values themselves are not kept."""
    found = byte_search.search_apart(services.settings().home, planted)
    rows = services.get("records").query("containing", values=list(planted))
    values = set(found.hits) | {list(planted).index(row["value"]) for row in rows}
    judgement = judge(
        threshold, value=float(len(values)), n=len(planted), numerator=len(values), denominator=len(planted)
    )
    where = sorted({place for places in found.hits.values() for place in places} | {"records" for _ in rows})
    facts = {
        "places": found.places + 1,
        "bytes": found.bytes,
        "values_planted": len(planted),
        "values_found": len(values),
        "where": where[:20],
    }
    work.about("installation", "stored_bytes", **facts)
    return evidence.record(
        work,
        source="privacy.stored_bytes_scanned",
        kind="measurement",
        subject=("installation", "stored_bytes"),
        state=judgement.state,
        facts=facts | judgement.as_dict(),
    )
