"""Looks at this host: processors, memory, disk, graphics card, and the model servers that the supervisor runs."""

import json
import shutil
import socket
import subprocess
from pathlib import Path

import psutil

from gnomon.control.monitoring.schemas import HostUse, ServerUse

LOOK_S = 1.0  # a processor's use is a difference: this long between the two readings
GPU_TIMEOUT_S = 5.0


def sample(home: Path) -> HostUse:
    """What the host does now; takes about a second. `home` is on the disk that is judged."""
    servers = _processes(home)
    for process in servers.values():
        _cpu(process)  # the first reading only starts the clock
    cpu = psutil.cpu_percent(interval=LOOK_S) / 100
    gpu, gpu_memory = read_gpu()
    return HostUse(
        host=socket.gethostname(),
        cpu=min(cpu, 1.0),
        memory=psutil.virtual_memory().percent / 100,
        disk=psutil.disk_usage(str(home)).percent / 100,
        gpu=gpu,
        gpu_memory=gpu_memory,
        servers=tuple(_use(id, process) for id, process in servers.items()),
    )


def read_gpu() -> tuple[float | None, float | None]:
    """(utilisation, memory) of the busiest card, in [0, 1]; None where there is no card or it does not answer."""
    if shutil.which("nvidia-smi") is None:
        return None, None
    command = ["nvidia-smi", "--query-gpu=utilization.gpu,memory.used,memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=GPU_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return None, None
    return parse_gpu(done.stdout)


def parse_gpu(text: str) -> tuple[float | None, float | None]:
    """The busiest of the cards in the tool's answer; a figure that is not a number ("[N/A]") is None."""
    cards = [[_number(part) for part in line.split(",")] for line in text.splitlines() if line.strip()]
    used = [card[0] / 100 for card in cards if len(card) == 3 and card[0] is not None]
    memory = [card[1] / card[2] for card in cards if len(card) == 3 and card[1] is not None and card[2]]
    return max(used, default=None), max(memory, default=None)


def model_servers(home: Path) -> dict[str, int | None]:
    """Process id of each model server that the supervisor keeps; empty where none runs."""
    try:
        status = json.loads((home / "run" / "supervisor.json").read_text())
        roles = status["roles"].items()
    except (OSError, ValueError, KeyError, AttributeError):
        return {}
    return {name.removeprefix("model:"): role.get("pid") for name, role in roles if name.startswith("model:")}


def _processes(home: Path) -> dict[str, psutil.Process | None]:
    return {id: _process(pid) for id, pid in model_servers(home).items()}


def _process(pid: int | None) -> psutil.Process | None:
    try:
        return psutil.Process(pid) if pid else None
    except psutil.Error:
        return None


def _use(id: str, process: psutil.Process | None) -> ServerUse:
    if process is None:
        return ServerUse(id, None, None, None)
    try:
        return ServerUse(id, process.pid, _cpu(process), process.memory_info().rss)
    except psutil.Error:  # it ended while we looked
        return ServerUse(id, process.pid, None, None)


def _cpu(process: psutil.Process | None) -> float | None:
    try:
        return process.cpu_percent() / 100 if process else None
    except psutil.Error:
        return None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
