"""What the papers say is what the rows say, in both languages, with the evidence of each figure."""

import csv
import io
import re

import openpyxl
import pytest

from gnomon.control.deployments import queries as deployments
from gnomon.control.evaluation import queries as evaluation
from gnomon.control.evidence import queries as evidence
from gnomon.control.findings import actions as findings
from gnomon.control.findings.schemas import NewFinding
from gnomon.control.remediation import queries as cases
from gnomon.control.remediation.tables import Case
from gnomon.control.reports.rules import NothingToReport
from gnomon.control.reports.voice import Voice
from gnomon.control.rulebook import queries as board
from gnomon.kit.errors import BadInput, NotFound
from tests.fakes.platform import do
from tests.unit.deployments.conftest import Company as Installed
from tests.unit.remediation.conftest import Company
from tests.unit.reports.conftest import Office, text_of

CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_the_report_gives_the_stored_figures_and_their_evidence(
    case_office: tuple[Office, Case], language: str
) -> None:
    office, case = case_office
    text = text_of(office.file("remediation_report", case.id, language=language))
    say = Voice(language, "Asia/Shanghai")
    with office.platform.read() as session:
        round = cases.current_round(session, case)
        compared = evaluation.comparison(session, round.verification["comparisons"][0])
        proofs = evidence.about(session, "case", case.id)
    result = compared.result
    assert say.ranged("accuracy", result["before"]) in text
    assert say.ranged("accuracy", result["after"]) in text
    assert say.changed("accuracy", result["effect"]) in text
    assert result["sentence"][language] in text
    assert round.frozen_sha256 in text
    assert "1.5 CPU" in text  # the trainer's 90 s
    for proof in proofs:
        if not proof.source.startswith("reports."):
            assert proof.id in text
            assert proof.sha256 in text


def test_the_report_says_what_is_not_measured_and_what_is_not_done(case_office: tuple[Office, Case]) -> None:
    office, case = case_office
    text = text_of(office.file("remediation_report", case.id))
    assert "– 未测量" in text  # data security and trade standards: nothing measured them in this round
    assert "任务未完成" in text
    assert "整改单尚未销号" in text


def test_the_report_names_who_closed_the_case(verified: tuple[Company, Case]) -> None:
    company, case = verified
    company.serve(company.candidate(case))
    company.close(case)
    text = text_of(Office(company.platform).file("remediation_report", case.id))
    assert "由任专员确认销号" in text
    assert "经验证的版本现承接全部流量" in text


def test_the_plan_shows_where_it_is_looser_than_the_rulebook(company: Company) -> None:
    deviation = {"reason": "两核无 GPU", "until": "2026-12-31"}
    case = company.open()
    company.planned(case, live_guards=[{"indicator": "latency_p95_ms", "limit": 5000, "deviation": deviation}])
    text = text_of(Office(company.platform).file("remediation_plan", case.id))
    assert "经审批放宽的限值" in text
    assert "两核无 GPU" in text


def test_the_plan_gives_goals_guards_tasks_and_budget_as_frozen(case_office: tuple[Office, Case]) -> None:
    office, case = case_office
    text = text_of(office.file("remediation_plan", case.id))
    for said in ("75.0%", "reviews-zh/1", "应答率", "请求成功率", "LoRA 微调", "CPU min", "800.0", "关键路径"):
        assert said in text
    for name in ("林工", "白经理", "荣主任", "郭总"):
        assert name in text


def test_the_three_papers_of_a_deployment_follow_its_rows(installed: Installed) -> None:
    id = installed.deploy()
    office = Office(installed.platform)
    requirements = text_of(office.file("requirements", id))
    assert "准确率不低于 0.75" in requirements
    assert "suite:reviews" in requirements
    plan = text_of(office.file("deployment_plan", id))
    assert "错误率超过 5%" in plan
    assert "15.0 分钟" in plan
    record = text_of(office.file("deployment_record", id))
    with installed.platform.read() as session:
        found = evidence.about(session, "deployment", id)
        deployment = deployments.deployment(session, id)
    for one in found:
        if one.source.startswith("deployments.functional_test_"):
            assert f"{one.facts['passed']}/{one.facts['cases']}" in record
    assert all(proof in record for line in deployment.steps for proof in line["evidence_ids"])


def test_a_deployment_that_failed_its_test_says_so(installed: Installed) -> None:
    installed.network.crash_on = "好1"
    record = text_of(Office(installed.platform).file("deployment_record", installed.deploy(live=False)))
    assert "■ 测试未通过" in record
    assert "normal-3" in record
    assert "没有失败用例" not in record


def test_nothing_is_written_before_it_happened(installed: Installed) -> None:
    id = installed.write_papers()
    with pytest.raises(NothingToReport, match="nothing was carried out"):
        Office(installed.platform).issue("deployment_record", id)
    with installed.platform.read() as session:
        assert not [one for one in evidence.about(session, "deployment", id) if one.source.startswith("reports.")]


def test_no_report_without_a_verified_round(company: Company) -> None:
    case = company.open()
    office = Office(company.platform)
    with pytest.raises(NothingToReport, match="no plan"):
        office.issue("remediation_plan", case.id)
    with pytest.raises(NothingToReport, match="no round of it is verified"):
        office.issue("remediation_report", case.id)


def test_a_paper_is_about_something_that_exists(company: Company) -> None:
    office = Office(company.platform)
    with pytest.raises(NotFound):
        office.issue("remediation_report", "case_none")
    with pytest.raises(BadInput, match="none is named"):
        office.issue("deployment_plan")
    with pytest.raises(BadInput, match="about everything"):
        office.issue("clause_board", "case_none")


def test_the_register_has_every_finding_and_no_formula(case_office: tuple[Office, Case]) -> None:
    office, case = case_office
    with office.platform.read() as session:
        proof = evidence.about(session, "case", case.id)[0]
    typed = NewFinding(
        title='=HYPERLINK("http://example.com")',
        severity="low",
        subject_kind="case",
        subject_id=case.id,
        evidence_ids=[proof.id],
    )
    do(office.platform, "ren", findings.raise_finding, typed)
    sheet = openpyxl.load_workbook(io.BytesIO(office.file("remediation_register", format="xlsx"))).active
    assert [cell.value for cell in sheet[4]][:4] == ["序号", "问题编号", "来源", "问题描述"]
    assert sheet.cell(4, 21).value == "备注"
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=5)]
    assert len(rows) == 2
    assert rows[0][13].startswith("准确率 50.0%")
    assert rows[0][17] == "✓ 达标"
    assert (rows[1][17], sheet.cell(6, 4).data_type) == ("– 未测量", "s")
    lines = list(csv.reader(io.StringIO(office.file("remediation_register", format="csv").decode("utf-8-sig"))))
    assert lines[2][3].startswith("'=HYPERLINK")


def test_the_clause_board_on_paper_is_the_board(case_office: tuple[Office, Case]) -> None:
    office, _ = case_office
    with office.platform.read() as session:
        standing = board.board(session, office.platform.clock.now())
    book = openpyxl.load_workbook(io.BytesIO(office.file("clause_board", format="xlsx")))
    clauses, controls = book.worksheets
    rows = [[cell.value for cell in row] for row in clauses.iter_rows(min_row=5)]
    assert [row[0] for row in rows] == [one.clause.id for one in standing.clauses]
    say = Voice("zh-CN", "Asia/Shanghai")
    assert [row[3] for row in rows] == [say.state(one.state.state) for one in standing.clauses]
    assert controls.max_row - 4 == sum(len(one.controls) for one in standing.clauses)
    text = text_of(office.file("clause_board"))
    assert all(one.clause.id in text for one in standing.clauses)


def test_an_english_paper_speaks_english(case_office: tuple[Office, Case]) -> None:
    office, _ = case_office
    chinese = [
        line for line in text_of(office.file("clause_board", language="en")).splitlines() if CHINESE.search(line)
    ]
    assert chinese == []
