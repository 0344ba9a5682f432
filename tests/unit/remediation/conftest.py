"""A company with a weak model: what a case needs, up to any stage, with fakes only for gateway, trainer and records."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from gnomon.app.hooks import ControlHooks
from gnomon.control.approvals import actions as approvals
from gnomon.control.approvals.schemas import ApprovalDecided
from gnomon.control.catalog import actions as catalog
from gnomon.control.catalog.queries import datasets
from gnomon.control.catalog.schemas import NewDataset
from gnomon.control.deployments.tables import RouteState
from gnomon.control.evaluation import actions as evaluation
from gnomon.control.evaluation import jobs as evaluation_jobs
from gnomon.control.evaluation import queries as runs
from gnomon.control.evaluation.schemas import NewRun
from gnomon.control.evaluation.tables import EvaluationRun
from gnomon.control.findings import actions as findings
from gnomon.control.findings.schemas import NewFinding
from gnomon.control.remediation import actions, live, queries
from gnomon.control.remediation.schemas import Assessment, MeasureResult, NewCase, Plan, StartVerification
from gnomon.control.remediation.tables import Case, Measure, Round
from gnomon.control.rulebook import rules as rulebook
from gnomon.control.tuning import jobs as tuning_jobs
from gnomon.control.tuning.schemas import TrainingFinished
from gnomon.engine.stats import resampling
from gnomon.kit import services
from gnomon.kit.blobs import Blobs
from gnomon.kit.clock import FakeClock
from gnomon.kit.db import Database
from gnomon.kit.settings import Settings
from gnomon.kit.work import Bus, Platform
from tests.fakes.platform import MONDAY, do, make_platform, run_jobs
from tests.unit.evaluation.gateway import RECIPE, FakeGateway, new_suite, publish
from tests.unit.tuning.trainer import STEPS, FakeRunner, checked_base

AIMS = dict.fromkeys(("accuracy", "data_security", "user_experience", "trade_standards"), "现状如实说明")
DAY = MONDAY.date()


class FakeRecords:
    """Answers `by_target` as the collector would."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def query(self, name: str, **params: Any) -> list[dict[str, Any]]:
        assert name == "by_target"
        assert params["since"] < params["until"]
        return self.rows


@dataclass
class Company:
    """The platform with its fakes, and the steps that people take."""

    platform: Platform
    gateway: FakeGateway
    runner: FakeRunner
    records: FakeRecords
    base: str = ""
    suite: str = ""
    baseline: str = ""
    dataset: str = ""
    finding: str = ""

    def read(self, ask: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with self.platform.read() as session:
            return ask(session, *args, **kwargs)

    def later(self, **by: float) -> None:
        assert isinstance(self.platform.clock, FakeClock)
        self.platform.clock.advance(timedelta(**by))

    def run(self, target: str, purpose: Any = "baseline") -> EvaluationRun:
        new = NewRun(suite_id=self.suite, model="reviews-zh", target_id=target, purpose=purpose)
        requested = do(self.platform, "lin", evaluation.request_sealed_run, new)
        run_jobs(self.platform, ["evaluation.run"])
        found: EvaluationRun = self.read(runs.run, requested.id)
        return found

    def open(self) -> Case:
        evidence_id = self.read(runs.run, self.baseline).evidence_ids[0]
        new = NewFinding(
            title="Half of the reviews are misread",
            severity="high",
            clauses=["REM-1.4"],
            source="evaluation.metrics_computed",
            subject_kind="evaluation_run",
            subject_id=self.baseline,
            evidence_ids=[evidence_id],
        )
        self.finding = do(self.platform, "ren", findings.raise_finding, new).id
        new_case = NewCase(
            title="评论分类整改", level="important", model="reviews-zh", owner_id="wei", finding_ids=[self.finding]
        )
        opened = do(self.platform, "lin", actions.open_case, new_case)
        do(self.platform, "wei", actions.assess, opened.id, Assessment(aims=AIMS, baseline_run_ids=[self.baseline]))
        self.later(hours=1)
        found: Case = self.read(queries.case, opened.id)
        return found

    def plan(self, **changes: Any) -> Plan:
        given: dict[str, Any] = {
            "baseline_run_id": self.baseline,
            "goals": [{"metric": "accuracy", "to_value": 0.75, "by": DAY + timedelta(days=30), "recipe": RECIPE["id"]}],
            "guards": [{"metric": "answered_rate", "margin": 0.05}],
            "live_guards": [{"indicator": "success_ratio"}],
            "measures": [
                {
                    "key": "lora",
                    "kind": "algorithm",
                    "method": "lora",
                    "title": "LoRA 微调",
                    "params": {
                        "base_version_id": self.base,
                        "dataset_ids": [self.dataset],
                        "recipe": RECIPE,
                        "parameters": {"steps": STEPS},
                    },
                    **dict.fromkeys(("importance", "urgency", "difficulty", "effect"), 3),
                },
                {
                    "key": "labels",
                    "kind": "data",
                    "method": "by_hand",
                    "title": "复核标签",
                    **dict.fromkeys(("importance", "urgency", "difficulty", "effect"), 2),
                },
            ],
            "tasks": [
                self.task("data", 1, 3),
                self.task("train", 4, 5, depends_on=["data"], owner_id="lin"),
                self.task("docs", 1, 2),
            ],
            "budget": [
                {"kind": "person_days", "title": "人力", "unit": "d", "planned": 5},
                {"kind": "compute", "title": "训练", "unit": "CPU min", "planned": 10, "measure_key": "lora"},
                {"kind": "purchase", "title": "标注", "unit": "CNY", "planned": 800},
            ],
            "trade_off": dict.fromkeys(("performance", "security", "cost", "time", "reason"), "已权衡"),
        }
        return Plan.model_validate(given | changes)

    def task(self, key: str, first: int, last: int, **more: Any) -> dict[str, Any]:
        start, end = DAY + timedelta(days=first), DAY + timedelta(days=last)
        return {"key": key, "title": key, "owner_id": "wei", "start": start, "end": end, "check": "done"} | more

    def planned(self, case: Case, **changes: Any) -> Round:
        round = do(self.platform, "wei", actions.plan_round, case.id, self.plan(**changes))
        self.later(hours=1)
        return round

    def approve(self, round: Round, *, but: str = "") -> None:
        for login in ("lin", "bai", "rong", "guo"):
            do(self.platform, login, approvals.vote, round.approval_id, approve=login != but, comment="看过")
            if login == but:
                return

    def implement(self, case: Case) -> None:
        do(self.platform, "wei", actions.start_measures, case.id)
        run_jobs(self.platform, ["tuning.train"])
        for measure in self.read(queries.measures, case.id):
            if measure.method == "by_hand":
                do(self.platform, "wei", actions.finish_measure, measure.id, self.by_hand())
        publish(self.platform, serial=8, candidate=self.candidate(case))

    def by_hand(self) -> MeasureResult:
        """What people made of the labels, after the freeze."""
        rows = [{"text": f"改后 第{n}条", "label": "正面" if n % 2 else "负面"} for n in range(4)]
        label = f"v{len(self.read(datasets))}"
        new = NewDataset(name="reviews-mended", label=label, purpose="train", source="t", licence="t", rows=rows)
        made = do(self.platform, "lin", catalog.add_dataset, new)
        return MeasureResult(state="done", note="40 labels corrected", dataset_ids=[made.id])

    def candidate(self, case: Case) -> str:
        with self.platform.read() as session:
            query = select(Measure.candidate_version_id).where(Measure.case_id == case.id, Measure.key == "lora")
            return list(session.scalars(query))[-1]

    def verify(self, case: Case, login: str = "lin") -> Round:
        do(self.platform, "lin", actions.start_verification, case.id, StartVerification(target_id="t_lora"))
        run_jobs(self.platform, ["evaluation.run"])
        return self.judge(case, login)

    def judge(self, case: Case, login: str = "lin") -> Round:
        seen = self.read(live.look, case.id, at=self.platform.clock.now())
        return do(self.platform, login, actions.verify_round, case.id, seen=seen)

    def close(self, case: Case, login: str = "ren", *, asks: str = "lin") -> Case:
        asked = do(self.platform, asks, actions.request_closure, case.id, comment="申请销号")
        do(self.platform, login, approvals.vote, asked.id, approve=True, comment="确认")
        found: Case = self.read(queries.case, case.id)
        return found

    def serve(self, version_id: str, *, weight: float = 1.0) -> None:
        """The route as a full release leaves it."""
        targets = [
            {"id": "t_base", "upstream": "server_1", "model": "base", "weight": 1.0 - weight, "version": self.base},
            {"id": "t_lora", "upstream": "server_1", "model": "lora", "weight": weight, "version": version_id},
        ]
        row = RouteState(
            model="reviews-zh", mask_policy="default", targets=targets, canary=None, timeout_s=60, changed_at=MONDAY
        )
        with self.platform.database.session() as session:
            session.merge(row)
            session.commit()

    def verified(self, *, login: str = "lin") -> Case:
        """A case with everything done up to a verdict."""
        case = self.open()
        self.approve(self.planned(case))
        self.implement(case)
        self.verify(case, login)
        found: Case = self.read(queries.case, case.id)
        return found


@dataclass(frozen=True)
class Prepared:
    """A home folder that tests copy, and what is in it."""

    home: Path
    base: str
    suite: str
    baseline: str
    dataset: str
    finding: str
    at: datetime


@pytest.fixture(scope="session")
def with_baseline(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """A checked base version, a sealed suite, training data, and a completed baseline run."""
    with pytest.MonkeyPatch.context() as patch:
        company = _company(tmp_path_factory.mktemp("baseline"), patch)
        publish(company.platform)
        company.base = checked_base(company.platform)
        company.suite = do(company.platform, "lin", evaluation.add_suite, new_suite(120)).id
        rows = [{"text": f"训练 第{n}条", "label": "正面" if n % 2 else "负面"} for n in range(6)]
        new = NewDataset(name="reviews-train", label="v1", purpose="train", source="t", licence="t", rows=rows)
        company.dataset = do(company.platform, "lin", catalog.add_dataset, new).id
        company.baseline = company.run("t_base").id
        company.later(hours=1)
        return _put_away(company)


@pytest.fixture(scope="session")
def with_verdict(tmp_path_factory: pytest.TempPathFactory, with_baseline: Prepared) -> Prepared:
    """The same with a case that was verified and met its goal."""
    with pytest.MonkeyPatch.context() as patch:
        company = _take_out(with_baseline, tmp_path_factory.mktemp("verdict"), patch)
        company.verified()
        return _put_away(company)


@pytest.fixture
def company(with_baseline: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Company:
    return _take_out(with_baseline, tmp_path, monkeypatch)


@pytest.fixture
def verified(with_verdict: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Company, Case]:
    company = _take_out(with_verdict, tmp_path, monkeypatch)
    (case,) = company.read(queries.cases)
    return company, case


def _company(home: Path, patch: pytest.MonkeyPatch, *, copied: bool = False) -> Company:
    gateway, runner, records = FakeGateway(), FakeRunner(), FakeRecords()
    gateway.is_right = lambda model, number: model.endswith("lora") or number % 2 == 0
    # A hundredth of the draws: what the figures are worth is shown by the tests of the statistics.
    patch.setitem(resampling.bootstrap.__kwdefaults__, "draws", 100)
    patch.setattr(evaluation_jobs, "transport", httpx.MockTransport(gateway))
    patch.setattr(tuning_jobs, "POLL_S", 0.0)
    services.fill(
        settings=Settings(home=home),
        blobs=Blobs(f"file://{home}/store"),
        platform_key="gn-test_platform_key",
        runner=runner,
        records=records,
    )
    records.rows = [{"target": "t_lora", "outcomes": {"ok": 500}, "p95": 210.0}]
    bus = Bus()
    bus.subscribe(TrainingFinished, actions.note_training)
    bus.subscribe(ApprovalDecided, _decided)
    if copied:
        database = Database(f"sqlite:///{home / 'control.sqlite'}")
        platform = Platform(database, hooks=ControlHooks(), bus=bus, clock=FakeClock(MONDAY))
    else:
        matrix = {right: sorted(holders) for right, holders in rulebook.load().matrix.permissions.items()}
        platform = make_platform(home, permissions=matrix, bus=bus)  # the real one: the posts must suffice
    return Company(platform, gateway, runner, records)


def _put_away(company: Company) -> Prepared:
    company.platform.database.close()
    return Prepared(
        home=services.settings().home,
        base=company.base,
        suite=company.suite,
        baseline=company.baseline,
        dataset=company.dataset,
        finding=company.finding,
        at=company.platform.clock.now(),
    )


def _take_out(prepared: Prepared, home: Path, patch: pytest.MonkeyPatch) -> Company:
    shutil.copytree(prepared.home, home, dirs_exist_ok=True)
    company = _company(home, patch, copied=True)
    company.base, company.suite, company.baseline = prepared.base, prepared.suite, prepared.baseline
    company.dataset, company.finding = prepared.dataset, prepared.finding
    company.later(seconds=(prepared.at - MONDAY).total_seconds())
    return company


def _decided(work: Any, event: ApprovalDecided) -> None:
    """As wiring does."""
    applied = {"remediation_plan": actions.plan_decided, "closure": actions.closure_decided}
    if event.kind in applied:
        applied[event.kind](work, event)
