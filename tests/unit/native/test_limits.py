"""The limits in C say and write what the limits in Python do, whatever happens in whatever order."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gnomon import native
from gnomon.backends import limits_local
from gnomon.backends.limits_layout import METER_AT, METER_SIZE, METERS, PLAIN
from gnomon.backends.limits_local import LimitsLocal
from gnomon.contract.ports import Day, Meter

quick = native.load("limits")
# The twin alone is what tests/conformance/test_limits_clocks.py runs; here C is compared with it.
pytestmark = pytest.mark.skipif(quick is None, reason="the native limits are not built")
SUBJECTS = ("key:a", "key:b", "team:x", "model:m")

small = st.sampled_from([0, 0, 1, 3, 60])
meters = st.builds(
    Meter,
    subject=st.sampled_from(SUBJECTS),
    per_second=small,
    per_minute=small,
    concurrency=small,
    tokens_per_minute=st.sampled_from([0, 0, 100, 5000]),
    tokens_per_day=st.sampled_from([0, 0, 1000, 10**12]),
    cost_per_day=st.sampled_from([0, 0, 500, 10**15]),
)
amounts = st.sampled_from([0, 0, 1, 7, 400, 10**9])
steps = st.tuples(
    st.sampled_from(["enter", "enter", "leave"]),
    st.lists(meters, max_size=3).map(tuple),
    st.lists(meters, max_size=2).map(tuple),
    amounts,
    amounts,
    st.sampled_from([0.0, 0.001, 0.5, 70.0, 90_000.0]),
    st.booleans(),
)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Clock, LimitsLocal, LimitsLocal]]:
    clock, folder = Clock(), tmp_path_factory.mktemp("limits")
    pair = [LimitsLocal(folder / name, ticks=clock, boot="same") for name in ("c", "python")]
    for limits in pair:
        limits.clock._offset = 0.0  # made at two moments they would count from two
    yield clock, pair[0], pair[1]
    for limits in pair:
        limits.close()


def places(limits: LimitsLocal) -> list[int]:
    found = (limits._find(METER_AT, METERS, METER_SIZE, limits._hash(subject)) for subject in SUBJECTS)
    return [place for place in found if place >= 0]


def written(limits: LimitsLocal) -> list[bytes]:
    return [limits._map[place : place + METER_SIZE] for place in places(limits)]


def told(limits: LimitsLocal, step: Any, day: Day) -> Any:
    kind, first, second, tokens, cost, _, settles = step
    if kind == "enter":
        return limits.enter(first, inside=second, tokens=tokens, cost=cost, day=day, now=5.0)
    sign = -1 if settles else 1
    return limits.leave(first, tokens=sign * tokens, cost=sign * cost, day=day, now=5.0)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told_steps=st.lists(steps, max_size=8))
def test_both_say_and_write_the_same(both: tuple[Clock, LimitsLocal, LimitsLocal], told_steps: list[Any]) -> None:
    clock, native_one, python_one = both
    for limits in (native_one, python_one):
        for place in places(limits):
            limits._map[place : place + METER_SIZE] = bytes(METER_SIZE)
    for step in told_steps:
        clock.now += step[5]
        day = Day(100.0)
        with pytest.MonkeyPatch.context() as patch:
            found = told(native_one, step, day)
            patch.setattr(limits_local, "_quick", None)
            assert told(python_one, step, day) == found
        assert written(native_one) == written(python_one)


def test_it_is_what_runs_once_a_caller_is_known(both: tuple[Clock, LimitsLocal, LimitsLocal]) -> None:
    limits = both[1]
    meter = (Meter("key:known", per_minute=10**6, concurrency=9),)
    limits.enter(meter, day=Day(10.0), now=0.0)
    plan, none = limits._plan(meter), b""
    assert quick.enter(limits._map, limits._fd, plan, none, 0, 0, 1, limits.clock(), limits._mine) is not None
    assert quick.leave(limits._map, limits._fd, plan, none, 0, 0, 1, limits.clock(), limits._mine)


def test_what_is_no_table_is_refused(both: tuple[Clock, LimitsLocal, LimitsLocal]) -> None:
    limits = both[1]
    plan = limits._plan((Meter("key:a", per_minute=1),))
    for bad in (
        (bytearray(5000), plan, 1),
        (limits._map, plan[:-1], 1),
        (limits._map, plan, 17),
        (limits._map, plan, 0),
    ):
        with pytest.raises(ValueError, match="not the shape"):
            quick.enter(bad[0], limits._fd, bad[1], b"", 0, 0, 1, 0.0, bad[2])
    with pytest.raises(ValueError, match="not the shape"):
        quick.find(bytearray(100), 0, 16_384, 32, 7)
    limits._map[PLAIN] = 1
    with pytest.raises(OSError, match=r"."):
        quick.enter(limits._map, -1, plan, b"", 0, 0, 1, 0.0, 1)
    limits._map[PLAIN] = 0


def test_a_caller_whose_meters_change_gets_the_new_ones(both: tuple[Clock, LimitsLocal, LimitsLocal]) -> None:
    limits = both[1]
    meter = Meter("key:changed", per_minute=1)
    assert not limits.enter((meter,), day=Day(10.0), now=0.0).refused
    assert limits.enter((meter,), day=Day(10.0), now=0.0).refused
    found = limits.enter((replace(meter, per_minute=0, per_second=7),), day=Day(10.0), now=0.0)
    assert (found.refused, found.requests and found.requests.limit) == ("", 7)
