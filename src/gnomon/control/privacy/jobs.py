"""What the worker does for privacy: plant, wait, search everything stored. No transaction is open meanwhile."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from gnomon.control.privacy import actions, probe, sealing
from gnomon.control.privacy.looking import look
from gnomon.control.privacy.schemas import Searched
from gnomon.control.privacy.subjects import jobs as _registers_those_of_persons  # noqa: F401
from gnomon.control.rulebook.rules import load
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


def _search(ctx: JobContext, seed: bytes, extra: list[str]) -> Searched:
    marker = str(ctx.args["marker"])
    ctx.progress(done=0, total=STAGES, note="looking before anything is sent")
    made = plants(seed, each=int(ctx.args["each"]))
    known = look([one.value for one in made]).hits  # chance: what stands there already says nothing of the gateway
    planted = [one for place, one in enumerate(made) if place not in known]
    sent = [probe.Sent(tuple(one[0]), one[1], one[2], one[3]) for one in ctx.step("send", lambda: _send(ctx, planted))]
    ctx.progress(done=2, total=STAGES, note="waiting for the records")
    answered = [one for one in sent if one.status == 200 and one.request_id]
    recorded = probe.stored([one.request_id for one in answered], services.get("records").query)
    confirmed = {place for one in answered if one.request_id in recorded for place in one.plants}
    ctx.progress(done=3, total=STAGES, note="searching everything stored")
    values = [one.value for one in planted]
    seen = look([*values, *extra, marker])
    last = len(values) + len(extra)
    hits = {place: where for place, where in seen.hits.items() if place != last}
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
        places=seen.places,
        bytes=seen.bytes,
        where=tuple(sorted({place for places in hits.values() for place in places})),
        control_found=last in seen.hits,
        unread=seen.unread,
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
