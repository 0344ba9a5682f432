"""Are the model server's packages the pinned ones, installed from a lock, and still byte for byte what pip wrote?"""

import base64
import csv
import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import zstandard

from gnomon.contract.verdicts import State
from gnomon.control.deployments import rules
from gnomon.control.deployments.installation import Installation, PipRun, pip_runs, plain
from gnomon.kit.canonical import digest

MAX_PLAIN_BYTES = 1 << 20  # a longer log is kept compressed
SHOWN = 50


@dataclass
class _Found:
    """What reading the packages brought; `altered` are files that are not what pip recorded, or not there."""

    packages: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    files: int = 0
    size: int = 0
    unrecorded: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DependencyCheck:
    """`log` is pip's own, whole, then a line per package as read here; `why` says what keeps `state` from met."""

    state: State
    why: str
    log: bytes
    runs: list[dict[str, Any]]
    lock_sha256: str
    exit_code: int | None  # of pip; None when no run of it was written down
    packages: dict[str, str]
    wrong: list[str]
    altered: list[str]
    files: int
    bytes_read: int

    @property
    def file(self) -> tuple[str, bytes]:
        """The log as it is kept: name and bytes."""
        if len(self.log) <= MAX_PLAIN_BYTES:
            return "install.log", self.log
        return "install.log.zst", zstandard.compress(self.log)


def check(pinned: Mapping[str, str], installation: Installation) -> DependencyCheck:
    """Every pinned package's version is compared and every file of it read again. Minutes on a slow disk."""
    found = _read_packages(pinned, installation)
    runs = pip_runs(installation)
    used = [run for run in runs if not run.problem and any(_pins(run, *each) for each in pinned.items())]
    failed = [run for run in runs if run.problem and (not run.pins or any(plain(name) in run.pins for name in pinned))]
    missing = [each[0] for each in sorted(pinned.items()) if not any(_pins(run, *each) for run in used)]
    state, why = _verdict(found, used=used, failed=failed, missing=missing)
    shown = used if used and not missing else used + failed
    return DependencyCheck(
        state=state,
        why=why,
        log=_log(shown, found, why),
        runs=[_told(run) for run in shown],
        lock_sha256=_one_digest(shown),
        exit_code=max((run.exit_code for run in shown), default=None),
        packages=found.packages,
        wrong=found.wrong,
        altered=found.altered[:SHOWN],
        files=found.files,
        bytes_read=found.size,
    )


def _verdict(
    found: _Found, *, used: Sequence[PipRun], failed: Sequence[PipRun], missing: Sequence[str]
) -> tuple[State, str]:
    if found.wrong:
        return State.NOT_MET, f"not as pinned: {', '.join(found.wrong)}"
    if found.altered:
        return State.NOT_MET, f"{len(found.altered)} files are not what was installed, the first is {found.altered[0]}"
    if missing and failed:
        return State.NOT_MET, "; ".join(f"{run.level}: {run.problem}" for run in failed)
    if missing:
        lacking = "no run of pip is written down" if not used else f"no recorded run of pip pins {', '.join(missing)}"
        return State.NOT_MEASURED, f"{lacking}: the packages were installed by other means"
    if found.unrecorded:
        return State.NOT_MEASURED, f"no list of files came with {', '.join(found.unrecorded)}"
    return State.MET, ""


def _pins(run: PipRun, name: str, version: str) -> bool:
    """Whether the run's lock names this version; a local build tag may stand on either side alone."""
    locked = run.pins.get(plain(name))
    return locked is not None and (rules.same_version(locked, version) or rules.same_version(version, locked))


def _read_packages(pinned: Mapping[str, str], installation: Installation) -> _Found:
    found = _Found()
    for name, wanted in sorted(pinned.items()):
        package = installation.package(name)
        if package is None:
            found.wrong.append(name)
            found.lines.append(f"{name}: pinned {wanted}, not installed")
            continue
        found.packages[name] = package.version
        fits = rules.same_version(wanted, package.version)
        if not fits:
            found.wrong.append(name)
        files = _read_files(name, package, found)
        installer = (package.read_text("INSTALLER") or "unknown").strip()
        verdict = "ok" if fits else "WRONG VERSION"
        found.lines.append(f"{name}: pinned {wanted}, found {package.version}, by {installer}, {files}: {verdict}")
    found.lines.append(f"{len(pinned) - len(found.wrong)} of {len(pinned)} packages are as pinned")
    found.lines.append(f"{found.files} files, {found.size} bytes read, {len(found.altered)} altered")
    found.lines += [f"ALTERED {line}" for line in found.altered]
    return found


def _read_files(name: str, package: metadata.Distribution, found: _Found) -> str:
    """Every file that the package's RECORD gives a digest for is read and compared."""
    record = package.read_text("RECORD")
    rows = [row for row in csv.reader((record or "").splitlines()) if len(row) >= 2 and row[1]]
    if not rows:
        found.unrecorded.append(name)
        return "no record of files"
    for row in rows:
        path, (algorithm, _, wanted) = Path(str(package.locate_file(row[0]))), row[1].partition("=")
        found.files += 1
        try:
            with path.open("rb") as file:
                seen = hashlib.file_digest(file, algorithm).digest()
                found.size += file.tell()
        except (OSError, ValueError) as error:
            found.altered.append(f"{name}: {row[0]}: {type(error).__name__}")
            continue
        if base64.urlsafe_b64encode(seen).rstrip(b"=").decode() != wanted.rstrip("="):
            found.altered.append(f"{name}: {row[0]}: another digest")
    return f"{len(rows)} files"


def _log(runs: Sequence[PipRun], found: _Found, why: str) -> bytes:
    heads = [f"== pip, {run.lock}, {run.started} to {run.finished}, exit {run.exit_code}\n" for run in runs]
    parts = [head.encode() + run.log for head, run in zip(heads, runs, strict=True)]
    own = "its own" if sys.prefix != sys.base_prefix else "the system"
    tail = [f"== read again by python {sys.version.split()[0]} in {own} environment", *found.lines]
    if why:
        tail.append(f"not proved: {why}")
    return b"\n".join([*parts, ("\n".join(tail) + "\n").encode()])


def _told(run: PipRun) -> dict[str, Any]:
    return {
        "level": run.level,
        "lock": run.lock,
        "lock_sha256": run.lock_sha256,
        "exit_code": run.exit_code,
        "started": run.started,
        "finished": run.finished,
        "problem": run.problem,
    }


def _one_digest(runs: Sequence[PipRun]) -> str:
    """The lock's, or one over those of several locks; "" without any."""
    if len(runs) == 1:
        return runs[0].lock_sha256
    return digest({run.level: run.lock_sha256 for run in runs}) if runs else ""
