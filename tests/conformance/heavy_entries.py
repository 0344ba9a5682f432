"""Jobs for the runners' conformance suite, as short as jobs can be."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Report = Callable[[dict[str, Any]], None]


def double(spec: dict[str, Any], folder: Path, report: Report) -> dict[str, Any]:
    with (folder / "starts").open("a") as stream:
        stream.write("x")
    report({"step": 1, "of": 2})
    report({"step": 2, "of": 2})
    return {"doubled": spec["number"] * 2, "word": os.environ.get("JOB_WORD", "")}


def fail(spec: dict[str, Any], folder: Path, report: Report) -> dict[str, Any]:
    raise ValueError(f"cannot use {spec['number']}")


def wait(spec: dict[str, Any], folder: Path, report: Report) -> dict[str, Any]:
    """Runs until the file `go` appears, with a child process of its own."""
    child = subprocess.Popen(["sleep", "60"])
    (folder / "child").write_text(str(child.pid))
    report({"waiting": True})
    while not (folder / "go").exists():
        time.sleep(0.02)
    child.kill()
    child.wait()
    return {"waited": True}


def die_once(spec: dict[str, Any], folder: Path, report: Report) -> dict[str, Any]:
    """The first process is gone without a word, as when memory runs out; the next one finds what it left."""
    if not (folder / "tried").exists():
        (folder / "tried").touch()
        os._exit(9)
    return {"attempt": 2}


def unwritable(spec: dict[str, Any], folder: Path, report: Report) -> dict[str, Any]:
    return {"object": object()}
