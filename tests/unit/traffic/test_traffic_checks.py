"""Checks of live traffic, on a real record store."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnomon.contract.traffic import Outcome, Timings
from gnomon.contract.verdicts import State
from gnomon.control.access.actions import issue_key, set_quota
from gnomon.control.access.schemas import NewKey, NewQuota
from gnomon.control.catalog.tables import Model
from gnomon.control.rulebook.rules import load
from gnomon.control.traffic import (
    checks,  # noqa: F401 - registers the checks
    overrun,
)
from gnomon.control.traffic.figures import Figures, succeeded
from gnomon.kit import services
from gnomon.kit.clock import FakeClock
from gnomon.kit.settings import Settings
from gnomon.kit.work import Platform
from tests.fakes.platform import MONDAY, do, make_platform
from tests.fakes.records import StoredRecords
from tests.unit.rulebook_board.asking import ask
from tests.unit.rulebook_board.asking import state as state_of

AT = MONDAY.timestamp() - 60


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    platform = make_platform(tmp_path)
    services.fill(settings=Settings(home=tmp_path, timezone="Asia/Shanghai"))
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


def test_requests_served_past_a_limit_are_found(platform: Platform, records: StoredRecords) -> None:
    key = do(
        platform, "lin", issue_key, NewKey(caller="shop", team="business", requests_per_minute=10), environment="t"
    )
    do(platform, "lin", set_quota, "team", "business", NewQuota(requests_per_minute=30, reason="fair"))
    source, later = "traffic.limits_enforced", AT + 600
    assert isinstance(platform.clock, FakeClock)
    platform.clock.advance(timedelta(minutes=12))
    records.add(1, later, outcome="limited", status=429, target="")
    records.add(22, later, key_id=key.id, team="business")  # a bucket of 10, its refill, and heads that took their time
    assert state(platform, records, source) is State.MET
    records.add(1, later, key_id=key.id, team="business")
    found = ask(platform, source, services={"records": records})
    assert found
    assert found.state is State.NOT_MET
    (over,) = found.facts["served_past_a_limit"]
    assert (over["kind"], over["subject"], over["limit"]) == ("key", key.id, "requests_per_minute")
    assert (over["used"], over["possible"]) == (23, 22)
    records.add(50, later, key_id="another", team="business")
    found = ask(platform, source, services={"records": records})
    assert found
    assert {one["kind"] for one in found.facts["served_past_a_limit"]} == {"key", "team"}


def overruns(platform: Platform, records: StoredRecords, *, hours: float = 1) -> list[tuple[str, str, float, float]]:
    figures = Figures(records, load().success_rule)
    with platform.read() as session:
        until = MONDAY + timedelta(hours=hours)
        _, over = overrun.find(session, figures, MONDAY - timedelta(hours=1), until, zone="Asia/Shanghai")
    return [(one.kind, one.limit, one.used, one.possible) for one in over]


@pytest.fixture
def quota(platform: Platform, records: StoredRecords) -> Callable[..., float]:
    """A quota of the business team; a time at which it is in force."""

    def put(**limits: float) -> float:
        do(platform, "lin", set_quota, "team", "business", NewQuota.model_validate(limits | {"reason": "fair"}))
        return AT + 600

    return put


def test_tokens_past_a_limit_are_found_and_those_of_answers_under_way_are_not(
    platform: Platform, records: StoredRecords, quota: Callable[..., float]
) -> None:
    at = quota(tokens_per_minute=1000)
    records.add(1, at, team="business", tokens_in=1000, tokens_out=1000, ms=1000.0)
    records.add(1, at + 20, team="business", tokens_in=1, tokens_out=90_000, ms=20_000.0)  # nobody could know
    records.add(1, at + 30, team="business", tokens_in=1)
    assert overruns(platform, records) == []
    records.add(1, at + 3, team="business", tokens_in=100, tokens_out=300, ms=1000.0)
    assert overruns(platform, records) == [("team", "tokens_per_minute", 2400, 2167)]
    records.add(1, at + 4, team="business", cache="hit", tokens_out=9000)  # no model worked for it
    assert overruns(platform, records) == [("team", "tokens_per_minute", 2400, 2167)]


def test_a_limit_that_is_passed_a_little_for_long_is_found_by_the_hour(
    platform: Platform, records: StoredRecords, quota: Callable[..., float]
) -> None:
    at = quota(tokens_per_minute=100)
    for minute in range(40):
        records.add(1, at + 60 * minute, team="business", tokens_out=160, ms=1000.0)
    assert overruns(platform, records) == [("team", "tokens_per_minute", 39 * 160, overrun.most_tokens(100, 3600))]


def test_more_at_once_than_there_are_slots_is_found(
    platform: Platform, records: StoredRecords, quota: Callable[..., float]
) -> None:
    at = quota(concurrency=2)
    for start, ms in ((0.0, 1000.0), (0.5, 1000.0), (1.0, 500.0), (1.5, 100.0)):  # never three
        records.add(1, at + start, team="business", ms=ms)
    assert overruns(platform, records) == []
    records.add(
        1, at + 1.2, team="business", timings=Timings(total=900.0, queue=300.0)
    )  # it began when it had its turn
    assert overruns(platform, records) == []
    records.add(1, at + 1.2, team="business", ms=200.0)
    assert overruns(platform, records) == [("team", "concurrency", 3, 2)]


def test_a_keys_own_slots_are_looked_at_too(platform: Platform, records: StoredRecords) -> None:
    key = do(platform, "lin", issue_key, NewKey(caller="shop", team="business", concurrency=1), environment="t")
    records.add(1, AT, outcome="limited", status=429, target="")
    records.add(2, AT, key_id=key.id)
    records.add(2, AT, key_id="another")
    assert overruns(platform, records) == [("key", "concurrency", 2, 1)]


def test_daily_budgets_of_tokens_and_cost_begin_anew_at_midnight(
    platform: Platform, records: StoredRecords, quota: Callable[..., float]
) -> None:
    midnight = MONDAY.replace(hour=16).timestamp()  # in Shanghai
    quota(tokens_per_day=1000, cost_per_day=2.0)
    for at in (midnight - 30, midnight + 30):
        records.add(1, at, team="business", tokens_out=800, cost=1.5)
        records.add(1, at + 10, team="business", tokens_out=800, cost=1.5)  # the last one may pass
    assert overruns(platform, records, hours=10) == []
    records.add(1, midnight + 45, team="business")
    over = [one[1:] for one in overruns(platform, records, hours=10)]
    assert over == [("tokens_per_day", 1600, 1000), ("cost_per_day", 3.0, 2.0)]


def test_a_new_quota_is_not_held_against_what_was_served_before_it(platform: Platform, records: StoredRecords) -> None:
    records.add(50, AT, team="business")
    records.add(1, AT, outcome="limited", status=429, target="")
    do(platform, "lin", set_quota, "team", "business", NewQuota(requests_per_second=1, reason="fair"))
    assert state(platform, records, "traffic.limits_enforced") is State.MET


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
