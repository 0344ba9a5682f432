"""Checks of live traffic, on a real record store."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnomon.contract.traffic import Outcome, Timings
from gnomon.contract.verdicts import State
from gnomon.control.catalog.tables import Model
from gnomon.control.rulebook.rules import load
from gnomon.control.traffic import checks  # noqa: F401 - registers the checks
from gnomon.control.traffic.figures import succeeded
from gnomon.kit.work import Platform
from tests.fakes.platform import MONDAY, make_platform
from tests.fakes.records import StoredRecords
from tests.unit.rulebook_board.asking import ask
from tests.unit.rulebook_board.asking import state as state_of

AT = MONDAY.timestamp() - 60


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    platform = make_platform(tmp_path)
    register(platform, "reviews", "classification")
    return platform


@pytest.fixture
def records(tmp_path: Path) -> Iterator[StoredRecords]:
    store = StoredRecords(tmp_path)
    yield store
    store.close()


def register(platform: Platform, name: str, task: str) -> None:
    with platform.database.session() as session:
        session.add(Model(name=name, title=name, task=task, stage="use", owner_id="lin", created_at=MONDAY))
        session.commit()


def state(platform: Platform, records: StoredRecords, source: str) -> State | None:
    return state_of(platform, source, services={"records": records})


@pytest.mark.parametrize(
    "source",
    [
        "traffic.latency_share_within",
        "traffic.success_ratio",
        "traffic.timing_coverage",
        "traffic.unregistered_models",
        "traffic.limits_enforced",
    ],
)
def test_no_traffic_is_nothing_to_measure(platform: Platform, records: StoredRecords, source: str) -> None:
    assert state(platform, records, source) is None


def test_answers_in_time_are_met_slow_ones_are_not_and_few_are_insufficient(
    platform: Platform, records: StoredRecords
) -> None:
    source = "traffic.latency_share_within"
    records.add(99, AT)
    assert state(platform, records, source) is State.INSUFFICIENT
    records.add(1, AT)
    assert state(platform, records, source) is State.MET
    records.add(6, AT, ms=501.0)
    found = ask(platform, source, services={"records": records})
    assert found
    assert (found.state, found.facts["numerator"], found.facts["denominator"]) == (State.NOT_MET, 100, 106)


def test_each_kind_of_task_has_its_own_limit(platform: Platform, records: StoredRecords) -> None:
    register(platform, "talk", "chat")
    records.add(100, AT, ms=1900.0, model="talk")
    assert state(platform, records, "traffic.latency_share_within") is State.MET
    records.add(100, AT, ms=1900.0, model="reviews")
    assert state(platform, records, "traffic.latency_share_within") is State.NOT_MET


def test_the_platforms_own_requests_neither_help_nor_harm(platform: Platform, records: StoredRecords) -> None:
    records.add(500, AT, caller="gnomon", ms=9000.0)
    assert state(platform, records, "traffic.latency_share_within") is None
    assert state(platform, records, "traffic.success_ratio") is None


def test_traffic_before_the_window_does_not_count(platform: Platform, records: StoredRecords) -> None:
    records.add(500, AT - 16 * 60)
    assert state(platform, records, "traffic.success_ratio") is None


def test_half_a_percent_of_failures_is_met_and_more_is_not(platform: Platform, records: StoredRecords) -> None:
    source = "traffic.success_ratio"
    records.add(995, AT)
    records.add(5, AT, outcome="timeout", status=504)
    assert state(platform, records, source) is State.MET
    records.add(1, AT, outcome="upstream_error", status=502)
    assert state(platform, records, source) is State.NOT_MET


def test_refusals_by_rule_are_neither_success_nor_failure(platform: Platform, records: StoredRecords) -> None:
    records.add(500, AT, outcome="limited", status=429)
    assert state(platform, records, "traffic.success_ratio") is None
    found = ask(platform, "traffic.limits_enforced", services={"records": records})
    assert found
    assert found.facts["refused"] == {"limited": 500}


def test_one_untimed_request_ends_full_coverage(platform: Platform, records: StoredRecords) -> None:
    records.add(50, AT)
    assert state(platform, records, "traffic.timing_coverage") is State.MET
    records.add(1, AT, stream=True, timings=Timings(total=5.0))
    assert state(platform, records, "traffic.timing_coverage") is State.NOT_MET


def test_a_served_model_that_is_in_no_register_is_found(platform: Platform, records: StoredRecords) -> None:
    source = "traffic.unregistered_models"
    records.add(1, AT)
    assert state(platform, records, source) is State.MET
    records.add(1, AT, model="shadow")
    found = ask(platform, source, services={"records": records})
    assert found
    assert found.state is State.NOT_MET
    assert found.facts["broken"] == ["shadow"]


outcomes = st.dictionaries(st.sampled_from(list(Outcome.__args__)), st.integers(0, 50))


@given(outcomes, st.sampled_from(["timeout", "internal", "upstream_error", "upstream_unreachable"]))
def test_a_failure_never_raises_the_success_ratio(seen: dict[str, int], failure: str) -> None:
    rule = load().success_rule
    before, after = succeeded(seen, rule), succeeded(seen | {failure: seen.get(failure, 0) + 1}, rule)
    assert after.n == before.n + 1
    assert after.good == before.good
