"""The round of checks: every control that a check answers is asked, and its evidence is kept fresh."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from gnomon.control.evidence import queries as evidence
from gnomon.control.evidence.tables import Artefact
from gnomon.control.rulebook import actions, queries
from gnomon.control.rulebook import checks_below as _registers_its_checks  # noqa: F401
from gnomon.control.rulebook.checks import CHECKS, Answer, CheckContext, CheckInfo, answer
from gnomon.control.rulebook.rules import Rulebook, load
from gnomon.control.rulebook.schemas import Control
from gnomon.control.rulebook.tables import CheckRun
from gnomon.kit.jobs import JobContext, job

EVERY = timedelta(seconds=20)
RENEWALS = 3  # evidence is renewed this many times within its freshness: two rounds may be missed before it expires


@job("rulebook.run_controls", every=EVERY)
def run_controls(ctx: JobContext) -> None:
    """Ask every check, or the one whose source is the job's subject; that one leaves evidence whatever it finds."""
    book = load()
    asked_for = ctx.subject if ctx.subject in CHECKS else ""
    for info in _wanted(asked_for):
        for control in book.controls_from(info.source):
            _run(ctx, book, control, info, asked_for=bool(asked_for))


def _wanted(source: str) -> Iterable[CheckInfo]:
    return [CHECKS[source]] if source else list(CHECKS.values())


def _run(ctx: JobContext, book: Rulebook, control: Control, info: CheckInfo, *, asked_for: bool) -> None:
    with ctx.read() as session:
        last = evidence.newest(session, [control.source]).get(control.source)
        now = ctx.platform.clock.now()
        due = asked_for or last is None or is_due(control, last.made_at, now)
        due = due or bool(last and queries.refusal(book, control, last))
        if info.costly and not due:
            return
        found = answer(control, info.run, _context(session, book, control, ctx))
    if found and (due or last is None or last.state != found.state):
        with ctx.work() as work:
            last = actions.keep(work, control, found)
    _note(ctx, control.source, found, last)


def _context(session: Session, book: Rulebook, control: Control, ctx: JobContext) -> CheckContext:
    return CheckContext(session, ctx.platform.clock.now(), book, control.max_age)


def is_due(control: Control, made_at: datetime, now: datetime) -> bool:
    """Whether evidence made at `made_at` should be renewed; the trail is not flooded with what did not change."""
    return now - made_at >= control.max_age / RENEWALS


def _note(ctx: JobContext, source: str, found: Answer | None, last: Artefact | None) -> None:
    # When a check last looked is no deed: an audit row every twenty seconds would bury what people did.
    with ctx.platform.database.session() as session:
        session.merge(
            CheckRun(
                source=source,
                at=ctx.platform.clock.now(),
                outcome="nothing" if found is None else "failed" if found.error else found.state.value,
                error=found.error if found else "",
                evidence_id=last.id if found and last else "",
            )
        )
        session.commit()
