"""Durable jobs on the real job engine: run once, fail whole, resume after a kill, tick once."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from gnomon.kit.errors import Conflict
from gnomon.kit.jobs import JOBS, JobContext, job
from gnomon.kit.outbox import JobRow
from gnomon.kit.work import Platform, Work, action
from tests.fakes.platform import do, make_platform

CHILD = """
import sys, time
from pathlib import Path
from gnomon.app.hooks import ControlHooks
from gnomon.kit.db import Database
from gnomon.kit.jobs import Executor
from gnomon.kit.work import Platform
import tests.unit.kit.test_jobs
home = Path(sys.argv[1])
platform = Platform(Database(f"sqlite:///{home / 'control.sqlite'}"), hooks=ControlHooks())
executor = Executor(platform, f"sqlite:///{home / 'jobs.sqlite'}", poll_s=0.05)
executor.LAPSE_S = 3.0
executor.BEAT_S = 0.5
executor.start()
print("started", flush=True)
time.sleep(60)
"""


@action("test.order")
def order(work: Work, name: str, folder: str) -> str:
    work.about("job", name)
    return work.enqueue(name, "subject", folder=folder)


@job("test.two_steps")
def two_steps(ctx: JobContext) -> None:
    """Writes a line per step; between them it waits for a file, so that a test can kill it there."""
    folder = Path(ctx.args["folder"])

    def note(text: str) -> str:
        with (folder / "steps.txt").open("a") as file:
            file.write(text + "\n")
        return text

    ctx.step("first", lambda: note("first"))
    ctx.progress(done=1, total=2)
    while not (folder / "go").exists():
        time.sleep(0.02)
    ctx.step("second", lambda: note("second"))


@job("test.fails")
def fails(_ctx: JobContext) -> None:
    raise Conflict("the disk is full")


@job("test.tick", every=timedelta(hours=1))
def tick(ctx: JobContext) -> None:
    ctx.progress(ticked=True)


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


def test_jobs_are_registered_by_name() -> None:
    assert JOBS["test.tick"].every == timedelta(hours=1)
