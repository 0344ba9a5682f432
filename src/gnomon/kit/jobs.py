"""Durable jobs. The only module that knows the job engine (DBOS).

An action queues a row in its own transaction (`work.enqueue`); an executor picks it up, starts a durable workflow whose
id is the row's id, and so runs it once however often anything is killed. Steps are at-least-once: they are idempotent.
A job that waits for people is a state of some row, never a sleeping workflow.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gnomon.kit import log
from gnomon.kit.errors import GnomonError
from gnomon.kit.ids import new_id
from gnomon.kit.outbox import ExecutorRow, JobRow
from gnomon.kit.work import Platform, Work, system

T = TypeVar("T")
_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class JobInfo:
    name: str
    run: Callable[[JobContext], None]
    every: timedelta | None


JOBS: dict[str, JobInfo] = {}


def job(name: str, *, every: timedelta | None = None) -> Callable[[Callable[[JobContext], None]], Callable[..., None]]:
    """Register what the worker runs under `name`; with `every` it is also queued on that rhythm, once on all hosts."""

    def register(run: Callable[[JobContext], None]) -> Callable[..., None]:
        JOBS[name] = JobInfo(name, run, every)
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

    def __init__(self, platform: Platform, database_url: str, *, parallel: int = 4, poll_s: float = 0.25) -> None:
        self._platform = platform
        self._url = database_url
        self._parallel = parallel
        self._poll_s = poll_s
        self._stop = threading.Event()
        self.id = new_id("executor")

    def start(self) -> None:
        """Launch the job engine and the loops; returns at once."""
        global _current  # DBOS workflows are module-level functions and find their platform here
        _current = self._platform
        _launch(self._url, self.id)
        threading.Thread(target=self._loop, name="job-executor", daemon=True).start()

    def stop(self) -> None:
        from dbos import DBOS

        self._stop.set()
        with self._platform.database.session() as session:
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
        with self._platform.database.session() as session:
            session.merge(ExecutorRow(id=self.id, beat_at=self._platform.clock.now()))
            session.commit()

    def _tick(self) -> None:
        """Queue what is due by rhythm. The id is the name and the tick, so that of several executors one wins."""
        now = self._platform.clock.now()
        for info in JOBS.values():
            if info.every is None:
                continue
            tick = int(now.timestamp() // info.every.total_seconds())
            row_id = f"job_{info.name}_{tick}"
            with self._platform.database.read() as session:
                if session.get(JobRow, row_id):
                    continue
            with self._platform.database.session() as session:
                row = JobRow(id=row_id, name=info.name, subject="schedule", args={}, state="queued", progress={})
                row.actor_id, row.created_at = "system:schedule", now
                session.add(row)
                try:
                    session.commit()
                except IntegrityError:
                    session.rollback()  # another executor was first

    def _start_queued(self) -> None:
        from dbos import DBOS, SetWorkflowID

        with self._platform.database.read() as session:
            busy = session.scalars(select(JobRow.id).where(JobRow.state == "running")).all()
            room = self._parallel - len(busy)
            waiting = select(JobRow.id).where(JobRow.state == "queued").order_by(JobRow.created_at).limit(max(room, 0))
            ids = session.scalars(waiting).all()
        for row_id in ids:
            if self._claim(row_id):
                with SetWorkflowID(row_id):
                    DBOS.start_workflow(_run_job, row_id)

    def _claim(self, row_id: str) -> bool:
        with self._platform.database.session() as session:
            claimed = session.execute(
                update(JobRow)
                .where(JobRow.id == row_id, JobRow.state == "queued")
                .values(state="running", started_at=self._platform.clock.now())
            )
            session.commit()
            return bool(claimed.rowcount)  # type: ignore[attr-defined]

    def _take_over(self) -> None:
        from dbos import DBOS, SetWorkflowID

        now = self._platform.clock.now()
        with self._platform.database.read() as session:
            alive = set(
                session.scalars(
                    select(ExecutorRow.id).where(ExecutorRow.beat_at > now - timedelta(seconds=self.LAPSE_S))
                )
            )
            running = {
                row.id: row.started_at for row in session.scalars(select(JobRow).where(JobRow.state == "running"))
            }
        if not running:
            return
        known = {flow.workflow_id: flow for flow in DBOS.list_workflows(workflow_ids=list(running), load_input=False)}
        for row_id, started_at in running.items():
            flow = known.get(row_id)
            if flow is None:  # claimed, and the executor died before the workflow was written
                if started_at and now - started_at > timedelta(seconds=self.LAPSE_S):
                    with SetWorkflowID(row_id):
                        DBOS.start_workflow(_run_job, row_id)
            elif flow.status == "PENDING" and flow.executor_id not in alive:
                _log.info("job_taken_over", job=row_id, executor=flow.executor_id)
                DBOS.resume_workflow(row_id)


_current: Platform | None = None
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
        "run_admin_server": False,
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


def _run_job(job_id: str) -> None:
    platform = _current
    assert platform is not None, "Executor.start sets it"
    with platform.read() as session:
        row = session.get(JobRow, job_id)
        if row is None or row.state in ("succeeded", "failed"):
            return
        session.expunge(row)
    try:
        JOBS[row.name].run(JobContext(platform, row))
    except Exception as error:  # noqa: BLE001 - whatever a job raises ends in its row, whole, and in the log
        _log.exception("job_failed", job=job_id, name=row.name)
        text = error.message if isinstance(error, GnomonError) else f"{type(error).__name__}: {error}"
        _update(platform, job_id, state="failed", error=text, finished_at=platform.clock.now())
        return
    _update(platform, job_id, state="succeeded", finished_at=platform.clock.now())


def _update(platform: Platform, job_id: str, **values: Any) -> None:
    with platform.database.session() as session:
        session.execute(update(JobRow).where(JobRow.id == job_id).values(**values))
        session.commit()
