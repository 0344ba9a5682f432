"""A person asks; somebody makes sure who it is; what is found is told, copied or, after a second yes, erased."""

from datetime import datetime, timedelta
from typing import Any

from gnomon.contract.verdicts import State
from gnomon.control.approvals import actions as approvals
from gnomon.control.approvals.schemas import ApprovalDecided
from gnomon.control.evidence import actions as evidence
from gnomon.control.privacy.schemas import MaskPolicyChanged
from gnomon.control.privacy.subjects import persons, queries, rules, secrets
from gnomon.control.privacy.subjects.holders import HOLDERS, Erasure
from gnomon.control.privacy.subjects.schemas import Erased, Found, IdentityCheck, NewRightsRequest
from gnomon.control.privacy.tables import RightsRequest
from gnomon.control.rulebook import rules as rulebook
from gnomon.guard.persons import add_key
from gnomon.kit import services
from gnomon.kit.canonical import digest
from gnomon.kit.clock import iso
from gnomon.kit.errors import BadInput, Conflict, NotFound
from gnomon.kit.ids import new_id
from gnomon.kit.work import Work, action, system_action


class NoPackage(NotFound):
    code = "no_package"


class WrongWish(Conflict):
    """The person asked for less."""

    code = "rights_request_wish"


@action("rights_request.open")
def open_request(work: Work, new: NewRightsRequest) -> RightsRequest:
    """The request is open and its time runs; whom it is about is sealed. Raises BadInput on an unknown kind."""
    book = rulebook.load()
    unknown = sorted({one.entity for one in new.identifiers} - persons.noted())
    if unknown:
        raise BadInput(
            f"{unknown[0]} is no kind of identifier that is noted.",
            next_step=f"Use one of: {', '.join(sorted(persons.noted()))}.",
        )
    id = new_id("rights")
    days = book.threshold(book.persons.answer_within).limit
    row = RightsRequest(
        id=id,
        number=rules.next_number(services.today(work.now).year, queries.numbers(work.session)),
        wants=new.wants,
        asked_by=new.asked_by,
        state="opened",
        sealed=secrets.seal_person(id, new.identifiers, new.contact),
        subject_digest=persons.digest_of(new.identifiers),
        entities=sorted({one.entity for one in new.identifiers}),
        due_at=rules.due(work.now, days=days),
        identity={},
        found={},
        places=[],
        package={},
        outcome={},
        opened_by=work.actor.id,
        opened_at=work.now,
    )
    work.session.add(row)
    work.about("rights_request", id, number=row.number, wants=row.wants, subject=row.subject_digest)
    return row


@action("rights_request.verify")
def verify_identity(work: Work, id: str, check: IdentityCheck) -> RightsRequest:
    """Somebody answers for who asks; before that nothing is looked for."""
    row = _at(work, id, "verified")
    row.identity = {"how": check.how, "by": work.actor.id, "at": iso(work.now)}
    work.about("rights_request", row.id, number=row.number, how=check.how)
    return row


@action("rights_request.perform")
def start_search(work: Work, id: str) -> RightsRequest:
    """Everything that is stored is looked through by a job."""
    row = _at(work, id, "searching")
    row.job_id = work.enqueue("privacy.rights_search", row.id)
    return row


@system_action("rights_request.note_found")
def note_found(work: Work, id: str, found: Found | None) -> None:
    """What a search saw, as counts and places; None: it broke down, and may be started again."""
    row = queries.request(work.session, id)
    if row.state != "searching":
        return
    row.state = rules.advance(row.number, row.state, "found" if found else "verified")
    if found:
        row.places = found.places
        row.found = found.model_dump(exclude={"places"}) | {"at": iso(work.now), "places": len(found.places)}
        work.about(
            "rights_request", row.id, number=row.number, places=len(found.places), by_holder=found.by_holder,
            unread=len(found.unread),
        )  # fmt: skip


@action("rights_request.export")
def make_package(work: Work, id: str) -> RightsRequest:
    """A job makes the copy for the person: signed, and sealed as long as it lies here. Raises WrongState, WrongWish."""
    row = queries.request(work.session, id)
    work.about("rights_request", row.id, number=row.number)
    _require(row, "found", wish={"export", "erase"})
    row.job_id = work.enqueue("privacy.rights_package", row.id)
    return row


@system_action("rights_request.note_package")
def note_package(work: Work, id: str, *, sha256: str, stored: str) -> None:
    """`stored`: the object that holds the sealed package; `sha256`: of what the person gets."""
    row = queries.request(work.session, id)
    if row.state != "found":  # it ended meanwhile
        services.blobs().delete(stored)
        return
    _drop_package(row)
    until = work.now + timedelta(days=rulebook.load().persons.package_days)
    row.package = {"sha256": sha256, "stored": stored, "until": iso(until), "at": iso(work.now), "downloads": 0}
    work.about("rights_request", row.id, number=row.number, sha256=sha256)


@action("rights_request.download")
def read_package(work: Work, id: str) -> bytes:
    """The package, to be handed to the person. Raises NoPackage when there is none or its days are over."""
    row = queries.request(work.session, id)
    work.about("rights_request", row.id, number=row.number, sha256=row.package.get("sha256", ""))
    if not row.package.get("stored") or datetime.fromisoformat(row.package["until"]) <= work.now:
        raise NoPackage(f"The request {row.number} has no package.", next_step="Make one.")
    data = secrets.opened(row.id, services.blobs().get(row.package["stored"]))
    row.package = row.package | {"downloads": row.package["downloads"] + 1}
    return data


@action("rights_request.request")
def ask_erasure(work: Work, id: str) -> RightsRequest:
    """A second person is asked whether what was found may be erased. Raises WrongState, WrongWish."""
    row = queries.request(work.session, id)
    _require(row, "found", wish={"erase"})
    quorum = rulebook.load().quorum("person_erasure")
    asked = approvals.ask(
        work,
        kind="person_erasure",
        subject_id=row.id,
        title=row.number,
        content={"number": row.number, "subject": row.subject_digest, "found": row.found, "places": row.places},
        seats=quorum.seats,
        barred={work.actor.id, row.opened_by},
        lapses_after=quorum.lapses_after,
    )
    row.state, row.approval_id = rules.advance(row.number, row.state, "approving"), asked.id
    work.about("rights_request", row.id, number=row.number, approval=asked.id)
    return row


@system_action("rights_request.note_decision")
def erasure_decided(work: Work, event: ApprovalDecided) -> None:
    """A yes sets off the erasure; a no leaves the request where it was."""
    row = queries.request(work.session, event.subject_id)
    work.about("rights_request", row.id, number=row.number, approved=event.approved)
    if row.state != "approving" or row.approval_id != event.request_id:
        return
    row.state = rules.advance(row.number, row.state, "approved" if event.approved else "found")
    if event.approved:
        row.job_id = work.enqueue("privacy.rights_erase", row.id)


@system_action("rights_request.begin_erasure")
def begin_erasure(work: Work, id: str) -> RightsRequest:
    """Also for a job that runs again after its process died."""
    row = queries.request(work.session, id)
    work.about("rights_request", row.id, number=row.number)
    if row.state != "erasing":
        row.state = rules.advance(row.number, row.state, "erasing")
    return row


@system_action("rights_request.erase_places")
def erase_places(work: Work, id: str, *, holder: str, refs: list[str]) -> Erasure:
    """One holder's places, in one transaction; the trail has counts and digests. What is gone already stays gone."""
    row = queries.request(work.session, id)
    sealed = secrets.person(row.id, row.sealed)
    done = HOLDERS[holder].erase(work, refs, persons.wanted(sealed.identifiers))
    work.about(
        "rights_request", row.id, number=row.number, holder=holder, places=done.places, identifiers=done.identifiers,
        kept=len(done.kept), objects=done.objects,
    )  # fmt: skip
    return done


@system_action("rights_request.record_erasure")
def record_erasure(work: Work, id: str, erased: Erased) -> RightsRequest:
    """The proof. Only when nothing is found again outside what is kept, the request is done and its key destroyed.

    What could not be looked into does not keep the request open, but nothing is shown to be met.
    """
    row = queries.request(work.session, id)
    complete = not erased.found_again and erased.chain["ok"] and not (erased.left and not erased.kept)
    row.outcome = erased.model_dump() | {"at": iso(work.now)}
    row.state = rules.advance(row.number, row.state, "done" if complete else "incomplete")
    work.emit(MaskPolicyChanged("persons"))  # gateways forget remembered answers when they take a new policy
    is_whole = not (erased.unread or erased.searched.get("unread"))
    _prove(work, row, state=_state(is_whole) if complete else State.NOT_MET, proof=row.outcome)
    if complete:
        _end(work, row)
    return row


@system_action("rights_request.note_failure")
def note_failure(work: Work, id: str, *, error: str) -> None:
    """The erasure broke down on its way; it can be resumed, for the approval stands and every step can be repeated."""
    row = queries.request(work.session, id)
    work.about("rights_request", row.id, number=row.number, error=error)
    if row.state == "erasing":
        row.state = rules.advance(row.number, row.state, "incomplete")


@action("rights_request.resume")
def resume_erasure(work: Work, id: str) -> RightsRequest:
    """An erasure that broke down, or left something, goes on. Raises WrongState."""
    row = queries.request(work.session, id)
    work.about("rights_request", row.id, number=row.number)
    _require(row, "incomplete", wish={"erase"})
    row.job_id = work.enqueue("privacy.rights_erase", row.id)
    return row


@action("rights_request.close")
def close_request(work: Work, id: str) -> RightsRequest:
    """The person has the answer. What wanted an erasure ends with it, or with a refusal."""
    row = queries.request(work.session, id)
    work.about("rights_request", row.id, number=row.number)
    _require(row, "found", wish={"find", "export"})
    if row.wants == "export" and not row.package.get("downloads"):
        raise NoPackage(f"Nobody has fetched the package of {row.number}.", next_step="Make it and hand it over.")
    row.state = rules.advance(row.number, row.state, "done")
    state = _state(not row.found.get("unread"))
    _prove(work, row, state=state, proof={"package": row.package.get("sha256", ""), "found": row.found})
    _end(work, row)
    return row


@action("rights_request.reject")
def refuse_request(work: Work, id: str, *, reason: str) -> RightsRequest:
    """Refused with a reason that the person is told."""
    row = _at(work, id, "refused")
    row.reason = reason
    _prove(work, row, state=State.MET, proof={"refused": True})
    _end(work, row)
    return row


@system_action("rights_request.expire_package")
def expire_package(work: Work, id: str) -> None:
    """The package's days are over; it is gone."""
    row = queries.request(work.session, id)
    work.about("rights_request", row.id, number=row.number)
    _drop_package(row)


@action("rights_request.rotate")
def rotate_key(work: Work) -> tuple[str, ...]:
    """The index of persons has a new key, which counts at once here and in a gateway from its next start.

    The names of all keys, oldest first. The older ones still find, until nothing is noted under them any more: what is
    stored here is noted anew by the next upkeep, traffic ends with its days.
    """
    home = services.settings().home
    before = persons.index().key_names
    made = add_key(home)
    work.about("person_index", "keys", before=list(before), made=made)
    return persons.index().key_names


def _at(work: Work, id: str, to: str) -> RightsRequest:
    row = queries.request(work.session, id)
    work.about("rights_request", row.id, number=row.number)
    row.state = rules.advance(row.number, row.state, to)
    return row


def _require(row: RightsRequest, state: str, *, wish: set[str]) -> None:
    if row.state != state:
        raise rules.WrongState(
            f"The request {row.number} is {row.state}, not {state}.", next_step="Search first, or open a new one."
        )
    if row.wants not in wish:
        raise WrongWish(
            f"{row.number} asks to {row.wants}.", next_step="Open a request for what the person wants.", wants=row.wants
        )


def _prove(work: Work, row: RightsRequest, *, state: State, proof: dict[str, Any]) -> None:
    artefact = evidence.record(
        work,
        source="privacy.rights_request_completed",
        kind="rights_request",
        subject=("rights_request", row.id),
        state=state,
        facts={
            "kind": row.wants,
            "number": row.number,
            "subject_digest": row.subject_digest,
            "found": row.found.get("by_holder", {}),
            "done_at": iso(work.now),
            "in_time": work.now <= row.due_at,
            "proof": digest(proof),
            "details": proof,
            "refused": row.state == "refused",
        },
    )
    row.evidence_id = artefact.id


def _state(is_whole: bool) -> State:
    """What is shown by a search, or an erasure, that could or could not look into everything."""
    return State.MET if is_whole else State.INSUFFICIENT


def _end(work: Work, row: RightsRequest) -> None:
    """Whom it was about nobody can read any more."""
    row.ended_at, row.sealed = work.now, ""
    _drop_package(row)
    secrets.forget(row.id)


def _drop_package(row: RightsRequest) -> None:
    if row.package.get("stored"):
        services.blobs().delete(row.package["stored"])
        row.package = row.package | {"stored": ""}
