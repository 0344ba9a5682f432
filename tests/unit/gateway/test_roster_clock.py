"""Bans and throttles of the roster while the wall clock jumps: none ends early, none lasts for ever."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnomon.contract.bundle import Ban, Roster, Throttle
from gnomon.gateway import deadlines
from gnomon.gateway.deadlines import Deadlines

NOW, HOUR, YEAR = 1_800_000_000.0, 3600.0, 366 * 86_400.0
BAN = ("key", "aaaaaaaa", NOW + HOUR)
JUMPS = st.sampled_from([-YEAR, -HOUR, -60.0, 0.0, 0.0, 60.0, HOUR, YEAR])


class Clocks:
    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.passed = self.ahead = 0.0
        patch.setattr(time, "time", lambda: NOW + self.passed + self.ahead)
        patch.setattr(deadlines, "ticks", lambda: 1000.0 + self.passed)

    def left(self, ends: dict[Any, float]) -> float:
        return ends[BAN] - deadlines.ticks()


def roster(issued_at: float = NOW) -> Roster:
    ban = Ban(id="ban", kind="key", value="aaaaaaaa", until=NOW + HOUR, reason="")
    throttle = Throttle(key="bbbbbbbb", requests_per_minute=3, until=NOW + HOUR)
    return Roster(epoch=1, serial=1, issued_at=issued_at, keys=(), bans=(ban,), throttles=(throttle,))


@given(steps=st.lists(st.tuples(st.floats(0, 600), JUMPS), min_size=1, max_size=8))
def test_a_ban_once_taken_in_by_a_good_clock_ends_no_earlier_and_within_what_was_ordered(
    steps: list[tuple[float, float]],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        clocks, known = Clocks(patch), Deadlines()
        known.take(roster())
        for gap, jump in steps:
            clocks.passed += gap
            clocks.ahead += jump
            left = clocks.left(known.take(roster(NOW + clocks.passed)))  # control's clock goes right
            assert left == pytest.approx(HOUR - clocks.passed, abs=1e-3)


def test_a_worker_that_starts_with_its_clock_far_back_holds_no_ban_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks(monkeypatch)
    clocks.ahead, clocks.passed = -50 * YEAR, 600.0
    ends = Deadlines().take(roster())
    assert clocks.left(ends) == pytest.approx(HOUR)
    assert ends["throttle", "bbbbbbbb", NOW + HOUR] == pytest.approx(ends[BAN])


def test_a_ban_that_the_next_roster_no_longer_names_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    Clocks(monkeypatch)
    known = Deadlines()
    known.take(roster())
    assert known.take(Roster(epoch=1, serial=2, issued_at=NOW, keys=(), bans=())) == {}
