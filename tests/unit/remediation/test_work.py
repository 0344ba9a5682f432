"""The work between plan and verdict: tasks, measures by hand, budget, supervision, and what proves each."""

from datetime import timedelta

import pytest

from gnomon.contract.verdicts import State
from gnomon.control.evaluation import queries as runs
from gnomon.control.evidence import queries as evidence
from gnomon.control.evidence.tables import Artefact
from gnomon.control.remediation import actions, checks, queries, rules
from gnomon.control.remediation.actions.work import NothingToShow
from gnomon.control.remediation.schemas import (
    Group,
    MeasureResult,
    Spend,
    Supervision,
    TaskUpdate,
)
from gnomon.control.remediation.tables import Case, Task
from gnomon.control.rulebook import rules as rulebook
from gnomon.control.rulebook.checks import Check, CheckContext, CheckResult, judged
from gnomon.kit.errors import BadInput, Denied, NotFound
from tests.fakes.platform import do
from tests.unit.remediation.conftest import DAY, Company

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
