"""A company that went once round the loop: deployed, found weak, put right, released, rolled back and forward, closed.

Everything is made by the domains' own actions and jobs; only the network, the trainer and the clock are stand-ins. At
the end the rights are the rulebook's and the clock is the real one, so that the pages of a console can be visited.
"""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from gnomon.app import wiring
from gnomon.contract.traffic import Timings
from gnomon.control.approvals import actions as approvals
from gnomon.control.approvals import queries as approval_queries
from gnomon.control.catalog import actions as catalog
from gnomon.control.catalog.schemas import FileEntry, NewDataset, NewModel, NewVersion
from gnomon.control.deployments import actions as deployments
from gnomon.control.deployments import queries as routes
from gnomon.control.deployments.schemas import Environment, FunctionalTest, NewDeployment, Requirements
from gnomon.control.evaluation import actions as evaluation
from gnomon.control.evaluation import jobs as evaluation_jobs
from gnomon.control.evaluation import queries as runs
from gnomon.control.evaluation.schemas import NewMaskingTrial, NewRun
from gnomon.control.evidence import queries as evidence
from gnomon.control.findings import actions as findings
from gnomon.control.findings.schemas import NewFinding
from gnomon.control.privacy import actions as privacy
from gnomon.control.remediation import actions as remediation
from gnomon.control.remediation import live
from gnomon.control.remediation import queries as cases
from gnomon.control.remediation.schemas import (
    Assessment,
    Group,
    MeasureResult,
    NewCase,
    Spend,
    StartVerification,
    Supervision,
    TaskUpdate,
)
from gnomon.control.reports import actions as reports
from gnomon.control.reports.schemas import NewReport
from gnomon.control.rulebook import rules as rulebook
from gnomon.control.tuning import jobs as tuning_jobs
from gnomon.control.tuning.schemas import TrainingFinished
from gnomon.engine.stats import resampling
from gnomon.kit import services
from gnomon.kit.blobs import Blobs
from gnomon.kit.clock import FakeClock
from gnomon.kit.jobs import JOBS, JobContext
from gnomon.kit.outbox import JobRow
from gnomon.kit.settings import Settings
from gnomon.kit.work import Bus, Platform
from tests.fakes.deployments import ENVIRONMENT, REQUIREMENTS, TESTS, FakeNetwork
from tests.fakes.installation import install
from tests.fakes.loop_plans import AIMS, MODEL, case_plan, deployment_plan, release_request
from tests.fakes.loop_world import World, open_console
from tests.fakes.platform import do, make_platform, run_jobs
from tests.fakes.records import StoredRecords
from tests.unit.evaluation.gateway import FakeGateway, new_suite, row
from tests.unit.tuning.trainer import FakeRunner, weights


def make_world(
    folder: Path, patch: Callable[[Any, str, Any], None], *, papers: bool = True, only_deployed: bool = False
) -> World:
    """`patch(object, name, value)` sets what must be undone afterwards, as monkeypatch.setattr does.

    Without `papers` the reports are asked for and not rendered: that is the slowest part. With `only_deployed` the
    story ends with its first chapter: a model that serves.
    """
    network, gateway = FakeNetwork(served={f"{MODEL}-base-1"}), FakeGateway()
    gateway.is_right = lambda model, number: number % 9 != 0 if model.endswith("lora-1") else number % 2 == 0
    patch(evaluation_jobs, "transport", httpx.MockTransport(gateway))
    patch(tuning_jobs, "POLL_S", 0.0)
    patch(resampling.bootstrap, "__kwdefaults__", dict(resampling.bootstrap.__kwdefaults__ or {}) | {"draws": 200})
    records = StoredRecords(folder)
    services.fill(
        settings=Settings(home=folder, environment="demo"),
        blobs=Blobs(f"file://{folder / 'store'}"),
        records=records,
        runner=FakeRunner(),
        platform_key="gn-test_00000000_x",
        bundle_key=Ed25519PrivateKey.generate(),
        audit_key=Ed25519PrivateKey.generate(),
        http_client=network.client,
        installation=install(folder / "venv"),
    )
    for name in wiring.DOMAINS:
        for file in ("actions", "jobs"):
            wiring.load(name, file)
    bus = Bus()
    platform = make_platform(folder, bus=bus)
    platform.clock = FakeClock(datetime.now(UTC) - timedelta(days=12))
    network.platform = platform
    wiring.subscribe(platform)
    bus.subscribe(TrainingFinished, remediation.note_training)
    world = World(FastAPI(), platform, records)
    story = _Story(world, network, papers=papers)
    story.deploy() if only_deployed else story.tell()
    open_console(world, folder)
    return world


class _Story:
    def __init__(self, world: World, network: FakeNetwork, *, papers: bool) -> None:
        self.papers_too = papers
        self.world, self.platform, self.network, self.ids = world, world.platform, network, world.ids

    def tell(self) -> None:
        self.deploy()
        self.measure_and_find()
        self.remedy()
        self.release()
        self.measure_masking()
        self.close_and_report()
        self.begin_the_next()
        self.serve()

    # ------------------------------------------------------------ how it is told

    def do(self, login: str, act: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return do(self.platform, login, act, *args, **kwargs)

    def read(self, ask: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with self.platform.read() as session:
            return ask(session, *args, **kwargs)

    def run(self) -> None:
        run_jobs(self.platform, None if self.papers_too else [name for name in JOBS if name != "reports.render"])

    def later(self, **by: float) -> None:
        clock = self.platform.clock
        assert isinstance(clock, FakeClock)
        clock.advance(timedelta(**by))

    @property
    def now(self) -> datetime:
        return self.platform.clock.now()

    def approve(self, kind: str, subject: str, *voters: str) -> None:
        request = self.read(approval_queries.latest, kind, subject)
        for voter in voters:
            self.do(voter, approvals.vote, request.id, approve=True, comment="看过，同意")

    # ------------------------------------------------------------ the chapters

    def deploy(self) -> None:
        self.do("system", privacy.put_policy, rulebook.load().mask_policy())
        new = NewModel(name=MODEL, title="评论情感", task="classification", owner_id="bai")
        self.do("lin", catalog.register_model, new)
        self.ids["base"] = self.version("base-1", fill=1)
        made = self.do("wei", deployments.open_deployment, self.new_deployment("评论情感首次上线"))
        self.ids["deployment"] = id = made.id
        self.papers(id)
        self.run()
        self.do("wei", deployments.submit_plan, id)
        self.later(hours=2)
        self.approve("deployment_plan", id, "lin", "bai")
        self.do("wei", deployments.start, id)
        self.run()
        self.do("lin", deployments.go_live, id)
        self.ids["server"] = self.read(routes.servers)[0]["id"]
        self.do("lin", catalog.set_stage, MODEL, stage="use", reason="首次上线")
        self.later(hours=6)

    def new_deployment(self, title: str) -> NewDeployment:
        return NewDeployment(model=MODEL, version_id=self.ids["base"], title=title)

    def version(self, label: str, *, fill: int) -> str:
        version = self.do(
            "wei", catalog.create_version, MODEL, NewVersion(label=label, source="公开权重", licence="Apache-2.0")
        )
        for path, data in (("model.safetensors", weights(fill)), ("config.json", b"{}")):
            entry = FileEntry(path=path, sha256=services.blobs().put(data), size=len(data))
            self.do("wei", catalog.add_file, version.id, entry)
        self.do("lin", catalog.check_version, version.id)
        run_jobs(self.platform, ["catalog.check"])
        return str(version.id)

    def papers(self, id: str) -> None:
        report = REQUIREMENTS | {"sections": dict.fromkeys(REQUIREMENTS["sections"], "区分评论的正负面，供客服分派。")}
        report["sections"]["task_type"] = "classification"
        self.do("bai", deployments.write_requirements, id, Requirements.model_validate(report))
        self.do("lin", deployments.submit_requirements, id)
        self.later(hours=1)
        self.approve("requirements_report", id, "bai")
        environment = ENVIRONMENT | {"containers": ["docker", "podman"], "cpu_flags": ["made_up_flag"]}
        self.do("wei", deployments.declare_environment, id, Environment.model_validate(environment))
        self.do("wei", deployments.probe_environment, id)
        self.run()
        probed = self.read(routes.deployment, id).probe["mismatches"]
        self.do("wei", deployments.set_tests, id, FunctionalTest.model_validate(TESTS))
        self.do("wei", deployments.write_plan, id, deployment_plan(self.now, accepted=[row["item"] for row in probed]))

    def measure_and_find(self) -> None:
        self.ids["suite"] = self.do("lin", evaluation.add_suite, new_suite(120, name="评论封存集")).id
        self.ids["baseline"] = self.evaluate("base-1", "baseline")
        baseline = self.read(runs.run, self.ids["baseline"])
        raised = []
        for title, severity in (("一半的评论判错", "high"), ("负面评论漏判多", "critical"), ("英文评论未覆盖", "low")):
            new = NewFinding(
                title=title,
                detail="评测显示准确率明显低于业务要求，影响客服分派。",
                severity=severity,  # type: ignore[arg-type]  # one of the four
                clauses=["REM-1.4"],
                source="people",
                subject_kind="evaluation_run",
                subject_id=baseline.id,
                evidence_ids=baseline.evidence_ids[:1],
            )
            raised.append(self.do("ren", findings.raise_finding, new).id)
        self.ids["finding"], self.ids["finding_2"], self.ids["finding_open"] = raised
        self.later(hours=3)

    def evaluate(self, target: str, purpose: str) -> str:
        new = NewRun(suite_id=self.ids["suite"], model=MODEL, target_id=target, purpose=purpose)  # type: ignore[arg-type]
        requested = self.do("lin", evaluation.request_sealed_run, new)
        self.run()
        return str(requested.id)

    def remedy(self) -> None:
        rows = [{"text": f"训练 第{n}条", "label": "正面" if n % 3 else "负面"} for n in range(24)]
        data = NewDataset(
            name="reviews-train",
            label="v1",
            purpose="train",
            source="业务标注",
            licence="内部",
            rows=rows,
        )
        self.ids["dataset"] = self.do("lin", catalog.add_dataset, data).id
        new = NewCase(
            title="评论分类准确率整改",
            level="important",
            model=MODEL,
            owner_id="wei",
            finding_ids=[self.ids["finding"], self.ids["finding_2"]],
        )
        self.ids["case"] = id = self.do("lin", remediation.open_case, new).id
        members = [
            ("wei", "technical", "accountable"),
            ("bai", "business", "responsible"),
            ("ren", "risk", "consulted"),
        ]
        group = [{"person_id": who, "team": team, "part": part, "duty": "按方案执行"} for who, team, part in members]
        self.do("lin", remediation.form_group, id, Group.model_validate({"members": group}))
        self.do("wei", remediation.assess, id, Assessment(aims=AIMS, baseline_run_ids=[self.ids["baseline"]]))
        self.later(hours=1)
        round = self.do("wei", remediation.plan_round, id, case_plan(self.now.date(), self.ids))
        self.later(hours=1)
        self.approve("remediation_plan", round.id, "lin", "bai", "rong", "guo")
        self.do("wei", remediation.start_measures, id)
        self.run()
        self.finish_work(id)
        self.do("wei", deployments.add_candidate, MODEL, self.ids["lora"])
        self.run()
        self.later(days=1)
        self.traffic("lora-1", 240)
        self.do("lin", remediation.start_verification, id, StartVerification(target_id="lora-1"))
        self.run()
        with self.platform.read() as session:
            seen = live.look(session, id, at=self.now)
        self.do("lin", remediation.verify_round, id, seen=seen)
        self.do("shen", remediation.supervise, id, Supervision(checked="抽查了冻结记录与复测过程，未见异常。"))

    def measure_masking(self) -> None:
        """The tuned version on reviews of which two thirds name a phone: asked as they are and masked."""
        rows = [row(number) | {"text": f"{row(number)['text']}，回电13812345{number:03}"} for number in range(200)]
        rows += [row(number) for number in range(200, 300)]
        suite = self.do("lin", evaluation.add_suite, new_suite(rows=rows, name="带电话的评论"))
        asked = NewMaskingTrial(suite_id=suite.id, model=MODEL, target_id="lora-1")
        self.ids["suite_phones"], trial = suite.id, self.do("lin", evaluation.request_masking, asked)
        self.ids["trial"], self.ids["trial_side"] = trial.id, trial.masked_run
        self.run()

    def finish_work(self, id: str) -> None:
        for measure in self.read(cases.measures, id):
            if measure.method == "by_hand":
                self.do(
                    "wei",
                    remediation.finish_measure,
                    measure.id,
                    MeasureResult(state="done", note="复核 40 条标签", dataset_ids=[self.relabelled()]),
                )
            else:
                self.ids["lora"], self.ids["training"] = measure.candidate_version_id, measure.training_id
        for task in self.read(cases.tasks, id):
            progress = TaskUpdate(progress=100 if task.key != "docs" else 60, note="按计划")
            self.do(task.owner_id, remediation.update_task, task.id, progress)
        line = next(line for line in self.read(cases.budget, id) if line.kind == "person_days")
        self.do("bai", remediation.record_spend, line.id, Spend(column="actual", amount=3.5, what="标签复核"))

    def relabelled(self) -> str:
        rows = [{"text": f"复核 第{n}条", "label": "正面" if n % 2 else "负面"} for n in range(12)]
        data = NewDataset(
            name="reviews-relabelled", label="v1", purpose="feedback", source="业务复核", licence="内部", rows=rows
        )
        return str(self.do("lin", catalog.add_dataset, data).id)

    def release(self) -> None:
        proof = next(
            one
            for one in self.read(evidence.about, "case", self.ids["case"])
            if one.source == "remediation.round_verified"
        )
        self.ids["release"] = id = str(self.do("wei", deployments.request_release, release_request(proof.id)).id)
        self.approve("release", id, "lin", "bai")
        self.do("wei", deployments.start_canary, id)
        for minute in range(12):
            self.later(minutes=5)
            self.traffic("base-1", 30, ms=180 + minute)
            self.traffic("lora-1", 6, ms=195 + minute, canary=id)
        self.later(minutes=5)
        self.do("lin", deployments.full_release, id)
        self.run()
        self.do("wei", deployments.roll_back, MODEL, reason="演练回滚")
        self.network.policy = "1.99"
        self.run()
        self.do("wei", deployments.roll_forward, MODEL, reason="演练结束，恢复")
        self.network.policy = "1.100"
        self.run()

    def close_and_report(self) -> None:
        self.do("bai", remediation.request_closure, self.ids["case"], comment="复测达标且已全量")
        self.approve("closure", self.ids["case"], "rong")
        for kind, subject in (("remediation_report", "case"), ("deployment_record", "deployment")):
            self.do("lin", reports.request_report, NewReport(kind=kind, subject_id=self.ids[subject]))  # type: ignore[arg-type]
        if self.papers_too:
            self.run()

    def begin_the_next(self) -> None:
        """What is still under way: a draft deployment, a case whose plan waits, a canary back to the base version."""
        self.ids["draft"] = self.do("wei", deployments.open_deployment, self.new_deployment("评论情感扩容")).id
        new = NewCase(
            title="英文评论覆盖", level="general", model=MODEL, owner_id="wei", finding_ids=[self.ids["finding_open"]]
        )
        self.ids["case_2"] = id = self.do("lin", remediation.open_case, new).id
        self.do("wei", remediation.assess, id, Assessment(aims=AIMS, baseline_run_ids=[self.ids["baseline"]]))
        self.later(hours=1)
        self.do("wei", remediation.plan_round, id, case_plan(self.now.date(), self.ids))
        extra = NewFinding(
            title="高峰时段应答偏慢",
            detail="业务反馈午间应答变慢。",
            source="people",
            severity="medium",
            subject_kind="model",
            subject_id=MODEL,
            evidence_ids=self.read(runs.run, self.ids["baseline"]).evidence_ids[:1],
        )
        self.ids["finding_new"] = self.do("bai", findings.raise_finding, extra).id

    # ------------------------------------------------------------ traffic and what is measured of it

    def traffic(self, target: str, count: int, *, ms: float = 190.0, **changes: Any) -> None:
        version = self.ids["lora" if target == "lora-1" else "base"]
        given = {"model": MODEL, "target": target, "version": version, "caller": "shop", "team": "business"}
        self.world.records.add(count, self.now.timestamp() - 1, ms=ms, tokens_in=40, tokens_out=3, **given | changes)

    def serve(self) -> None:
        """The last hour, measured every five minutes; some requests fail, some carry personal data."""
        clock = self.platform.clock
        assert isinstance(clock, FakeClock)
        clock.advance(datetime.now(UTC) - timedelta(minutes=61) - clock.now())
        dice = random.Random(7)
        for part in range(12):
            clock.advance(timedelta(minutes=5))
            self.traffic("lora-1", 130, ms=150 + dice.random() * 120)
            self.traffic("lora-1", 1 + part % 4, ms=900 + dice.random() * 200, caller="crm", entities_in={"phone": 1})
            if part % 4 == 0:
                self.traffic("lora-1", 2, outcome="timeout", status=504, timings=Timings(total=30_000.0))
            measure(self.platform)
        self.traffic("lora-1", 1, caller="desk", request="电话 <phone_1>，这条评论怎么样", reply="正面")


def measure(platform: Platform) -> None:
    """One round of monitoring, now."""
    now = platform.clock.now()
    row = JobRow(
        id="job_measure",
        name="monitoring.measure",
        subject="",
        args={},
        state="running",
        created_at=now,
        actor_id="",
        progress={},
    )
    JOBS["monitoring.measure"].run(JobContext(platform, row))
