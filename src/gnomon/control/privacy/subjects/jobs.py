"""What the worker does for persons: look, copy, erase and prove it. No transaction is open while something is read."""

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from gnomon.control.audit import queries as audit
from gnomon.control.catalog.tables import DatasetVersion, ModelVersion
from gnomon.control.privacy.looking import look
from gnomon.control.privacy.subjects import actions, noting, persons, queries, rules, secrets, traffic
from gnomon.control.privacy.subjects.holders import HOLDERS, Erasure
from gnomon.control.privacy.subjects.holders.base import drop_objects
from gnomon.control.privacy.subjects.packages import Told, package
from gnomon.control.privacy.subjects.persons import Wanted
from gnomon.control.privacy.subjects.schemas import Erased, Found
from gnomon.control.privacy.tables import RightsRequest
from gnomon.control.rulebook import rules as rulebook
from gnomon.guard.persons import forget_keys
from gnomon.kit import services
from gnomon.kit.canonical import digest_bytes
from gnomon.kit.jobs import JobContext, job

SHOWN: Final = 50  # kept places and left ones named in the proof; their number is always whole


@job("privacy.rights_search", lane="long")
def search(ctx: JobContext) -> None:
    """What is stored about the person, as places. A search that breaks down can be started again."""
    found = None
    try:
        _, who = _request(ctx)
        _refresh(ctx)
        sure, possible = _sightings(ctx, who)
        with ctx.read() as session:
            kept, unread = _kept(session, sure), queries.unread(session)
        found = Found(
            places=[{"holder": one.holder, "ref": one.ref, "entities": list(one.entities)} for one in sure],
            by_holder=dict(Counter(one.holder for one in sure)),
            possible=dict(Counter(one.holder for one in possible)),
            kept=kept,
            unread=unread,
        )
    finally:
        with ctx.work() as work:
            actions.note_found(work, ctx.subject, found)


@job("privacy.rights_package", lane="long")
def make_package(ctx: JobContext) -> None:
    """The person's copy, sealed under the request's key."""
    row, who = _request(ctx)
    refs = _by_holder(row.places)
    now = ctx.platform.clock.now()
    told = [Told(traffic.NAME, traffic.TITLE, list(traffic.told(refs[traffic.NAME], who, now=now.timestamp())))]
    with ctx.read() as session:
        told += [Told(one.name, one.title, list(one.told(session, refs[one.name], who))) for one in HOLDERS.values()]
    made = package(
        told,
        number=row.number,
        possible=row.found.get("possible", {}),
        unread=row.found.get("unread", []),
        made_at=now,
        zone=services.settings().timezone,
        key=services.get("audit_key"),
    )
    stored = services.blobs().put(secrets.seal(row.id, made))
    with ctx.work() as work:
        actions.note_package(work, row.id, sha256=digest_bytes(made), stored=stored)


@job("privacy.rights_erase", lane="long")
def erase(ctx: JobContext) -> None:
    """What was approved is erased, and looked for once more, in the index and in every stored byte.

    Every step can be done again: what is gone is not found a second time.
    """
    with ctx.work() as work:
        row = actions.begin_erasure(work, ctx.subject)
    try:
        _erase(ctx, row)
    except Exception as error:
        with ctx.work() as work:
            actions.note_failure(work, row.id, error=getattr(error, "code", type(error).__name__))
        raise


def _erase(ctx: JobContext, row: RightsRequest) -> None:
    _, who = _request(ctx)
    _refresh(ctx)
    sure, _possible = _sightings(ctx, who)  # what came since the approval goes too
    refs = _by_holder([{"holder": one.holder, "ref": one.ref} for one in sure])
    gone = traffic.erase(who)
    with ctx.read() as session:
        learnt = _learnt(session, refs["datasets"])
    done: dict[str, Erasure] = {}
    for name in HOLDERS:
        if refs[name]:
            with ctx.work() as work:
                done[name] = actions.erase_places(work, row.id, holder=name, refs=refs[name])
    with ctx.read() as session:
        objects = drop_objects(session, [one for erasure in done.values() for one in erasure.gone])
    ctx.platform.database.compact()
    _refresh(ctx)
    proof = _proof(ctx, who, done=done, gone=gone | {"objects": objects}, learnt=learnt)
    with ctx.work() as work:
        actions.record_erasure(work, row.id, proof)


@job("privacy.rights_upkeep", every=timedelta(hours=1), lane="long")
def upkeep(ctx: JobContext) -> None:
    """The index follows what is stored; packages end with their days, and old keys with the last of their tokens."""
    _refresh(ctx)
    now = ctx.platform.clock.now()
    with ctx.read() as session:
        over = [row.id for row in queries.under_way(session) if _is_over(row, now)]
        used = queries.key_names(session)
    for id in over:
        with ctx.work() as work:
            actions.expire_package(work, id)
    used |= {row["key"] for row in services.get("records").query("person_keys")}
    forget_keys(services.settings().home, used=used)


def _is_over(row: RightsRequest, now: datetime) -> bool:
    return bool(row.package.get("stored")) and datetime.fromisoformat(row.package["until"]) <= now


def _request(ctx: JobContext) -> tuple[RightsRequest, Wanted]:
    with ctx.read() as session:
        row = queries.request(session, ctx.subject)
        session.expunge(row)
    return row, persons.wanted(secrets.person(row.id, row.sealed).identifiers)


def _refresh(ctx: JobContext) -> None:
    for number, (name, holder) in enumerate(noting.holders().items()):
        ctx.progress(done=number, total=len(noting.holders()), note=f"looking through {name}")
        with ctx.read() as session:
            found = noting.news(session, holder)
        if found:
            with ctx.work() as work:
                noting.note_places(work, name, found)


def _sightings(ctx: JobContext, who: Wanted) -> tuple[list[rules.Sighting], list[rules.Sighting]]:
    traffic.wait_until_stored(time.time())
    with ctx.read() as session:
        found = queries.sightings(session, who.tokens)
    book = rulebook.load().persons
    return rules.split([*traffic.sightings(who), *found], strong=book.strong, weak=book.weak)


def _by_holder(places: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for one in places:
        found[one["holder"]].append(one["ref"])
    return found


def _kept(session: Session, sure: Sequence[rules.Sighting]) -> dict[str, int]:
    """How many of the places an erasure would leave, by table."""
    book = rulebook.load().persons
    tables = [one.ref.partition(":")[0] for one in sure if one.holder in ("texts", "files")]
    files = {one.table for one in book.files}
    return dict(Counter(table for table in tables if book.keeps(table) or table in files))


def _learnt(session: Session, datasets: Sequence[str]) -> list[str]:
    """Adapters that were trained on rows about the person: only training again takes them out."""
    digests = {one.sha256 for id in datasets if (one := session.get(DatasetVersion, id))}
    return sorted(one.id for one in session.query(ModelVersion) if one.lineage.get("data_sha256") in digests)


def _proof(
    ctx: JobContext, who: Wanted, *, done: Mapping[str, Erasure], gone: Mapping[str, int], learnt: list[str]
) -> Erased:
    again, _ = _sightings(ctx, who)
    kept = [{"ref": one.ref, "why": one.why} for erasure in done.values() for one in erasure.kept]
    known = {one["ref"] for one in kept}
    strong = set(rulebook.load().persons.strong)
    values = [value for value, entity in who.given if entity in strong]
    seen = look(values) if values else None
    with ctx.read() as session:
        chain = audit.verify(session, services.get("audit_key").public_key())
        unread = queries.unread(session)
    return Erased(
        by_holder={traffic.NAME: gone["contents"] + gone["comments"]} | {n: one.places for n, one in done.items()},
        counts=dict(gone) | {"identifiers": sum(one.identifiers for one in done.values())},
        objects=[one for erasure in done.values() for one in erasure.objects],
        kept=kept[:SHOWN],
        learnt=learnt,
        searched={"places": seen.places, "bytes": seen.bytes, "unread": len(seen.unread)} if seen else {},
        left=sorted({place for places in seen.hits.values() for place in places})[:SHOWN] if seen else [],
        chain={"ok": chain.ok, "length": chain.length, "head": chain.head, "problem": chain.problem},
        found_again=sum(one.ref not in known for one in again),
        unread=unread,
    )
