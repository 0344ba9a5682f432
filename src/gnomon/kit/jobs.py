"""Durable jobs. The only module that knows the job engine (DBOS).

An action queues a row in its own transaction (`work.enqueue`); an executor picks it up, starts a durable workflow whose
id is the row's id, and so runs it once however often anything is killed. Steps are at-least-once: they are idempotent.
A job that waits for people is a state of some row, never a sleeping workflow.

Each executor has slots for two lanes: what takes minutes is "long" and never keeps what takes moments from running.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from gnomon.kit import log
from gnomon.kit.errors import GnomonError
from gnomon.kit.ids import new_id
from gnomon.kit.outbox import ExecutorRow, JobRow
from gnomon.kit.work import Platform, Work, system

if TYPE_CHECKING:
    from dbos import WorkflowStatus

T = TypeVar("T")
Lane = Literal["short", "long"]
SLOTS: Final[Mapping[Lane, int]] = {"short": 4, "long": 3}  # jobs that one executor runs at the same time
KEPT: Final = timedelta(days=1)  # ticks that ended, and what the job engine knows of jobs that ended
_TICK: Final = "schedule"  # subject of the rows that the rhythm queues
_LAST_WORD_S: Final = (0.2, 1.0, 5.0)  # pauses between attempts to store how a job ended
_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class JobInfo:
    name: str
    run: Callable[[JobContext], None]
    every: timedelta | None
    lane: Lane


JOBS: dict[str, JobInfo] = {}


def job(
    name: str, *, every: timedelta | None = None, lane: Lane = "short"
) -> Callable[[Callable[[JobContext], None]], Callable[..., None]]:
    """Register what the worker runs under `name`; with `every` it is also queued on that rhythm, once on all hosts.

    What may take longer than a few seconds belongs in `lane="long"`.
    """

    def register(run: Callable[[JobContext], None]) -> Callable[..., None]:
        JOBS[name] = JobInfo(name, run, every, lane)
        return run

    return register


class JobContext:
    """What a running job holds: its row's subject and arguments, durable steps, progress, and Work as the system."""

    def __init__(self, platform: Platform, row: JobRow) -> None:
        self.platform = platform
        self.id = row.id
        self.subject = row.subject
        self.args = row.args

    def step(self, name: str, do: Callable[[], T]) -> T:
        """Run `do` once: a job that is resumed gets the stored result of a step that had finished."""
        from dbos import DBOS

        result: T = DBOS.run_step({"name": name}, do)
        return result

    @contextmanager
    def work(self) -> Iterator[Work]:
        """A transaction of the platform itself."""
        with self.platform.work(system("worker")) as work:
            yield work

    @contextmanager
    def read(self) -> Iterator[Session]:
        with self.platform.read() as session:
            yield session

    def progress(self, **facts: Any) -> None:
        """Show how far the job is; overwrites what was shown before."""
        _update(self.platform, self.id, progress=facts)


class Executor:
    """Runs jobs until `stop`. Start one per process; several processes share a PostgreSQL database."""

    BEAT_S = 2.0
    LAPSE_S = 10.0  # five missed beats: the executor is dead and its workflows are taken over

    def __init__(
        self, platform: Platform, database_url: str, *, slots: Mapping[Lane, int] = SLOTS, poll_s: float = 0.25
    ) -> None:
        self.platform = platform
        self._url = database_url
        self._slots = slots
        self._held: dict[str, Lane] = {}  # what runs in this process, by job id
        self._poll_s = poll_s
        self._stop = threading.Event()
        self.id = new_id("executor")

    def start(self) -> None:
        """Launch the job engine and the loops; returns at once."""
        global _current  # DBOS workflows are module-level functions and find their platform here
        _current = self
        _launch(self._url, self.id)
        threading.Thread(target=self._loop, name="job-executor", daemon=True).start()

    def stop(self) -> None:
        from dbos import DBOS

        self._stop.set()
        with self.platform.database.session() as session:
            row = session.get(ExecutorRow, self.id)
            if row:
                session.delete(row)
            session.commit()
        DBOS.destroy(workflow_completion_timeout_sec=2)

    def _loop(self) -> None:
        beaten = 0.0
        while not self._stop.is_set():
            try:
                if time.monotonic() - beaten > self.BEAT_S:
                    self._beat()
                    self._take_over()
                    self._tick()
                    beaten = time.monotonic()
                self._start_queued()
            except Exception:  # noqa: BLE001 - e.g. the database is away for a moment: the next round tries again
                _log.exception("job_loop_failed")
            self._stop.wait(self._poll_s)

    def _beat(self) -> None:
        with self.platform.database.aside() as session:
            session.merge(ExecutorRow(id=self.id, beat_at=self.platform.clock.now()))
            session.commit()

    def _tick(self) -> None:
        """Queue what is due by rhythm. The id is the name and the tick, so that of several executors one wins."""
        now = self.platform.clock.now()
        with self.platform.database.read() as session:
            unfinished = set(
                session.scalars(
                    select(JobRow.name).where(JobRow.subject == _TICK, JobRow.state.in_(("queued", "running")))
                )
            )
        for info in JOBS.values():
            if info.every is None or info.name in unfinished:  # a tick that waits for its turn is one, not a heap
                continue
            tick = int(now.timestamp() // info.every.total_seconds())
            row_id = f"job_{info.name}_{tick}"
            with self.platform.database.read() as session:
                if session.get(JobRow, row_id):
                    continue
            with self.platform.database.session() as session:
                row = JobRow(id=row_id, name=info.name, subject=_TICK, args={}, state="queued", progress={})
                row.actor_id, row.created_at = "system:schedule", now
                session.add(row)
                try:
                    session.commit()
                except IntegrityError:
                    session.rollback()  # another executor was first

    def _start_queued(self) -> None:
        room = {lane: slots - list(self._held.values()).count(lane) for lane, slots in self._slots.items()}
        with self.platform.database.read() as session:
            waiting = {
                lane: session.scalars(
                    select(JobRow.id)
                    .where(JobRow.state == "queued", _is_in(lane))
                    .order_by(JobRow.created_at, JobRow.id)
                    .limit(free)
                ).all()
                for lane, free in room.items()
                if free > 0
            }
        for lane, ids in waiting.items():
            for row_id in ids:
                if self._claim(row_id):
                    self._start(row_id, lane)

    def _start(self, row_id: str, lane: Lane) -> None:
        from dbos import DBOS, SetWorkflowID

        self._held[row_id] = lane
        try:
            with SetWorkflowID(row_id):
                DBOS.start_workflow(_run_job, row_id)
        except BaseException:
            self._held.pop(row_id, None)
            raise

    @contextmanager
    def holding(self, row: JobRow) -> Iterator[None]:
        """While it lasts the job holds a slot of its lane; one that was taken over holds it from here on."""
        self._held.setdefault(row.id, _lane(row.name))
        try:
            yield
        finally:
            self._held.pop(row.id, None)

    def _claim(self, row_id: str) -> bool:
        with self.platform.database.aside() as session:
            claimed = session.execute(
                update(JobRow)
                .where(JobRow.id == row_id, JobRow.state == "queued")
                .values(state="running", started_at=self.platform.clock.now())
            )
            session.commit()
            return bool(claimed.rowcount)  # type: ignore[attr-defined]

    def _take_over(self) -> None:
        """Whatever a row says is running runs somewhere, or its end is written into the row."""
        from dbos import DBOS

        now = self.platform.clock.now()
        with self.platform.database.read() as session:
            alive = set(
                session.scalars(
                    select(ExecutorRow.id).where(ExecutorRow.beat_at > now - timedelta(seconds=self.LAPSE_S))
                )
            )
            running = {row.id: row for row in session.scalars(select(JobRow).where(JobRow.state == "running"))}
        if not running:
            return
        known = {flow.workflow_id: flow for flow in DBOS.list_workflows(workflow_ids=list(running), load_input=False)}
        for row_id, row in running.items():
            flow = known.get(row_id)
            is_old = row.started_at is None or now - row.started_at > timedelta(seconds=self.LAPSE_S)
            if flow is None:  # claimed, and the executor died before the workflow was written
                if is_old and row_id not in self._held:
                    self._start(row_id, _lane(row.name))
            elif flow.status == "PENDING":
                is_lost = is_old and flow.executor_id == self.id and row_id not in self._held
                if is_lost or flow.executor_id not in alive:
                    _log.info("job_taken_over", job=row_id, executor=flow.executor_id)
                    DBOS.resume_workflow(row_id)
            elif flow.status not in ("ENQUEUED", "DELAYED"):  # those wait for a living executor, which will come
                self._settle(row_id, flow)

    def _settle(self, row_id: str, flow: WorkflowStatus) -> None:
        """Write down the end of a job that the engine knows and the row does not: the database was away just then."""
        error = (
            str(flow.output or "") if flow.status == "SUCCESS" else f"{flow.status.lower()} ({row_id}); start it again"
        )
        with self.platform.database.session() as session:
            session.execute(
                update(JobRow)
                .where(JobRow.id == row_id, JobRow.state == "running")  # it may have been written meanwhile
                .values(**_end(error), finished_at=self.platform.clock.now())
            )
            session.commit()
        _log.warning("job_settled", job=row_id, engine=flow.status)


_current: Executor | None = None
_launched = False


def _launch(url: str, executor_id: str) -> None:
    """Start DBOS on `url`; its SQLite file is put in WAL first (1.8 times as fast, and readers do not block)."""
    import sqlite3

    from dbos import DBOS, DBOSConfig
    from sqlalchemy.engine import make_url

    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        with sqlite3.connect(parsed.database) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        connection.close()
    elif parsed.get_backend_name() == "postgresql":
        url = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
    config: DBOSConfig = {
        "name": "gnomon",
        "system_database_url": url,
        "executor_id": executor_id,
        "application_version": "1",  # a resumed job runs today's code: steps are named and idempotent
        "log_level": "ERROR",
        "enable_otlp": False,
    }
    DBOS(config=config)
    _register()
    DBOS.launch()


def _register() -> None:
    global _run_job, _launched
    from dbos import DBOS

    if not _launched:
        _run_job = DBOS.workflow(name="gnomon.job")(_run_job)
        _launched = True


def _run_job(job_id: str) -> str:
    """Run the job of that row to its end; returns its error, empty when it succeeded.

    The engine keeps what is returned, so that an end that could not be stored in the row is found there (`_settle`).
    """
    assert _current is not None, "Executor.start sets it"
    platform = _current.platform
    with platform.read() as session:
        row = session.get(JobRow, job_id)
        if row is None or row.state in ("succeeded", "failed"):
            return row.error if row else ""
        session.expunge(row)
    with _current.holding(row):
        error = _error_of(platform, row)
        _store_end(platform, job_id, error)
    return error


def _error_of(platform: Platform, row: JobRow) -> str:
    try:
        JOBS[row.name].run(JobContext(platform, row))
    except GnomonError as error:
        _log.exception("job_failed", job=row.id, name=row.name)
        return error.message
    except Exception as error:  # noqa: BLE001 - whatever a job raises ends in its row
        # The text of an unexpected error may quote what was being stored, so that is in the log alone.
        _log.exception("job_failed", job=row.id, name=row.name)
        return f"{type(error).__name__} ({row.id}); the worker's log has the details"
    return ""


def _store_end(platform: Platform, job_id: str, error: str) -> None:
    for pause_s in _LAST_WORD_S:
        try:
            _update(platform, job_id, **_end(error), finished_at=platform.clock.now())
            return
        except SQLAlchemyError:
            _log.exception("job_end_not_stored", job=job_id)
            time.sleep(pause_s)


def _end(error: str) -> dict[str, str]:
    return {"state": "failed" if error else "succeeded", "error": error}


def _lane(name: str) -> Lane:
    return JOBS[name].lane if name in JOBS else "short"


def _is_in(lane: Lane) -> ColumnElement[bool]:
    long = [info.name for info in JOBS.values() if info.lane == "long"]
    return JobRow.name.in_(long) if lane == "long" else JobRow.name.not_in(long)


@job("jobs.purge", every=timedelta(hours=1))
def purge(ctx: JobContext) -> None:
    """Ticks that ended are gone after a day, and so is what the engine keeps of any job that ended; its row stays."""
    before = ctx.platform.clock.now() - KEPT
    with ctx.platform.database.session() as session:
        ended = (JobRow.state.in_(("succeeded", "failed")), JobRow.finished_at < before)
        session.execute(delete(JobRow).where(JobRow.subject == _TICK, *ended))
        session.commit()
    ctx.step("forget", lambda: _forget(before))


def _forget(before: datetime) -> int:
    """The engine has no workflows that ended before then; returns how many it had."""
    from dbos import DBOS

    forgotten = 0
    ended = {"completed_before": before.isoformat(), "limit": 200, "load_input": False, "load_output": False}
    while old := DBOS.list_workflows(**ended):
        DBOS.delete_workflows([flow.workflow_id for flow in old])
        forgotten += len(old)
    return forgotten


def _update(platform: Platform, job_id: str, **values: Any) -> None:
    with platform.database.aside() as session:
        session.execute(update(JobRow).where(JobRow.id == job_id).values(**values))
        session.commit()
