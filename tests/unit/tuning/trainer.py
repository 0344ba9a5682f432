"""A trainer that trains at once, and a base version to train from."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gnomon.contract.ports import HeavyJob, HeavyState
from gnomon.control.catalog import actions as catalog
from gnomon.control.catalog import jobs as catalog_jobs  # noqa: F401 - registers the check
from gnomon.control.catalog.schemas import FileEntry, NewModel, NewVersion
from gnomon.kit import services
from gnomon.kit.work import Platform
from tests.fakes.platform import do, run_jobs

RECIPE = {"id": "reviews-zh/1", "prompt_template": "评论：{text}\n情感：", "choices": ["正面", "负面"]}
STEPS = 4


def weights(fill: int) -> bytes:
    """A safetensors file with one small tensor."""
    header = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes([fill]) * 8


class FakeRunner:
    """Trains at once, on submit. `fate` says how the n-th start ends."""

    def __init__(self) -> None:
        self.fate: Callable[[int], str] = lambda start: "succeeded"
        self.starts: list[HeavyJob] = []
        self.cancelled: list[str] = []
        self._states: dict[str, HeavyState] = {}

    def submit(self, job: HeavyJob) -> None:
        known = self._states.get(job.id)
        if known and known.state in ("running", "succeeded"):
            return
        self.starts.append(job)
        self._states[job.id] = self._train(job, self.fate(len(self.starts)))

    def state(self, job_id: str, folder: Path) -> HeavyState:
        return self._states.get(job_id, HeavyState("absent"))

    def cancel(self, job_id: str, folder: Path) -> None:
        self.cancelled.append(job_id)

    def _train(self, job: HeavyJob, fate: str) -> HeavyState:
        rows = [{"step": n, "steps": STEPS, "loss": 2.0 / n} for n in range(1, STEPS + 1)]
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (job.folder / "progress.jsonl").write_text(lines + '{"step": 5, "cut')
        adapter = job.folder / "adapter"
        adapter.mkdir(exist_ok=True)
        (adapter / "adapter_model.safetensors").write_bytes(weights(7))
        (adapter / "adapter_config.json").write_text('{"peft_type": "LORA"}')
        result: dict[str, Any] = {
            "adapter": "adapter",
            "parameters": job.spec,
            "code": {"version": "0", "sha256": "c" * 64},
            "libraries": {"torch": "0"},
            "cpu_seconds": 90.0,
            "curve": rows,
        }
        return HeavyState(fate, result=result if fate == "succeeded" else {}, error="out of memory")


def checked_base(platform: Platform) -> str:
    """The id of a checked base version of reviews-zh."""
    model = NewModel(name="reviews-zh", title="评论", task="classification", owner_id="lin")
    do(platform, "lin", catalog.register_model, model)
    new = NewVersion(label="base-1", source="t", licence="t")
    version = do(platform, "wei", catalog.create_version, "reviews-zh", new)
    for path, data in (("model.safetensors", weights(1)), ("config.json", b"{}")):
        entry = FileEntry(path=path, sha256=services.blobs().put(data), size=len(data))
        do(platform, "wei", catalog.add_file, version.id, entry)
    do(platform, "lin", catalog.check_version, version.id)
    run_jobs(platform, ["catalog.check"])
    return str(version.id)
