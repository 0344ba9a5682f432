"""The table that workers share."""

import multiprocessing
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.backends.limits_local import LimitsLocal
from gnomon.contract.bundle import Canary, GuessRule, RetreatRule
from gnomon.contract.ports import Day, Meter
from tests.fakes.ticks import Ticks

NOW = 1_700_000_000.0
TICKS = Ticks(NOW)
DAY = Day(NOW + 3600)


def enter(limits: LimitsLocal, key: str = "k", *, rpm: int = 0, slots: int = 0, now: float = NOW) -> tuple[float, ...]:
    TICKS.at = now
    found = limits.enter((meter(key, rpm=rpm, slots=slots),), day=DAY, now=now)
    left = found.requests.left if found.requests and not found.refused else 0
    return left, found.wait, found.refused == "slots"


def meter(key: str = "k", *, rpm: int = 0, slots: int = 0) -> Meter:
    return Meter(f"key:{key}", per_minute=rpm, concurrency=slots)


def release(limits: LimitsLocal, key: str, *, slots: int) -> None:
    limits.leave((meter(key, slots=slots),), day=DAY, now=NOW)


@given(
    rpm=st.integers(1, 600),
    gaps=st.lists(st.floats(0, 30), min_size=1, max_size=60),
)
@settings(max_examples=30, deadline=None)
def test_no_stretch_of_time_lets_through_more_than_a_bucket_and_its_refill(
    tmp_path_factory: pytest.TempPathFactory, rpm: int, gaps: list[float]
) -> None:
    limits = LimitsLocal(tmp_path_factory.mktemp("limits") / "l.shm", ticks=TICKS)
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
    one, two = LimitsLocal(tmp_path / "l.shm", ticks=TICKS), LimitsLocal(tmp_path / "l.shm", ticks=TICKS)
    assert [enter(w, rpm=4)[0] for w in (one, two, one, two)] == [3, 2, 1, 0]
    assert enter(one, rpm=4)[1] > 0
    assert enter(one, "c", slots=2)[2] is False
    assert enter(two, "c", slots=2)[2] is False
    assert enter(one, "c", slots=2)[2] is True
    release(two, "c", slots=2)
    assert enter(one, "c", slots=2)[2] is False
    one.close()
    two.close()


def test_what_is_refused_takes_nothing(tmp_path: Path) -> None:
    limits = LimitsLocal(tmp_path / "l.shm", ticks=TICKS)
    enter(limits, rpm=2, slots=1)
    assert enter(limits, rpm=2, slots=1)[2] is True
    release(limits, "k", slots=1)
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
    limits = LimitsLocal(tmp_path / "l.shm", ticks=TICKS)
    rule = GuessRule(count=2, window_s=10, ban_s=50)
    ends = []
    for TICKS.at in (NOW, NOW + 11, NOW + 12):  # the first one is out of the window
        ends.append(limits.guess("a", rule, TICKS.at))
    assert ends == [0.0, 0.0, NOW + 62]
    assert limits.banned_until("b", NOW) == 0.0
    limits.close()
    again = LimitsLocal(tmp_path / "l.shm", ticks=TICKS)
    TICKS.at = NOW + 61
    assert again.banned_until("a", NOW + 61) == pytest.approx(NOW + 62)
    TICKS.at = NOW + 62.001
    assert again.banned_until("a", NOW + 62.001) == 0.0
    again.close()


def test_a_flood_of_addresses_neither_grows_the_table_nor_pushes_out_long_bans(tmp_path: Path) -> None:
    limits = LimitsLocal(tmp_path / "l.shm", ticks=TICKS)
    size = (tmp_path / "l.shm").stat().st_size
    limits.guess("villain", GuessRule(count=1, ban_s=1e6), NOW)
    rule = GuessRule(count=1, ban_s=1)
    for n in range(20_000):
        limits.guess(f"address {n}", rule, NOW)
    TICKS.at = NOW + 1000
    assert limits.banned_until("villain", NOW + 1000) > 0
    assert (tmp_path / "l.shm").stat().st_size == size
    limits.close()


def _debt_left(limits: LimitsLocal) -> float:
    found = limits.enter((Meter("key:debtor", tokens_per_minute=60),), day=DAY, now=NOW)
    return found.wait


@pytest.mark.parametrize(("wall_passed", "left"), [(600.0, 2940.0), (-86_400.0, 3540.0), (7200.0, 0.0)])
def test_after_a_reboot_the_count_goes_on_by_the_wall_time_that_passed_and_never_backward(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wall_passed: float, left: float
) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW)
    limits = LimitsLocal(tmp_path / "l.shm", ticks=Ticks(5_000.0), boot="one")
    limits.leave((Meter("key:debtor", tokens_per_minute=60),), tokens=3600, day=DAY, now=NOW)
    assert _debt_left(limits) == pytest.approx(3540.0)
    limits.reap()
    limits.close()
    monkeypatch.setattr(time, "time", lambda: NOW + wall_passed)
    for _ in range(2):  # the second worker finds what the first one agreed with the file
        again = LimitsLocal(tmp_path / "l.shm", ticks=Ticks(3.0), boot="two")
        assert _debt_left(again) == pytest.approx(left, abs=0.01)
        again.close()


def test_without_a_boot_id_a_count_that_fell_behind_tells_the_reboot(tmp_path: Path) -> None:
    limits = LimitsLocal(tmp_path / "l.shm", ticks=Ticks(5_000.0), boot="")
    before = limits.clock()
    limits.reap()
    limits.close()
    again = LimitsLocal(tmp_path / "l.shm", ticks=Ticks(3.0), boot="")
    assert before <= again.clock() < before + 60
    again.close()


def test_workers_of_one_boot_count_alike_though_the_wall_clock_steps_between_their_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = LimitsLocal(tmp_path / "l.shm", ticks=TICKS)
    monkeypatch.setattr(time, "time", lambda: NOW - 1e8)
    two = LimitsLocal(tmp_path / "l.shm", ticks=TICKS)
    assert one.clock() == two.clock()
    one.close()
    two.close()


def test_a_table_of_another_make_is_put_aside_and_those_who_use_it_go_on(tmp_path: Path) -> None:
    path = tmp_path / "l.shm"
    old = LimitsLocal(path, ticks=TICKS)
    enter(old, rpm=5, now=NOW)
    with path.open("r+b") as file:
        file.write(b"gnlimit1")
    new = LimitsLocal(path, ticks=TICKS)
    assert enter(new, rpm=5, now=NOW)[0] == 4
    assert enter(old, rpm=5, now=NOW)[0] == 3
    new.close()
    old.close()


def test_a_canary_retreats_once_and_for_all_workers(tmp_path: Path) -> None:
    one, two = LimitsLocal(tmp_path / "l.shm", ticks=TICKS), LimitsLocal(tmp_path / "l.shm", ticks=TICKS)
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
