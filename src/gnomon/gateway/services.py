"""What the story of a request needs; made once per worker in `app/gateway`."""

import asyncio
from dataclasses import dataclass, field

from gnomon.contract.ports import Limits
from gnomon.gateway.admission import Admission
from gnomon.gateway.cache import Answers
from gnomon.gateway.circuits import Circuits
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.guarding import Guard
from gnomon.gateway.health import Health
from gnomon.gateway.loader import Loader
from gnomon.gateway.metrics import Metrics
from gnomon.gateway.recorder import Recorder
from gnomon.gateway.upstream import Pool
from gnomon.guard.persons import PersonIndex


@dataclass(frozen=True, slots=True)
class Services:
    loader: Loader
    admission: Admission
    limits: Limits
    recorder: Recorder
    metrics: Metrics
    guard: Guard
    pool: Pool
    circuits: Circuits = field(default_factory=Circuits)
    answers: Answers = field(default_factory=Answers)
    persons: PersonIndex | None = None
    health: Health = field(default_factory=Health)
    shadows: set[asyncio.Task[None]] = field(default_factory=set)

    def note_persons(self, ex: Exchange) -> None:
        """Their tokens up to now are made: while the model works, or else while its answer waits."""
        if len(ex.met) > len(ex.noted) and self.persons is not None:
            ex.persons, ex.noted = self.persons_of(ex), frozenset(ex.met)

    def persons_of(self, ex: Exchange) -> tuple[str, ...]:
        """Tokens of all identifiers that were masked in this exchange, and in the answer that it was given again."""
        fresh = ex.met - ex.noted
        made = self.persons.tokens_of(fresh) if fresh and self.persons is not None else ()
        return tuple(sorted({*made, *ex.persons})) if ex.persons else made
