"""The environment that model servers run in, and what the script that installed it wrote down.

After each run of pip the script `gnomon` leaves `gnomon-install-<level>.json` beside pip's whole log. Nothing else
writes one: an environment that came about otherwise has none, and says so.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import cast

import msgspec

import gnomon
from gnomon.kit import services
from gnomon.kit.canonical import digest_bytes
from gnomon.kit.errors import Unavailable

MAX_LOG_BYTES = 64 << 20  # of one run; pip writes a few hundred kilobytes


@dataclass(frozen=True, slots=True)
class Installation:
    """`prefix` holds the environment, `locks` the requirements files of today; `path` where packages are looked for.

    Without a `path` packages are found as this very process finds them, which is how model servers are started.
    """

    prefix: Path
    locks: Path
    path: tuple[str, ...] = ()

    def package(self, name: str) -> metadata.Distribution | None:
        found = metadata.distributions(name=name, path=list(self.path)) if self.path else _own(name)
        return next(iter(found), None)

    def version(self, name: str) -> str | None:
        found = self.package(name)
        return found.version if found else None


class _Written(msgspec.Struct, forbid_unknown_fields=True):
    lock: str
    lock_sha256: str
    exit_code: int
    started: str
    finished: str
    log: str
    log_sha256: str


@dataclass(frozen=True, slots=True)
class PipRun:
    """One run of pip, as written down. `problem` says why it proves nothing; `pins` are its lock's, by plain name."""

    level: str
    lock: str
    lock_sha256: str
    exit_code: int
    started: str
    finished: str
    log: bytes
    pins: dict[str, str]
    problem: str = ""


def current() -> Installation:
    """The environment of this process; tests wire their own as the service `installation`."""
    try:
        return cast(Installation, services.get("installation"))
    except Unavailable:
        return Installation(Path(sys.prefix), Path(gnomon.__file__).parents[2] / "requirements")


def pip_runs(installation: Installation) -> list[PipRun]:
    """Every run that was written down, by level; one whose papers do not fit together has a `problem`."""
    found = sorted(installation.prefix.glob("gnomon-install-*.json"))
    return [_run(installation, path, path.stem.removeprefix("gnomon-install-")) for path in found]


def plain(name: str) -> str:
    """A distribution's name in the form in which two spellings of it are equal."""
    return name.lower().replace("_", "-").replace(".", "-")


def _own(name: str) -> Iterator[metadata.Distribution]:
    try:
        yield metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return


def _run(installation: Installation, path: Path, level: str) -> PipRun:
    try:
        written = msgspec.json.decode(path.read_bytes(), type=_Written)
    except (OSError, ValueError, msgspec.DecodeError) as error:
        return PipRun(level, "", "", 1, "", "", b"", {}, problem=f"{path.name} cannot be read: {error}")
    lock = installation.locks / Path(written.lock).name
    log = installation.prefix / Path(written.log).name
    text = lock.read_bytes() if lock.is_file() else b""
    told = log.read_bytes() if log.is_file() and log.stat().st_size <= MAX_LOG_BYTES else b""
    return PipRun(
        level,
        written.lock,
        written.lock_sha256,
        written.exit_code,
        written.started,
        written.finished,
        told,
        _pins(text.decode(errors="replace")),
        problem=_problem(written, text, told),
    )


def _problem(written: _Written, lock: bytes, log: bytes) -> str:
    if written.exit_code != 0:
        return f"pip ended with {written.exit_code}"
    if not lock:
        return f"the requirements file {written.lock} is not there"
    if digest_bytes(lock) != written.lock_sha256:
        return f"{written.lock} is not the file that was installed"
    if not log:
        return f"pip's log {written.log} is not there, or past {MAX_LOG_BYTES} bytes"
    return "" if digest_bytes(log) == written.log_sha256 else f"pip's log {written.log} was changed"


def _pins(text: str) -> dict[str, str]:
    """`name==version` of every line of a requirements file that begins with one."""
    pins = {}
    for line in text.splitlines():
        name, pinned, rest = line.partition("==")
        if pinned and not line.startswith((" ", "#")):
            pins[plain(name.split("[")[0].strip())] = rest.split()[0].rstrip("\\;") if rest.split() else ""
    return pins
