"""What is said of the packages was read from their bytes and from pip's own papers, or is not said."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard

from gnomon.contract.verdicts import State
from gnomon.control.deployments import dependencies
from gnomon.control.deployments.installation import Installation, pip_runs
from tests.fakes.installation import LOG, PINNED, install, record

ROOT = Path(__file__).parents[3]


def test_recorded_and_untouched_packages_are_proved_with_pips_own_log(tmp_path: Path) -> None:
    found = dependencies.check(PINNED, install(tmp_path))
    assert (found.state, found.why, found.exit_code, found.wrong) == (State.MET, "", 0, [])
    assert found.packages == PINNED
    assert (found.files, found.bytes_read) == (7, 7 * len("version = '1.2.3'\n"))
    name, data = found.file
    assert name == "install.log"
    assert LOG in data
    assert found.lock_sha256 == hashlib.sha256((tmp_path / "requirements" / "train-cpu.txt").read_bytes()).hexdigest()


def test_without_a_record_of_pip_nothing_is_claimed(tmp_path: Path) -> None:
    found = dependencies.check(PINNED, install(tmp_path, recorded=False))
    assert (found.state, found.exit_code, found.lock_sha256, found.runs) == (State.NOT_MEASURED, None, "", [])
    assert "installed by other means" in found.why


@pytest.mark.parametrize("damage", [b"version = '6.6.6'\n", None])
def test_a_file_that_is_not_what_pip_wrote_is_named(tmp_path: Path, damage: bytes | None) -> None:
    installation = install(tmp_path)
    file = tmp_path / "site-packages" / "torch.py"
    file.unlink() if damage is None else file.write_bytes(damage)
    found = dependencies.check(PINNED, installation)
    assert found.state is State.NOT_MET
    assert [line.partition(": ")[0] for line in found.altered] == ["torch"]
    assert b"ALTERED torch: torch.py" in found.log


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"exit_code": 1}, "pip ended with 1"),
        ({"lock_sha256": "0" * 64}, "is not the file that was installed"),
        ({"log_sha256": "0" * 64}, "was changed"),
        ({"lock": "gone.txt"}, "is not there"),
        ({"log": "gone.log"}, "is not there"),
        ({"exit_code": "zero"}, "cannot be read"),
    ],
)
def test_papers_that_do_not_fit_prove_nothing(tmp_path: Path, changes: dict[str, object], why: str) -> None:
    installation = install(tmp_path)
    record(installation, **changes)
    found = dependencies.check(PINNED, installation)
    assert found.state is State.NOT_MET
    assert why in found.why


def test_another_version_and_a_missing_package_are_wrong(tmp_path: Path) -> None:
    installation = install(tmp_path, {name: v for name, v in PINNED.items() if name != "peft"})
    found = dependencies.check(PINNED | {"torch": "9"}, installation)
    assert (found.state, found.wrong) == (State.NOT_MET, ["peft", "torch"])


def test_a_package_that_no_recorded_lock_pins_leaves_the_rest_unproved(tmp_path: Path) -> None:
    installation = install(tmp_path)
    lock = tmp_path / "requirements" / "train-cpu.txt"
    lock.write_text(lock.read_text().replace("peft==1.2.3", "peft==1.2.2"))
    record(installation)
    found = dependencies.check(PINNED, installation)
    assert (found.state, found.exit_code) == (State.NOT_MEASURED, 0)
    assert "peft" in found.why


def test_a_long_log_is_kept_compressed(tmp_path: Path) -> None:
    installation = install(tmp_path)
    long = LOG * 40_000
    (tmp_path / "install-train-cpu.log").write_bytes(long)
    path = tmp_path / "gnomon-install-train-cpu.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"log_sha256": hashlib.sha256(long).hexdigest()}))
    name, data = dependencies.check(PINNED, installation).file
    assert name == "install.log.zst"
    assert long in zstandard.decompress(data)


@pytest.mark.parametrize("code", [0, 3])
def test_the_script_writes_down_each_run_of_pip_and_only_those(tmp_path: Path, code: int) -> None:
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    python = venv / "bin" / "python"
    python.write_text(f'#!/bin/sh\n[ "$2" = pip ] || exit 0\necho "ran $*"\nexit {code}\n')
    python.chmod(0o755)
    environment = {"PATH": "/usr/bin:/bin", "GNOMON_VENV": str(venv), "GNOMON_HOME": str(tmp_path / "home")}
    done = subprocess.run([ROOT / "gnomon", "--help"], env=environment, capture_output=True, check=False)
    assert done.returncode == (0 if code == 0 else 69)
    (run,) = pip_runs(Installation(venv, ROOT / "requirements"))
    assert (run.level, run.lock, run.exit_code) == ("core", "core.txt", code)
    assert (run.problem == "") is (code == 0)
    assert b"--require-hashes" in run.log
    assert ("fastapi" in run.pins, "--hash" in run.pins) == (True, False)
    written = venv / "gnomon-install-core.json"
    before = written.stat().st_mtime_ns
    if code == 0:  # prepared already: pip does not run, so nothing is written
        subprocess.run([ROOT / "gnomon", "--help"], env=environment, capture_output=True, check=True)
        assert written.stat().st_mtime_ns == before


def test_this_very_environment_is_read_as_the_model_server_would_find_it() -> None:
    found = Installation(Path(sys.prefix), ROOT / "requirements")
    assert found.version("msgspec") is not None
    assert found.version("no-such-package") is None
