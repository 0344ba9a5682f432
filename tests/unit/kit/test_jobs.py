"""Durable jobs on the real job engine: run once, fail whole, resume after a kill, tick once."""

import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dbos import DBOS
from sqlalchemy import select, text, update

from gnomon.kit import jobs
from gnomon.kit.clock import FakeClock
from gnomon.kit.jobs import JOBS, Executor, JobContext, job
from gnomon.kit.outbox import JobRow
from gnomon.kit.work import Platform, Work, action
from tests.fakes.platform import do, make_platform
from tests.unit.kit import some_jobs

CHILD = """
import sys, time
from pathlib import Path
from gnomon.app.hooks import ControlHooks
from gnomon.kit.db import Database
from gnomon.kit.jobs import Executor
from gnomon.kit.work import Platform
import tests.unit.kit.some_jobs
home = Path(sys.argv[1])
platform = Platform(Database(f"sqlite:///{home / 'control.sqlite'}"), hooks=ControlHooks())
executor = Executor(platform, f"sqlite:///{home / 'jobs.sqlite'}", poll_s=0.05)
executor.LAPSE_S = 3.0
executor.BEAT_S = 0.5
executor.start()
print("started", flush=True)
time.sleep(60)
"""


assert some_jobs  # registers what the children run


@action("test.order")
def order(work: Work, name: str, folder: str) -> str:
    work.about("job", name)
    return work.enqueue(name, "subject", folder=folder)


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    return make_platform(tmp_path)


def start(folder: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", CHILD, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "started\n"
    return child


def stop(child: subprocess.Popen[str], with_signal: int = signal.SIGKILL) -> None:
    os.kill(child.pid, with_signal)
    child.wait()
    assert child.stdout is not None
    child.stdout.close()


def until(condition: Callable[[], bool], timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def row(platform: Platform, name: str) -> JobRow:
    with platform.read() as session:
        return session.scalars(select(JobRow).where(JobRow.name == name)).one()


def test_a_killed_job_resumes_at_the_interrupted_step(platform: Platform, tmp_path: Path) -> None:
    do(platform, "lin", order, "test.two_steps", str(tmp_path))
    first = start(tmp_path)
    try:
        until(lambda: row(platform, "test.two_steps").progress == {"done": 1, "total": 2})
    finally:
        stop(first)
    (tmp_path / "go").touch()
    second = start(tmp_path)
    try:
        until(lambda: row(platform, "test.two_steps").state == "succeeded")
    finally:
        stop(second)
    assert (tmp_path / "steps.txt").read_text().split() == ["first", "second"]


def test_a_failure_is_in_the_row_and_a_tick_is_queued_once(platform: Platform, tmp_path: Path) -> None:
    do(platform, "lin", order, "test.fails", str(tmp_path))
    executors = [start(tmp_path), start(tmp_path)]
    try:
        until(lambda: row(platform, "test.fails").state == "failed")
        until(lambda: row(platform, "test.tick").state == "succeeded")
        time.sleep(1.2)  # another round of both executors
        assert row(platform, "test.tick").progress == {"ticked": True}
    finally:
        for child in executors:
            stop(child)
    assert row(platform, "test.fails").error == "the disk is full"


SECRET = "what the user wrote"


@job("test.breaks")
def breaks(ctx: JobContext) -> None:
    """Fails as nobody expected, with content in the error's text, as databases do."""
    with ctx.platform.database.session() as session:
        session.execute(text("INSERT INTO kit_executor (id, beat_at) VALUES (:id, NULL)"), {"id": SECRET})


@job("test.long", lane="long")
def long(ctx: JobContext) -> None:
    while not (Path(ctx.args["folder"]) / "go").exists():
        time.sleep(0.02)


@job("test.once_more")
@job("test.short")
def short(_ctx: JobContext) -> None:
    pass


@pytest.fixture
def executor(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Executor]:
    platform = make_platform(tmp_path, url=database_url)
    own = {name: info for name, info in JOBS.items() if name.startswith(("test.", "jobs."))}
    for module in (jobs, sys.modules[__name__]):
        monkeypatch.setattr(module, "JOBS", own)  # what other tests imported would run here too
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the engine's own
        made = Executor(platform, database_url or f"sqlite:///{tmp_path / 'jobs.sqlite'}", poll_s=0.02)
        made.BEAT_S, made.LAPSE_S = 0.1, 1.0
        made.start()
        yield made
        (tmp_path / "go").touch()
        made.stop()
    platform.database.close()


def test_jobs_of_all_kinds_end_well(executor: Executor, tmp_path: Path) -> None:
    """One engine for several claims: launching it takes longer than they do."""
    platform = executor.platform
    long_jobs_leave_the_short_ones_their_slots(platform, tmp_path)
    an_unexpected_error_quotes_nothing(platform, tmp_path)
    an_end_that_could_not_be_stored_is_found_with_the_engine(executor, platform, tmp_path)
    a_job_whose_engine_gave_up_is_failed(platform, tmp_path)
    ticks_do_not_pile_up_and_old_ones_are_purged(executor, platform)


def states(platform: Platform, name: str) -> list[str]:
    with platform.read() as session:
        return sorted(session.scalars(select(JobRow.state).where(JobRow.name == name)))


def long_jobs_leave_the_short_ones_their_slots(platform: Platform, tmp_path: Path) -> None:
    for _ in range(5):
        do(platform, "lin", order, "test.long", str(tmp_path))
    until(lambda: states(platform, "test.long") == ["queued"] * 2 + ["running"] * 3)
    do(platform, "lin", order, "test.short", str(tmp_path))
    until(lambda: states(platform, "test.short") == ["succeeded"])
    assert states(platform, "test.long") == ["queued"] * 2 + ["running"] * 3
    (tmp_path / "go").touch()
    until(lambda: states(platform, "test.long") == ["succeeded"] * 5)


def an_unexpected_error_quotes_nothing(platform: Platform, tmp_path: Path) -> None:
    id = do(platform, "lin", order, "test.breaks", str(tmp_path))
    until(lambda: states(platform, "test.breaks") == ["failed"])
    assert row(platform, "test.breaks").error == f"IntegrityError ({id}); the worker's log has the details"


def an_end_that_could_not_be_stored_is_found_with_the_engine(
    executor: Executor, platform: Platform, tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "_store_end", lambda *_: None)
        do(platform, "lin", order, "test.fails", str(tmp_path))
        until(lambda: states(platform, "test.fails") == ["failed"])
    assert row(platform, "test.fails").error == "the disk is full"


def a_job_whose_engine_gave_up_is_failed(platform: Platform, tmp_path: Path) -> None:
    def away(*_: object) -> None:
        raise OSError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "_store_end", away)
        id = do(platform, "lin", order, "test.once_more", str(tmp_path))
        until(lambda: states(platform, "test.once_more") == ["failed"])
    assert row(platform, "test.once_more").error == f"error ({id}); start it again"


def ticks_do_not_pile_up_and_old_ones_are_purged(executor: Executor, platform: Platform) -> None:
    with platform.database.session() as session:
        session.execute(update(JobRow).where(JobRow.name == "test.tick").values(state="running"))
        session.commit()
    first = row(platform, "test.tick").id
    before = len(DBOS.list_workflows())
    assert isinstance(platform.clock, FakeClock)
    platform.clock.advance(datetime.now(UTC) - platform.clock.now() + timedelta(days=2))  # the engine's clock is real
    executor._tick()
    assert states(platform, "test.tick") == ["running"]
    with platform.database.session() as session:
        ended = {"state": "succeeded", "finished_at": platform.clock.now() - timedelta(days=2)}
        session.execute(update(JobRow).where(JobRow.id == first).values(**ended))
        session.commit()
    until(lambda: first not in ids(platform, "test.tick"))
    until(lambda: "running" not in states(platform, "jobs.purge"))
    assert len(DBOS.list_workflows()) < before
    assert len(states(platform, "test.long")) == 5  # what people ordered stays


def ids(platform: Platform, name: str) -> list[str]:
    with platform.read() as session:
        return list(session.scalars(select(JobRow.id).where(JobRow.name == name)))


def test_jobs_are_registered_by_name() -> None:
    assert JOBS["test.tick"].every == timedelta(hours=1)
