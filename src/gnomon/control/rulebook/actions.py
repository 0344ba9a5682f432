"""Changes: ask for a check, keep what it found as evidence."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gnomon.contract.verdicts import State
from gnomon.control.evidence import actions as evidence
from gnomon.control.evidence import queries as proofs
from gnomon.control.evidence.tables import Artefact
from gnomon.control.rulebook import exports, queries
from gnomon.control.rulebook.checks import Answer
from gnomon.control.rulebook.rules import load
from gnomon.control.rulebook.schemas import Control
from gnomon.kit.errors import Conflict
from gnomon.kit.work import Work, action, system_action

EXPORT_VERIFIED = "audit.export_verified"


@action("control.run")
def request_run(work: Work, control_id: str) -> str:
    """The control's check is queued; returns the job's id. Raises Conflict for a control that no check answers."""
    control = load().control(control_id)
    work.about("control", control.id, source=control.source)
    if not queries.is_answered(work.session, control.source):
        raise Conflict(
            f"{control.id} is not answered by a check: its evidence comes from {control.source} ({control.kind}).",
            next_step="Do what leaves this evidence, or wait until it happens.",
            control=control.id,
        )
    return work.enqueue("rulebook.run_controls", control.source)


@system_action("control.keep_answer")
def keep(work: Work, control: Control, answer: Answer) -> Artefact:
    """What the control's check said is evidence from now on."""
    work.about("control", control.id, source=control.source, state=answer.state.value)
    return evidence.record(
        work,
        source=control.source,
        kind=control.evidence,
        subject=answer.subject,
        state=answer.state,
        facts=answer.facts,
    )


@action("audit.verify")
def verify_export(work: Work, export: exports.Export, *, key: Ed25519PublicKey) -> Artefact:
    """What the exported trail shows is evidence, good or bad; it must reach as far as the last one and be fresh.

    Raises BadInput, and records nothing, for a file that is not an export.
    """
    control = load().controls_from(EXPORT_VERIFIED)[0]
    last = proofs.newest(work.session, [EXPORT_VERIFIED]).get(EXPORT_VERIFIED)
    reached = int(last.facts["reached"]) if last else 0
    found = exports.examine(work.session, export, key=key, since=work.now - control.max_age, reached=reached)
    length = found.verdict.length
    work.about("audit_export", export.sha256, records=length, state=found.state.value)
    return evidence.record(
        work,
        source="audit.export_verified",
        kind="chain_verification",
        subject=("audit_export", export.sha256),
        state=found.state,
        facts={
            "first": 1 if length else 0,
            "last": length,
            "records": length,
            "checkpoint": found.checkpoint,
            "breaks": int(found.at_seq is not None),
            "problem": found.problem,
            "at_seq": found.at_seq,
            "head": found.verdict.head,
            "file_sha256": export.sha256,
            "reached": length if found.state is State.MET else reached,
        },
    )
