"""A platform whose network is in this process, and the way to a live deployment in one call."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gnomon.control.approvals import actions as approvals
from gnomon.control.approvals import queries as approval_queries
from gnomon.control.approvals.schemas import ApprovalDecided
from gnomon.control.catalog import jobs as catalog_jobs  # noqa: F401 - registers its jobs
from gnomon.control.deployments import actions, jobs  # noqa: F401 - registers its jobs
from gnomon.control.deployments.schemas import (
    Environment,
    FunctionalTest,
    NewDeployment,
    Plan,
    Requirements,
    RoutesChanged,
)
from gnomon.kit import services
from gnomon.kit.blobs import Blobs
from gnomon.kit.settings import Settings
from gnomon.kit.work import Bus, Platform
from tests.fakes.catalog import register_base
from tests.fakes.deployments import ENVIRONMENT, PLAN, REQUIREMENTS, TESTS, FakeNetwork
from tests.fakes.installation import install
from tests.fakes.platform import do, make_platform, open_platform, run_jobs


class Records:
    """What the collector would answer to `by_target`."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def query(self, name: str, **params: Any) -> list[dict[str, Any]]:
        assert name == "by_target"
        assert set(params) == {"model", "since", "until"}
        return self.rows


class Company:
    """The platform with what is around it, and the usual errands of its people."""

    def __init__(self, platform: Platform, network: FakeNetwork, records: Records, told: list[str]) -> None:
        self.platform, self.network, self.records, self.told = platform, network, records, told

    def do(self, login: str, act: Any, *args: Any, **kwargs: Any) -> Any:
        return do(self.platform, login, act, *args, **kwargs)

    def run(self) -> list[str]:
        return run_jobs(self.platform)

    def approve(self, kind: str, subject: str, *voters: str) -> None:
        with self.platform.read() as session:
            request = approval_queries.latest(session, kind, subject)
        assert request is not None
        for voter in voters:
            self.do(voter, approvals.vote, request.id, approve=True, comment="同意")

    def write_papers(self, **plan: Any) -> str:
        version = register_base(self.platform)
        new = NewDeployment(model="reviews", version_id=version, title="评论分类")
        id: str = self.do("wei", actions.open_deployment, new).id
        self.do("bai", actions.write_requirements, id, Requirements.model_validate(REQUIREMENTS))
        self.do("lin", actions.submit_requirements, id)
        self.approve("requirements_report", id, "bai")
        self.do("wei", actions.declare_environment, id, Environment.model_validate(ENVIRONMENT))
        self.do("wei", actions.probe_environment, id)
        self.do("wei", actions.set_tests, id, FunctionalTest.model_validate(TESTS))
        self.do("wei", actions.write_plan, id, Plan.model_validate(PLAN | plan))
        self.run()
        return id

    def approve_plan(self, id: str) -> None:
        self.do("wei", actions.submit_plan, id)
        self.approve("deployment_plan", id, "lin", "bai")

    def deploy(self, *, live: bool = True) -> str:
        id = self.write_papers()
        self.approve_plan(id)
        self.do("wei", actions.start, id)
        self.run()
        if live:
            self.do("wei", actions.go_live, id)
        return id


@dataclass(frozen=True)
class PutAway:
    """A home folder that tests copy, and what the world around it knew."""

    home: Path
    served: frozenset[str]
    told: tuple[str, ...]


def found(home: Path, patch: pytest.MonkeyPatch, *, again: PutAway | None = None) -> Company:
    """A new company with its things in `home`, or one that was put away, on a copy of its folder."""
    patch.setattr(services, "_shared", {})
    if again:
        shutil.copytree(again.home, home, dirs_exist_ok=True)
    network = FakeNetwork(served=set(again.served) if again else {"reviews-base-1"})
    records, told = Records(), list(again.told if again else ())
    services.fill(
        settings=Settings(home=home),
        blobs=Blobs(f"file://{home}/store"),
        records=records,
        platform_key="gn-test_00000000_x",
        http_client=network.client,
        installation=install(home / f"venv-{home.name}"),
    )
    bus = Bus()
    bus.subscribe(RoutesChanged, lambda _work, event: told.append(event.model))
    decided = {
        "requirements_report": actions.requirements_decided,
        "deployment_plan": actions.plan_decided,
        "release": actions.release_decided,
    }
    bus.subscribe(ApprovalDecided, lambda work, event: decided[event.kind](work, event))
    platform = open_platform(home, bus=bus) if again else make_platform(home, bus=bus)
    network.platform = platform
    return Company(platform, network, records, told)


def put_away(company: Company) -> PutAway:
    company.platform.database.close()
    return PutAway(services.settings().home, frozenset(company.network.served), tuple(company.told))


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    made = found(tmp_path, monkeypatch)
    yield made
    made.platform.database.close()
