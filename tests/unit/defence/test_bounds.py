"""Whatever comes: memory is bounded, nobody below every limit is accused, and counts forget."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.engine.defence import Baseline, addresses, callers, campaign, fitted
from gnomon.engine.defence.windows import Coverage, Ring, Table
from tests.unit.defence.samples import RULES, START, asked, shown, unsafe, watch, wrong

outcomes = st.sampled_from(["ok", "wrong", "blocked", "upstream_error"])
steps = st.lists(st.tuples(st.floats(0, 400), outcomes), max_size=60)


@settings(max_examples=60, deadline=None)
@given(steps)
def test_nobody_below_every_limit_is_accused(steps: list[tuple[float, str]]) -> None:
    at, records, kinds = 0.0, [], Counter[str]()
    for number, (gap, kind) in enumerate(steps):
        at += gap
        kinds[kind] += 1
        if kind == "wrong":
            if kinds[kind] < RULES.guess_distinct_hour:
                records.append(wrong(at, f"{number:04x}"))
        elif kind == "blocked":
            if kinds[kind] <= RULES.illegal_inputs_in_a_row:
                records.append(unsafe(at))
        else:
            records.append(asked(at, f"q{number}", outcome=kind))
    assert shown(watch(), records) == []  # sixty requests are below every limit of frequency


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-90, 600), st.integers(1, 5)), max_size=40))
def test_a_ring_counts_what_lies_in_its_slots_and_nothing_else(steps: list[tuple[float, int]]) -> None:
    ring, at, newest, seen = Ring(10, 60.0), START, 0, Counter[int]()
    for gap, n in steps:
        at += gap
        slot = int(at // 60)
        if newest - slot < 10:
            seen[slot] += n
        newest = max(newest, slot)
        ring.add(at, n)
        assert ring.total == sum(n for slot, n in seen.items() if newest - slot < 10)
        assert ring.last(3) == sum(n for slot, n in seen.items() if newest - slot < 3)


def test_a_long_silence_empties_a_ring() -> None:
    ring = Ring(60, 60.0)
    ring.add(START, 5)
    ring.advance(START + 1e6)
    assert (ring.total, ring.active()) == (0, 0)


@given(st.integers(1, 3000))
@settings(max_examples=20, deadline=None)
def test_coverage_is_near_the_number_of_different_ones(n: int) -> None:
    cover = Coverage()
    hashes = [callers._hashed(f"请说明第{number}号问题") for number in range(n)]
    counted = sum(cover.add(one) for one in hashes)
    assert counted == pytest.approx(n, rel=0.1, abs=3)
    assert sum(cover.add(one) for one in hashes) == 0


def test_a_table_drops_who_was_not_seen_for_the_longest() -> None:
    table: Table[str, list[int]] = Table(2, list)
    table["a"], table["b"], table["a"], table["c"]
    assert ("a" in table, "b" in table, len(table)) == (True, False, 2)


def test_a_flood_of_new_names_does_not_grow_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "_MOST_ADDRESSES", 50)
    monkeypatch.setattr(campaign, "_MOST", 40)
    monkeypatch.setattr(callers, "_MOST_CALLERS", 30)
    guard = watch()
    for n in range(3000):
        guard.observe(wrong(n, f"{n % 65536:04x}", f"bot{n}"))
        guard.observe(asked(n, caller=f"caller{n}", key_id=f"k{n}", address=f"from{n}"))
    assert len(guard._addresses) == 50
    assert len(guard._addresses._campaign) <= 40
    assert len(guard._addresses._campaign._keys) <= 40
    assert len(guard._callers) == 30


def test_a_day_of_attack_does_not_become_the_measure() -> None:
    start = int(START // 3600)
    calm = {start + hour: 50.0 for hour in range(21 * 24)}
    attacked = calm | {start + 200 + hour: 5000.0 for hour in range(10)}
    until = START + 21 * 86_400
    assert max(fitted(attacked, until).usual) == max(fitted(calm, until).usual) == 50.0


def test_a_job_that_begins_an_hour_late_is_usual_still() -> None:
    start = int(START // 3600)
    nightly = {start + day * 24 + 2: 1000.0 for day in range(21)}
    base = fitted(nightly, START + 21 * 86_400)
    hours = [base.at(START + 3600 * hour) for hour in range(6)]
    assert hours[1:4] == [1000.0] * 3
    assert base.days == pytest.approx(21, abs=0.1)


def test_a_job_that_was_early_for_weeks_and_is_late_today_is_usual_still() -> None:
    start = int(START // 3600)
    early = {start + day * 24 + (3 if day < 7 else 2): 1000.0 for day in range(21)}  # on time one week, early two
    base = fitted(early, START + 21 * 86_400)
    late, noon = START + 3600 * 4, START + 3600 * 12
    assert base.at(late) == 1000.0
    assert base.at(noon) < 1000.0


def test_several_hours_are_measured_by_several_hours() -> None:
    start = int(START // 3600)
    base = fitted({start + hour: 50.0 for hour in range(21 * 24)}, START + 21 * 86_400)
    assert base.limit_long(START, factor=2.0, margin=1.4) == 6 * 50.0 * 2.0
    assert Baseline((1.0,) * 168, 1.0, 21.0).limit_long(START, factor=2.0, margin=1.4) == float("inf")


def test_without_any_history_there_is_no_baseline() -> None:
    assert fitted({}, START).days < 1
