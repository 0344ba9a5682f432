"""The supervisor starts, starts again, follows what deployments want, and leaves nobody behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from gnomon.app import process, supervisor
from gnomon.app.supervisor import BACKOFF_S, GRACE_S, STEADY_S, Role, Supervisor, status
from gnomon.kit.errors import Conflict
from gnomon.kit.settings import Settings

SLEEP = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code, *arguments]


def sleepers(*names: str) -> list[Role]:
    return [Role(name, python(SLEEP)) for name in names]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The supervisor's clock, moved by hand."""
    now = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(supervisor, "time", SimpleNamespace(monotonic=lambda: now.now))
    return now


@pytest.fixture
def keep(tmp_path: Path) -> Iterator[Callable[..., Supervisor]]:
    """Makes supervisors whose children are ended with the test."""
    made: list[Supervisor] = []

    def make(*roles: Role) -> Supervisor:
        made.append(Supervisor(Settings(home=tmp_path), roles=roles))
        return made[-1]

    yield make
    for one in made:
        for role in [*one._roles.values(), *one._leaving]:
            if role.process:
                role.process.kill()
                role.process.wait()


def pid(role: Role) -> int:
    assert role.process is not None
    return role.process.pid


def die(role: Role) -> None:
    assert role.process is not None
    role.process.kill()
    role.process.wait()


def until(true: Callable[[], object], *, within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


# ---------------------------------------------------------------- starting


def test_every_role_is_started_and_its_words_are_kept(keep: Callable[..., Supervisor], tmp_path: Path) -> None:
    speaker = Role("gateway-1", python("print('hello', flush=True); " + SLEEP))
    one = keep(*sleepers("collector"), speaker)
    one.tick()
    told = status(tmp_path)
    assert told["pid"] == os.getpid()
    assert told["roles"]["gateway-1"] == {"pid": pid(speaker), "deaths": 0}
    until(lambda: (tmp_path / "log" / "gateway-1.log").read_text() == "hello\n")
    assert os.getpgid(pid(speaker)) == pid(speaker), "Ctrl C at the terminal does not reach it"


def test_the_roles_of_an_installation_are_modules_that_exist(tmp_path: Path) -> None:
    from importlib.util import find_spec

    roles = supervisor.platform_roles(Settings(home=tmp_path, gateway_workers=2))
    assert [role.name for role in roles] == ["collector", "control", "worker", "gateway-1", "gateway-2"]
    assert all(find_spec(role.command[2]) for role in roles)


def test_a_role_that_cannot_be_started_does_not_end_the_others(keep: Callable[..., Supervisor], tmp_path: Path) -> None:
    good = sleepers("collector")[0]
    one = keep(Role("worker", [str(tmp_path / "absent")]), good)
    one.tick()
    assert good.is_alive
    assert status(tmp_path)["roles"]["worker"] == {"pid": None, "deaths": 1}


def test_a_role_that_waits_for_another_is_not_started_before_that_one_listens(keep: Callable[..., Supervisor]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        address = door.getsockname()
    late = Role("worker", python(SLEEP), waits_for=address)
    one = keep(late)
    one.tick()
    assert not late.is_alive
    with socket.create_server(address):
        one.tick()
    assert late.is_alive


# ---------------------------------------------------------------- starting again


def test_a_role_that_dies_again_and_again_waits_longer_each_time(
    keep: Callable[..., Supervisor], clock: SimpleNamespace
) -> None:
    (role,) = sleepers("worker")
    one = keep(role)
    one.tick()
    for wait_s in BACKOFF_S:
        before = pid(role)
        die(role)
        one.tick()
        clock.now += wait_s - 0.01
        one.tick()
        assert not role.is_alive, f"started before {wait_s} s"
        clock.now += 0.02
        one.tick()
        assert role.is_alive
        assert pid(role) != before


def test_a_role_that_was_steady_starts_again_at_once_and_its_death_counts(
    keep: Callable[..., Supervisor], clock: SimpleNamespace, tmp_path: Path
) -> None:
    (role,) = sleepers("worker")
    one = keep(role)
    for _ in range(2):
        one.tick()
        clock.now += STEADY_S + 1
        die(role)
    one.tick()
    assert role.is_alive
    assert status(tmp_path)["roles"]["worker"]["deaths"] == 2


# ---------------------------------------------------------------- model servers


@pytest.fixture
def desire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Writes desired.json; model servers are children that only sleep, with the real arguments."""
    monkeypatch.setattr(supervisor, "_python", lambda module, *arguments: python(SLEEP, module, *arguments))
    (tmp_path / "run").mkdir()

    def write(**ports: int) -> None:
        servers = [
            {"id": id, "model_dir": f"/m/{id}", "port": port, "served_name": "base", "adapters_dir": "/a"}
            for id, port in ports.items()
        ]
        (tmp_path / "run" / "desired.json").write_text(json.dumps({"model_servers": servers}))

    return write


def test_model_servers_follow_the_desired_state(
    keep: Callable[..., Supervisor], desire: Callable[..., None], tmp_path: Path
) -> None:
    one = keep(*sleepers("collector"))
    desire(a=9001, b=9002)
    one.tick()
    a, b = one._roles["model:a"], one._roles["model:b"]
    assert a.command[-9:] == [
        "gnomon.app.modelserver",
        *("--model", "/m/a", "--port", "9001", "--served-name", "base", "--adapters", "/a"),
    ]
    assert a.is_alive
    desire(b=9002)
    one.tick()
    until(lambda: not a.is_alive)
    assert b is one._roles["model:b"], "who is still wanted goes on"
    assert b.is_alive
    desire(b=9003)
    one.tick()
    until(lambda: not b.is_alive)
    one.tick()
    changed = one._roles["model:b"]
    assert changed.is_alive
    assert "9003" in changed.command
    assert set(status(tmp_path)["roles"]) == {"collector", "model:b"}
    desire()
    one.tick()
    until(lambda: not changed.is_alive)
    assert set(status(tmp_path)["roles"]) == {"collector"}


def test_a_changed_server_starts_when_the_old_one_is_gone_and_nobody_waits_for_it(
    keep: Callable[..., Supervisor], desire: Callable[..., None], clock: SimpleNamespace, tmp_path: Path
) -> None:
    stubborn = Role("model:a", python(STUBBORN))
    (other,) = sleepers("worker")
    one = keep(stubborn, other)
    one._roles["model:a"] = stubborn
    one._start(stubborn, clock.now)
    until(lambda: "up" in (tmp_path / "log" / "model-a.log").read_text())
    desire(a=9001)
    began = time.monotonic()
    one.tick()
    assert time.monotonic() - began < 2, "a look never waits for a child"
    assert stubborn.is_alive
    assert other.is_alive
    assert not one._roles["model:a"].is_alive, "the old one still holds the port"
    clock.now += GRACE_S + 1
    one.tick()
    until(lambda: not stubborn.is_alive)
    one.tick()
    assert one._roles["model:a"].is_alive


@pytest.mark.parametrize("text", ["", "{", "[]", '{"model_servers": [{"id": "a"}]}', '{"model_servers": 3}'])
def test_an_unreadable_desired_state_changes_nothing(
    keep: Callable[..., Supervisor], desire: Callable[..., None], tmp_path: Path, text: str
) -> None:
    one = keep(*sleepers("collector"))
    desire(a=9001)
    one.tick()
    (tmp_path / "run" / "desired.json").write_text(text)
    one.tick()
    one.tick()
    assert one._roles["model:a"].is_alive
    assert one._roles["collector"].is_alive


# ---------------------------------------------------------------- the end


LAST_WORDS = """
import signal, sys, time
name, path, slow = sys.argv[1], sys.argv[2], float(sys.argv[3])
def leave(*_):
    time.sleep(slow)
    open(path, "a").write(name + "\\n")
    sys.exit()
signal.signal(signal.SIGTERM, leave)
print("up", flush=True)
time.sleep(60)
"""


def test_those_who_ask_end_first_then_the_model_servers_and_the_collector_last(
    keep: Callable[..., Supervisor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = tmp_path / "ended"
    slow = {"gateway-1": 0.15, "worker": 0.0, "model:a": 0.1, "collector": 0.0}
    roles = [Role(name, python(LAST_WORDS, name, str(ended), str(s))) for name, s in slow.items()]
    monkeypatch.setattr(supervisor, "model_server_roles", lambda _: [roles[2]])
    one = keep(*roles)
    one.tick()
    until(lambda: all((tmp_path / "log" / f"{n.replace(':', '-')}.log").read_text() for n in slow))
    one.end()
    assert ended.read_text().split() == ["worker", "gateway-1", "model:a", "collector"]
    assert status(tmp_path) == {}


def test_who_does_not_end_in_time_is_killed(
    keep: Callable[..., Supervisor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "GRACE_S", 0.1)
    stubborn = Role("worker", python(STUBBORN))
    one = keep(stubborn)
    one.tick()
    until(lambda: (tmp_path / "log" / "worker.log").read_text())
    one.end()
    assert not stubborn.is_alive


# ---------------------------------------------------------------- as a process of its own

SUPERVISE = f"""
import sys
from pathlib import Path
from gnomon.app.supervisor import Role, Supervisor
from gnomon.kit.settings import Settings
code = "from gnomon.app.process import begin; begin('child'); print('up', flush=True); " + {SLEEP!r}
roles = [Role(name, [sys.executable, "-c", code]) for name in ("collector", "worker")]
Supervisor(Settings(home=Path(sys.argv[1])), roles=roles).run()
"""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A supervisor with two children that have begun."""
    with subprocess.Popen([sys.executable, "-c", SUPERVISE, str(tmp_path)], stderr=subprocess.DEVNULL) as found:
        try:
            until(lambda: all("up" in log.read_text() for log in logs(tmp_path)) and len(logs(tmp_path)) == 2)
            yield found
        finally:
            found.kill()


def logs(home: Path) -> list[Path]:
    return sorted((home / "log").glob("*.log"))


def test_a_killed_supervisor_takes_its_children_with_it(running: subprocess.Popen[bytes], tmp_path: Path) -> None:
    children = [psutil.Process(role["pid"]) for role in status(tmp_path)["roles"].values()]
    running.kill()
    until(lambda: status(tmp_path) == {})
    gone, alive = psutil.wait_procs(children, timeout=5)
    assert len(gone) == 2, alive


def test_a_supervisor_that_is_asked_to_stop_ends_in_order_and_is_alone_until_then(
    running: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    children = [role["pid"] for role in status(tmp_path)["roles"].values()]
    with pytest.raises(Conflict, match="已在运行"):
        Supervisor(Settings(home=tmp_path), roles=[]).run()
    running.send_signal(signal.SIGTERM)
    assert running.wait(10) == 0
    assert not any(psutil.pid_exists(child) for child in children)
    assert not (tmp_path / "run" / "supervisor.json").exists()


def begun(parent: str) -> subprocess.CompletedProcess[str]:
    code = "from gnomon.app import process; import os; process.begin('x'); print(os.environ[process.SUPERVISED])"
    environment = os.environ | {process.SUPERVISED: parent}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=20)


def test_a_child_that_begins_after_its_supervisor_died_ends(tmp_path: Path) -> None:
    with subprocess.Popen(python("")) as dead:
        pass
    assert begun(str(dead.pid)).returncode == -signal.SIGTERM


def test_a_childs_own_children_end_with_it_not_with_the_supervisor() -> None:
    found = begun(str(os.getpid()))
    assert found.returncode == 0
    assert int(found.stdout) != os.getpid()


# ---------------------------------------------------------------- what status believes


def test_nobody_runs_where_nothing_was_written_or_nonsense(tmp_path: Path) -> None:
    assert status(tmp_path) == {}
    (tmp_path / "run").mkdir()
    for text in ("", "{", "[]", "{}", '{"pid": "x", "born": 1}', '{"pid": -5, "born": 1}'):
        (tmp_path / "run" / "supervisor.json").write_text(text)
        assert status(tmp_path) == {}, text


def test_a_number_that_another_process_has_now_is_not_the_supervisor(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    path = tmp_path / "run" / "supervisor.json"
    born = psutil.Process().create_time()
    path.write_text(json.dumps({"pid": os.getpid(), "born": born - 100, "roles": {}}))
    assert status(tmp_path) == {}
    path.write_text(json.dumps({"pid": os.getpid(), "born": born, "roles": {}}))
    assert status(tmp_path)["pid"] == os.getpid()


def test_a_dead_supervisor_that_nobody_reaped_does_not_run(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    dead = subprocess.Popen(python(SLEEP))
    born = psutil.Process(dead.pid).create_time()
    (tmp_path / "run" / "supervisor.json").write_text(json.dumps({"pid": dead.pid, "born": born, "roles": {}}))
    assert status(tmp_path)["pid"] == dead.pid
    dead.kill()
    until(lambda: status(tmp_path) == {})
    dead.wait()
