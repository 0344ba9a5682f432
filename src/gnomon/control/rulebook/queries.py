"""Reads: the board of all clauses, one clause with its evidence, the controls and who answers them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from gnomon.contract.verdicts import State
from gnomon.control.evidence import queries as evidence
from gnomon.control.evidence.tables import Artefact
from gnomon.control.rulebook.checks import CHECKS
from gnomon.control.rulebook.rules import (
    ClauseState,
    ClauseVerdict,
    ControlState,
    ControlVerdict,
    EvidenceFact,
    Rulebook,
    clause_state,
    control_state,
    load,
)
from gnomon.control.rulebook.schemas import Clause, Control
from gnomon.control.rulebook.subjects import counting
from gnomon.control.rulebook.tables import CheckRun

WORSE = (
    ControlVerdict.MET,
    ControlVerdict.EXPIRED,
    ControlVerdict.INSUFFICIENT,
    ControlVerdict.NOT_MEASURED,
    ControlVerdict.NOT_MET,
)


@dataclass(frozen=True, slots=True)
class ControlStanding:
    """A control, what it is worth now, and the artefact that decides it: the worst of the newest per living subject.

    `refusal` says why that artefact does not count, though it exists; `last_run` is of its check, if it has one.
    """

    control: Control
    state: ControlState
    artefact: Artefact | None
    refusal: str
    last_run: CheckRun | None

    @property
    def answered_by(self) -> str:
        """`check`: asked in rounds; `manual`: a person attaches it; `deed`: left by what happens."""
        if self.control.source in CHECKS or self.last_run:
            return "check"
        return "manual" if self.control.kind == "manual" else "deed"


@dataclass(frozen=True, slots=True)
class ClauseStanding:
    clause: Clause
    state: ClauseState
    controls: tuple[ControlStanding, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """All clauses at one instant. `counts` has every verdict, also those that no clause has; they add up to `total`."""

    at: datetime
    version: str
    clauses: tuple[ClauseStanding, ...]
    counts: dict[str, int]

    @property
    def total(self) -> int:
        return len(self.clauses)


def board(session: Session, now: datetime, *, book: Rulebook | None = None) -> Board:
    """Every clause of both policies, judged by the newest evidence of each of its controls."""
    book = book or load()
    standings = control_standings(session, now, book=book)
    clauses = tuple(_clause(book, clause, standings, now) for clause in book.clauses)
    tally = Counter(standing.state.state for standing in clauses)
    return Board(now, book.version, clauses, {verdict.value: tally[verdict] for verdict in ClauseVerdict})


def clause(session: Session, id: str, now: datetime, *, book: Rulebook | None = None) -> ClauseStanding:
    """One clause with its controls and their evidence. Raises NotInRulebook on an unknown id."""
    book = book or load()
    standings = control_standings(session, now, book=book, controls=book.controls_of(id))
    return _clause(book, book.clause(id), standings, now)


def control_standings(
    session: Session, now: datetime, *, book: Rulebook | None = None, controls: Sequence[Control] | None = None
) -> dict[str, ControlStanding]:
    """Every control, or those given, by id."""
    book = book or load()
    wanted = book.controls if controls is None else controls
    counted = counting(session, evidence.newest_of_subjects(session, {control.source for control in wanted}))
    runs = {run.source: run for run in session.scalars(select(CheckRun))}
    return {one.id: _worst(book, one, counted.get(one.source, []), runs.get(one.source), now) for one in wanted}


def _worst(
    book: Rulebook, control: Control, artefacts: Sequence[Artefact], run: CheckRun | None, now: datetime
) -> ControlStanding:
    """The control is worth what it is worth for the worst of its living subjects; of equals the newest is shown."""
    standings = [_standing(book, control, one, run, now) for one in sorted(artefacts, key=lambda one: one.id)]
    if not standings:
        return _standing(book, control, None, run, now)
    return max(reversed(standings), key=lambda one: WORSE.index(one.state.state))


def _standing(
    book: Rulebook, control: Control, artefact: Artefact | None, run: CheckRun | None, now: datetime
) -> ControlStanding:
    why_not = refusal(book, control, artefact) if artefact else ""
    fact = _fact(artefact) if artefact and not why_not else None
    return ControlStanding(control, control_state(control, fact, now), artefact, why_not, run)


def is_answered(session: Session, source: str) -> bool:
    """Whether a check answers for `source`: one of this process, or one that the worker has run."""
    return source in CHECKS or session.get(CheckRun, source) is not None


def refusal(book: Rulebook, control: Control, artefact: Artefact) -> str:
    """Why `artefact` does not count for `control`; empty when it does.

    The newest artefact decides alone: falling back on an older one would let a bad new one hide what it says.
    """
    if artefact.source != control.source:
        return "wrong_source"
    if not evidence.is_intact(artefact):
        return "altered"
    if artefact.kind != control.evidence:
        return "wrong_kind"
    return "incomplete" if book.missing_facts(control.evidence, artefact.facts) else ""


def _fact(artefact: Artefact) -> EvidenceFact:
    return EvidenceFact(artefact.id, artefact.made_at, State(artefact.state))


def _clause(book: Rulebook, clause: Clause, standings: dict[str, ControlStanding], now: datetime) -> ClauseStanding:
    controls = book.controls_of(clause.id)
    mine = tuple(standings[control.id] for control in controls)
    facts = {one.control.id: _fact(one.artefact) for one in mine if one.artefact and not one.refusal}
    return ClauseStanding(clause, clause_state(clause, controls, latest_evidence=facts, now=now), mine)
