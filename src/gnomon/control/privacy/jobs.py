"""What the worker does for privacy: plant, wait, search everything stored. No transaction is open meanwhile."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import make_url

from gnomon.control.privacy import actions, probe, sealing
from gnomon.control.privacy.schemas import Searched
from gnomon.control.rulebook.rules import load
from gnomon.engine import byte_search
from gnomon.engine.planting import Plant, plants
from gnomon.kit import services
from gnomon.kit.jobs import JobContext, job

STAGES = 4


@job("privacy.search", lane="long")
def search(ctx: JobContext) -> None:
    """Evidence of what a search for planted values found; the key of what was planted is destroyed at the end."""
    secret = sealing.opened(ctx.args["key"], ctx.args["sealed"])
    try:
        seen = _search(ctx, bytes.fromhex(secret["seed"]), list(dict.fromkeys(secret["values"])))
        with ctx.work() as work:
            proof = actions.record_search(work, seen, threshold=load().threshold("planted_values_found")).id
        ctx.progress(done=STAGES, total=STAGES, note="done", evidence=proof)
    finally:
        sealing.forget(ctx.args["key"])  # not reached when the process is killed: then the job runs again


@dataclass(frozen=True, slots=True)
class _Look:
    """Where values stand, by their place in the list that was looked for."""

    hits: dict[int, list[str]]
    places: int
    bytes: int
    unread: tuple[str, ...]


def _search(ctx: JobContext, seed: bytes, extra: list[str]) -> Searched:
    marker = str(ctx.args["marker"])
    ctx.progress(done=0, total=STAGES, note="looking before anything is sent")
    made = plants(seed, each=int(ctx.args["each"]))
    known = _look([one.value for one in made]).hits  # chance: what stands there already says nothing of the gateway
    planted = [one for place, one in enumerate(made) if place not in known]
    sent = [probe.Sent(tuple(one[0]), one[1], one[2], one[3]) for one in ctx.step("send", lambda: _send(ctx, planted))]
    ctx.progress(done=2, total=STAGES, note="waiting for the records")
    answered = [one for one in sent if one.status == 200 and one.request_id]
    recorded = probe.stored([one.request_id for one in answered], services.get("records").query)
    confirmed = {place for one in answered if one.request_id in recorded for place in one.plants}
    ctx.progress(done=3, total=STAGES, note="searching everything stored")
    values = [one.value for one in planted]
    look = _look([*values, *extra, marker])
    last = len(values) + len(extra)
    hits = {place: where for place, where in look.hits.items() if place != last}
    return Searched(
        planted=len(planted),
        confirmed=len(confirmed),
        found=len(hits),
        extra=len(extra),
        extra_found=sum(place >= len(values) for place in hits),
        entities=tuple(sorted({one.entity for one in planted})),
        found_entities=tuple(sorted({planted[place].entity for place in hits if place < len(planted)})),
        requests=len(sent),
        recorded=len(recorded),
        streamed=sum(one.streamed for one in sent),
        statuses=dict(Counter(str(one.status) for one in sent)),
        model=str(ctx.args["model"]),
        places=look.places,
        bytes=look.bytes,
        where=tuple(sorted({place for places in hits.values() for place in places})),
        control_found=last in look.hits,
        unread=look.unread,
    )


def _send(ctx: JobContext, planted: Sequence[Plant]) -> list[list[Any]]:
    """As plain values, for the job engine keeps them: ids and outcomes, nothing of what was sent."""
    sent = probe.send(
        planted,
        url=services.settings().gateway_url,
        key=services.platform_key(),
        model=str(ctx.args["model"]),
        marker=str(ctx.args["marker"]),
        told=lambda done, total: ctx.progress(done=1, total=STAGES, note=f"sending {done}/{total}"),
    )
    return [[list(one.plants), one.request_id, one.status, one.streamed] for one in sent]


def _look(values: Sequence[str]) -> _Look:
    """Files and databases in a process of its own; the record store, which its owner keeps open, by its owner."""
    found = byte_search.search_apart(services.settings().home, values, databases=_elsewhere())
    hits = {place: list(where) for place, where in found.hits.items()}
    written = {value: place for place, value in enumerate(values)}
    written |= {json.dumps(value, ensure_ascii=False)[1:-1]: place for place, value in enumerate(values)}
    for row in services.get("records").query("containing", values=list(written)):
        hits.setdefault(written[row["value"]], []).append("records")
    return _Look(hits, found.places + 1, found.bytes, tuple(found.unread))


def _elsewhere() -> list[str]:
    """The databases of control plane and jobs that are no files in the home folder."""
    settings = services.settings()
    urls = dict.fromkeys((settings.database_url, settings.jobs_database_url))
    home = str(settings.home.resolve())
    return [
        url
        for url in urls
        if make_url(url).get_backend_name() != "sqlite" or not str(make_url(url).database or "").startswith(home)
    ]
