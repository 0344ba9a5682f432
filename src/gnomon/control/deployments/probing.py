"""Looks at the machine it runs on: what is really there. What cannot be looked at is None, not a guess."""

import os
import platform
import shutil
import socket
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psutil

GIB = 1024**3
COMMAND_TIMEOUT_S = 10.0


def look(
    *, home: Path, ports: Iterable[int], packages: dict[str, str | None], host: str = "127.0.0.1"
) -> dict[str, Any]:
    """The facts that `rules.mismatches` compares; sizes in GiB, rounded to one decimal.

    `packages` are the versions of the environment that the model server will run in, None for what is not there.
    """
    return {
        "os": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "python": platform.python_version(),
        "cpu_cores": len(os.sched_getaffinity(0)),
        "cpu_flags": _cpu_flags(),
        "memory_gb": round(psutil.virtual_memory().total / GIB, 1),
        "memory_available_gb": round(psutil.virtual_memory().available / GIB, 1),
        "disk_free_gb": round(shutil.disk_usage(home).free / GIB, 1),
        "ports_taken": [port for port in ports if not _is_free(host, port)],
        "packages": packages,
        "fonts": _fonts(),
        "containers": [name for name in ("docker", "podman", "containerd", "nerdctl") if shutil.which(name)],
        "gpus": _gpus(),
    }


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _cpu_flags() -> list[str] | None:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    names = ("flags", "Features")  # x86 and ARM
    found = next((line for line in lines if line.split(":")[0].strip() in names), None)
    return sorted(found.partition(":")[2].split()) if found else None


def _fonts() -> list[str] | None:
    """Font families that fontconfig knows."""
    text = _output(["fc-list", ":", "family"])
    if text is None:
        return None
    return sorted({name.strip() for line in text.splitlines() for name in line.split(",") if name.strip()})


def _gpus() -> list[dict[str, Any]] | None:
    """GPUs as nvidia-smi tells; an empty list on a machine without the driver."""
    if shutil.which("nvidia-smi") is None:
        return []
    asked = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits"]
    text = _output(asked)
    if text is None:
        return None
    gpus = []
    for line in text.strip().splitlines():
        name, memory_mib, driver = (part.strip() for part in line.split(","))
        gpus.append({"name": name, "memory_gb": round(float(memory_mib) / 1024, 1), "driver": driver})
    return gpus


def _output(command: list[str]) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
