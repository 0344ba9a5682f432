"""The table that workers share."""

import multiprocessing
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.backends.limits_local import LimitsLocal
from gnomon.contract.bundle import Canary, GuessRule, RetreatRule

NOW = 1_700_000_000.0


def enter(limits: LimitsLocal, key: str = "k", *, rpm: int = 0, slots: int = 0, now: float = NOW) -> tuple[float, ...]:
    return limits.enter(key, per_minute=rpm, concurrency=slots, now=now)


@given(
    rpm=st.integers(1, 600),
    gaps=st.lists(st.floats(0, 30), min_size=1, max_size=60),
)
@settings(max_examples=30, deadline=None)
def test_no_stretch_of_time_lets_through_more_than_a_bucket_and_its_refill(
    tmp_path_factory: pytest.TempPathFactory, rpm: int, gaps: list[float]
) -> None:
    limits = LimitsLocal(tmp_path_factory.mktemp("limits") / "l.shm")
    now, passed = NOW, []
    for gap in gaps:
        now += gap
        for _ in range(3):
            left, wait, _ = enter(limits, rpm=rpm, now=now)
            assert (wait == 0) or (0 < wait <= 60.0 / rpm + 1e-3)
            assert 0 <= left < rpm
            if not wait:
                passed.append(now)
    for i, start in enumerate(passed):
        for j in range(i, len(passed)):
            assert j - i + 1 <= rpm + (passed[j] - start) * rpm / 60.0 + 1e-3
    limits.close()


def test_two_workers_share_one_bucket_and_one_set_of_slots(tmp_path: Path) -> None:
    one, two = LimitsLocal(tmp_path / "l.shm"), LimitsLocal(tmp_path / "l.shm")
    assert [enter(w, rpm=4)[0] for w in (one, two, one, two)] == [3, 2, 1, 0]
    assert enter(one, rpm=4)[1] > 0
    assert enter(one, "c", slots=2)[2] is False
    assert enter(two, "c", slots=2)[2] is False
    assert enter(one, "c", slots=2)[2] is True
    two.release("c")
    assert enter(one, "c", slots=2)[2] is False
    one.close()
    two.close()


def test_what_is_refused_takes_nothing(tmp_path: Path) -> None:
    limits = LimitsLocal(tmp_path / "l.shm")
    enter(limits, rpm=2, slots=1)
    assert enter(limits, rpm=2, slots=1)[2] is True
    limits.release("k")
    assert enter(limits, rpm=2, slots=1) == (0, 0.0, False)
    limits.close()


def _die_holding(path: Path) -> None:
    limits = LimitsLocal(path)
    enter(limits, "c", slots=2)
    enter(limits, "c", slots=2)
    import os

    os._exit(9)


def test_the_slots_of_a_worker_that_died_come_back(tmp_path: Path) -> None:
    path = tmp_path / "l.shm"
    limits = LimitsLocal(path)
    worker = multiprocessing.get_context("spawn").Process(target=_die_holding, args=(path,))
    worker.start()
    worker.join()
    assert enter(limits, "c", slots=2)[2] is True
    assert limits.reap() == 1
    assert enter(limits, "c", slots=2)[2] is False
    assert limits.reap() == 0
    limits.close()


def test_bans_outlive_the_worker_and_end_by_themselves(tmp_path: Path) -> None:
    limits = LimitsLocal(tmp_path / "l.shm")
    rule = GuessRule(count=2, window_s=10, ban_s=50)
    assert limits.guess("a", rule, NOW) == 0.0
    assert limits.guess("a", rule, NOW + 11) == 0.0  # the first one is out of the window
    assert limits.guess("a", rule, NOW + 12) == NOW + 62
    assert limits.banned_until("b", NOW) == 0.0
    limits.close()
    again = LimitsLocal(tmp_path / "l.shm")
    assert again.banned_until("a", NOW + 61) == NOW + 62
    assert again.banned_until("a", NOW + 62) == 0.0
    again.close()


def test_a_flood_of_addresses_neither_grows_the_table_nor_pushes_out_long_bans(tmp_path: Path) -> None:
    limits = LimitsLocal(tmp_path / "l.shm")
    size = (tmp_path / "l.shm").stat().st_size
    limits.guess("villain", GuessRule(count=1, ban_s=1e6), NOW)
    rule = GuessRule(count=1, ban_s=1)
    for n in range(20_000):
        limits.guess(f"address {n}", rule, NOW)
    assert limits.banned_until("villain", NOW + 1000) > 0
    assert (tmp_path / "l.shm").stat().st_size == size
    limits.close()


def test_a_clock_that_jumps_locks_nobody_out(tmp_path: Path) -> None:
    limits = LimitsLocal(tmp_path / "l.shm")
    for _ in range(5):
        enter(limits, rpm=5, now=NOW + 86_400)
    assert enter(limits, rpm=5)[1] <= 60.0
    assert enter(limits, rpm=5, now=NOW + 61)[1] == 0
    limits.close()


def test_a_canary_retreats_once_and_for_all_workers(tmp_path: Path) -> None:
    one, two = LimitsLocal(tmp_path / "l.shm"), LimitsLocal(tmp_path / "l.shm")
    rule = RetreatRule(indicator="error_ratio", limit=0.2, min_requests=5)
    canary = Canary(id="c", target="t", share=0.1, watch_until=time.time() + 60, rules=(rule,))
    facts = [w.canary_result(canary, failed=n % 2 == 0, slow=False) for n, w in enumerate((one, two, one, two))]
    assert facts == [{}] * 4
    assert not one.canary_retreated("c")
    broke = one.canary_result(canary, failed=True, slow=False)
    assert (broke["requests"], broke["failures"], broke["error_ratio"]) == (5, 3, 0.6)
    assert two.canary_retreated("c")
    assert two.canary_result(canary, failed=True, slow=False) == {}
    one.close()
    two.close()
