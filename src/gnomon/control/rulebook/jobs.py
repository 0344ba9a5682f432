"""The round of checks: every control that a check answers is asked, and its evidence is kept fresh."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from gnomon.control.evidence import queries as evidence
from gnomon.control.evidence.tables import Artefact
from gnomon.control.rulebook import actions, queries
from gnomon.control.rulebook import checks_below as _registers_its_checks  # noqa: F401
from gnomon.control.rulebook.checks import CHECKS, CheckContext, CheckInfo, answer
from gnomon.control.rulebook.rules import Rulebook, load
from gnomon.control.rulebook.schemas import Control
from gnomon.control.rulebook.tables import CheckRun
from gnomon.kit.errors import NotFound
from gnomon.kit.jobs import JobContext, job

SCHEDULE = "schedule"  # the subject of what the clock queues
EVERY = timedelta(seconds=20)
RENEWALS = 3  # evidence is renewed this many times within its freshness: two rounds may be missed before it expires


@job("rulebook.run_controls", every=EVERY)
def run_controls(ctx: JobContext) -> None:
    """Ask every check, or the one whose source is the job's subject; that one leaves evidence whatever it finds.

    The costly come last, each half is noted when it is done: what takes moments is known before what takes seconds.
    """
    book = load()
    asked_for = ctx.subject != SCHEDULE
    if asked_for and ctx.subject not in CHECKS:
        raise NotFound(f"No check of this worker answers for {ctx.subject}.", next_step="See which controls have one.")
    wanted = [CHECKS[ctx.subject]] if asked_for else list(CHECKS.values())
    with ctx.read() as session:
        newest = evidence.newest(session, [info.source for info in wanted])
    for costly in (False, True):
        runs = [
            _run(ctx, book, control, info, last=newest.get(info.source), asked_for=asked_for)
            for info in wanted
            if info.costly == costly
            for control in book.controls_from(info.source)
        ]
        _note(ctx, [run for run in runs if run])


def is_due(control: Control, made_at: datetime, now: datetime) -> bool:
    """Whether evidence made at `made_at` should be renewed; the trail is not flooded with what did not change."""
    return now - made_at >= control.max_age / RENEWALS


def _run(
    ctx: JobContext, book: Rulebook, control: Control, info: CheckInfo, *, last: Artefact | None, asked_for: bool
) -> CheckRun | None:
    """Ask one check and keep what is worth keeping; None where a costly one need not run yet."""
    now = ctx.platform.clock.now()
    due = asked_for or last is None or is_due(control, last.made_at, now) or bool(queries.refusal(book, control, last))
    if info.costly and not due:
        return None
    with ctx.read() as session:
        found = answer(control, info.run, CheckContext(session, now, book, control.max_age))
    if found and (due or last is None or last.state != found.state):
        with ctx.work() as work:
            last = actions.keep(work, control, found)
    return CheckRun(
        source=control.source,
        at=now,
        outcome="nothing" if found is None else "failed" if found.error else found.state.value,
        error=found.error if found else "",
        evidence_id=last.id if found and last else "",
    )


def _note(ctx: JobContext, runs: Iterable[CheckRun]) -> None:
    # When a check last looked is no deed: an audit row every twenty seconds would bury what people did.
    with ctx.platform.database.session() as session:
        for run in runs:
            session.merge(run)
        session.commit()
