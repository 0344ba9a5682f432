"""Small genuine versions: a safetensors file and its config."""

import json
import struct
from typing import Any

from gnomon.control.catalog import actions
from gnomon.control.catalog.schemas import FileEntry, NewModel, NewVersion
from gnomon.kit import services
from gnomon.kit.work import Platform
from tests.fakes.platform import do, run_jobs


def weights(values: int = 4, *, fill: int = 0) -> bytes:
    header = json.dumps({"w": {"dtype": "F32", "shape": [values], "data_offsets": [0, values * 4]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes([fill]) * (values * 4)


def stored(path: str, data: bytes) -> FileEntry:
    return FileEntry(path=path, sha256=services.blobs().put(data), size=len(data))


def register_base(platform: Platform, *, model: str = "reviews", label: str = "base-1", check: bool = True) -> str:
    """A registered model with one checked base version; returns the version's id."""
    new = NewModel(name=model, title="评论", task="classification", owner_id="bai")
    do(platform, "lin", actions.register_model, new)
    files = {"model.safetensors": weights(), "config.json": b"{}"}
    return add_version(platform, files, model=model, label=label, check=check)


def add_version(
    platform: Platform, files: dict[str, bytes], *, model: str = "reviews", label: str = "base-1", check: bool = True
) -> str:
    new = NewVersion(label=label, source="test", licence="Apache-2.0")
    version = do(platform, "wei", actions.create_version, model, new)
    for path, data in files.items():
        do(platform, "wei", actions.add_file, version.id, stored(path, data))
    if check:
        do(platform, "wei", actions.check_version, version.id)
        run_jobs(platform, ["catalog.check"])
    return version.id


def add_adapter(platform: Platform, base_id: str, *, label: str = "lora-1", fill: int = 1, **more: Any) -> str:
    files = [
        stored("adapter_model.safetensors", weights(fill=fill)),
        stored("adapter_config.json", json.dumps({"r": 16}).encode()),
    ]
    lineage = {"data_sha256": "d" * 64, "code": "0.1.0", "parameters": {"r": 16}} | more
    version = do(
        platform,
        "system",
        actions.register_adapter,
        model="reviews",
        label=label,
        base_id=base_id,
        files=files,
        lineage=lineage,
        source="training_1",
        licence="Apache-2.0",
    )
    return version.id
