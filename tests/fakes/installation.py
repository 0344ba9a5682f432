"""A tiny environment as the script `gnomon` would leave it: packages with their records, pip's log, the lock."""

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gnomon.control.deployments.installation import Installation
from gnomon.control.deployments.rules import SERVER_PACKAGES

PINNED = dict.fromkeys(SERVER_PACKAGES, "1.2.3")
LOG = b"Collecting torch==1.2.3\nSuccessfully installed torch-1.2.3\n"


def install(folder: Path, packages: Mapping[str, str] = PINNED, *, recorded: bool = True) -> Installation:
    """An environment under `folder` with these packages, each of one file; with or without pip's papers."""
    site, locks = folder / "site-packages", folder / "requirements"
    for name, version in packages.items():
        _package(site, name, version)
    locks.mkdir(parents=True)
    (locks / "train-cpu.txt").write_text(
        "".join(f"{name}=={version} \\\n    --hash=sha256:00\n" for name, version in packages.items())
    )
    found = Installation(folder, locks, (str(site),))
    if recorded:
        record(found)
    return found


def record(installation: Installation, **changes: Any) -> None:
    """What the script writes after a run of pip, with `changes`."""
    (installation.prefix / "install-train-cpu.log").write_bytes(LOG)
    written = {
        "lock": "train-cpu.txt",
        "lock_sha256": hashlib.sha256((installation.locks / "train-cpu.txt").read_bytes()).hexdigest(),
        "exit_code": 0,
        "started": "2026-03-01T00:00:00Z",
        "finished": "2026-03-01T00:01:00Z",
        "log": "install-train-cpu.log",
        "log_sha256": hashlib.sha256(LOG).hexdigest(),
    }
    (installation.prefix / "gnomon-install-train-cpu.json").write_text(json.dumps(written | changes))


def _package(site: Path, name: str, version: str) -> None:
    info = site / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (site / f"{name}.py").write_bytes(content := f"version = {version!r}\n".encode())
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "INSTALLER").write_text("pip\n")
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    (info / "RECORD").write_text(f"{name}.py,sha256={digest},{len(content)}\n{info.name}/RECORD,,\n")
