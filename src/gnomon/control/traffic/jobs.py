"""Every few seconds: what did the gateways do by themselves?"""

from collections.abc import Iterator
from datetime import timedelta

import msgspec

from gnomon.contract.traffic import DefenceNotice
from gnomon.control.rulebook.rules import load
from gnomon.control.traffic import actions, queries
from gnomon.kit import services
from gnomon.kit.jobs import JobContext, job

LOOK_BACK_S = (
    900.0  # notices arrive out of order: a canary's carries the time its request began; known ones are skipped
)
EARLY = timedelta(days=1.5)  # the next look is a day away, and may be late
PAGE = 500  # notices taken over in one transaction


@job("traffic.take_notices", every=timedelta(seconds=3))
def take_notices(ctx: JobContext) -> None:
    """Every notice that the collector has is taken over, a page at a time, however many came at once."""
    with ctx.read() as session:
        since = max(queries.newest_at(session) - LOOK_BACK_S, 0.0)
    for page in _pages(since):
        with ctx.read() as session:
            fresh = queries.unknown(session, page)
        if fresh:
            with ctx.work() as work:
                actions.take_notices(work, fresh)


@job("traffic.drop_content", every=timedelta(days=1))
def drop_content(ctx: JobContext) -> None:
    """Masked content has its own, shorter life than the records."""
    limit = timedelta(days=load().threshold("content_retention_days").limit)
    before = ctx.platform.clock.now() - limit + EARLY
    dropped = services.get("records").drop_content(before.timestamp())
    with ctx.work() as work:
        actions.note_content_dropped(work, before=before, dropped=dropped)


@job("traffic.drop_quarantine", every=timedelta(days=1))
def drop_quarantine(ctx: JobContext) -> None:
    """Lines that could not be stored hold masked content too, and are kept only so long as somebody may look why."""
    limit = timedelta(days=load().threshold("quarantine_retention_days").limit)
    before = ctx.platform.clock.now() - limit + EARLY
    dropped = services.get("records").drop_quarantine(before.timestamp())
    with ctx.work() as work:
        actions.note_quarantine_dropped(work, before=before, dropped=dropped)


def _pages(since: float) -> Iterator[list[DefenceNotice]]:
    """All notices from `since` on, in the order of (at, id)."""
    after: str | None = None
    while True:
        rows = services.get("records").query("notices", since=since, after=after, limit=PAGE)
        page = [msgspec.convert(row, DefenceNotice, strict=False) for row in rows]
        if page:
            yield page
        if len(page) < PAGE:
            return
        since, after = page[-1].at, page[-1].id
