"""Jobs for the tests of the job engine, apart from the tests: a child process that runs them loads these alone."""

import time
from datetime import timedelta
from pathlib import Path

from gnomon.kit.errors import Conflict
from gnomon.kit.jobs import JobContext, job


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
