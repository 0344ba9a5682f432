"""A plan is frozen and approved before anything starts; what it may loosen it says openly."""

from datetime import timedelta
from typing import Any

import pytest

from gnomon.control.approvals import actions as approvals
from gnomon.control.approvals import queries as requests
from gnomon.control.approvals.rules import OwnRequest
from gnomon.control.evidence import queries as evidence
from gnomon.control.remediation import actions, queries, rules
from gnomon.control.remediation.schemas import (
    Assessment,
    StartVerification,
)
from gnomon.control.remediation.tables import Round
from gnomon.control.rulebook import rules as rulebook
from gnomon.kit.errors import BadInput, Denied
from tests.fakes.platform import do, run_jobs
from tests.unit.evaluation.gateway import RECIPE
from tests.unit.remediation.conftest import AIMS, DAY, Company


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


def test_a_training_that_cannot_be_started_is_refused_with_the_plan(company: Company) -> None:
    case = company.open()
    (lora, by_hand) = company.plan().model_dump(mode="json")["measures"]
    lora["params"]["parameters"]["validation"] = "/home/somebody/held-out.jsonl"
    with pytest.raises(rules.BadPlan, match="validation"):
        company.planned(case, measures=[lora, by_hand])


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
