"""What every runner of heavy jobs must do."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gnomon.backends.runner_process import ProcessRunner, read_json
from gnomon.contract.ports import HeavyJob, HeavyState, Runner
from gnomon.kit.errors import Conflict

RUNNERS: dict[str, Callable[[], Runner]] = {"process": lambda: ProcessRunner(lease_s=0.3, grace_s=0.5)}
ROOT = str(Path(__file__).parents[2])


@pytest.fixture(params=sorted(RUNNERS))
def runner(request: pytest.FixtureRequest) -> Runner:
    return RUNNERS[request.param]()


@pytest.fixture
def job(tmp_path: Path, runner: Runner) -> Iterator[HeavyJob]:
    made = HeavyJob("job_1", "", {"number": 21}, tmp_path / "job", {"PYTHONPATH": ROOT})
    yield made
    runner.cancel(made.id, made.folder)


def entry(job: HeavyJob, name: str) -> HeavyJob:
    return replace(job, entry=f"tests.conformance.heavy_entries:{name}")


def until(runner: Runner, job: HeavyJob, *states: str, timeout_s: float = 20.0) -> HeavyState:
    deadline = time.monotonic() + timeout_s
    while (found := runner.state(job.id, job.folder)).state not in states:
        assert time.monotonic() < deadline, f"still {found}"
        time.sleep(0.02)
    return found


def until_there(path: Path, timeout_s: float = 20.0) -> str:
    deadline = time.monotonic() + timeout_s
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < deadline, f"no {path.name}"
        time.sleep(0.02)
    return path.read_text()


def pid_of(job: HeavyJob) -> int:
    return int(read_json(job.folder / "lock")["pid"])


def is_gone(pid: int) -> bool:
    """Whether the process has ended; one that nobody has waited for yet has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_job_that_was_never_submitted_is_absent(runner: Runner, tmp_path: Path) -> None:
    assert runner.state("job_1", tmp_path / "nothing") == HeavyState("absent")
    runner.cancel("job_1", tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_a_job_ends_with_its_result_its_last_progress_and_its_environment(runner: Runner, job: HeavyJob) -> None:
    told = replace(entry(job, "double"), environment={**job.environment, "JOB_WORD": "hidden"})
    runner.submit(told)
    found = until(runner, told, "succeeded", "failed", "lost")
    assert (found.state, found.result) == ("succeeded", {"doubled": 42, "word": "hidden"})
    assert found.progress == {"step": 2, "of": 2}
    assert "hidden" not in (job.folder / "job.json").read_text()


def test_submitting_again_and_from_several_threads_starts_it_once(runner: Runner, job: HeavyJob) -> None:
    told = entry(job, "double")
    threads = [threading.Thread(target=runner.submit, args=(told,)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(runner, told, "succeeded")
    runner.submit(told)
    assert runner.state(told.id, told.folder).state == "succeeded"
    assert (job.folder / "starts").read_text() == "x"


def test_a_changed_job_in_the_same_folder_is_refused(runner: Runner, job: HeavyJob) -> None:
    told = entry(job, "double")
    runner.submit(told)
    with pytest.raises(Conflict, match="another entry or spec"):
        runner.submit(replace(told, spec={"number": 22}))
    with pytest.raises(Conflict, match="holds the job job_1"):
        runner.state("job_2", job.folder)


@pytest.mark.parametrize(
    ("name", "message"),
    [("fail", "ValueError: cannot use 21"), ("unwritable", "not JSON"), ("missing", "cannot be loaded")],
)
def test_a_job_that_raises_has_failed_and_says_why(runner: Runner, job: HeavyJob, name: str, message: str) -> None:
    told = entry(job, name)
    runner.submit(told)
    assert message in until(runner, told, "failed").error
    runner.submit(told)
    assert runner.state(told.id, told.folder).state == "failed"


def test_a_job_outlives_the_runner_that_started_it(runner: Runner, job: HeavyJob) -> None:
    told = entry(job, "wait")
    runner.submit(told)
    until_there(job.folder / "child")
    another = type(runner)()
    assert another.state(told.id, told.folder).state == "running"
    (job.folder / "go").touch()
    assert until(another, told, "succeeded").result == {"waited": True}


def test_cancelling_ends_the_job_and_all_that_it_started(runner: Runner, job: HeavyJob) -> None:
    told = entry(job, "wait")
    runner.submit(told)
    child = int(until_there(job.folder / "child"))
    own = pid_of(told)
    runner.cancel(told.id, told.folder)
    found = runner.state(told.id, told.folder)
    assert (found.state, found.error) == ("failed", "The job was cancelled.")
    assert is_gone(own)
    assert is_gone(child)


def test_cancelling_a_finished_job_changes_nothing(runner: Runner, job: HeavyJob) -> None:
    told = entry(job, "double")
    runner.submit(told)
    until(runner, told, "succeeded")
    runner.cancel(told.id, told.folder)
    assert runner.state(told.id, told.folder).state == "succeeded"


def test_a_job_whose_process_vanished_is_lost_and_may_be_submitted_again(runner: Runner, job: HeavyJob) -> None:
    told = entry(job, "die_once")
    runner.submit(told)
    until(runner, told, "lost")
    runner.submit(told)
    assert until(runner, told, "succeeded").result == {"attempt": 2}


def test_a_process_that_was_fenced_off_writes_nothing_more(runner: Runner, job: HeavyJob) -> None:
    told = entry(job, "wait")
    runner.submit(told)
    child = int(until_there(job.folder / "child"))
    own = pid_of(told)
    os.kill(own, signal.SIGSTOP)
    (job.folder / "lock").write_text('{"token": 99}')
    (job.folder / "go").touch()
    os.kill(own, signal.SIGCONT)
    until(runner, told, "lost")
    assert not (job.folder / "result.json").exists()
    if not is_gone(child):
        os.kill(child, signal.SIGKILL)
