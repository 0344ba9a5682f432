"""A LoRA adapter learned from labelled texts: the entry that a Runner starts, `gnomon.engine.tuning.lora:train`."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gnomon
from gnomon.engine.models.convert import manifest as model_manifest
from gnomon.engine.models.errors import LibrariesMissing, ModelNotFound
from gnomon.engine.models.files import inventory, sha256_of, sync_files, write_json
from gnomon.engine.models.torch_setup import prepare
from gnomon.engine.tuning.spec import TuningSpec, read_rows, recipe_of, spec_from

if TYPE_CHECKING:
    from gnomon.engine.tuning.training import Training

Report = Callable[[dict[str, Any]], None]

ADAPTER = "adapter"
MANIFEST = "gnomon-adapter.json"
_LIBRARIES = ("torch", "transformers", "peft", "safetensors")


def train(spec: dict[str, Any], folder: Path, report: Report) -> dict[str, Any]:
    """`folder/adapter` holds the learned adapter in PEFT's format with its manifest, which is also returned.

    Reports every step {"step", "steps", "loss", "lr", "tokens", "seconds", "eta_s"}, at some steps with
    "validation_accuracy". Run again after an interruption it goes on from the last checkpoint to the same adapter; run
    again after the end it returns the manifest at once. The same spec gives the same adapter on the same processor
    with the same libraries and threads. Raises BadSpec, DataChanged, DataNotFound, ModelNotFound, LibrariesMissing.
    """
    told = spec_from(spec)
    finished = manifest_of(folder)
    if finished.get("identity") == told.identity:
        return finished
    recipe = recipe_of(told)
    rows = read_rows(told.train, told.train_sha256, recipe)
    held_out = read_rows(told.validation, told.validation_sha256, recipe) if told.validation else []
    _require(told)
    prepare(told.threads)
    from gnomon.engine.tuning.training import Training  # imports torch

    training = Training(told, folder, rows=rows, held_out=held_out)
    training.run(report)
    return _publish(training, told, folder, rows={"train": len(rows), "validation": len(held_out)})


def manifest_of(folder: Path) -> dict[str, Any]:
    """The manifest of the adapter that was finished in `folder`; {} when there is none."""
    path = folder / ADAPTER / MANIFEST
    if not path.is_file():
        return {}
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return value


def _publish(training: "Training", spec: TuningSpec, folder: Path, *, rows: dict[str, int]) -> dict[str, Any]:
    """Writes the adapter beside its place and renames it, so that an adapter with a manifest is always whole."""
    partial, place = folder / f".{ADAPTER}.partial", folder / ADAPTER
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    base = _base_sha256(spec.model)
    training.write(partial, base_name=f"sha256:{base}")
    sync_files(partial)
    facts = {
        "adapter": ADAPTER,
        "identity": spec.identity,
        "base_sha256": base,
        "data": {"train_sha256": spec.train_sha256, "validation_sha256": spec.validation_sha256, "rows": rows},
        "parameters": spec.model_dump(
            mode="json", exclude={"model", "train", "validation"}
        ),  # paths mean nothing later
        "dtype": training.dtype,
        "threads": spec.threads or len(os.sched_getaffinity(0)),
        "code": {"version": gnomon.__version__, "sha256": code_digest()},
        "libraries": {name: version(name) for name in _LIBRARIES},
        "wall_seconds": round(training.state.wall_seconds, 1),
        "cpu_seconds": round(training.state.cpu_seconds, 1),
        "curve": training.state.curve,
        "files": inventory(partial),
    }
    write_json(partial / MANIFEST, facts)
    if place.exists():
        shutil.rmtree(place)  # another spec's, else `train` would have returned it
    partial.rename(place)
    (folder / "checkpoint.pt").unlink(missing_ok=True)
    return facts


def code_digest() -> str:
    """SHA-256 over this package's source files: which trainer made an adapter."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(f"{path.name}\0{sha256_of(path)}\n".encode())
    return digest.hexdigest()


def _base_sha256(model: Path) -> str:
    """The checksum the base is known by: of what it was converted from, else of its weights."""
    known = model_manifest(model).get("source_sha256")
    return str(known) if known else sha256_of(sorted(model.glob("*.safetensors"))[0])


def _require(spec: TuningSpec) -> None:
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    if missing:
        raise LibrariesMissing(
            f"Training needs {', '.join(missing)}.",
            next_step="Install the training extra: pip install 'gnomon[train]' and torch (see README).",
            missing=missing,
        )
    if not (spec.model / "config.json").is_file():
        raise ModelNotFound(
            f"There is no model folder {spec.model}.",
            next_step="Convert the model first, or name its folder.",
            path=str(spec.model),
        )
