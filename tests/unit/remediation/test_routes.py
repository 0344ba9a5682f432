"""The same over HTTP: the whole loop as a client of the API sees it, by four domains' routes."""

from typing import Any

import pytest
from fastapi import FastAPI

from gnomon.control.approvals import routes as approvals
from gnomon.control.evaluation import routes as evaluation
from gnomon.control.findings import routes as findings
from gnomon.control.remediation import routes as remediation
from gnomon.control.tuning import routes as tuning
from gnomon.kit.web import tell_errors
from tests.fakes.client import TestClient
from tests.fakes.platform import actor, run_jobs
from tests.unit.evaluation.gateway import MARK, new_suite, publish
from tests.unit.remediation.conftest import AIMS, Company


class Client:
    """The API as one of the cast."""

    def __init__(self, company: Company) -> None:
        app = FastAPI()
        for module in (findings, evaluation, tuning, remediation, approvals):
            app.include_router(module.router)
        app.state.platform, app.state.identify = company.platform, lambda _session, token: actor(token)
        tell_errors(app)
        self._http = TestClient(app)

    def ask(self, login: str, method: str, path: str, body: Any = None, *, status: int = 0) -> Any:
        headers = {"authorization": f"Bearer {login}"}
        answer = self._http.request(method, f"/api/v1{path}", json=body, headers=headers)
        assert answer.status_code == status if status else answer.is_success, answer.text
        assert MARK not in answer.text
        return answer.json()


@pytest.fixture
def client(company: Company) -> Client:
    return Client(company)


def test_the_loop_runs_from_a_finding_to_closure_over_http(company: Company, client: Client) -> None:
    baseline = client.ask("shen", "GET", f"/evaluation/runs/{company.baseline}/report")
    finding = {
        "title": "Half of the reviews are misread",
        "severity": "high",
        "subject_kind": "evaluation_run",
        "subject_id": company.baseline,
        "evidence_ids": baseline["evidence_ids"][:1],
    }
    finding_id = client.ask("ren", "POST", "/findings", finding)["id"]
    new = {"title": "评论分类整改", "level": "important", "model": "reviews-zh", "owner_id": "wei"}
    case = client.ask("lin", "POST", "/cases", new | {"finding_ids": [finding_id]})["id"]
    client.ask("wei", "POST", f"/cases/{case}/assessment", {"aims": AIMS, "baseline_run_ids": [company.baseline]})
    plan = company.plan().model_dump(mode="json")
    round = client.ask("wei", "POST", f"/cases/{case}/rounds", plan)
    assert round["intact"]
    refused = client.ask("wei", "POST", f"/cases/{case}/rounds", plan, status=409)
    assert refused["error"]["code"] == "case_state"
    refused = client.ask("wei", "POST", f"/cases/{case}/measures/start", status=403)
    assert refused["error"]["code"] == "not_approved"
    for login in ("lin", "bai", "rong", "guo"):
        client.ask(login, "POST", f"/approvals/{round['approval_id']}/votes", {"approve": True, "comment": "看过"})
    measures = client.ask("wei", "POST", f"/cases/{case}/measures/start")["measures"]
    run_jobs(company.platform, ["tuning.train"])
    training = client.ask("shen", "GET", f"/trainings/{measures[0]['training_id']}")
    assert (training["state"], len(training["progress"])) == ("completed", 4)
    company.later(hours=1)
    finished = f"/measures/{measures[1]['id']}/finish"
    bare = client.ask("wei", "POST", finished, {"state": "done", "note": "done"}, status=400)
    assert bare["error"]["code"] == "nothing_to_show"
    client.ask("wei", "POST", finished, company.by_hand().model_dump(mode="json"))
    for task in client.ask("shen", "GET", f"/cases/{case}/gantt"):
        client.ask("wei" if task["owner_id"] == "wei" else "lin", "PUT", f"/tasks/{task['id']}", {"progress": 100})
    publish(company.platform, serial=8, candidate=training["adapter_version_id"])
    company.later(hours=1)
    client.ask("lin", "POST", f"/cases/{case}/verification", {"target_id": "t_lora"})
    run_jobs(company.platform, ["evaluation.run"])
    verdict = client.ask("lin", "POST", f"/cases/{case}/verdict", {})
    assert (verdict["verdict"], verdict["comparisons"][0]["state"]) == ("met", "met")
    compared = verdict["comparisons"][0]["id"]
    assert client.ask("shen", "GET", f"/evaluation/comparisons/{compared}/verify")["equal"]
    company.serve(training["adapter_version_id"])
    client.ask("shen", "POST", f"/cases/{case}/supervisions", {"checked": "过程与证据"})
    asked = client.ask("lin", "POST", f"/cases/{case}/closure-request", {"comment": "申请销号"}, status=202)
    client.ask("ren", "POST", f"/approvals/{asked['approval_id']}/votes", {"approve": True, "comment": "确认"})
    assert client.ask("ren", "GET", f"/cases/{case}")["state"] == "closed"
    assert client.ask("shen", "GET", "/findings")["tally"]["closed"] == 1
    assert client.ask("guo", "GET", f"/cases/{case}/budget")["totals"]["compute (CPU min)"]["actual"] == 1.5


def test_suites_and_runs_over_http_show_figures_and_never_texts(company: Company, client: Client) -> None:
    body = new_suite(20, name="open set", purpose="validation", sealed=False).model_dump(mode="json")
    suite = client.ask("lin", "POST", "/evaluation/suites", body)
    run = {"suite_id": suite["id"], "model": "reviews-zh", "target_id": "t_base"}
    asked = client.ask("wei", "POST", "/evaluation/runs", run)
    sealed = run | {"suite_id": company.suite}
    assert client.ask("wei", "POST", "/evaluation/runs", sealed, status=409)["error"]["code"] == "suite_sealed"
    run_jobs(company.platform, ["evaluation.run"])
    assert client.ask("shen", "GET", f"/evaluation/runs/{asked['id']}")["state"] == "completed"
    assert client.ask("shen", "GET", f"/evaluation/runs/{asked['id']}/verify")["equal"]
    failures = client.ask("shen", "GET", f"/evaluation/runs/{asked['id']}/failures?limit=3")
    assert (failures["total"], len(failures["items"])) == (10, 3)
    shown = client.ask("shen", "GET", f"/evaluation/suites/{company.suite}")
    assert [look["by"] for look in shown["look_list"]] == [company.baseline]
    assert len(client.ask("shen", "GET", "/evaluation/runs?model=reviews-zh")) == 2
    unknown = run | {"model": "nobody"}
    assert client.ask("wei", "POST", "/evaluation/runs", unknown, status=409)["error"]["code"] == "not_served"
