"""One parent process: starts the roles, starts again what dies, keeps the model servers as desired, ends them all.

The desired model servers stand in `<home>/run/desired.json`, written by deployments; the supervisor reconciles it
several times a second. systemd or Kubernetes may run the same roles instead.
"""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from gnomon.app.process import SUPERVISED
from gnomon.kit import log
from gnomon.kit.errors import Conflict
from gnomon.kit.settings import Settings

_log = log.get(__name__)
GRACE_S = 15.0  # in-flight requests may end
BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # waits before the first, second ... start again
STEADY_S = 30.0  # a role that lived this long starts again without waiting
TICK_S = 0.25
_MODEL = "model:"


@dataclass(slots=True)
class Role:
    """One child: how to start it, and how it has fared."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: int = 0
    quick_deaths: int = 0  # in a row, each before the role was steady
    next_start: float = 0.0
    kill_at: float = 0.0
    environment: dict[str, str] = field(default_factory=dict)
    waits_for: tuple[str, int] | None = None  # not started before somebody listens at this host and port

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """`run` returns when asked to stop and every child has ended. One thread; only one per home folder."""

    def __init__(self, settings: Settings, *, roles: Sequence[Role] | None = None) -> None:
        self._settings = settings
        self._home = settings.home
        self._roles = {role.name: role for role in (platform_roles(settings) if roles is None else roles)}
        self._leaving: list[Role] = []
        self._stop = threading.Event()
        self._told = ""
        self._problems: dict[str, str] = {}
        (self._home / "run").mkdir(parents=True, exist_ok=True)
        (self._home / "log").mkdir(parents=True, exist_ok=True)

    def run(self) -> None:
        """Raises Conflict when another supervisor keeps this home folder."""
        with _alone(self._home):
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: self._stop.set())
            try:
                while not self._stop.is_set():
                    self.tick()
                    self._stop.wait(TICK_S)
            finally:
                self.end()

    def tick(self) -> None:
        """Look once: what is desired, who died, who is due; never waits for a child."""
        self._reconcile()
        self._see_off()
        for role in self._roles.values():
            self._keep(role)
        self._write_status()

    def end(self) -> None:
        """Every child has ended: first those who ask, then those who answer them, last the collector.

        A gateway drains while its model servers still answer; what the others still spooled is stored.
        """
        askers = [role for name, role in self._roles.items() if name != "collector" and not name.startswith(_MODEL)]
        _end(askers)
        _end([*self._leaving, *(role for name, role in self._roles.items() if name.startswith(_MODEL))])
        _end([role for name, role in self._roles.items() if name == "collector"])
        self._leaving.clear()
        _status_file(self._home).unlink(missing_ok=True)

    # ---------------------------------------------------------------- model servers

    def _reconcile(self) -> None:
        found = self._desired()
        if found is None:
            return
        wanted = {role.name: role for role in found}
        for name in [name for name in self._roles if name.startswith(_MODEL) and name not in wanted]:
            self._dismiss(self._roles.pop(name))
        for name, role in wanted.items():
            have = self._roles.get(name)
            if have and have.command == role.command:
                continue
            if have:
                self._dismiss(have)
            self._roles[name] = role

    def _desired(self) -> list[Role] | None:
        """None, and what runs goes on, while the file cannot be read: one bad file must not end the platform."""
        try:
            found = model_server_roles(self._settings)
        except (OSError, ValueError, KeyError, TypeError) as error:
            self._complain("desired_state_unreadable", f"{type(error).__name__}: {error}")
            return None
        self._problems.pop("desired_state_unreadable", None)
        return found

    def _dismiss(self, role: Role) -> None:
        if role.is_alive:
            assert role.process is not None
            role.process.terminate()
            role.kill_at = time.monotonic() + GRACE_S
            self._leaving.append(role)

    def _see_off(self) -> None:
        now = time.monotonic()
        self._leaving = [role for role in self._leaving if role.is_alive]
        for role in self._leaving:
            if now >= role.kill_at:
                _kill(role)

    # ---------------------------------------------------------------- every role

    def _keep(self, role: Role) -> None:
        if role.is_alive:
            return
        now = time.monotonic()
        if role.process:
            self._note_death(role, now, exit=role.process.returncode)
        # One that leaves under this name still holds the port.
        free = all(other.name != role.name for other in self._leaving)
        if now >= role.next_start and free and (role.waits_for is None or _listens(*role.waits_for)):
            self._start(role, now)

    def _note_death(self, role: Role, now: float, **why: object) -> None:
        role.process = None
        role.deaths += 1
        role.quick_deaths = 0 if now - role.started > STEADY_S else role.quick_deaths + 1
        wait_s = BACKOFF_S[min(role.quick_deaths, len(BACKOFF_S)) - 1] if role.quick_deaths else 0.0
        role.next_start = now + wait_s
        _log.warning("role_ended", role=role.name, starts_again_in_s=wait_s, **why)

    def _start(self, role: Role, now: float) -> None:
        environment = os.environ | role.environment | {SUPERVISED: str(os.getpid()), "GNOMON_HOME": str(self._home)}
        role.started = now
        try:
            with (self._home / "log" / f"{role.name.replace(':', '-')}.log").open("ab") as output:
                role.process = subprocess.Popen(
                    role.command,
                    env=environment,
                    stdout=output,
                    stderr=output,
                    stdin=subprocess.DEVNULL,
                    process_group=0,  # Ctrl C reaches the supervisor alone, which then ends all in order
                )
        except OSError as error:
            self._note_death(role, now, error=str(error))
            return
        _log.info("role_started", role=role.name, pid=role.process.pid)

    def _write_status(self) -> None:
        roles = {
            role.name: {"pid": role.process.pid if role.process else None, "deaths": role.deaths}
            for role in self._roles.values()
        }
        text = json.dumps({"pid": os.getpid(), "born": psutil.Process().create_time(), "roles": roles})
        if text == self._told:
            return
        path = _status_file(self._home)
        draft = path.with_suffix(".part")
        try:
            draft.write_text(text)
            draft.rename(path)
        except OSError as error:  # a full disk must not end the platform
            self._complain("status_not_written", str(error))
        else:
            self._told = text

    def _complain(self, event: str, problem: str) -> None:
        """Log a problem once, not at every look."""
        if self._problems.get(event) != problem:
            _log.error(event, problem=problem)
        self._problems[event] = problem


def platform_roles(settings: Settings) -> list[Role]:
    """The roles that every installation runs."""
    home = ["--home", str(settings.home)]
    roles = [
        Role("collector", _python("gnomon.app.collector", *home)),
        Role("control", _python("gnomon.app.control")),
        # The control plane brings the tables up to date; and until it answers, the processor is the console's.
        Role("worker", _python("gnomon.app.worker"), waits_for=(settings.host, settings.control_port)),
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
            *_gateway_options(settings),
        )
        # In the environment, not among the arguments: everybody on the machine reads those, and it may hold a password.
        roles.append(Role(f"gateway-{number}", gateway, environment={"GNOMON_LIMITS_URL": settings.limits_url}))
    return roles


def _gateway_options(settings: Settings) -> list[str]:
    given = {
        "--tls-cert": settings.gateway_tls_cert,
        "--tls-key": settings.gateway_tls_key,
        "--trusted-proxies": settings.trusted_proxies,
    }
    return [word for option, value in given.items() if value for word in (option, value)]


def model_server_roles(settings: Settings) -> list[Role]:
    """The model servers that deployments wants, each `{id, model_dir, port, served_name, adapters_dir}`.

    Raises OSError, ValueError, KeyError or TypeError when the file is not of that shape.
    """
    path = settings.home / "run" / "desired.json"
    if not path.exists():
        return []
    desired: dict[str, Any] = json.loads(path.read_text())
    return [
        Role(
            f"{_MODEL}{server['id']}",
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


def status(home: Path) -> dict[str, Any]:
    """What the supervisor of `home` last wrote, or an empty dict when none runs."""
    try:
        found: dict[str, Any] = json.loads(_status_file(home).read_text())
        process = psutil.Process(found["pid"])
        # The number may belong to another process by now, or to one that is dead and not yet reaped.
        if process.status() == psutil.STATUS_ZOMBIE or abs(process.create_time() - found["born"]) > 1:
            return {}
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return {}
    return found


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Two supervisors would start every role twice; the lock falls with the process that holds it."""
    with (home / "run" / "supervisor.lock").open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(f"平台已在运行 / it is running already: {home}", next_step="gnomon status") from error
        yield


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=0.2).close()
    except OSError:
        return False
    return True


def _status_file(home: Path) -> Path:
    return home / "run" / "supervisor.json"


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


def _end(roles: Iterable[Role]) -> None:
    alive = [role for role in roles if role.is_alive]
    for role in alive:
        assert role.process is not None
        role.process.terminate()
    deadline = time.monotonic() + GRACE_S
    for role in alive:
        assert role.process is not None
        try:
            role.process.wait(timeout=max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            _kill(role)
            role.process.wait()


def _kill(role: Role) -> None:
    assert role.process is not None
    _log.warning("role_killed", role=role.name)
    role.process.kill()


def main() -> None:
    settings = Settings()
    log.configure(settings.log_level, role="supervisor")
    Supervisor(settings).run()


if __name__ == "__main__":
    main()
