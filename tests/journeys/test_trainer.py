"""The real trainer in a real process, on a model of a few thousand parameters."""

from pathlib import Path

import pytest

from gnomon.backends.runner_process import ProcessRunner
from gnomon.control.catalog import actions as catalog
from gnomon.control.catalog import queries as versions
from gnomon.control.catalog.schemas import FileEntry, NewModel, NewVersion
from gnomon.control.tuning import actions, jobs, queries
from gnomon.control.tuning.schemas import NewTraining
from gnomon.kit import services
from gnomon.kit.blobs import Blobs
from gnomon.kit.settings import Settings
from gnomon.kit.work import Platform
from tests.fakes.platform import do, make_platform, run_jobs
from tests.unit.tuning.test_tuning import dataset
from tests.unit.tuning.trainer import RECIPE

pytestmark = [pytest.mark.model, pytest.mark.timeout(180)]


def tiny_model(folder: Path) -> Path:
    """A Llama with one layer and a tokenizer of single characters."""
    pytest.importorskip("torch")
    pytest.importorskip("peft")
    tokenizers = pytest.importorskip("tokenizers")
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    letters = ["<bos>", "<eos>", "<unk>", *sorted(set("评论：情感\n正面负训练第条0123456789 "))]
    model = tokenizers.models.WordLevel({letter: number for number, letter in enumerate(letters)}, unk_token="<unk>")
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Split("", "isolated")
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<bos>", eos_token="<eos>", unk_token="<unk>", pad_token="<eos>"
    )
    config = LlamaConfig(
        vocab_size=len(letters),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


def registered(platform: Platform, folder: Path) -> str:
    model = NewModel(name="reviews-zh", title="评论", task="classification", owner_id="lin")
    do(platform, "lin", catalog.register_model, model)
    new = NewVersion(label="base-1", source="made for this test", licence="Apache-2.0")
    version = do(platform, "wei", catalog.create_version, "reviews-zh", new)
    for file in sorted(folder.iterdir()):
        entry = FileEntry(path=file.name, sha256=services.blobs().put_file(file), size=file.stat().st_size)
        do(platform, "wei", catalog.add_file, version.id, entry)
    do(platform, "lin", catalog.check_version, version.id)
    run_jobs(platform, ["catalog.check"])
    return str(version.id)


def test_a_real_adapter_is_trained_registered_and_accounted_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "POLL_S", 0.2)
    home = tmp_path / "home"
    services.fill(settings=Settings(home=home), blobs=Blobs(f"file://{home}/store"), runner=ProcessRunner())
    platform = make_platform(home)
    base = registered(platform, tiny_model(tmp_path / "model"))
    new = NewTraining(
        base_version_id=base,
        dataset_ids=[dataset(platform)],
        recipe=RECIPE,
        parameters={"steps": 3, "batch": 2, "rank": 2, "alpha": 2, "warmup_steps": 1, "dtype": "float32", "threads": 1},
    )
    training = do(platform, "wei", actions.start_training, new)
    run_jobs(platform, ["tuning.train"])
    with platform.read() as session:
        done = queries.training(session, training.id)
        assert (done.state, [row["step"] for row in done.progress]) == ("completed", [1, 2, 3])
        assert all(row["loss"] > 0 for row in done.progress)
        adapter = versions.version(session, done.adapter_version_id)
        assert adapter.state == "checked"
        assert "adapter_config.json" in {entry["path"] for entry in adapter.files}
        assert done.result["cpu_seconds"] >= 0.0
        (log,) = (home / "work").glob("*/log.txt")  # stays for whoever wants to read it
        assert log.is_file()
