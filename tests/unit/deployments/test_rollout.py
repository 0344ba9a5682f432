"""From papers to live: every gate holds, every step leaves evidence, every job may run again."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gnomon.control.approvals import actions as approvals
from gnomon.control.approvals import queries as approval_queries
from gnomon.control.approvals.rules import OwnRequest
from gnomon.control.deployments import actions, queries, rules, servers
from gnomon.control.deployments.actions.plans import NotPrepared
from gnomon.control.deployments.jobs import NotAsPinned, NotRecorded
from gnomon.control.deployments.schemas import Environment, Plan, Requirements
from gnomon.control.deployments.tables import Deployment
from gnomon.control.evidence import queries as evidence
from gnomon.kit import services
from gnomon.kit.clock import FakeClock
from gnomon.kit.errors import Conflict, Denied
from tests.fakes.deployments import ENVIRONMENT, PLAN
from tests.fakes.installation import PINNED, install
from tests.unit.deployments.conftest import Company


def found(company: Company, id: str) -> Deployment:
    with company.platform.read() as session:
        return queries.deployment(session, id)


def proofs(company: Company, id: str, *, kind: str = "deployment") -> dict[str, tuple[str, dict[str, Any]]]:
    with company.platform.read() as session:
        return {proof.source: (proof.state, proof.facts) for proof in evidence.about(session, kind, id)}


def test_a_deployment_goes_live_and_every_step_is_proved(company: Company, tmp_path: Path) -> None:
    id = company.deploy()
    deployment = found(company, id)
    assert (deployment.state, deployment.number, deployment.target_id) == ("live", "BS-2026-001", "base-1")
    proved = proofs(company, id)
    assert {source: state for source, (state, _) in proved.items() if source.startswith("deployments.")} == {
        f"deployments.{name}": "met"
        for name in ("requirements_submitted", "requirements_approved", "environment_probed", "plan_submitted",
                     "dependencies_installed", "model_initialised", "functional_test_normal",
                     "functional_test_boundary", "went_live")
    }  # fmt: skip
    normal = proved["deployments.functional_test_normal"][1]
    assert (normal["cases"], normal["passed"], normal["failures"]) == (6, 6, [])
    log = services.blobs().get(proved["deployments.dependencies_installed"][1]["log_sha256"]).decode()
    assert "Successfully installed torch-1.2.3" in log
    assert "torch: pinned 1.2.3, found 1.2.3" in log
    with company.platform.read() as session:
        (route,), (upstream,) = queries.routes(session), queries.upstreams(session)
    assert [(t.id, t.weight, t.version) for t in route.targets] == [("base-1", 1.0, deployment.version_id)]
    assert upstream.url == deployment.server["url"]
    assert company.told == ["reviews", "reviews"]
    desired = json.loads((tmp_path / "run" / "desired.json").read_text())
    (server,) = desired["model_servers"]
    assert (Path(server["model_dir"]) / "model.safetensors").is_file()


def test_without_both_approvals_nothing_starts(company: Company) -> None:
    id = company.write_papers()
    company.do("wei", actions.submit_plan, id)
    company.approve("deployment_plan", id, "lin")
    with pytest.raises(approval_queries.NotApproved) as refused:
        company.do("wei", actions.start, id)
    assert refused.value.status == 403
    assert found(company, id).state == "submitted"


def test_author_and_executor_do_not_approve_and_only_the_executor_starts(company: Company) -> None:
    id = company.write_papers(executor="lin")
    company.do("wei", actions.submit_plan, id)
    with company.platform.read() as session:
        request = approval_queries.latest(session, "deployment_plan", id)
    assert request is not None
    with pytest.raises(OwnRequest):
        company.do("lin", approvals.vote, request.id, approve=True, comment="mine")


def test_somebody_else_than_the_executor_cannot_start(company: Company) -> None:
    id = company.write_papers()
    company.approve_plan(id)
    with pytest.raises(Denied):
        company.do("lin", actions.start, id)


@pytest.mark.parametrize("paper", ["plan", "environment", "requirements"])
def test_one_changed_character_voids_the_approval(company: Company, paper: str) -> None:
    id = company.write_papers()
    company.approve_plan(id)
    match paper:
        case "plan":
            changed = PLAN | {"resources": [{"name": "CPU", "amount": "3"}]}
            company.do("wei", actions.write_plan, id, Plan.model_validate(changed))
        case "environment":
            company.do(
                "wei", actions.declare_environment, id, Environment.model_validate(ENVIRONMENT | {"cpu_cores": 0})
            )
        case "requirements":
            report = Requirements.model_validate(found(company, id).requirements)
            report.items[0].criterion += "。"
            company.do("bai", actions.write_requirements, id, report)
    assert found(company, id).state == "draft"
    with pytest.raises(approval_queries.ApprovalVoid) as refused:
        company.do("wei", actions.start, id)
    assert refused.value.status == 403


def test_the_same_papers_again_change_nothing(company: Company) -> None:
    id = company.write_papers()
    company.approve_plan(id)
    company.do("wei", actions.write_plan, id, Plan.model_validate(PLAN))
    assert found(company, id).state == "approved"


def test_an_incomplete_report_is_refused_with_all_that_is_missing(company: Company) -> None:
    id = company.write_papers()
    company.do("bai", actions.write_requirements, id, Requirements())
    with pytest.raises(rules.Incomplete) as refused:
        company.do("bai", actions.submit_requirements, id)
    assert len(refused.value.facts["problems"]) == 12


def test_a_mismatch_must_be_mended_or_accepted_in_the_plan(company: Company) -> None:
    id = company.write_papers()
    company.do("wei", actions.declare_environment, id, Environment.model_validate(ENVIRONMENT | {"cpu_cores": 4096}))
    with pytest.raises(NotPrepared, match="not probed"):
        company.do("wei", actions.submit_plan, id)
    company.do("wei", actions.probe_environment, id)
    company.run()
    assert proofs(company, id)["deployments.environment_probed"][0] == "not_met"
    with pytest.raises(NotPrepared, match="cpu_cores"):
        company.do("wei", actions.submit_plan, id)
    company.do("wei", actions.write_plan, id, Plan.model_validate(PLAN | {"accepted_mismatches": ["cpu_cores"]}))
    company.approve_plan(id)
    assert found(company, id).state == "approved"


def test_a_wrong_package_stops_the_installation_and_its_log_is_kept(company: Company) -> None:
    id = company.write_papers(accepted_mismatches=["packages.torch"])
    wrong = Environment.model_validate(ENVIRONMENT | {"packages": PINNED | {"torch": "0.1"}})
    company.do("wei", actions.declare_environment, id, wrong)
    company.do("wei", actions.probe_environment, id)
    company.run()
    company.approve_plan(id)
    company.do("wei", actions.start, id)
    with pytest.raises(NotAsPinned):
        company.run()
    assert found(company, id).state == "install_failed"
    state, facts = proofs(company, id)["deployments.dependencies_installed"]
    assert (state, facts["wrong"]) == ("not_met", ["torch"])
    assert b"WRONG VERSION" in services.blobs().get(facts["log_sha256"])


def test_a_plan_whose_pinned_list_leaves_out_what_the_server_imports_is_refused(company: Company) -> None:
    id = company.write_papers()
    fewer = {name: version for name, version in PINNED.items() if name not in ("torch", "peft")}
    company.do("wei", actions.declare_environment, id, Environment.model_validate(ENVIRONMENT | {"packages": fewer}))
    company.do("wei", actions.probe_environment, id)
    company.run()
    with pytest.raises(NotPrepared, match="torch, peft"):
        company.do("wei", actions.submit_plan, id)


def test_packages_installed_by_other_means_need_the_plans_consent(company: Company, tmp_path: Path) -> None:
    services.fill(installation=install(tmp_path / "other", recorded=False))
    id = company.write_papers()
    company.approve_plan(id)
    company.do("wei", actions.start, id)
    with pytest.raises(NotRecorded, match="other means"):
        company.run()
    assert proofs(company, id)["deployments.dependencies_installed"][0] == "not_measured"
    assert isinstance(company.platform.clock, FakeClock)
    company.platform.clock.advance(timedelta(minutes=1))
    accepting = Plan.model_validate(PLAN | {"accepted_mismatches": ["packages.install_record"]})
    company.do("wei", actions.write_plan, id, accepting)
    company.approve_plan(id)
    company.do("wei", actions.start, id)
    company.run()
    assert found(company, id).state == "tested"
    state, facts = proofs(company, id)["deployments.dependencies_installed"]
    assert (state, facts["exit_code"]) == ("not_measured", None)


def test_a_server_that_never_answers_fails_the_installation_and_can_be_tried_again(company: Company) -> None:
    id = company.write_papers(ready_within_s=0.3)
    company.approve_plan(id)
    company.network.down = True
    company.do("wei", actions.start, id)
    with pytest.raises(servers.ServerNotReady):
        company.run()
    assert found(company, id).state == "install_failed"
    company.network.down = False
    with company.platform.database.session() as session:  # the job engine marks the job; the harness does not
        from sqlalchemy import update

        from gnomon.kit.outbox import JobRow

        session.execute(update(JobRow).where(JobRow.state == "running").values(state="failed"))
        session.commit()
    company.do("wei", actions.start, id)
    company.run()
    assert found(company, id).state == "tested"


@pytest.mark.parametrize(
    ("broken", "source"),
    [
        ({"answer": "也许"}, "deployments.functional_test_normal"),
        ({"crash_on": "script"}, "deployments.functional_test_boundary"),
    ],
)
def test_a_failing_case_stops_the_roll_out(company: Company, broken: dict[str, str], source: str) -> None:
    for knob, value in broken.items():
        setattr(company.network, knob, value)
    id = company.deploy(live=False)
    assert found(company, id).state == "test_failed"
    state, facts = proofs(company, id)[source]
    assert state == "not_met"
    assert facts["failures"]
    with pytest.raises(rules.WrongState):
        company.do("wei", actions.go_live, id)
    company.network.answer, company.network.crash_on = "正面", ""
    company.do("wei", actions.test, id)
    company.run()
    company.do("wei", actions.go_live, id)
    assert found(company, id).state == "live"


def test_a_job_that_runs_again_proves_nothing_twice(company: Company) -> None:
    from sqlalchemy import update

    from gnomon.kit.outbox import JobRow

    id = company.deploy()
    with company.platform.read() as session:
        before = evidence.count(session)
    with company.platform.database.session() as session:
        session.execute(update(JobRow).where(JobRow.name.like("deployments.%")).values(state="queued"))
        session.commit()
    company.run()
    with company.platform.read() as session:
        assert evidence.count(session) == before
    assert found(company, id).state == "live"


def test_a_second_deployment_does_not_take_traffic_by_going_live(company: Company) -> None:
    first = company.deploy()
    with company.platform.read() as session:
        version = queries.deployment(session, first).version_id
    assert version
    with pytest.raises(rules.WrongState):
        company.do("wei", actions.go_live, first)
    with pytest.raises(Conflict, match="has traffic"):
        company.do("lin", actions.retire, first, reason="end")
