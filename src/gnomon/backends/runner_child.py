"""The process that runs one heavy job: `python -m gnomon.backends.runner_child FOLDER TOKEN`."""

import json
import os
import sys
import threading
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil

from gnomon.backends.runner_process import one_at_a_time, read_json, write_json
from gnomon.kit.errors import BadInput, GnomonError

_HEARTBEAT_S = 1.0
_FENCED = 75  # exit status: another process holds the job now

Report = Callable[[dict[str, Any]], None]


class BadEntry(BadInput):
    code = "bad_job_entry"


class _Place:
    """The job's folder, written only while our token is the lock's."""

    def __init__(self, folder: Path, token: int) -> None:
        self.folder = folder
        self._token = token

    def check(self) -> None:
        """Ends the process at once when it has been fenced off."""
        if read_json(self.folder / "lock").get("token") != self._token:
            sys.stderr.write("fenced off: another process holds this job\n")
            sys.stderr.flush()
            os._exit(_FENCED)  # also from the heartbeat's thread, and past the job's own handlers

    def claim(self) -> None:
        """The lock says who we are, even if whoever started us died before noting it."""
        own = psutil.Process()
        with one_at_a_time(self.folder):
            self.check()
            write_json(self.folder / "lock", {"token": self._token, "pid": own.pid, "started": own.create_time()})

    def report(self, row: dict[str, Any]) -> None:
        self.check()
        with (self.folder / "progress.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")

    def finish(self, name: str, value: Any) -> None:
        self.check()
        write_json(self.folder / name, value)

    def beat(self, stop: threading.Event) -> None:
        while not stop.wait(_HEARTBEAT_S):
            self.check()
            (self.folder / "heartbeat").touch()


def main(arguments: list[str]) -> int:
    """Runs the job and leaves `result.json` or `error.json`; the exit status is 0, 1, or 75 when fenced off."""
    place = _Place(Path(arguments[0]), int(arguments[1]))
    place.claim()
    over = threading.Event()
    threading.Thread(target=place.beat, args=(over,), daemon=True).start()
    job = read_json(place.folder / "job.json")
    try:
        result = entry(job["entry"])(job["spec"], place.folder, place.report)
        json.dumps(result)  # what cannot be written is the job's fault and must say so
    except Exception as error:  # noqa: BLE001 - whatever the job raises is its outcome
        traceback.print_exc()
        place.finish("error.json", _told(error))
        return 1
    finally:
        over.set()
    place.finish("result.json", result)
    return 0


def entry(name: str) -> Callable[[dict[str, Any], Path, Report], dict[str, Any]]:
    """The function that `package.module:function` names. Raises BadEntry."""
    module, _, function = name.partition(":")
    try:
        found: Callable[[dict[str, Any], Path, Report], dict[str, Any]] = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise BadEntry(
            f"The job entry {name!r} cannot be loaded: {error}.", next_step="Name it as package.module:function."
        ) from error
    return found


def _told(error: Exception) -> dict[str, Any]:
    if isinstance(error, GnomonError):
        return error.as_dict()
    return {"code": "job_failed", "message": f"{type(error).__name__}: {error}", "next_step": "See the job's log."}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
