"""A training runs in a process of its own, survives its worker, and leaves an adapter with lineage, proof and cost."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gnomon.control.catalog import actions as catalog
from gnomon.control.catalog import jobs as catalog_jobs  # noqa: F401 - registers the check
from gnomon.control.catalog import queries as versions
from gnomon.control.catalog.schemas import NewDataset
from gnomon.control.evidence import queries as evidence
from gnomon.control.tuning import actions, jobs, queries, rules
from gnomon.control.tuning.schemas import NewTraining, TrainingFinished
from gnomon.control.tuning.tables import TrainingRun
from gnomon.kit import services
from gnomon.kit.blobs import Blobs
from gnomon.kit.errors import GnomonError
from gnomon.kit.settings import Settings
from gnomon.kit.work import Bus, Platform, Work
from tests.fakes.platform import do, make_platform, run_jobs
from tests.unit.tuning.trainer import RECIPE, STEPS, FakeRunner, checked_base


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> FakeRunner:
    fake = FakeRunner()
    monkeypatch.setattr(jobs, "POLL_S", 0.0)
    services.fill(runner=fake)
    return fake


@pytest.fixture
def finished() -> list[TrainingFinished]:
    return []


@pytest.fixture
def platform(tmp_path: Path, finished: list[TrainingFinished]) -> Platform:
    services.fill(settings=Settings(home=tmp_path), blobs=Blobs(f"file://{tmp_path}/store"))
    bus = Bus()
    bus.subscribe(TrainingFinished, lambda work, event: finished.append(event))
    return make_platform(tmp_path, bus=bus)


@pytest.fixture
def base(platform: Platform) -> str:
    return checked_base(platform)


def dataset(platform: Platform, purpose: str = "train", label: str = "正面") -> str:
    rows = [{"text": f"{purpose} 第{n}条", "label": label if n % 2 else "负面"} for n in range(4)]
    new = NewDataset(name=f"reviews-{purpose}", label="v1", purpose=purpose, source="t", licence="t", rows=rows)
    return do(platform, "lin", catalog.add_dataset, new).id


def start(platform: Platform, base: str, data: str, **more: Any) -> TrainingRun:
    new = NewTraining(base_version_id=base, dataset_ids=[data], recipe=RECIPE, parameters={"steps": STEPS}, **more)
    return do(platform, "wei", actions.start_training, new)


def the(platform: Platform, training: TrainingRun) -> TrainingRun:
    with platform.read() as session:
        return queries.training(session, training.id)


@given(st.lists(st.integers(1, 500).map(lambda n: f"lora-{n}") | st.sampled_from(["base-1", "lora-x"])))
def test_a_free_label_is_free(taken: list[str]) -> None:
    assert rules.next_label(taken) not in taken


def test_a_training_leaves_an_adapter_with_lineage_proof_and_cost(
    platform: Platform, runner: FakeRunner, base: str, finished: list[TrainingFinished], tmp_path: Path
) -> None:
    data = dataset(platform)
    training = start(platform, base, data, validation_id=dataset(platform, "validation"), measure_id="measure_1")
    run_jobs(platform, ["tuning.train"])
    done = the(platform, training)
    assert (done.state, done.label, len(done.progress)) == ("completed", "lora-1", STEPS)
    assert done.progress[-1]["loss"] == 0.5
    (job,) = runner.starts
    assert (job.id, job.entry, job.spec["steps"]) == (done.job_id, "gnomon.engine.tuning.lora:train", STEPS)
    with platform.read() as session:
        adapter = versions.version(session, done.adapter_version_id)
        sha256 = versions.dataset(session, data).sha256
        assert (adapter.state, adapter.kind, adapter.base_id) == ("checked", "adapter", base)
        assert (adapter.lineage["data_sha256"], adapter.lineage["training_id"]) == (sha256, training.id)
        assert job.spec["train_sha256"] == sha256
        found = {artefact.source: artefact.facts for artefact in evidence.about(session, "training", training.id)}
        assert found["tuning.training_recorded"]["adapter"] == adapter.id
        assert found["tuning.cost_recorded"]["value"] == 1.5
        assert queries.cpu_minutes(session) == 1.5
    assert [(event.state, event.cpu_minutes, event.measure_id) for event in finished] == [
        ("completed", 1.5, "measure_1")
    ]
    assert not (tmp_path / "work" / done.job_id / "base").exists()


@pytest.mark.parametrize(
    "parameters",
    [
        {"validation": "/home/somebody/held-out.jsonl"},
        {"model": "/elsewhere"},
        {"train_sha256": "0" * 64},
        {"learning_rate": float("nan")},
        {"clip": float("inf")},
        {"seed": 2**60},
    ],
)
def test_only_hyper_parameters_can_be_asked_for(parameters: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NewTraining.model_validate(
            {"base_version_id": "v", "dataset_ids": ["d"], "recipe": RECIPE, "parameters": parameters}
        )


def test_a_path_in_stored_parameters_does_not_reach_the_trainer(
    platform: Platform, runner: FakeRunner, base: str
) -> None:
    training = start(platform, base, dataset(platform))
    with platform.database.session() as session:
        row = session.get_one(TrainingRun, training.id)
        row.parameters = row.parameters | {"validation": "/home/somebody/held-out.jsonl"}
        session.commit()
    run_jobs(platform, ["tuning.train"])
    assert "validation" not in runner.starts[0].spec


def test_a_job_that_runs_again_finds_the_trainer_it_started(platform: Platform, runner: FakeRunner, base: str) -> None:
    training = start(platform, base, dataset(platform))
    run_jobs(platform, ["tuning.train"])
    with platform.database.session() as session:
        row = session.get_one(TrainingRun, training.id)
        row.state, row.adapter_version_id = "running", ""  # as if the worker had died before the last transaction
        session.connection().exec_driver_sql("UPDATE kit_job SET state = 'queued' WHERE name = 'tuning.train'")
        session.commit()
    run_jobs(platform, ["tuning.train"])
    assert (the(platform, training).state, len(runner.starts)) == ("completed", 1)
    with platform.read() as session:
        assert len(versions.versions(session, "reviews-zh")) == 2


def test_a_lost_trainer_is_started_again_a_few_times_and_then_given_up(
    platform: Platform, runner: FakeRunner, base: str
) -> None:
    runner.fate = lambda number: "lost" if number < 3 else "succeeded"
    data = dataset(platform)
    first = start(platform, base, data)
    run_jobs(platform, ["tuning.train"])
    assert (the(platform, first).state, len(runner.starts)) == ("completed", 3)
    runner.fate = lambda number: "lost"
    second = start(platform, base, data)
    with pytest.raises(rules.TrainingLost):
        run_jobs(platform, ["tuning.train"])
    assert the(platform, second).state == "failed"


def test_a_trainer_that_fails_fails_the_training_and_says_why(
    platform: Platform, runner: FakeRunner, base: str, finished: list[TrainingFinished]
) -> None:
    runner.fate = lambda number: "failed"
    training = start(platform, base, dataset(platform))
    with pytest.raises(rules.BadResult):
        run_jobs(platform, ["tuning.train"])
    ended = the(platform, training)
    assert ended.state == "failed"
    assert "out of memory" in ended.error
    assert [event.state for event in finished] == ["failed"]


def test_a_cancelled_training_stops_its_trainer_and_registers_nothing(
    platform: Platform, runner: FakeRunner, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = start(platform, base, dataset(platform))
    runner.fate = lambda number: "running"

    def cancel_meanwhile(_: float) -> None:
        do(platform, "wei", actions.cancel_training, training.id, reason="another plan")

    monkeypatch.setattr(jobs.time, "sleep", cancel_meanwhile)
    run_jobs(platform, ["tuning.train"])
    assert (the(platform, training).state, runner.cancelled) == ("cancelled", [training.job_id])
    with platform.read() as session:
        assert len(versions.versions(session, "reviews-zh")) == 1
    with pytest.raises(rules.TrainingStateConflict):
        do(platform, "wei", actions.cancel_training, training.id, reason="once more")


def test_test_data_and_strange_labels_are_not_trained_on(platform: Platform, runner: FakeRunner, base: str) -> None:
    with pytest.raises(rules.UnfitData, match="for test"):
        start(platform, base, dataset(platform, "test"))
    with pytest.raises(rules.UnfitData, match="label 中性"):
        start(platform, base, dataset(platform, "train", label="中性"))
    with pytest.raises(GnomonError):
        start(platform, "version_unknown", "dataset_unknown")


def test_the_trainer_reads_the_spec_that_the_job_writes(platform: Platform, runner: FakeRunner, base: str) -> None:
    from gnomon.engine.tuning.spec import spec_from

    start(platform, base, dataset(platform), validation_id=dataset(platform, "validation"))
    run_jobs(platform, ["tuning.train"])
    told = spec_from(runner.starts[0].spec)
    assert (told.steps, told.validation is not None) == (STEPS, True)


def test_begin_is_refused_to_people(platform: Platform, runner: FakeRunner, base: str) -> None:
    training = start(platform, base, dataset(platform))

    def begin(work: Work) -> bool:
        return actions.begin(work, training.id)

    with pytest.raises(GnomonError, match="platform itself"):
        do(platform, "lin", begin)
