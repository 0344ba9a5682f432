"""Work: one transaction with its actor, its clock and its pending events.

Every change to the world is a function in some `actions.py`, marked `@action("resource.verb")`. The outermost one
authorises, runs, hands out the events, writes the audit rows and commits; a nested one shares its Work. When it raises,
nothing of it stays but an audit row that says so.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Concatenate, Literal, ParamSpec, Protocol, TypeVar

from sqlalchemy.orm import Session

from gnomon.kit.clock import Clock, SystemClock
from gnomon.kit.db import Database
from gnomon.kit.errors import Denied, GnomonError
from gnomon.kit.events import Event
from gnomon.kit.ids import new_id
from gnomon.kit.outbox import JobRow

P = ParamSpec("P")
R = TypeVar("R")
E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `posts` decide what a person may do; the program itself is `kind="system"` and holds none."""

    id: str
    name: str
    kind: Literal["person", "system", "nobody"] = "person"
    team: str = ""
    posts: frozenset[str] = frozenset()
    locale: str = "zh-CN"
    address: str = ""
    session: str = ""  # id of the sign-in session, never its token


NOBODY = Actor(id="nobody", name="nobody", kind="nobody")


def system(name: str) -> Actor:
    """The program acting by itself, e.g. `system("worker")`."""
    return Actor(id=f"system:{name}", name=name, kind="system")


@dataclass(slots=True)
class Deed:
    """What one action did, for the audit trail."""

    permission: str
    object_kind: str = ""
    object_id: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    outcome: Literal["done", "denied", "failed"] = "done"


class Hooks(Protocol):
    """What wiring injects so that `people` and `audit` can stay low."""

    def authorise(self, session: Session, actor: Actor, permission: str) -> None:
        """Return when `actor` holds `permission`; raise Denied otherwise."""
        ...

    def audit(self, session: Session, actor: Actor, at: datetime, deeds: list[Deed]) -> list[int]:
        """Write one row per deed in this transaction; returns their ids."""
        ...

    def committed(self, audit_ids: list[int]) -> None:
        """Called after the commit: wakes the sealer, and waits for the seal where durability is promised."""
        ...


class Bus:
    """Subscriptions, filled once by wiring. Handlers run inside the emitting transaction, in order."""

    def __init__(self) -> None:
        self._handlers: dict[type[Event], list[Callable[[Work, Event], None]]] = defaultdict(list)

    def subscribe(self, kind: type[E], handler: Callable[[Work, E], None]) -> None:
        self._handlers[kind].append(handler)  # type: ignore[arg-type]  # keyed by the very type it accepts

    def dispatch(self, work: Work, event: Event) -> None:
        for handler in self._handlers[type(event)]:
            handler(work, event)


class Work:
    """Give it to actions; read through `session`, tell through `about`, `emit` and `enqueue`."""

    def __init__(self, session: Session, actor: Actor, *, clock: Clock, bus: Bus, hooks: Hooks) -> None:
        self.session = session
        self.actor = actor
        self.clock = clock
        self._bus = bus
        self._hooks = hooks
        self._depth = 0
        self._deeds: list[Deed] = []
        self._open: list[Deed] = []
        self._events: list[Event] = []

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def about(self, kind: str, id: str, /, **facts: Any) -> None:
        """Say what the running action is about; the facts go to the audit trail (no secrets, no raw content)."""
        deed = self._open[-1]
        deed.object_kind, deed.object_id = kind, id
        deed.facts |= facts

    def emit(self, event: Event) -> None:
        """Hand `event` to its subscribers, in this transaction, once the outermost action has run.

        Of equal ones that still wait one is enough: a thousand bans make one roster.
        """
        if event not in self._events:
            self._events.append(event)

    def enqueue(self, job: str, subject: str, **args: Any) -> str:
        """Queue a job in this transaction; returns its id, which is also the id in the job engine."""
        row = JobRow(
            id=new_id("job"),
            name=job,
            subject=subject,
            args=args,
            state="queued",
            created_at=self.now,
            actor_id=self.actor.id,
            progress={},
        )
        self.session.add(row)
        return row.id

    @property
    def is_idle(self) -> bool:
        """No action is running: whatever was read so far belongs to no change."""
        return self._depth == 0

    def require(self, permission: str) -> None:
        """Return when the actor holds `permission`. Raises Denied, and the attempt is in the audit trail."""
        self._authorise(Deed(permission), by_system=False)

    @contextmanager
    def entered(self, permission: str, *, by_system: bool) -> Iterator[None]:
        """Run one action: authorise and commit if it is the outermost."""
        deed = Deed(permission)
        if self._depth == 0:
            self._authorise(deed, by_system=by_system)
        self._depth += 1
        self._open.append(deed)
        self._deeds.append(deed)
        try:
            yield
            if self._depth == 1:
                self._finish()
        except BaseException as error:
            if self._depth == 1:
                self._fail(deed, error)
            else:
                _note(deed, error)  # its caller may go on without it; the trail says that it failed all the same
            raise
        finally:
            self._open.pop()
            self._depth -= 1

    def _authorise(self, deed: Deed, *, by_system: bool) -> None:
        try:
            if by_system:
                if self.actor.kind != "system":
                    raise Denied(f"{deed.permission} is done by the platform itself, not by people.")
            else:
                self._hooks.authorise(self.session, self.actor, deed.permission)
        except Denied as error:
            self._leave_trace(deed, error)
            raise

    def _finish(self) -> None:
        while self._events:
            self._bus.dispatch(self, self._events.pop(0))
        self.session.flush()
        ids = self._hooks.audit(self.session, self.actor, self.now, self._deeds)
        self.session.commit()
        self._deeds = []
        self._hooks.committed(ids)

    def _fail(self, deed: Deed, error: BaseException) -> None:
        self._events, self._deeds = [], []
        self._leave_trace(deed, error)

    def _leave_trace(self, deed: Deed, error: BaseException) -> None:
        self.session.rollback()
        _note(deed, error)
        ids = self._hooks.audit(self.session, self.actor, self.now, [deed])
        self.session.commit()
        self._hooks.committed(ids)


def _note(deed: Deed, error: BaseException) -> None:
    """`deed` did not come off, and by which error."""
    deed.outcome = "denied" if isinstance(error, Denied) else "failed"
    deed.facts["error"] = error.code if isinstance(error, GnomonError) else type(error).__name__


@dataclass(frozen=True, slots=True)
class ActionInfo:
    """What an action declares of itself."""

    permission: str
    by_system: bool


ACTIONS: dict[str, ActionInfo] = {}  # filled at import; wiring checks it against the permission matrix


def action(permission: str) -> Callable[[Callable[Concatenate[Work, P], R]], Callable[Concatenate[Work, P], R]]:
    """Mark a change that people make: the permission matrix decides who."""
    return _marked(permission, by_system=False)


def system_action(permission: str) -> Callable[[Callable[Concatenate[Work, P], R]], Callable[Concatenate[Work, P], R]]:
    """Mark a change that only the platform itself makes (jobs, the collector); people cannot call it as outermost."""
    return _marked(permission, by_system=True)


def _marked(
    permission: str, *, by_system: bool
) -> Callable[[Callable[Concatenate[Work, P], R]], Callable[Concatenate[Work, P], R]]:
    ACTIONS[permission] = ActionInfo(permission, by_system)

    def mark(do: Callable[Concatenate[Work, P], R]) -> Callable[Concatenate[Work, P], R]:
        @functools.wraps(do)
        def run(work: Work, /, *args: P.args, **kwargs: P.kwargs) -> R:
            with work.entered(permission, by_system=by_system):
                return do(work, *args, **kwargs)

        return run

    return mark


class Platform:
    """What a process of the control plane holds: the database, the clock, the bus and the hooks."""

    def __init__(self, database: Database, *, hooks: Hooks, bus: Bus | None = None, clock: Clock | None = None) -> None:
        self.database = database
        self.hooks = hooks
        self.bus = bus or Bus()
        self.clock = clock or SystemClock()

    @contextmanager
    def work(self, actor: Actor) -> Iterator[Work]:
        """A Work for one request or job step; what no action committed is rolled back."""
        with self.database.session() as session:
            yield Work(session, actor, clock=self.clock, bus=self.bus, hooks=self.hooks)

    @contextmanager
    def read(self) -> Iterator[Session]:
        with self.database.read() as session:
            yield session
