"""A case from finding to closure: frozen before it runs, judged on the same items, closed by a third person."""

import inspect
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gnomon.contract.verdicts import State
from gnomon.control.approvals import actions as approvals
from gnomon.control.approvals import queries as requests
from gnomon.control.approvals.rules import OwnRequest
from gnomon.control.evaluation import actions as evaluation
from gnomon.control.evaluation import queries as runs
from gnomon.control.evaluation.rules import RunNotComplete
from gnomon.control.evaluation.tables import EvaluationRun
from gnomon.control.evidence import queries as evidence
from gnomon.control.evidence.tables import Artefact
from gnomon.control.findings import queries as findings
from gnomon.control.remediation import actions, checks, live, queries, rules
from gnomon.control.remediation.actions.verification import MeasuresUnfinished
from gnomon.control.remediation.actions.work import NothingToShow
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
from gnomon.control.rulebook.checks import Check, CheckContext, CheckResult, judged
from gnomon.kit import services
from gnomon.kit.errors import BadInput, Denied, NotFound
from tests.fakes.platform import do, run_jobs
from tests.fakes.records import StoredRecords
from tests.unit.evaluation.gateway import RECIPE, publish
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


def test_everything_that_is_proved_is_what_the_rulebook_asks_for(verified: tuple[Company, Case]) -> None:
    company, case = verified
    company.serve(company.candidate(case))
    company.close(case)
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


LATER = {"reason": "两核无 GPU", "until": (DAY + timedelta(days=60)).isoformat()}


@pytest.mark.parametrize(
    ("changes", "figure"),
    [
        ({"guards": [{"metric": "accuracy", "margin": 0.5}]}, "margin"),
        ({"guards": [{"metric": "answered_rate", "margin": 0.01, "alpha": 0.4}]}, "alpha"),
        ({"guards": [{"metric": "latency_p95_ms", "margin": 0.1, "relative": False}]}, "relative"),
        ({"live_guards": [{"indicator": "success_ratio", "limit": 0.5}]}, "limit"),
        ({"live_guards": [{"indicator": "latency_p95_ms", "limit": 5000}]}, "limit"),
        ({"live_guards": [{"indicator": "success_ratio", "min_n": 1}]}, "min_n"),
    ],
)
def test_a_plan_is_looser_than_the_rulebook_only_openly(company: Company, changes: Any, figure: str) -> None:
    case = company.open()
    with pytest.raises(rules.LooserThanRulebook):
        company.planned(case, **changes)
    (kind, (guard,)) = next(iter(changes.items()))
    round = company.planned(case, **{kind: [guard | {"deviation": LATER}]})
    first = round.content["deviations"][0]
    assert (first["figure"], first["kind"], first["reason"]) == (figure, kind, "两核无 GPU")
    asked = company.read(requests.request, round.approval_id)
    assert "放宽" in asked.title
    assert asked.content["deviations"] == round.content["deviations"]


def test_tighter_needs_no_word_and_a_deviation_that_is_none_or_past_is_refused(company: Company) -> None:
    case = company.open()
    for wrong in (
        {"indicator": "success_ratio", "limit": 0.999, "deviation": LATER},
        {"indicator": "success_ratio", "limit": 0.9, "deviation": LATER | {"until": DAY.isoformat()}},
        {"indicator": "latency_p95_ms", "evidence_source": "remediation.group_formed"},  # measures something else
    ):
        with pytest.raises(rules.BadPlan):
            company.planned(case, live_guards=[wrong])
    for wrong_goal in ({"to_value": 0.3}, {"to_value": 0.75, "min_n": 1}):  # worse than now; too few items
        goal = {"metric": "accuracy", "by": DAY + timedelta(days=30), "recipe": RECIPE["id"]} | wrong_goal
        with pytest.raises(rules.BadPlan):
            company.planned(case, goals=[goal])
    round = company.planned(case, live_guards=[{"indicator": "success_ratio", "limit": 0.999, "min_n": 300}])
    assert round.content["deviations"] == []


def test_the_verdict_names_its_deviations_and_one_that_ran_out_counts_no_more(company: Company) -> None:
    company.records.rows = [{"target": "t_lora", "outcomes": {"ok": 500}, "p95": 4000.0}]
    slow = {"indicator": "latency_p95_ms", "limit": 5000, "deviation": LATER}
    case = company.open()
    company.approve(company.planned(case, live_guards=[slow]))
    company.implement(case)
    do(company.platform, "lin", actions.start_verification, case.id, StartVerification(target_id="t_lora"))
    run_jobs(company.platform, ["evaluation.run"])
    round = company.read(queries.current_round, company.read(queries.case, case.id))
    lapsed = rules.guards_of(round.content, "live_guards", today=DAY + timedelta(days=61))
    assert lapsed[0]["threshold"]["limit"] == rulebook.load().threshold("latency_p95_ms").limit
    judged = company.judge(case)
    assert judged.verdict == "met"
    said = judged.verification["sentences"][0]
    assert "放宽" in said["zh-CN"]
    assert "5000" in said["en"]
    proof = company.read(evidence.artefact, judged.verification["evidence_id"])
    assert proof.facts["deviations"] == round.content["deviations"]


def test_a_measure_by_hand_is_done_when_something_from_after_the_freeze_shows_it(company: Company) -> None:
    case = company.open()
    before = company.read(runs.run, company.baseline).evidence_ids[0]
    company.approve(company.planned(case))
    do(company.platform, "wei", actions.start_measures, case.id)
    by_hand = next(one for one in company.read(queries.measures, case.id) if one.method == "by_hand")
    for result in (
        MeasureResult(state="done", note="trust me"),
        MeasureResult(state="done", note="old", evidence_ids=[before]),
        MeasureResult(state="done", note="old", dataset_ids=[company.dataset]),
    ):
        with pytest.raises(NothingToShow):
            do(company.platform, "wei", actions.finish_measure, by_hand.id, result)
    invented = MeasureResult(state="done", note="x", evidence_ids=["evidence_x"])
    with pytest.raises(NotFound):
        do(company.platform, "wei", actions.finish_measure, by_hand.id, invented)
    do(company.platform, "wei", actions.finish_measure, by_hand.id, company.by_hand())
    proof = company.read(evidence.newest, ["remediation.measure_applied"])["remediation.measure_applied"]
    assert len(proof.facts["shown_by"]) == 1


def test_a_training_that_cannot_be_started_is_refused_with_the_plan(company: Company) -> None:
    case = company.open()
    (lora, by_hand) = company.plan().model_dump(mode="json")["measures"]
    lora["params"]["parameters"]["validation"] = "/home/somebody/held-out.jsonl"
    with pytest.raises(rules.BadPlan, match="validation"):
        company.planned(case, measures=[lora, by_hand])


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


def looked(company: Company, run: Check, *, days: float) -> CheckResult:
    """What a check says that much later, when its evidence speaks for eight days."""
    company.later(days=days)
    with company.platform.read() as session:
        found = run(CheckContext(session, company.platform.clock.now(), rulebook.load(), timedelta(days=8)))
    assert found
    return found


def test_late_work_is_visible_only_when_somebody_says_why(company: Company) -> None:
    case = company.open()
    company.planned(case)
    found = looked(company, checks.overdue_listed, days=4)
    assert (found.state, len(found.facts["silent"])) == (State.NOT_MET, 2)
    for row in company.read(queries.gantt, case.id, today=DAY):
        if row.task.key in ("data", "docs"):
            do(company.platform, "wei", actions.update_task, row.task.id, TaskUpdate(progress=50, note="等待标注"))
    found = looked(company, checks.overdue_listed, days=0)
    assert (found.state, len(found.facts["overdue"])) == (State.MET, 2)


def test_progress_is_checked_by_people_within_the_window_and_not_by_the_platform(company: Company) -> None:
    case = company.open()
    company.planned(case)
    found = looked(company, checks.progress_checked, days=9)
    assert (found.state, found.facts["unseen"]) == (State.NOT_MET, [case.number])
    do(company.platform, "shen", actions.supervise, case.id, Supervision(checked="任务与证据"))
    found = looked(company, checks.progress_checked, days=1)
    assert (found.state, found.facts["reviewers"]) == (State.MET, ["shen"])
    found = looked(company, checks.progress_checked, days=8)
    assert found.state is State.NOT_MET


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
    ]
    with company.platform.read() as session:
        context = CheckContext(session, company.platform.clock.now(), book, timedelta(days=1))
        assert checks.dependent_supervisors(context) is None  # nobody supervised: nothing to measure
        assert checks.progress_checked(context) is None  # the case is too young for it to be due
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
