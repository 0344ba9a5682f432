"""Heavy jobs as child processes that outlive whoever started them.

A job's folder holds `job.json` (what was asked), `lock` (fencing token, pid and start time of the process that may
write), `heartbeat`, `log.txt`, `progress.jsonl`, and at the end `result.json` or `error.json`.
"""

import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from gnomon.contract.ports import HeavyJob, HeavyState, Row
from gnomon.kit.canonical import digest
from gnomon.kit.errors import Conflict

_LEASE_S = 5.0  # heartbeats come every second; five missed ones are not a hiccup
_GRACE_S = 3.0  # between asking a process to end and ending it


class JobChanged(Conflict):
    code = "job_changed"


class ProcessRunner:
    """See `Runner`. Any number of processes may ask about and submit the same job."""

    def __init__(self, *, lease_s: float = _LEASE_S, grace_s: float = _GRACE_S) -> None:
        self._lease_s = lease_s
        self._grace_s = grace_s

    def submit(self, job: HeavyJob) -> None:
        """The job runs or has ended. Raises JobChanged when the folder holds another job or another spec."""
        job.folder.mkdir(parents=True, exist_ok=True)
        with one_at_a_time(job.folder):
            _note(job)
            if self.state(job.id, job.folder).state in ("running", "succeeded", "failed"):
                return
            token = int(_lock(job.folder).get("token", 0)) + 1
            write_json(job.folder / "lock", {"token": token})
            (job.folder / "heartbeat").touch()
            pid = _spawn(job.folder, token, job.environment)
            write_json(job.folder / "lock", {"token": token, **_identity(pid)})

    def state(self, job_id: str, folder: Path) -> HeavyState:
        """How the job stands. Raises JobChanged when the folder holds another job."""
        job = read_json(folder / "job.json")
        if not job:
            return HeavyState("absent")
        if job["id"] != job_id:
            raise JobChanged(
                f"{folder} holds the job {job['id']}, not {job_id}.", next_step="Use one folder a job.", found=job["id"]
            )
        # The second look catches a job that ends between the first and the look at its process.
        return _ended(folder) or self._unfinished(folder) or _ended(folder) or HeavyState("lost", _progress(folder))

    def cancel(self, job_id: str, folder: Path) -> None:
        """The job's processes are gone and it counts as failed; a finished or absent job stays as it is."""
        if self.state(job_id, folder).state in ("absent", "succeeded", "failed"):
            return
        with one_at_a_time(folder):
            lock = _lock(folder)
            # Another token fences off a process that survives, or that has not yet noted its pid.
            write_json(folder / "lock", {"token": int(lock.get("token", 0)) + 1})
            _end_group(lock, self._grace_s)
            if not _ended(folder):
                write_json(folder / "error.json", {"code": "cancelled", "message": "The job was cancelled."})

    def _unfinished(self, folder: Path) -> HeavyState | None:
        if not _is_alive(_lock(folder)) and _age_s(folder / "heartbeat") > self._lease_s:
            return None
        return HeavyState("running", _progress(folder))


def write_json(path: Path, value: Any) -> None:
    """`path` holds `value`, all or nothing."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with partial.open("w", encoding="utf-8") as stream:
        json.dump(value, stream, ensure_ascii=False)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)


def read_json(path: Path) -> Row:
    """What `path` holds, {} when there is no such file."""
    try:
        value: Row = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return value


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Held by whoever changes the folder's lock."""
    with (folder / ".submit").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _note(job: HeavyJob) -> None:
    """`job.json` says what was asked. The environment may hold secrets and is not written down."""
    asked = {"id": job.id, "entry": job.entry, "spec": job.spec}
    known = read_json(job.folder / "job.json")
    if known and digest(known) != digest(asked):
        raise JobChanged(
            f"{job.folder} already holds the job {known['id']} with another entry or spec.",
            next_step="Give a changed job a new id and folder.",
            found=known["id"],
        )
    if not known:
        write_json(job.folder / "job.json", asked)


def _spawn(folder: Path, token: int, environment: Mapping[str, str]) -> int:
    """Starts the child in a session of its own, its output in the log; returns its pid."""
    log = str(folder / "log.txt")
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    command = [sys.executable, "-m", "gnomon.backends.runner_child", str(folder), str(token)]
    return os.posix_spawn(sys.executable, command, {**os.environ, **environment}, file_actions=files, setsid=True)


def _identity(pid: int) -> Row:
    """Pid and start time: a pid alone may be used again by a stranger."""
    try:
        return {"pid": pid, "started": psutil.Process(pid).create_time()}
    except psutil.NoSuchProcess:
        return {}


def _lock(folder: Path) -> Row:
    return read_json(folder / "lock")


def _is_alive(lock: Row) -> bool:
    if "pid" not in lock:
        return False
    with suppress(ChildProcessError):
        os.waitpid(lock["pid"], os.WNOHANG)  # a dead child of ours would stay a zombie
    try:
        process = psutil.Process(lock["pid"])
        return bool(process.create_time() == lock["started"] and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _end_group(lock: Row, grace_s: float) -> None:
    """The process and all that it started are gone."""
    if not _is_alive(lock):
        return
    _signal(lock["pid"], signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while _is_alive(lock) and time.monotonic() < deadline:
        time.sleep(0.02)
    _signal(lock["pid"], signal.SIGKILL)  # also what the process started and left behind
    while _is_alive(lock):
        time.sleep(0.02)


def _signal(group: int, which: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, which)


def _ended(folder: Path) -> HeavyState | None:
    result = folder / "result.json"
    if result.is_file():
        return HeavyState("succeeded", _progress(folder), read_json(result))
    error = read_json(folder / "error.json")
    return HeavyState("failed", _progress(folder), error=str(error["message"])) if error else None


def _progress(folder: Path) -> Row:
    """The last whole line; the newest may still be being written."""
    try:
        lines = (folder / "progress.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    except FileNotFoundError:
        return {}
    value: Row = json.loads(lines[-1]) if lines else {}
    return value


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")
