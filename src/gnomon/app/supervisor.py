"""One parent process: starts the roles, starts again what dies, keeps the model servers as desired, ends them all.

The desired model servers stand in `<home>/run/desired.json`, written by deployments; the supervisor reconciles it
twice a second. systemd or Kubernetes may run the same roles instead.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from gnomon.kit import log
from gnomon.kit.settings import Settings

_log = log.get(__name__)
GRACE_S = 15.0  # in-flight requests may end
BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # waits before the first, second ... start again
STEADY_S = 30.0  # a role that lived this long starts again without waiting


@dataclass(slots=True)
class Role:
    """One child: how to start it, and how it has fared."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: int = 0
    next_start: float = 0.0
    environment: dict[str, str] = field(default_factory=dict)


class Supervisor:
    """`run` returns when asked to stop and every child has ended."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._home = settings.home
        self._roles = {role.name: role for role in platform_roles(settings)}
        self._stop = threading.Event()
        (self._home / "run").mkdir(parents=True, exist_ok=True)
        (self._home / "log").mkdir(parents=True, exist_ok=True)

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        try:
            while not self._stop.is_set():
                self._reconcile()
                for role in self._roles.values():
                    self._keep(role)
                self._write_status()
                self._stop.wait(0.25)
        finally:
            self._end_all()

    def _reconcile(self) -> None:
        wanted = {role.name: role for role in model_server_roles(self._settings)}
        for name in [name for name in self._roles if name.startswith("model:") and name not in wanted]:
            _end([self._roles.pop(name)])
        for name, role in wanted.items():
            have = self._roles.get(name)
            if have is None or have.command != role.command:
                if have:
                    _end([have])
                self._roles[name] = role

    def _keep(self, role: Role) -> None:
        now = time.monotonic()
        if role.process and role.process.poll() is None:
            return
        if role.process:
            self._note_death(role, now)
        if now >= role.next_start:
            self._start(role, now)

    def _note_death(self, role: Role, now: float) -> None:
        assert role.process is not None
        code = role.process.returncode
        role.process = None
        role.deaths = 0 if now - role.started > STEADY_S else role.deaths + 1
        role.next_start = now + BACKOFF_S[min(role.deaths, len(BACKOFF_S) - 1)]
        _log.warning("role_ended", role=role.name, exit=code, starts_again_in_s=round(role.next_start - now, 1))

    def _start(self, role: Role, now: float) -> None:
        environment = os.environ | role.environment | {"GNOMON_SUPERVISED": "1", "GNOMON_HOME": str(self._home)}
        output: IO[bytes]
        with (self._home / "log" / f"{role.name.replace(':', '-')}.log").open("ab") as output:
            role.process = subprocess.Popen(
                role.command, env=environment, stdout=output, stderr=output, stdin=subprocess.DEVNULL
            )
        role.started = now
        _log.info("role_started", role=role.name, pid=role.process.pid)

    def _write_status(self) -> None:
        status = {
            "pid": os.getpid(),
            "roles": {
                role.name: {"pid": role.process.pid if role.process else None, "deaths": role.deaths}
                for role in self._roles.values()
            },
        }
        path = self._home / "run" / "supervisor.json"
        text = json.dumps(status)
        if not path.exists() or path.read_text() != text:
            draft = path.with_suffix(".part")
            draft.write_text(text)
            draft.rename(path)

    def _end_all(self) -> None:
        # The collector goes last, so that what the others still spooled is stored.
        first = [role for role in self._roles.values() if role.name != "collector"]
        _end(first)
        _end([role for role in self._roles.values() if role.name == "collector"])
        (self._home / "run" / "supervisor.json").unlink(missing_ok=True)


def platform_roles(settings: Settings) -> list[Role]:
    """The roles that every installation runs."""
    home = ["--home", str(settings.home)]
    roles = [
        Role("collector", _python("gnomon.app.collector", *home)),
        Role("control", _python("gnomon.app.control")),
        Role("worker", _python("gnomon.app.worker")),
    ]
    for number in range(1, settings.gateway_workers + 1):
        gateway = _python(
            "gnomon.app.gateway",
            *home,
            "--host",
            settings.host,
            "--port",
            str(settings.gateway_port),
            "--name",
            f"gateway-{number}",
        )
        roles.append(Role(f"gateway-{number}", gateway))
    return roles


def model_server_roles(settings: Settings) -> list[Role]:
    """The model servers that deployments wants, each `{id, model_dir, port, served_name, adapters_dir}`."""
    path = settings.home / "run" / "desired.json"
    if not path.exists():
        return []
    desired: dict[str, Any] = json.loads(path.read_text())
    return [
        Role(
            f"model:{server['id']}",
            _python(
                "gnomon.app.modelserver",
                "--model",
                server["model_dir"],
                "--port",
                str(server["port"]),
                "--served-name",
                server["served_name"],
                "--adapters",
                server["adapters_dir"],
            ),
        )
        for server in desired["model_servers"]
    ]


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


def _end(roles: list[Role]) -> None:
    alive = [role for role in roles if role.process and role.process.poll() is None]
    for role in alive:
        assert role.process is not None
        role.process.terminate()
    deadline = time.monotonic() + GRACE_S
    for role in alive:
        assert role.process is not None
        try:
            role.process.wait(timeout=max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            _log.warning("role_killed", role=role.name)
            role.process.kill()
            role.process.wait()
        role.process = None


def status(home: Path) -> dict[str, Any]:
    """What the supervisor last wrote, or an empty dict when none runs."""
    path = home / "run" / "supervisor.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    try:
        os.kill(found["pid"], 0)
    except ProcessLookupError:
        return {}
    return found


def main() -> None:
    settings = Settings()
    log.configure(settings.log_level, role="supervisor")
    Supervisor(settings).run()


if __name__ == "__main__":
    main()
