"""Every few seconds: what did the gateways do by themselves?"""

from datetime import timedelta

import msgspec

from gnomon.contract.traffic import DefenceNotice
from gnomon.control.traffic import actions, queries
from gnomon.kit import services
from gnomon.kit.jobs import JobContext, job

LOOK_BACK_S = 60.0  # notices of several workers may arrive out of order; what is known already is skipped


@job("traffic.take_notices", every=timedelta(seconds=3))
def take_notices(ctx: JobContext) -> None:
    with ctx.read() as session:
        since = max(queries.newest_at(session) - LOOK_BACK_S, 0.0)
        rows = services.get("records").query("notices", since=since)
        fresh = queries.unknown(session, [msgspec.convert(row, DefenceNotice, strict=False) for row in rows])
    if fresh:
        with ctx.work() as work:
            actions.take_notices(work, fresh)
