"""Checks: what they say becomes evidence, what they cannot say does not, and none can stop another."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import select
from structlog.testing import capture_logs

from gnomon.contract.verdicts import State
from gnomon.control.evidence.tables import Artefact
from gnomon.control.rulebook import actions, checks, queries, routes
from gnomon.control.rulebook.checks import BrokenCheck, CheckContext, CheckResult
from gnomon.control.rulebook.rules import ControlVerdict, load
from gnomon.control.rulebook.tables import CheckRun
from gnomon.kit.clock import FakeClock
from gnomon.kit.errors import Conflict, Denied, NotFound
from gnomon.kit.web import tell_errors
from gnomon.kit.work import Platform
from tests.fakes.client import TestClient
from tests.fakes.platform import MONDAY, actor, do, make_platform, run_jobs

BOOK = load()
GATE = "catalog.unregistered_weights"  # a control with a threshold: at most 0
REGISTER = "catalog.register_complete"  # a control without one


@pytest.fixture(autouse=True)
def _only_the_checks_of_this_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "CHECKS", {})
    monkeypatch.setattr(queries, "CHECKS", checks.CHECKS)
    from gnomon.control.rulebook import jobs

    monkeypatch.setattr(jobs, "CHECKS", checks.CHECKS)


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    with capture_logs() as events:
        yield events


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    platform = make_platform(tmp_path)
    yield platform
    platform.database.close()


def gate(violations: int, *, examined: int = 3) -> CheckResult:
    facts = {"rule": "no_stray_weights", "examined": examined, "violations": violations}
    return CheckResult(n=examined, value=float(violations), facts=facts)


def register(state: State, *, entries: int = 2) -> CheckResult:
    facts = {"register": "models", "entries": entries, "incomplete": 0, "missing": []}
    return CheckResult(n=entries, state=state, facts=facts)


def round_of_checks(platform: Platform, source: str = "schedule") -> None:
    from tests.unit.rulebook_board.rounds import queue_round

    queue_round(platform, source)
    run_jobs(platform)


def artefacts(platform: Platform, source: str) -> list[Artefact]:
    with platform.read() as session:
        return list(session.scalars(select(Artefact).where(Artefact.source == source).order_by(Artefact.id)))


def control_state(platform: Platform, control: str) -> ControlVerdict:
    with platform.read() as session:
        return queries.control_standings(session, platform.clock.now())[control].state.state


def run_of(platform: Platform, source: str) -> CheckRun:
    with platform.read() as session:
        return session.get_one(CheckRun, source)


def advance(platform: Platform, **by: float) -> None:
    assert isinstance(platform.clock, FakeClock)
    platform.clock.advance(timedelta(**by))


def test_a_figure_within_its_threshold_is_met_and_past_it_is_not(platform: Platform) -> None:
    found = iter([gate(0), gate(1)])
    checks.check(GATE)(lambda _: next(found))
    round_of_checks(platform)
    assert control_state(platform, "CTL-unregistered-weights") is ControlVerdict.MET
    round_of_checks(platform)
    assert control_state(platform, "CTL-unregistered-weights") is ControlVerdict.NOT_MET
    facts = artefacts(platform, GATE)[-1].facts
    assert facts["threshold"]["rulebook"] == BOOK.version
    assert facts["value"] == 1.0


def test_nothing_to_measure_leaves_no_evidence_but_says_that_it_looked(platform: Platform) -> None:
    checks.check(GATE)(lambda _: None)
    round_of_checks(platform)
    assert artefacts(platform, GATE) == []
    assert control_state(platform, "CTL-unregistered-weights") is ControlVerdict.NOT_MEASURED
    assert run_of(platform, GATE).outcome == "nothing"


def test_a_state_that_does_not_change_is_recorded_again_only_when_a_third_of_its_freshness_has_passed(
    platform: Platform,
) -> None:
    checks.check(REGISTER)(lambda _: register(State.MET))
    for _ in range(3):
        round_of_checks(platform)
        advance(platform, seconds=20)
    assert len(artefacts(platform, REGISTER)) == 1
    advance(platform, hours=26 / 3)
    round_of_checks(platform)
    assert len(artefacts(platform, REGISTER)) == 2


def test_a_failing_check_is_not_measured_is_logged_and_stops_no_other(platform: Platform, logged: list[Any]) -> None:
    def broken(_: CheckContext) -> CheckResult:
        raise RuntimeError("the store quoted somebody's words")

    checks.check(GATE)(broken)
    checks.check(REGISTER)(lambda _: register(State.MET))
    round_of_checks(platform)
    assert control_state(platform, "CTL-register-complete") is ControlVerdict.MET
    assert control_state(platform, "CTL-unregistered-weights") is ControlVerdict.NOT_MEASURED
    assert artefacts(platform, GATE)[0].facts["error"] == "RuntimeError"
    assert "words" not in str(artefacts(platform, GATE)[0].facts)
    assert run_of(platform, GATE).outcome == "failed"
    assert [event["event"] for event in logged] == ["check_failed"]


def test_a_check_that_worked_and_then_fails_is_green_no_longer(platform: Platform) -> None:
    working = [True]

    def sometimes(_: CheckContext) -> CheckResult:
        if not working[0]:
            raise OSError
        return gate(0)

    checks.check(GATE)(sometimes)
    round_of_checks(platform)
    working[0] = False
    round_of_checks(platform)
    assert control_state(platform, "CTL-unregistered-weights") is ControlVerdict.NOT_MEASURED


def test_a_check_may_not_decide_what_a_threshold_decides() -> None:
    control = BOOK.controls_from(GATE)[0]
    with pytest.raises(BrokenCheck):
        checks.judged(control, CheckResult(n=1, facts={}, state=State.MET), rulebook=BOOK)


def test_a_check_without_the_facts_of_its_kind_is_broken() -> None:
    control = BOOK.controls_from(GATE)[0]
    with pytest.raises(BrokenCheck, match="examined"):
        checks.judged(control, CheckResult(n=1, value=0.0, facts={"rule": "x", "violations": 0}), rulebook=BOOK)


def test_met_by_no_observation_is_not_measured() -> None:
    control = BOOK.controls_from(REGISTER)[0]
    assert checks.judged(control, register(State.MET, entries=0), rulebook=BOOK).state is State.NOT_MEASURED


def test_two_functions_cannot_answer_one_source() -> None:
    checks.check(GATE)(lambda _: None)

    def another(_: CheckContext) -> CheckResult | None:
        return None

    with pytest.raises(ValueError, match="answered by"):
        checks.check(GATE)(another)


def test_a_costly_check_runs_only_when_its_evidence_is_due(platform: Platform) -> None:
    looked: list[int] = []

    def look(_: CheckContext) -> CheckResult:
        looked.append(1)
        return gate(0)

    checks.check(GATE, costly=True)(look)
    round_of_checks(platform)
    round_of_checks(platform)
    assert len(looked) == 1
    advance(platform, hours=9)
    round_of_checks(platform)
    assert len(looked) == 2


def test_what_takes_moments_is_measured_before_what_takes_seconds(platform: Platform) -> None:
    known: list[str] = []

    def look(ctx: CheckContext) -> CheckResult:
        known.extend(run.source for run in ctx.session.scalars(select(CheckRun)))
        return gate(0)

    checks.check(GATE, costly=True)(look)
    checks.check(REGISTER)(lambda _: register(State.MET))
    round_of_checks(platform)
    assert known == [REGISTER]
    assert len(artefacts(platform, REGISTER)) == 1


def test_a_person_may_ask_for_a_check_now_and_it_always_leaves_evidence(platform: Platform) -> None:
    checks.check(GATE)(lambda _: gate(0))
    for _ in range(2):
        do(platform, "wei", actions.request_run, "CTL-unregistered-weights")
        run_jobs(platform)
    assert len(artefacts(platform, GATE)) == 2


def test_a_control_that_no_check_answers_cannot_be_run(platform: Platform) -> None:
    with pytest.raises(Conflict, match="CTL-joint-approval"):
        do(platform, "wei", actions.request_run, "CTL-joint-approval")


def test_a_check_that_only_the_worker_has_can_be_asked_for_once_it_ran(platform: Platform) -> None:
    with pytest.raises(Conflict):
        do(platform, "wei", actions.request_run, "CTL-matrix-sweep")
    with platform.database.session() as session:
        session.add(CheckRun(source="people.matrix_swept", at=MONDAY, outcome="met"))
        session.commit()
    assert do(platform, "wei", actions.request_run, "CTL-matrix-sweep").startswith("job_")


def test_a_round_for_a_source_that_no_check_answers_says_so(platform: Platform) -> None:
    with pytest.raises(NotFound, match=r"catalog\.nothing"):
        round_of_checks(platform, "catalog.nothing")


def test_nobody_but_the_platform_can_put_an_answer_into_the_trail(platform: Platform) -> None:
    answer = checks.Answer(State.MET, {})
    with pytest.raises(Denied):
        do(platform, "wei", actions.keep, BOOK.control("CTL-unregistered-weights"), answer)


def test_the_board_is_served_and_a_check_is_run_over_http(platform: Platform) -> None:
    checks.check(GATE)(lambda _: gate(0))
    app = FastAPI()
    app.state.platform = platform
    app.state.identify = lambda _session, token: actor(token)
    tell_errors(app)
    app.include_router(routes.router)
    permissions = ["clause.view", "clause.export", "control.view", "control.run"]
    with platform.database.session() as session:
        from gnomon.control.people.tables import MatrixVersion

        held = {permission: ["engineer"] for permission in permissions}
        session.add(
            MatrixVersion(version=2, permissions=held, exclusive=[], made_at=MONDAY, made_by="test", source="test")
        )
        session.commit()
    with TestClient(app, headers={"authorization": "Bearer wei"}) as client:
        assert client.post("/api/v1/controls/CTL-unregistered-weights/run").status_code == 202
        run_jobs(platform)
        board = client.get("/api/v1/clauses").json()
        one = client.get("/api/v1/clauses/OPS-0.1").json()
        assert client.get("/api/v1/clauses/OPS-9.9").status_code == 404
        assert client.get("/api/v1/clauses/export").text.startswith("\ufeffclause")
        assert len(client.get("/api/v1/controls").json()) == len(BOOK.controls)
        assert client.get("/api/v1/clauses", headers={"authorization": "Bearer admin"}).status_code == 403
    assert board["total"] == 58
    assert board["counts"]["partial"] == 1
    assert {"CTL-unregistered-weights": "met"}.items() <= {c["id"]: c["state"] for c in one["controls"]}.items()
