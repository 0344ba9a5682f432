"""Recording evidence. Other domains call `record` inside their own actions."""

from typing import Any

from gnomon.contract.verdicts import State
from gnomon.control.evidence.tables import Artefact
from gnomon.kit.canonical import digest
from gnomon.kit.clock import iso
from gnomon.kit.ids import new_id
from gnomon.kit.work import Work, system_action


@system_action("evidence.record")
def record(
    work: Work,
    *,
    source: str,
    kind: str,
    subject: tuple[str, str],
    state: State,
    facts: dict[str, Any] | None = None,
    file: tuple[str, str] | None = None,
) -> Artefact:
    """A new artefact about `subject` (kind, id). `file` is (name, SHA-256) of an object that is already stored.

    Nested in any action it needs no right of its own; as the outermost only the platform itself may call it.
    """
    name, file_sha256 = file or ("", "")
    made_at = work.now
    content = {
        "source": source,
        "kind": kind,
        "state": state.value,
        "subject": list(subject),
        "facts": facts or {},
        "file": file_sha256,
        "made_at": iso(made_at),
        "made_by": work.actor.id,
    }
    artefact = Artefact(
        id=new_id("evidence"),
        source=source,
        kind=kind,
        state=state.value,
        subject_kind=subject[0],
        subject_id=subject[1],
        facts=facts or {},
        file_sha256=file_sha256,
        file_name=name,
        sha256=digest(content),
        made_at=made_at,
        made_by=work.actor.id,
    )
    work.session.add(artefact)
    work.session.flush()
    work.about("evidence", artefact.id, source=source, state=state.value, sha256=artefact.sha256)
    return artefact
