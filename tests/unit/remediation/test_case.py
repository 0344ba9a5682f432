"""A case from finding to closure: frozen before it runs, judged on the same items, closed by a third person."""

from datetime import timedelta
from pathlib import Path

import pytest

from gnomon.contract.verdicts import State
from gnomon.control.approvals import actions as approvals
from gnomon.control.approvals import queries as requests
from gnomon.control.approvals.rules import OwnRequest
from gnomon.control.evaluation.rules import RunNotComplete
from gnomon.control.evidence import queries as evidence
from gnomon.control.evidence.tables import Artefact
from gnomon.control.findings import queries as findings
from gnomon.control.remediation import actions, checks, queries, rules
from gnomon.control.remediation.actions.verification import MeasuresUnfinished
from gnomon.control.remediation.schemas import (
    Assessment,
    Group,
    MeasureResult,
    NextRound,
    Spend,
    StartVerification,
    Supervision,
    TaskUpdate,
)
from gnomon.control.remediation.tables import Case, Round, Task
from gnomon.control.rulebook import rules as rulebook
from gnomon.control.rulebook.checks import CheckContext, CheckResult, judged
from gnomon.kit import services
from gnomon.kit.errors import BadInput, Denied
from tests.fakes.platform import do, run_jobs
from tests.fakes.records import StoredRecords
from tests.unit.evaluation.gateway import publish
from tests.unit.remediation.conftest import AIMS, DAY, Company

OURS = {
    "goals_frozen",
    "trade_off_recorded",
    "measures_ranked",
    "resources_estimated",
    "tasks_planned",
    "measure_applied",
    "round_verified",
    "case_closed",
}


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
        do(company.platform, "ren", actions.close_case, case.id, comment="确认")
    company.serve(company.candidate(case), weight=0.5)
    with pytest.raises(rules.NotLive):
        do(company.platform, "ren", actions.close_case, case.id, comment="确认")
    company.serve(company.candidate(case))
    for login in ("wei", "lin", "guo"):  # the owner; who verified; a post that does not confirm
        with pytest.raises(Denied):
            do(company.platform, login, actions.close_case, case.id, comment="确认")
    closed = do(company.platform, "ren", actions.close_case, case.id, comment="确认")
    assert (closed.state, closed.closed_by) == ("closed", "ren")
    assert company.read(findings.finding, company.finding).state == "closed"
    assert company.read(queries.unreconciled) == []


def test_who_verified_does_not_close_even_with_the_right_to(company: Company) -> None:
    case = company.verified(login="rong")
    company.serve(company.candidate(case))
    with pytest.raises(rules.OwnCase):
        do(company.platform, "rong", actions.close_case, case.id, comment="确认")


def test_everything_that_is_proved_is_what_the_rulebook_asks_for(verified: tuple[Company, Case]) -> None:
    company, case = verified
    company.serve(company.candidate(case))
    do(company.platform, "ren", actions.close_case, case.id, comment="确认")
    book = rulebook.load()
    with company.platform.read() as session:
        found = list(session.query(Artefact))
    known = [artefact for artefact in found if book.controls_from(artefact.source)]
    assert {artefact.source for artefact in known} >= {f"remediation.{name}" for name in OURS}
    for artefact in known:
        for control in book.controls_from(artefact.source):
            assert artefact.kind == control.evidence, artefact.source
        assert book.missing_facts(artefact.kind, artefact.facts) == (), artefact.source
    assert all(evidence.is_intact(artefact) for artefact in found)


def test_the_compute_that_was_used_is_in_the_budget(verified: tuple[Company, Case]) -> None:
    company, case = verified
    totals = company.read(queries.budget_totals, case.id)
    assert totals["compute (CPU min)"] == {"planned": 10.0, "committed": 0.0, "actual": 1.5}
    line = next(line for line in company.read(queries.budget, case.id) if line.kind == "purchase")
    spend = Spend(column="committed", amount=300, what="标注合同")
    assert do(company.platform, "lin", actions.record_spend, line.id, spend).committed == 300
    with pytest.raises(BadInput):
        do(company.platform, "lin", actions.record_spend, line.id, Spend(column="actual", amount=-1, what="x"))


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


def test_nothing_starts_before_exactly_the_frozen_plan_is_approved(company: Company) -> None:
    case = company.open()
    round = company.planned(case)
    with pytest.raises(requests.NotApproved):
        do(company.platform, "wei", actions.start_measures, case.id)
    with pytest.raises((OwnRequest, Denied)):
        do(company.platform, "wei", approvals.vote, round.approval_id, approve=True, comment="我写的")
    company.approve(round)
    assert company.read(queries.case, case.id).state == "approved"
    with pytest.raises(rules.CaseStateConflict):  # no second plan beside the approved one
        do(company.platform, "wei", actions.plan_round, case.id, company.plan())
    with company.platform.database.session() as session:
        row = session.get_one(Round, round.id)
        goals = [row.content["goals"][0] | {"to": 0.6}]
        row.content = row.content | {"goals": goals}  # somebody edits the database
        session.commit()
    with pytest.raises(rules.PlanFrozen):
        do(company.platform, "wei", actions.start_measures, case.id)


def test_a_rejected_plan_frees_the_case_for_another(company: Company) -> None:
    case = company.open()
    company.approve(company.planned(case), but="rong")
    assert company.read(queries.case, case.id).state == "assessed"
    round = company.planned(case)
    assert (round.n, company.read(queries.case, case.id).state) == (2, "planned")


def test_a_run_from_before_the_freeze_makes_the_verdict_invalid(company: Company) -> None:
    case = company.open()
    early = company.run("t_lora", "exploration")  # good answers, but the goal came after them
    company.later(hours=1)
    company.approve(company.planned(case))
    company.implement(case)
    do(company.platform, "lin", actions.start_verification, case.id, StartVerification(target_id="t_lora"))
    round = do(company.platform, "lin", actions.verify_round, case.id, run_id=early.id)
    assert round.verdict == "invalid"
    with pytest.raises(rules.NotMet):
        do(company.platform, "ren", actions.close_case, case.id, comment="确认")
    assert company.read(queries.ran_before_goal) == (1, [round.id])


def test_what_is_not_met_goes_into_the_next_round_and_does_not_close(company: Company) -> None:
    company.gateway.is_right = lambda model, number: number % 2 == 0  # the adapter changed nothing
    case = company.verified()
    round = company.read(queries.current_round, case)
    assert round.verdict == "not_met"
    company.serve(company.candidate(case))
    with pytest.raises(rules.NotMet):
        do(company.platform, "ren", actions.close_case, case.id, comment="确认")
    again = do(company.platform, "wei", actions.open_next_round, case.id, NextRound(reason="未达标"))
    assert again.state == "next_round"
    assert [left["what"] for left in company.read(queries.round_by_id, round.id).leftovers] == ["goal accuracy"]
    second = company.planned(again)
    assert second.n == 2
    assert company.read(findings.finding, company.finding).state == "in_case"


@pytest.mark.parametrize(
    ("rows", "state", "verdict"),
    [
        ([{"target": "t_lora", "outcomes": {"ok": 90, "upstream_error": 10}, "p95": 9.0}], "not_met", "not_met"),
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
    do(company.platform, "wei", actions.finish_measure, by_hand.id, MeasureResult(state="done", note="done"))
    with pytest.raises(BadInput, match="no measure of this round made"):
        do(company.platform, "lin", actions.start_verification, case.id, StartVerification(target_id="t_base"))
    publish(company.platform, serial=9, candidate=company.candidate(case))
    do(company.platform, "lin", actions.start_verification, case.id, StartVerification(target_id="t_lora"))
    with pytest.raises(RunNotComplete):
        do(company.platform, "lin", actions.verify_round, case.id)


def test_only_who_works_on_a_task_reports_progress_and_late_ones_are_seen(company: Company) -> None:
    case = company.open()
    company.planned(case)
    rows = {row.task.key: row for row in company.read(queries.gantt, case.id, today=DAY + timedelta(days=4))}
    assert [key for key, row in rows.items() if row.critical] == ["data", "train"]
    assert (rows["docs"].slack_days, rows["docs"].overdue, rows["train"].overdue) == (3, True, False)
    task: Task = rows["docs"].task
    with pytest.raises(Denied):
        do(company.platform, "bai", actions.update_task, task.id, TaskUpdate(progress=50))
    do(company.platform, "wei", actions.update_task, task.id, TaskUpdate(progress=100, note="写完"))
    late = company.read(queries.overdue, today=DAY + timedelta(days=4))
    assert [one.key for one in late] == ["data"]


def test_a_supervisor_is_independent_and_the_group_real(company: Company) -> None:
    case = company.open()
    company.planned(case)
    member = {"person_id": "ren", "team": "risk", "part": "responsible", "duty": "复核"}
    lead = {"person_id": "lin", "team": "technical", "part": "accountable", "duty": "总负责"}
    do(company.platform, "lin", actions.form_group, case.id, Group.model_validate({"members": [lead, member]}))
    for login, refusal in (("wei", Denied), ("ren", rules.OwnCase)):  # no right to; has a part in the case
        with pytest.raises(refusal):
            do(company.platform, login, actions.supervise, case.id, Supervision(checked="任务与证据"))
    seen = do(company.platform, "shen", actions.supervise, case.id, Supervision(checked="任务与证据"))
    assert seen.supervisions[0]["by"] == "shen"
    members = [
        {"person_id": "lin", "team": "technical", "part": "accountable", "duty": "总负责"},
        {"person_id": "bai", "team": "risk", "part": "responsible", "duty": "业务验证"},
    ]
    with pytest.raises(BadInput, match="team business"):
        do(company.platform, "lin", actions.form_group, case.id, Group.model_validate({"members": members}))
    members[1]["team"] = "business"
    do(company.platform, "lin", actions.form_group, case.id, Group.model_validate({"members": members}))
    proof = company.read(evidence.newest, ["remediation.group_formed"])["remediation.group_formed"]
    assert proof.facts["teams"] == ["business", "technical"]


def test_a_plan_that_cannot_be_judged_is_not_frozen(company: Company) -> None:
    case = company.open()
    wrong = [
        {"goals": [{"metric": "accuracy", "to_value": 0.75, "by": DAY + timedelta(days=9), "recipe": "other/1"}]},
        {"goals": [{"metric": "auc", "slice": "x", "to_value": 1, "from_value": 0, "by": "2027-01-01", "recipe": "r"}]},
        {"guards": [{"metric": "answered_rate"}]},
        {"live_guards": [{"indicator": "gpu_hours"}]},
        {"tasks": [company.task("a", 1, 1, depends_on=["b"]), company.task("b", 2, 2, depends_on=["a"])]},
        {"budget": [{"kind": "compute", "title": "x", "unit": "min", "planned": 1, "measure_key": "none"}]},
    ]
    for changes in wrong:
        with pytest.raises(BadInput):
            company.planned(case, **changes)
    assert company.read(queries.case, case.id).state == "assessed"
    with pytest.raises(BadInput):
        do(
            company.platform,
            "wei",
            actions.assess,
            case.id,
            Assessment(aims=AIMS | {"accuracy": ""}, baseline_run_ids=[company.baseline]),
        )


def test_the_checks_say_what_the_registers_hold(verified: tuple[Company, Case]) -> None:
    company, case = verified
    book = rulebook.load()
    every = [
        checks.four_aims_stated,
        checks.ran_before_goal,
        checks.measures_runnable,
        checks.overdue_listed,
        checks.leftovers_reconciled,
        checks.budget_reconciled,
        checks.progress_checked,
    ]
    with company.platform.read() as session:
        context = CheckContext(session, company.platform.clock.now(), book, timedelta(days=1))
        assert checks.dependent_supervisors(context) is None  # nobody supervised: nothing to measure
        for run in every:
            found: CheckResult | None = run(context)
            assert found is not None
            (control,) = book.controls_from(f"remediation.{run.__name__}")
            answer = judged(control, found, rulebook=book)  # raises where facts are missing
            assert answer.state is State.MET or run is checks.measures_runnable
    with company.platform.database.session() as session:
        row = session.get_one(Case, case.id)
        row.finding_ids = []
        session.commit()
    with company.platform.read() as session:
        context = CheckContext(session, company.platform.clock.now(), book, timedelta(days=1))
        broken = checks.leftovers_reconciled(context)
        assert broken is not None
        assert broken.value == 1.0
