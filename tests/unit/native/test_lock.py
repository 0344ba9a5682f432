"""The lock in the shared table of limits: nobody gets in beside its holder, and no holder's death keeps others out."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from gnomon import native
from gnomon.backends import limits_local
from gnomon.backends.limits_layout import PLAIN, WORD
from gnomon.backends.limits_local import LimitsLocal
from gnomon.contract.ports import Day, Meter

# Without C workers take the lock of the file, which the kernel frees when one dies.
pytestmark = pytest.mark.skipif(native.load("limits") is None, reason="the native limits are not built")
DAY = Day(10.0)
METER = (Meter("key:a", tokens_per_day=10**12),)
COUNT = 10_000
WORKER = f"""
import sys
from pathlib import Path
from gnomon.backends import limits_local
from gnomon.backends.limits_local import LimitsLocal
from gnomon.contract.ports import Day, Meter
limits, meter = LimitsLocal(Path(sys.argv[1])), (Meter("key:a", tokens_per_day=10**12),)
if sys.argv[2] in ("die", "hold"):
    limits._lock(64).__enter__()
    print("locked", flush=True)
    input()
    limits._lock(64).__exit__()
limits_local._quick = None  # the twin takes longer to make a change, under the same lock
for _ in range({COUNT}):
    limits.enter(meter, tokens=1, day=Day(10.0), now=0.0)
"""


def worker(path: Path, what: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WORKER, str(path), what]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env={**os.environ, **environment}, **pipes)


def used(limits: LimitsLocal) -> int:
    return limits._account(METER[0])[1].day_tokens


@pytest.mark.parametrize("pure", ["", "1"])
def test_no_change_is_lost_between_workers_with_and_without_c(tmp_path: Path, pure: str) -> None:
    limits = LimitsLocal(tmp_path / "limits.shm")
    path = tmp_path / "limits.shm"
    ours = 0
    with worker(path, "count") as one, worker(path, "count", GNOMON_PURE=pure) as other:
        while one.poll() is None or other.poll() is None:
            limits.enter(METER, tokens=1, day=DAY, now=0.0)
            ours += 1
    assert (one.returncode, other.returncode) == (0, 0)
    assert used(limits) == 2 * COUNT + ours
    assert limits._map[PLAIN] == bool(pure)


def test_nobody_changes_the_table_while_the_word_is_held_from_before_a_worker_without_c_came(tmp_path: Path) -> None:
    limits = LimitsLocal(tmp_path / "limits.shm")
    limits.enter(METER, tokens=1, day=DAY, now=0.0)
    with worker(tmp_path / "limits.shm", "hold") as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        limits._map[PLAIN] = 1  # as the one without C has just set it
        late = threading.Thread(target=limits.enter, args=(METER,), kwargs={"tokens": 1, "day": DAY, "now": 0.0})
        late.start()
        late.join(0.05)
        assert used(limits) == 1
        other.communicate("\n", timeout=60)
        late.join(60)
    assert used(limits) == 2 + COUNT


def test_a_worker_without_c_waits_for_who_holds_the_word_and_for_nobody_that_is_no_more(tmp_path: Path) -> None:
    limits = LimitsLocal(tmp_path / "limits.shm")
    with worker(tmp_path / "limits.shm", "hold") as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        with worker(tmp_path / "limits.shm", "count", GNOMON_PURE="1") as pure:
            with pytest.raises(subprocess.TimeoutExpired):
                pure.wait(2)
            assert used(limits) == 0
            holder.kill()
            assert pure.wait(60) == 0
    assert used(limits) == COUNT
    assert limits._map[WORD] == 0


def test_who_is_killed_with_the_lock_keeps_nobody_out(tmp_path: Path) -> None:
    limits = LimitsLocal(tmp_path / "limits.shm")
    limits.enter(METER, day=DAY, now=0.0)
    with worker(tmp_path / "limits.shm", "die") as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        other.kill()
    assert limits._map[WORD] != 0
    assert not limits.enter(METER, tokens=7, day=DAY, now=0.0).refused
    assert used(limits) == 7
    assert limits._map[WORD] == 0


def test_a_new_worker_in_the_place_of_a_killed_one_frees_what_that_one_had_locked(tmp_path: Path) -> None:
    limits = LimitsLocal(tmp_path / "limits.shm")
    with worker(tmp_path / "limits.shm", "die") as other:
        assert other.stdout is not None
        other.stdout.readline()
        other.kill()
    after = LimitsLocal(tmp_path / "limits.shm")
    assert after._worker == limits._worker + 1
    assert limits._map[WORD] == 0


def test_who_waits_lets_the_others_of_its_process_go_on(tmp_path: Path) -> None:
    holder, limits = LimitsLocal(tmp_path / "limits.shm"), LimitsLocal(tmp_path / "limits.shm")
    limits.enter(METER, day=DAY, now=0.0)
    waiting = threading.Thread(target=limits.enter, args=(METER,), kwargs={"tokens": 5, "day": DAY, "now": 0.0})
    with holder._lock(64):
        waiting.start()
        time.sleep(0.05)
        assert used(limits) == 0
    waiting.join(5)
    assert used(limits) == 5


def test_the_choice_is_made_anew_when_no_worker_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(limits_local, "_quick", None)
        plain = LimitsLocal(tmp_path / "limits.shm")
    beside = LimitsLocal(tmp_path / "limits.shm")
    beside.enter(METER, tokens=3, day=DAY, now=0.0)
    beside.enter(METER, tokens=3, day=DAY, now=0.0)
    assert (beside._map[PLAIN], used(beside)) == (1, 6)
    plain.close()
    beside.close()
    assert LimitsLocal(tmp_path / "limits.shm")._map[PLAIN] == 0
