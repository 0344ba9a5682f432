"""A port is shared by the workers of one home, and by nobody else."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gnomon.gateway.door import Door
from gnomon.kit.errors import BadInput
from tests.fakes.gateway import free_port

HOST = "127.0.0.1"


def test_workers_of_a_home_share_its_port(tmp_path: Path) -> None:
    port = free_port()
    with Door(tmp_path, HOST, port) as one, Door(tmp_path, HOST, port) as other, Door(tmp_path, HOST, port):
        assert one.port == other.port == port


def test_a_gateway_of_another_home_is_told_that_the_port_is_taken(tmp_path: Path) -> None:
    port = free_port()
    with Door(tmp_path / "ours", HOST, port), pytest.raises(BadInput, match=str(port)) as told:
        Door(tmp_path / "theirs", HOST, port)
    assert "--port" in told.value.next_step
    Door(tmp_path / "theirs", HOST, port).close()


def test_a_port_of_another_program_is_told_to_be_taken_and_nothing_stays_open(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as taken:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(3):
            with pytest.raises(BadInput):
                Door(tmp_path, HOST, taken.getsockname()[1])
        assert len(os.listdir("/proc/self/fd")) == before


def test_a_worker_that_was_killed_leaves_its_port_to_the_next(tmp_path: Path) -> None:
    port = free_port()
    program = "import sys, time, pathlib; from gnomon.gateway.door import Door\n"
    program += (
        f"door = Door(pathlib.Path({str(tmp_path)!r}), {HOST!r}, {port}); door.socket.listen(); print(1, flush=True)"
    )
    command = [sys.executable, "-c", f"{program}; time.sleep(60)"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline()
        Door(tmp_path, HOST, port).close()
        with pytest.raises(BadInput):
            Door(tmp_path / "theirs", HOST, port)
        killed.kill()
    Door(tmp_path / "theirs", HOST, port).close()


def test_any_free_port_will_do_where_none_is_named(tmp_path: Path) -> None:
    with Door(tmp_path, HOST, 0) as one, Door(tmp_path, HOST, 0) as other:
        assert one.port != other.port
