"""Measuring rounds on a real record store: points, alerts, budgets, evidence, and what silence means."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from gnomon.contract.verdicts import State
from gnomon.control.audit.tables import AuditEntry
from gnomon.control.catalog.tables import Model
from gnomon.control.evidence.tables import Artefact
from gnomon.control.monitoring import actions, checks, queries, routes, sampling  # noqa: F401 - registers the checks
from gnomon.control.monitoring import jobs as monitoring_jobs
from gnomon.control.monitoring.schemas import AlertClosed, AlertOpened, HostUse, ServerUse
from gnomon.control.monitoring.tables import Alert, HostSample, SloPoint
from gnomon.control.rulebook.rules import load
from gnomon.kit import services
from gnomon.kit.clock import FakeClock
from gnomon.kit.errors import Conflict, Unavailable
from gnomon.kit.ids import new_id
from gnomon.kit.outbox import JobRow
from gnomon.kit.settings import Settings
from gnomon.kit.web import tell_errors
from gnomon.kit.work import Bus, Platform
from tests.fakes.client import TestClient
from tests.fakes.platform import MONDAY, actor, do, make_platform, run_jobs
from tests.fakes.records import StoredRecords
from tests.unit.rulebook_board.asking import ask
from tests.unit.rulebook_board.asking import state as state_of

BOOK = load()


@pytest.fixture
def told() -> list[Any]:
    return []


@pytest.fixture
def platform(tmp_path: Path, told: list[Any]) -> Platform:
    bus = Bus()
    bus.subscribe(AlertOpened, lambda _work, event: told.append(event))
    bus.subscribe(AlertClosed, lambda _work, event: told.append(event))
    platform = make_platform(tmp_path, bus=bus)
    with platform.database.session() as session:
        model = Model(
            name="reviews", title="评论", task="classification", stage="use", owner_id="lin", created_at=MONDAY
        )
        session.add(model)
        session.commit()
    return platform


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoredRecords]:
    store = StoredRecords(tmp_path)
    monkeypatch.setattr(services, "_shared", {"records": store, "settings": Settings(home=tmp_path)})
    yield store
    store.close()


def measure(platform: Platform, job: str = "monitoring.measure") -> None:
    with platform.database.session() as session:
        row = JobRow(id=new_id("job"), name=job, subject="schedule", args={}, state="queued", progress={})
        row.actor_id, row.created_at = "system:schedule", platform.clock.now()
        session.add(row)
        session.commit()
    run_jobs(platform)


def advance(platform: Platform, **by: float) -> None:
    assert isinstance(platform.clock, FakeClock)
    platform.clock.advance(timedelta(**by))


def just_now(platform: Platform) -> float:
    return platform.clock.now().timestamp() - 1


def points(platform: Platform) -> dict[str, SloPoint]:
    with platform.read() as session:
        return {point.objective: point for point in session.scalars(select(SloPoint).order_by(SloPoint.at))}


def open_rules(platform: Platform) -> set[str]:
    with platform.read() as session:
        return {alert.rule for alert in queries.open_alerts(session)}


def test_a_model_without_traffic_gets_no_points_and_is_not_measured(platform: Platform, records: StoredRecords) -> None:
    measure(platform)
    assert points(platform) == {}
    with platform.read() as session:
        (standing,) = queries.overview(session, BOOK, platform.clock.now())
    assert {one.state for one in standing.objectives} == {State.NOT_MEASURED}
    assert [one.objective.id for one in standing.objectives] == ["latency", "first-token", "success"]


def test_a_point_keeps_its_threshold_and_its_inputs(platform: Platform, records: StoredRecords) -> None:
    records.add(300, just_now(platform))
    measure(platform)
    found = points(platform)
    assert set(found) == {"latency", "success"}  # nothing was streamed
    assert found["success"].state == State.MET
    judgement = found["latency"].judgement
    assert (judgement["numerator"], judgement["denominator"]) == (300, 300)
    assert judgement["threshold"]["rulebook"] == BOOK.version


def test_a_judgement_that_is_older_than_its_window_counts_no_more(platform: Platform, records: StoredRecords) -> None:
    records.add(300, just_now(platform))
    measure(platform)
    advance(platform, minutes=6)
    with platform.read() as session:
        (standing,) = queries.overview(session, BOOK, platform.clock.now())
    assert {one.state for one in standing.objectives} == {State.NOT_MEASURED}


def test_a_broken_objective_opens_one_alert_with_a_diagnosis_and_closes_when_met_again(
    platform: Platform, records: StoredRecords, told: list[Any]
) -> None:
    records.add(300, just_now(platform), ms=900.0)
    for _ in range(3):
        measure(platform)
    assert open_rules(platform) == {"latency"}
    advance(platform, minutes=6)
    measure(platform)
    assert open_rules(platform) == {"latency"}  # no traffic is no recovery
    records.add(300, just_now(platform))
    measure(platform)
    assert open_rules(platform) == set()
    assert [type(event) for event in told] == [AlertOpened, AlertClosed]


def test_the_alerts_of_a_retired_model_are_closed_with_that_reason(
    platform: Platform, records: StoredRecords, told: list[Any]
) -> None:
    records.add(300, just_now(platform), ms=900.0)
    measure(platform)
    with platform.database.session() as session:
        session.get_one(Model, "reviews").stage = "retired"
        session.commit()
    for _ in range(2):
        measure(platform)
    assert open_rules(platform) == set()
    with platform.read() as session:
        (alert,) = session.scalars(select(Alert))
    assert alert.facts["closed_by"] == {"reason": "model_retired"}
    assert [type(event) for event in told] == [AlertOpened, AlertClosed]


def test_an_outage_burns_the_budget_in_both_windows_and_pages(platform: Platform, records: StoredRecords) -> None:
    records.add(60, just_now(platform))
    records.add(40, just_now(platform), outcome="upstream_unreachable", status=502)
    measure(platform)
    assert {"success-alarm", "burn-fast", "burn-medium", "burn-slow"} <= open_rules(platform)
    with platform.read() as session:
        alert = session.scalars(select(Alert).where(Alert.rule == "burn-fast")).one()
        proof = session.scalars(select(Artefact).where(Artefact.source == "monitoring.fault_diagnosed")).all()
    assert (alert.severity, alert.diagnosis["fault"]) == ("page", "network")
    assert alert.facts["long"]["burn_rate"] == pytest.approx(80.0)
    assert all(not BOOK.missing_facts("diagnosis", one.facts) for one in proof)
    assert proof


def test_failures_that_ended_an_hour_ago_do_not_page_any_more(platform: Platform, records: StoredRecords) -> None:
    records.add(50, just_now(platform) - 50 * 60, outcome="timeout", status=504)
    records.add(100, just_now(platform))
    measure(platform)
    assert "burn-fast" not in open_rules(platform)
    assert "burn-slow" in open_rules(platform)


def test_what_the_model_server_refused_is_watched_though_it_is_no_failure(
    platform: Platform, records: StoredRecords
) -> None:
    records.add(50, just_now(platform), outcome="upstream_refused", status=400)
    records.add(250, just_now(platform))
    measure(platform)
    assert open_rules(platform) == {"upstream-refused"}


def test_the_budget_is_counted_over_its_period_and_again_only_when_due(
    platform: Platform, records: StoredRecords
) -> None:
    records.add(1000, just_now(platform))
    records.add(1, just_now(platform) - 86400, outcome="timeout", status=504)
    measure(platform)
    with platform.read() as session:
        first = queries.budget(session, "success", "reviews")
    assert first
    assert first.facts["left"] == pytest.approx(1 - 1 / (0.005 * 1001))
    records.add(1000, just_now(platform))
    measure(platform)
    with platform.read() as session:
        again = queries.budget(session, "success", "reviews")
    assert again
    assert again.facts["total"] == 1001
    advance(platform, minutes=5)
    measure(platform)
    with platform.read() as session:
        later = queries.budget(session, "success", "reviews")
    assert later
    assert later.facts["total"] == 2001


def test_measuring_leaves_no_audit_rows_and_an_alert_does(platform: Platform, records: StoredRecords) -> None:
    records.add(300, just_now(platform))
    measure(platform)
    with platform.read() as session:
        assert session.scalars(select(AuditEntry)).all() == []
    records.add(300, just_now(platform), ms=900.0)
    measure(platform)
    with platform.read() as session:
        assert {row.permission for row in session.scalars(select(AuditEntry))} == {"alert.open", "evidence.record"}


def test_an_alert_is_acknowledged_once(platform: Platform, records: StoredRecords) -> None:
    records.add(300, just_now(platform), ms=900.0)
    measure(platform)
    with platform.read() as session:
        (alert,) = queries.open_alerts(session)
    assert do(platform, "wei", actions.acknowledge, alert.id, note="重启模型服务").acknowledged_by == "wei"
    with pytest.raises(Conflict, match="wei"):
        do(platform, "lin", actions.acknowledge, alert.id, note="me too")


# --- hosts


def host_sample(platform: Platform, *, minutes_ago: float = 0.0, **changes: Any) -> None:
    use = HostUse(**({"host": "h1", "cpu": 0.5, "memory": 0.5, "disk": 0.5} | changes))
    with platform.database.session() as session:
        actions.keep_sample(session, use, at=platform.clock.now() - timedelta(minutes=minutes_ago))
        session.commit()


def test_a_quarter_of_an_hour_of_full_processors_opens_an_alert(platform: Platform, records: StoredRecords) -> None:
    for minute in range(14):
        host_sample(platform, minutes_ago=minute, cpu=0.95)
    measure(platform)
    assert open_rules(platform) == set()  # fourteen minutes are not enough to tell
    host_sample(platform, minutes_ago=14, cpu=0.95)
    measure(platform)
    assert open_rules(platform) == {"cpu-high"}


def test_a_full_disk_is_told_at_once(platform: Platform, records: StoredRecords) -> None:
    host_sample(platform, disk=0.97)
    measure(platform)
    assert open_rules(platform) == {"disk-high"}


def test_a_host_without_a_card_has_no_figure_for_it(platform: Platform, records: StoredRecords) -> None:
    host_sample(platform)
    measure(platform)
    with platform.read() as session:
        runs = {run.rule: run for run in queries.rule_runs(session, "exhaustion", since=MONDAY)}
    assert runs["gpu-high"].state == State.NOT_MEASURED


def test_this_host_can_be_sampled(
    platform: Platform, records: StoredRecords, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import os

    monkeypatch.setattr(sampling, "LOOK_S", 0.05)
    (tmp_path / "run").mkdir()
    roles = {"model:m1": {"pid": os.getpid()}, "model:m2": {"pid": None}, "worker": {"pid": os.getpid()}}
    (tmp_path / "run" / "supervisor.json").write_text(json.dumps({"pid": 1, "roles": roles}))
    measure(platform, "monitoring.sample_host")
    with platform.read() as session:
        (found,) = queries.hosts(session)
    assert 0.0 <= found.cpu <= 1.0
    assert 0.0 < found.memory < 1.0
    servers = {server["id"]: server for server in found.servers}
    assert servers["m1"]["rss_bytes"] > 0
    assert servers["m2"]["rss_bytes"] is None
    assert "worker" not in servers


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("35, 8000, 80000\n90, 100, 80000\n", (0.9, 0.1)),
        ("[N/A], 40000, 80000\n", (None, 0.5)),
        ("", (None, None)),
        ("garbage", (None, None)),
    ],
)
def test_the_busiest_card_is_read(text: str, found: tuple[float | None, float | None]) -> None:
    assert sampling.parse_gpu(text) == found


def test_what_is_past_its_period_goes_and_alerts_stay(platform: Platform, records: StoredRecords) -> None:
    records.add(300, just_now(platform), ms=900.0)
    host_sample(platform)
    measure(platform)
    advance(platform, days=31)
    host_sample(platform)
    measure(platform, "monitoring.purge")
    assert points(platform) == {}
    with platform.read() as session:
        assert len(session.scalars(select(HostSample)).all()) == 1
        assert len(session.scalars(select(Alert)).all()) == 1


# --- checks

RULES = ("monitoring.latency_rules_evaluated", "monitoring.success_rules_evaluated")


@pytest.mark.parametrize("source", [*RULES, "monitoring.exhaustion_rules_evaluated"])
def test_rules_that_run_are_met_rules_that_stopped_are_not_and_none_is_nothing(
    platform: Platform, records: StoredRecords, source: str
) -> None:
    assert state_of(platform, source) is None
    host_sample(platform)
    measure(platform)
    assert state_of(platform, source) is State.MET
    advance(platform, minutes=6)
    assert state_of(platform, source) is State.NOT_MET
    advance(platform, hours=6)
    assert state_of(platform, source) is State.NOT_MET


def test_the_check_names_what_is_firing(platform: Platform, records: StoredRecords) -> None:
    records.add(300, just_now(platform), ms=900.0)
    measure(platform)
    found = ask(platform, "monitoring.latency_rules_evaluated")
    assert found
    assert found.facts["firing"] == ["latency reviews"]
    assert found.facts["last_signal"]


def sampled(platform: Platform, tmp_path: Path) -> State | None:
    return state_of(platform, "monitoring.resources_sampled", services={"settings": Settings(home=tmp_path)})


def test_sampling_without_a_gap_is_met_and_with_one_is_not(platform: Platform, tmp_path: Path) -> None:
    assert sampled(platform, tmp_path) is None
    for minute in range(10):
        host_sample(platform, minutes_ago=minute)
    assert sampled(platform, tmp_path) is State.MET
    advance(platform, minutes=6)
    assert sampled(platform, tmp_path) is State.NOT_MET
    advance(platform, hours=1)
    assert sampled(platform, tmp_path) is State.NOT_MET


def test_a_model_server_that_could_not_be_read_is_not_sampled(platform: Platform, tmp_path: Path) -> None:
    host_sample(platform, servers=(ServerUse("m1", 7, 0.1, 1000),))
    assert sampled(platform, tmp_path) is State.MET
    host_sample(platform, servers=(ServerUse("m1", 7, None, None),))
    assert sampled(platform, tmp_path) is State.NOT_MET


def test_without_the_record_store_nothing_is_measured_and_the_job_says_so(
    platform: Platform, records: StoredRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "_shared", {})
    with pytest.raises(Unavailable, match="records"):
        measure(platform)
    assert monitoring_jobs.measure is not None
    assert points(platform) == {}


def test_objectives_curves_alerts_and_hosts_are_served(platform: Platform, records: StoredRecords) -> None:
    records.add(300, just_now(platform), ms=900.0)
    host_sample(platform)
    measure(platform)
    app = FastAPI()
    app.state.platform = platform
    app.state.identify = lambda _session, token: actor(token)
    tell_errors(app)
    app.include_router(routes.router)
    with platform.database.session() as session:
        from gnomon.control.people.tables import MatrixVersion

        held = {key: ["engineer"] for key in ("slo.view", "alert.view", "host.view", "alert.acknowledge")}
        session.add(MatrixVersion(version=2, permissions=held, exclusive=[], made_at=MONDAY, made_by="t", source="t"))
        session.commit()
    with TestClient(app, headers={"authorization": "Bearer wei"}) as client:
        (model,) = client.get("/api/v1/slo").json()
        assert {one["id"]: one["state"] for one in model["objectives"]}["latency"] == "not_met"
        assert {one["rule"] for one in model["burn"]} == {"burn-fast", "burn-medium", "burn-slow"}
        curve = client.get("/api/v1/slo/series", params={"model": "reviews", "objective": "latency"}).json()
        assert [(point["numerator"], point["n"]) for point in curve] == [(0, 300)]
        naive = {"model": "reviews", "objective": "latency", "since": "2026-03-01T00:00:00"}
        assert client.get("/api/v1/slo/series", params=naive).status_code == 422
        (alert,) = client.get("/api/v1/alerts").json()
        done = client.post(f"/api/v1/alerts/{alert['id']}/acknowledge", json={"note": "看一下"})
        assert done.json()["acknowledged_by"] == "wei"
        assert client.get("/api/v1/alerts/alert_none").status_code == 404
        assert client.get("/api/v1/hosts").json()[0]["host"] == "h1"
