"""What somebody meets at the first start, at a wrong one, and at the end: clear lines, never a trace."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gnomon.kit.settings import Settings
from tests.journeys.installation import Installation, environment, free_ports, gnomon, processes_of, short_home, until

pytestmark = pytest.mark.journey


@pytest.fixture
def settings() -> Iterator[Settings]:
    """A home of its own; whatever a failed test left running there is killed."""
    control, gateway = free_ports(2)
    found = Settings(home=short_home(), control_port=control, gateway_port=gateway)
    yield found
    for process in processes_of(found.home):
        process.kill()
    shutil.rmtree(found.home, ignore_errors=True)


def up(settings: Settings, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "gnomon.cli.main", "up"],
            env=os.environ | environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,  # as at a terminal of its own
        )


def ready(settings: Settings) -> bool:
    try:
        return all(
            httpx.get(f"{url}/livez", timeout=2).is_success for url in (settings.control_url, settings.gateway_url)
        )
    except httpx.TransportError:
        return False


def assert_clear(told: subprocess.CompletedProcess[str], *words: str) -> None:
    """One problem, one next step, exit 1."""
    assert told.returncode == 1, told.stdout
    assert "Traceback" not in told.stderr
    lines = told.stderr.strip().splitlines()
    assert len(lines) == 2, told.stderr
    assert lines[0].startswith("gnomon: ")
    assert lines[1].strip().startswith("→")
    assert all(word in told.stderr for word in words), told.stderr


def test_interrupt_ends_everything_in_a_few_seconds(settings: Settings, tmp_path: Path) -> None:
    log = tmp_path / "up.log"
    process = up(settings, log)
    until("the platform answers", lambda: ready(settings), within_s=60)
    told = until("the one-time link", lambda: re.search(r"invitation\?token=\S+", log.read_text()))
    assert told
    until("every role runs", lambda: len(processes_of(settings.home)) >= 5)  # the worker waits for the control plane
    os.killpg(process.pid, signal.SIGINT)  # Ctrl C reaches the whole foreground group
    begun = time.monotonic()
    assert process.wait(timeout=30) == 0
    assert time.monotonic() - begun < 15, "a few seconds, even on a busy machine"
    assert processes_of(settings.home) == []
    assert not (settings.home / "run" / "supervisor.json").exists()
    assert "Traceback" not in log.read_text() + "".join(
        path.read_text(errors="replace") for path in (settings.home / "log").iterdir()
    )


def test_a_taken_port_is_one_clear_line(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", settings.gateway_port)):
        told = gnomon(settings, "up")
    assert_clear(told, str(settings.gateway_port), "port_taken", "GNOMON_GATEWAY_PORT")
    assert processes_of(settings.home) == []


def test_a_second_start_on_the_same_home_is_refused_and_harms_nothing(house: Installation) -> None:
    before = house.roles()
    other_ports = Settings(home=house.home, control_port=free_ports(1)[0], gateway_port=free_ports(1)[0])
    for settings in (house.settings, other_ports):
        assert_clear(gnomon(settings, "up"), "it is running already", "gnomon status")
    assert house.roles() == before
    shown = gnomon(house.settings, "status")
    assert shown.returncode == 0
    assert str(before["control"]) in shown.stdout


def test_a_home_that_cannot_be_used_is_one_clear_error(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    for home in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/gnomon")):
        assert_clear(gnomon(settings, "up", GNOMON_HOME=str(home)), str(home), "home_unusable")


# No mode of a folder keeps root out; the test above shows the same error for root, on what nobody can make.
@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_home_without_permission_is_one_clear_error(settings: Settings, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o000)
    assert_clear(gnomon(settings, "up", GNOMON_HOME=str(locked)), "home_unusable")


def test_a_database_that_is_none_is_one_clear_error(settings: Settings) -> None:
    (settings.home / "control.sqlite").write_bytes(b"this is not a database" * 100)
    assert_clear(gnomon(settings, "up"), "control.sqlite", "database_unusable")


def test_nothing_running_is_said_so(settings: Settings) -> None:
    assert_clear(gnomon(settings, "status"), "the platform is not running", "gnomon up")


def test_the_doctor_exits_0_only_if_nothing_is_missing(settings: Settings) -> None:
    told = gnomon(settings, "doctor")
    assert "Traceback" not in told.stderr
    found, of = map(int, re.findall(r"(\d+)/(\d+)", told.stdout)[-1])
    assert of >= 5
    assert told.returncode == (0 if found == of else 1)
    with socket.create_server(("127.0.0.1", settings.control_port)):
        worse = gnomon(settings, "doctor")
    assert worse.returncode == 1
    assert str(settings.control_port) in worse.stdout
