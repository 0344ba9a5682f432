"""Deciding on a request: what is asked is shown whole, who may not decide is told why, every vote has a comment."""

from datetime import timedelta
from pathlib import Path

import pytest

from gnomon.control.approvals import actions, queries
from gnomon.kit.work import Platform, Work, action
from tests.fakes.client import TestClient
from tests.fakes.console import cookie, make_console
from tests.fakes.platform import do

HTML = {"accept": "text/html", "accept-language": "zh"}
STEPS = [{"title": "导入", "owner": "wei"}, {"title": "核对", "owner": "lin"}]
CONTENT = {"model": "finance", "plan": {"steps": STEPS}}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> tuple[TestClient, Platform]:
    folder: Path = tmp_path_factory.mktemp("console")
    app, platform = make_console(folder)
    return TestClient(app, base_url="http://gnomon.test", headers=HTML, follow_redirects=False), platform


def ask(platform: Platform, subject: str, *, days: int = 30) -> str:
    """The technical lead asks for the approval of a plan."""

    @action("deployment.submit")
    def submit(work: Work) -> str:
        return actions.ask(
            work,
            kind="deployment_plan",
            subject_id=subject,
            title=f"部署 {subject}",
            content=CONTENT,
            seats=[["technical_lead"], ["business_lead"]],
            barred={"wei"},
            lapses_after=timedelta(days=days),
        ).id

    return do(platform, "wei", submit)


def as_person(site: tuple[TestClient, Platform], login: str) -> TestClient:
    client, platform = site
    client.cookies.clear()
    client.cookies.update(cookie(platform, login))
    return client


def test_two_leads_approve_and_the_page_says_who_is_missing(site: tuple[TestClient, Platform]) -> None:
    id = ask(site[1], "d-1")
    client = as_person(site, "lin")
    assert f"/approvals/{id}" in client.get("/approvals").text
    page = client.get(f"/approvals/{id}").text
    assert "待审批，还差：技术负责人；业务负责人。" in page
    assert "魏工" in page
    assert "导入" in page
    sent = client.post(f"/approvals/{id}/vote", data={"decision": "approve", "reason": "方案完整"})
    assert sent.headers["location"] == f"/approvals/{id}"
    page = client.get(f"/approvals/{id}").text
    assert "已记录你的同意" in page
    assert "还差：业务负责人。" in page
    assert "你已经表决过了" in page
    client = as_person(site, "bai")
    client.post(f"/approvals/{id}/vote", data={"decision": "approve", "reason": "同意上线"})
    page = client.get(f"/approvals/{id}").text
    assert "已批准，审批完成" in page
    assert "/evidence/evidence_" in page
    assert "不能再表决" in page


def test_a_vote_without_a_comment_opens_the_dialog_again(site: tuple[TestClient, Platform]) -> None:
    id = ask(site[1], "d-2")
    client = as_person(site, "lin")
    answer = client.post(f"/approvals/{id}/vote", data={"decision": "return", "reason": " 否 "})
    assert answer.status_code == 400
    assert "填写 2 到 1000 个字的意见" in answer.text
    assert answer.text.count("data-open-now") == 1
    with site[1].read() as session:
        assert queries.votes(session, id) == []
    client.post(f"/approvals/{id}/vote", data={"decision": "return", "reason": "缺少回退步骤"})
    page = client.get(f"/approvals/{id}").text
    assert "缺少回退步骤" in page
    assert "已退回" in page


def test_who_may_not_vote_sees_the_button_disabled_with_the_reason(site: tuple[TestClient, Platform]) -> None:
    id = ask(site[1], "d-3")
    own = as_person(site, "wei").get(f"/approvals/{id}").text
    assert "需要「决定审批」权限" in own
    assert '<dialog id="approve"' not in own
    other = as_person(site, "rong").get(f"/approvals/{id}").text
    assert "等待的是技术负责人；业务负责人的意见" in other
    refused = site[0].post(f"/approvals/{id}/vote", data={"decision": "approve", "reason": "我来批"})
    assert refused.status_code == 403


def test_lists_are_by_view_and_filter(site: tuple[TestClient, Platform]) -> None:
    client = as_person(site, "wei")

    def titles(query: str) -> list[str]:
        rows = client.get(f"/approvals?{query}&export=csv").content.decode("utf-8-sig").splitlines()
        return [row.split(",")[0] for row in rows[1:]]

    assert titles("view=all&sort=title") == ["部署 d-1", "部署 d-2", "部署 d-3"]
    assert titles("view=asked&state=rejected") == ["部署 d-2"]
    assert "部署 d-2" in client.get("/approvals?view=asked&state=rejected").text
    assert client.get("/approvals/approval_none").status_code == 404


def test_a_request_whose_time_is_over_reads_as_lapsed(site: tuple[TestClient, Platform]) -> None:
    id = ask(site[1], "d-4", days=0)
    page = as_person(site, "lin").get(f"/approvals/{id}").text
    assert "已过期" in page
    assert "部署 d-4" not in site[0].get("/approvals").text
