"""Keeping the index: which tokens stand where, brought up to date with what the holders hold now."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import delete
from sqlalchemy.orm import Session

from gnomon.control.privacy.subjects import persons, queries, rules
from gnomon.control.privacy.subjects.holders import HOLDERS, Holder, Item
from gnomon.control.privacy.subjects.holders.base import Unread
from gnomon.control.privacy.tables import PersonPlace, PersonScan
from gnomon.guard.persons import PersonIndex
from gnomon.kit.work import Work, system_action

_AT_ONCE = 500


@dataclass(slots=True)
class News:
    """What differs from the index: entries of things that changed, and things that are no more."""

    changed: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)  # ref → (version, token → entity)
    gone: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.changed or self.gone)


def news(session: Session, holder: Holder) -> News:
    """Read only, for it may take long; what changes meanwhile is the next look's."""
    made, known, found = persons.index(), queries.scans(session, holder.name), News()
    wanted, alive = persons.noted(), set[str]()
    for item in holder.items(session):
        version = f"{made.key_names[-1]}:{item.version}"
        if rules.read_version(known.get(item.ref, "")) == version:
            alive.add(item.ref)
            continue
        tokens, why = _tokens(item, made, wanted)
        if tokens or why or holder.keeps_scans:
            alive.add(item.ref)
            found.changed[item.ref] = rules.marked(version, why), tokens
    found.gone = sorted(known.keys() - alive)
    return found


@system_action("rights_request.note_places")
def note_places(work: Work, name: str, found: News) -> None:
    """The index says of this holder what was seen."""
    work.about("person_index", name, changed=len(found.changed), gone=len(found.gone))
    refs = [*found.changed, *found.gone]
    for at in range(0, len(refs), _AT_ONCE):
        part = refs[at : at + _AT_ONCE]
        for table in (PersonPlace, PersonScan):
            work.session.execute(delete(table).where(table.holder == name, table.ref.in_(part)))
    for ref, (version, tokens) in found.changed.items():
        work.session.add(PersonScan(holder=name, ref=ref, version=version, at=work.now))
        for token, entity in tokens.items():
            work.session.add(PersonPlace(holder=name, ref=ref, token=token, entity=entity, at=work.now))


def holders() -> Mapping[str, Holder]:
    return HOLDERS


def _tokens(item: Item, made: PersonIndex, wanted: frozenset[str]) -> tuple[dict[str, str], str]:
    """token → entity; and why not all of it could be read, if it was so."""
    found, why = {token: entity for value, entity in item.extra if (token := made.token(value))}, ""
    try:
        for text in item.texts():
            found |= persons.seen(text, made, wanted)
    except Unread as error:
        why = str(error)
    return found, why
