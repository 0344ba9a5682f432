"""Changes to mask policies, and the proof that what is stored holds nothing that was planted."""

import secrets

from gnomon.contract.thresholds import Threshold, judge
from gnomon.contract.verdicts import State
from gnomon.control.evidence import actions as evidence
from gnomon.control.evidence.tables import Artefact
from gnomon.control.privacy import sealing
from gnomon.control.privacy.policies import put_policy
from gnomon.control.privacy.proposals import policy_decided, propose_policy
from gnomon.control.privacy.pseudonyms import rotate_pseudonym_key
from gnomon.control.privacy.restoring import read_restored, request_restoration, restoration_decided
from gnomon.control.privacy.schemas import NewSearch, Searched
from gnomon.control.privacy.subjects.actions import erasure_decided
from gnomon.kit.work import Work, action, system_action


@action("mask_policy.measure")
def request_search(work: Work, new: NewSearch) -> str:
    """A search of everything stored is queued; returns the job's id.

    What will be planted comes from a seed under a key that ends with the job, as do the values given by the caller.
    """
    name = sealing.fresh_name()
    sealed = sealing.seal(name, {"seed": secrets.token_hex(32), "values": new.values})
    work.about("installation", "stored_bytes", each=new.each, extra=len(new.values), model=new.model)
    return work.enqueue(
        "privacy.search",
        "stored_bytes",
        key=name,
        sealed=sealed,
        # Stands in this row and in every prompt: a search that does not find it has not searched.
        marker=f"probe-{secrets.token_hex(8)}",
        each=new.each,
        model=new.model,
    )


@system_action("mask_policy.record_search")
def record_search(work: Work, seen: Searched, *, threshold: Threshold) -> Artefact:
    """Evidence of how many of the values that went through the gateway stand in anything that is stored.

    Only those count that the platform planted itself and whose records it saw. The values themselves are not kept.
    """
    judgement = judge(
        threshold,
        value=float(seen.found),
        n=seen.confirmed,
        numerator=seen.found,
        denominator=seen.confirmed + seen.extra,
    )
    state = judgement.state
    if state is State.MET and not (seen.control_found and not seen.unread):
        state = State.INSUFFICIENT  # what could not be read may hold anything
    facts = seen.as_facts()
    work.about("installation", "stored_bytes", **facts)
    return evidence.record(
        work,
        source="privacy.stored_bytes_scanned",
        kind="measurement",
        subject=("installation", "stored_bytes"),
        state=state,
        facts=facts | judgement.as_dict() | {"state": state.value},
    )


__all__ = [
    "erasure_decided",
    "policy_decided",
    "propose_policy",
    "put_policy",
    "read_restored",
    "record_search",
    "request_restoration",
    "request_search",
    "restoration_decided",
    "rotate_pseudonym_key",
]
