"""What the record store holds about a person: found by the tokens that ride in the records, told, erased."""

import base64
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from gnomon.control.privacy import queries as keys
from gnomon.control.privacy.subjects.holders import Place
from gnomon.control.privacy.subjects.persons import Wanted
from gnomon.control.privacy.subjects.rules import Sighting
from gnomon.guard.placeholders import Vault
from gnomon.guard.sealed import BadSealedMap, SealedMapExpired, opened_copy
from gnomon.kit import services
from gnomon.kit.errors import Unavailable

NAME: Final = "traffic"
TITLE: Final = {"zh-CN": "流量记录与反馈", "en": "Traffic records and feedback"}
_PATIENCE_S: Final = 30.0


def wait_until_stored(since: float) -> None:
    """All records of requests that had ended by `since` (Unix seconds) are in the store. Raises Unavailable."""
    records = services.get("records")
    until = time.monotonic() + _PATIENCE_S
    while True:
        records.query("content")
        if getattr(records, "as_of", since) >= since:
            return
        if time.monotonic() > until:
            raise Unavailable("The collector is behind: records wait in spools.", next_step="Try again in a while.")
        time.sleep(0.5)


def sightings(who: Wanted) -> list[Sighting]:
    rows = services.get("records").query("of_persons", tokens=list(who.tokens))
    return [Sighting(NAME, row["id"], tuple(sorted({who.tokens[one] for one in row["tokens"]}))) for row in rows]


def told(ids: Iterable[str], who: Wanted, *, now: float) -> Iterator[Place]:
    """Each record or comment, with the person's own values restored where a copy still opens, and nobody else's."""
    records = services.get("records")
    for id in ids:
        found = records.query("record", id=id)
        if not found:
            comments = records.query("comment", id=id)
            yield Place(id, {"kind": "feedback", "comment": comments[0]["comment"] if comments else ""})
            continue
        row = found[0]
        vault = _theirs(records.query("sealed", id=id), who, now=now)
        texts = {name: who.only_theirs(vault.restore(row[name] or "")) for name in ("request", "reply")}
        facts = {name: row[name] for name in ("at", "caller", "team", "model", "outcome")}
        yield Place(id, {"kind": "record"} | facts | texts)


def erase(who: Wanted) -> dict[str, int]:
    """Contents, copies, comments and tokens about the person are gone, and their bytes."""
    tokens: Sequence[str] = sorted(who.tokens)
    gone: dict[str, int] = services.get("records").erase_persons(tokens)
    return gone


def _theirs(rows: Sequence[Mapping[str, Any]], who: Wanted, *, now: float) -> Vault:
    """Of a record's sealed copy the person's own values; an empty vault where there is none that opens."""
    if not rows or not rows[0]["sealed"]:
        return Vault()
    try:
        whole = opened_copy(base64.b64decode(rows[0]["sealed"]), private_key=keys.private_key(), now=now)
    except (SealedMapExpired, BadSealedMap):
        return Vault()
    mine = {name: value for name, value in whole.originals().items() if who.is_theirs(value)}
    return Vault(originals=mine)
