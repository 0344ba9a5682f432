"""The trainer and the served adapter, on a real but tiny model."""

import json
from pathlib import Path
from typing import Any

import pytest

from gnomon.engine.models.files import differences, sha256_of
from gnomon.engine.suites.recipes import REVIEWS
from gnomon.engine.tuning.lora import manifest_of, train
from tests.unit.tuning.tiny import tiny_gemma

pytestmark = [
    pytest.mark.model,
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # transformers warns of its own calls
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gemma(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def spec(model: Path, tmp_path: Path) -> dict[str, Any]:
    rows = [{"text": text * 2, "label": label} for text, label in (("很好", "正面"), ("很差", "负面"))] * 8
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return {
        "model": str(model),
        "recipe": REVIEWS.as_dict(),
        "train": str(path),
        "train_sha256": sha256_of(path),
        "validation": str(path),
        "validation_sha256": sha256_of(path),
        "steps": 60,
        "batch": 4,
        "learning_rate": 0.05,
        "warmup_steps": 2,
        "checkpoint_every": 4,
        "validate_every": 30,
        "threads": 1,
        "dtype": "float32",
    }


class Interrupted(Exception):
    pass


def test_it_learns_and_leaves_an_adapter_with_its_lineage(spec: dict[str, Any], tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []
    result = train(spec, tmp_path, told.append)
    assert [row["step"] for row in told] == list(range(1, 61))
    assert told[-1]["loss"] < told[0]["loss"] - 1
    assert [row["step"] for row in told if "validation_accuracy" in row] == [30, 60]
    assert told[-1]["validation_accuracy"] == 1.0
    assert differences(tmp_path / "adapter", result["files"]) == []
    assert result["data"]["train_sha256"] == spec["train_sha256"]
    assert str(tmp_path) not in (tmp_path / "adapter" / "gnomon-adapter.json").read_text()
    assert not (tmp_path / "checkpoint.pt").exists()
    again: list[dict[str, Any]] = []
    assert train(spec, tmp_path, again.append) == result == manifest_of(tmp_path)
    assert again == []


def test_an_interrupted_training_ends_with_the_same_adapter(spec: dict[str, Any], tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    expected = train(spec, whole, lambda row: None)

    def interrupt(row: dict[str, Any]) -> None:
        if row["step"] == 6:
            raise Interrupted

    with pytest.raises(Interrupted):
        train(spec, broken, interrupt)
    assert manifest_of(broken) == {}
    steps: list[int] = []
    result = train(spec, broken, lambda row: steps.append(row["step"]))
    assert steps == list(range(5, 61))
    assert result["files"] == expected["files"]
    assert [row["loss"] for row in result["curve"]] == [row["loss"] for row in expected["curve"]]


def test_a_served_adapter_answers_and_the_base_stays_as_it_was(spec: dict[str, Any], tmp_path: Path) -> None:
    from gnomon.app.modelserver.torch_model import TorchModel

    train(spec, tmp_path, lambda row: None)
    served = TorchModel(Path(spec["model"]), threads=1, dtype="float32")
    prompts = [served.encode(REVIEWS.prompt(text), start=True) for text in ("很好很好", "很差", "书")]
    labels = [served.encode("正", start=False)[0], served.encode("负", start=False)[0]]

    def scores(adapter: str | None, rows: list[list[int]]) -> list[list[float]]:
        cursor = served.begin(rows, adapter, goes_on=False)
        return [[round(float(score), 3) for score in row] for row in cursor.scores([labels] * len(rows))]

    base = scores(None, prompts)
    with pytest.raises(Exception, match="config"):
        served.load_adapter("broken", tmp_path / "nothing")
    served.load_adapter("tuned", tmp_path / "adapter")
    tuned = scores("tuned", prompts)
    assert scores(None, prompts) == base != tuned
    assert tuned[0][0] > tuned[0][1]
    assert tuned[1][0] < tuned[1][1]
    assert [scores("tuned", [prompt])[0] for prompt in prompts] == tuned  # padding changes nothing
    served.unload_adapter("tuned")
    assert scores(None, prompts) == base


def test_generating_with_memory_equals_generating_afresh(model: Path) -> None:
    from gnomon.app.modelserver.torch_model import TorchModel

    served = TorchModel(model, threads=1, dtype="float32")
    rows = [served.encode("评论：很好很好很好房间", start=True), served.encode("书", start=True)]
    cursor = served.begin(rows, None, goes_on=True)
    for _ in range(4):
        tokens = [int(scores.argmax()) for scores in cursor.scores([None] * len(rows))]
        rows = [[*row, token] for row, token in zip(rows, tokens, strict=True)]
        cursor.advance(range(len(rows)), tokens)
        fresh = served.begin(rows, None, goes_on=False).scores([None] * len(rows))
        for kept, new in zip(cursor.scores([None] * len(rows)), fresh, strict=True):
            assert abs(kept - new).max() < 1e-3
    cursor.advance([1], [5])
    alone = served.begin([[*rows[1], 5]], None, goes_on=False).scores([None])[0]
    assert abs(cursor.scores([None])[0] - alone).max() < 1e-3
