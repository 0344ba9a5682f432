"""Publish: what the control plane knows becomes a signed part that the gateways obey.

The row is written in the transaction of the change that caused it; a job then writes the file, so that a change that
is rolled back was never published and one that is committed will be, whatever is killed in between.
"""

import msgspec

from gnomon.contract.bundle import Part, Policy, Roster
from gnomon.control.publishing import queries
from gnomon.control.publishing.tables import Publication
from gnomon.control.rulebook.rules import Rulebook
from gnomon.kit.canonical import digest
from gnomon.kit.ids import new_id
from gnomon.kit.work import Work, system_action


@system_action("bundle.publish")
def publish(work: Work, part: Part, rulebook: Rulebook) -> Publication | None:
    """The next serial of `part` is stored and queued for signing; None when nothing but the serial would change."""
    work.about("publication", part)
    content: Policy | Roster = (
        queries.policy(work.session, rulebook, work.now)
        if part == "policy"
        else queries.roster(work.session, rulebook, work.now)
    )
    payload = msgspec.to_builtins(content)
    last = queries.latest(work.session, part)
    if last and _without_version(last.payload) == _without_version(payload):
        return None
    publication = Publication(
        id=new_id("publication"),
        part=part,
        epoch=content.epoch,
        serial=content.serial,
        payload=payload,
        sha256=digest(payload),
        at=work.now,
        by=work.actor.id,
    )
    work.session.add(publication)
    work.session.flush()
    work.about("publication", publication.id, part=part, epoch=content.epoch, serial=content.serial)
    work.enqueue("publishing.write", part)
    return publication


def _without_version(payload: dict[str, object]) -> dict[str, object]:
    plain = msgspec.json.decode(msgspec.json.encode(payload))  # tuples and lists compare alike
    return {key: value for key, value in plain.items() if key not in ("epoch", "serial", "issued_at")}
