"""A case from finding to closure: frozen before it runs, judged on the same items, closed by a third person."""

import inspect
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from gnomon.control.approvals import actions as approvals
from gnomon.control.approvals.rules import OwnRequest
from gnomon.control.evaluation import actions as evaluation
from gnomon.control.evaluation.rules import RunNotComplete
from gnomon.control.evaluation.tables import EvaluationRun
from gnomon.control.findings import queries as findings
from gnomon.control.remediation import actions, live, queries, rules
from gnomon.control.remediation.actions.verification import MeasuresUnfinished
from gnomon.control.remediation.schemas import (
    NextRound,
    StartVerification,
)
from gnomon.control.remediation.tables import Case, Round
from gnomon.kit import services
from gnomon.kit.errors import BadInput, Denied
from tests.fakes.platform import do, run_jobs
from tests.fakes.records import StoredRecords
from tests.unit.evaluation.gateway import publish
from tests.unit.remediation.conftest import Company


def test_a_case_is_closed_by_a_third_person_once_the_verified_version_serves(verified: tuple[Company, Case]) -> None:
    company, case = verified
    round = company.read(queries.current_round, case)
    assert (case.number, case.state, round.verdict) == ("ZG-2026-001", "verified", "met")
    assert round.verification["states"] == {
        "goal accuracy": "met",
        "guard answered_rate": "met",
        "live success_ratio": "met",
    }
    with pytest.raises(rules.NotLive):
        company.close(case)
    company.serve(company.candidate(case), weight=0.5)
    with pytest.raises(rules.NotLive):
        company.close(case)
    company.serve(company.candidate(case))
    for login in ("wei", "lin", "guo"):  # the owner; who verified and asks; a post that does not confirm
        with pytest.raises(Denied):
            company.close(case, login)
    closed = company.close(case)
    assert (closed.state, closed.closed_by) == ("closed", "ren")
    assert company.read(findings.finding, company.finding).state == "closed"
    assert company.read(queries.unreconciled) == []


def test_who_verified_does_not_close_even_with_the_right_to(company: Company) -> None:
    case = company.verified(login="rong")
    company.serve(company.candidate(case))
    with pytest.raises(Denied):
        company.close(case, "rong")


def test_closing_can_be_asked_for_and_the_last_yes_closes(verified: tuple[Company, Case]) -> None:
    company, case = verified
    with pytest.raises(rules.NotLive):
        do(company.platform, "lin", actions.request_closure, case.id, comment="申请销号")
    company.serve(company.candidate(case))
    asked = do(company.platform, "lin", actions.request_closure, case.id, comment="申请销号")
    with pytest.raises((OwnRequest, Denied)):
        do(company.platform, "lin", approvals.vote, asked.id, approve=True, comment="自己")
    do(company.platform, "ren", approvals.vote, asked.id, approve=True, comment="确认")
    closed = company.read(queries.case, case.id)
    assert (closed.state, closed.closed_by) == ("closed", "ren")


def test_a_run_from_before_the_freeze_makes_the_verdict_invalid(company: Company) -> None:
    case = company.open()
    early = company.run("t_lora", "exploration")  # good answers, but the goal came after them
    company.later(hours=1)
    company.approve(company.planned(case))
    company.implement(case)
    do(company.platform, "lin", actions.start_verification, case.id, StartVerification(target_id="t_lora"))
    with company.platform.database.session() as session:  # only by going past every action
        row = session.scalars(select(Round)).one()
        row.verification_run_id = early.id
        session.get_one(EvaluationRun, early.id).version_id = company.candidate(case)
        session.commit()
    round = company.judge(case)
    assert round.verdict == "invalid"
    with pytest.raises(rules.NotMet):
        company.close(case)
    assert company.read(queries.ran_before_goal) == (1, [round.id])


def test_the_verdict_is_of_the_rounds_own_run_and_of_its_candidate(company: Company) -> None:
    assert "run_id" not in inspect.signature(actions.verify_round).parameters
    case = company.open()
    company.approve(company.planned(case))
    company.implement(case)
    do(company.platform, "lin", actions.start_verification, case.id, StartVerification(target_id="t_lora"))
    run_jobs(company.platform, ["evaluation.run"])
    other = company.run("t_base", "exploration")
    seen = company.read(live.look, case.id, at=company.platform.clock.now())
    with pytest.raises(rules.CaseStateConflict):  # traffic that was read for another run
        do(company.platform, "lin", actions.verify_round, case.id, seen=replace(seen, run_id=other.id))
    with company.platform.database.session() as session:
        session.scalars(select(Round)).one().verification_run_id = other.id
        session.commit()
    with pytest.raises(BadInput, match="no measure of this round made"):
        company.judge(case)


def test_a_round_looks_at_its_sealed_set_once_and_the_look_is_shown(company: Company) -> None:
    case = company.open()
    company.approve(company.planned(case))
    company.implement(case)
    with pytest.raises(Denied):  # may verify, may not look at sealed sets
        do(company.platform, "wei", actions.start_verification, case.id, StartVerification(target_id="t_lora"))
    start = StartVerification(target_id="t_lora")
    do(company.platform, "lin", actions.start_verification, case.id, start)
    with pytest.raises(rules.SecondLook):
        do(company.platform, "lin", actions.start_verification, case.id, start)
    run_jobs(company.platform, ["evaluation.run"])
    with pytest.raises(rules.SecondLook):
        do(company.platform, "lin", actions.start_verification, case.id, start)
    round = company.judge(case)
    assert round.verification["looks"] == {"this_round": 1, "ever": 2}  # the other was the baseline


def test_who_peeked_with_the_candidate_does_not_verify_in_this_round(company: Company) -> None:
    case = company.open()
    company.approve(company.planned(case))
    company.implement(case)
    company.later(minutes=1)
    company.run("t_lora", "exploration")
    with pytest.raises(rules.SecondLook):
        do(company.platform, "lin", actions.start_verification, case.id, StartVerification(target_id="t_lora"))
    again = do(company.platform, "wei", actions.open_next_round, case.id, NextRound(reason="已看过"))
    assert again.state == "next_round"


def test_a_verification_that_failed_goes_on_as_the_same_look(company: Company) -> None:
    case = company.open()
    company.approve(company.planned(case))
    company.implement(case)
    start = StartVerification(target_id="t_lora")
    first = do(company.platform, "lin", actions.start_verification, case.id, start)
    do(company.platform, "system", evaluation.fail, first.id, error="the gateway was away")
    with company.platform.database.session() as session:
        session.connection().exec_driver_sql("UPDATE kit_job SET state = 'failed' WHERE name = 'evaluation.run'")
        session.commit()
    again = do(company.platform, "lin", actions.start_verification, case.id, start)
    assert again.id == first.id
    run_jobs(company.platform, ["evaluation.run"])
    assert company.judge(case).verdict == "met"


def test_what_is_not_met_goes_into_the_next_round_and_does_not_close(company: Company) -> None:
    company.gateway.is_right = lambda model, number: number % 2 == 0  # the adapter changed nothing
    case = company.verified()
    round = company.read(queries.current_round, case)
    assert round.verdict == "not_met"
    company.serve(company.candidate(case))
    with pytest.raises(rules.NotMet):
        company.close(case)
    again = do(company.platform, "wei", actions.open_next_round, case.id, NextRound(reason="未达标"))
    assert again.state == "next_round"
    assert [left["what"] for left in company.read(queries.round_by_id, round.id).leftovers] == ["goal accuracy"]
    second = company.planned(again)
    assert second.n == 2
    assert company.read(findings.finding, company.finding).state == "in_case"


@pytest.mark.parametrize(
    ("rows", "state", "verdict"),
    [
        ([{"target": "t_lora", "outcomes": {"ok": 900, "upstream_error": 100}, "p95": 9.0}], "not_met", "not_met"),
        ([{"target": "t_base", "outcomes": {"ok": 900}, "p95": 9.0}], "not_measured", "insufficient"),
    ],
)
def test_a_guard_on_live_traffic_counts_and_unmeasured_is_not_met(
    company: Company, rows: list[dict[str, object]], state: str, verdict: str
) -> None:
    company.records.rows = rows
    case = company.verified()
    round = company.read(queries.current_round, case)
    assert (round.verification["states"]["live success_ratio"], round.verdict) == (state, verdict)


def test_the_live_guard_reads_the_real_record_store(company: Company, tmp_path: Path) -> None:
    records = StoredRecords(tmp_path)
    services.fill(records=records)
    early = company.platform.clock.now().timestamp() - 60
    records.add(300, early, target="t_lora", model="reviews-zh", outcome="upstream_error", status=502)
    case = company.open()
    round = company.planned(case)
    company.approve(round)
    since = round.frozen_at.timestamp()
    records.add(200, since + 60, target="t_lora", model="reviews-zh")
    records.add(50, since + 61, target="t_lora", model="reviews-zh", outcome="limited", status=429)
    records.add(300, since + 62, target="t_base", model="reviews-zh", outcome="timeout", status=504)
    company.implement(case)
    verified = company.verify(case)
    records.close()
    (live,) = verified.verification["live"]
    assert (live["state"], live["detail"]["n"], verified.verdict) == ("met", 200, "met")


def test_only_what_this_round_made_is_verified_and_only_a_completed_run_judges(company: Company) -> None:
    case = company.open()
    company.approve(company.planned(case))
    do(company.platform, "wei", actions.start_measures, case.id)
    with pytest.raises(MeasuresUnfinished):
        do(company.platform, "lin", actions.start_verification, case.id, StartVerification(target_id="t_lora"))
    run_jobs(company.platform, ["tuning.train"])
    by_hand = next(one for one in company.read(queries.measures, case.id) if one.method == "by_hand")
    do(company.platform, "wei", actions.finish_measure, by_hand.id, company.by_hand())
    with pytest.raises(BadInput, match="no measure of this round made"):
        do(company.platform, "lin", actions.start_verification, case.id, StartVerification(target_id="t_base"))
    publish(company.platform, serial=9, candidate=company.candidate(case))
    do(company.platform, "lin", actions.start_verification, case.id, StartVerification(target_id="t_lora"))
    with pytest.raises(RunNotComplete):
        company.judge(case)
