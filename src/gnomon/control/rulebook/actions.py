"""Changes: ask for a check, keep what it found as evidence."""

from gnomon.control.evidence import actions as evidence
from gnomon.control.evidence.tables import Artefact
from gnomon.control.rulebook import queries
from gnomon.control.rulebook.checks import Answer
from gnomon.control.rulebook.rules import load
from gnomon.control.rulebook.schemas import Control
from gnomon.kit.errors import Conflict
from gnomon.kit.work import Work, action, system_action


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
