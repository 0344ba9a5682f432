"""GGUF in, a bf16 safetensors folder out: once per checksum, all or nothing."""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gnomon.engine.models.errors import DiskTooSmall, LibrariesMissing, ModelCorrupt
from gnomon.engine.models.files import copy_into, differences, inventory, sync_files, write_json
from gnomon.engine.models.gemma import Source, find

MANIFEST = "gnomon-model.json"
_FORMAT = 1
# The joined GGUF (253 MB) and the converted folder (570 MB) exist side by side for a moment.
_SPACE_NEEDED = 900 << 20
_LIBRARIES = ("torch", "transformers", "gguf", "safetensors", "accelerate")

Progress = Callable[[dict[str, Any]], None]


def _silent(_: dict[str, Any]) -> None:
    """Progress that nobody watches."""


def convert(cache: Path, progress: Progress = _silent, *, source: Source | None = None) -> Path:
    """The folder that holds `source` (default: the packaged model) as bf16 safetensors; converted at most once.

    A folder given as source is returned as it is. `progress` gets {"step": "join"|"read"|"tokenizer"|"write"|"done",
    "share": 0..1}. Takes about a minute and 3 GB of memory the first time, nothing after that. An interruption leaves
    only a `.partial-…` folder, which the next conversion removes. Several processes may call it at once: all get the
    same folder. Raises ModelCorrupt, LibrariesMissing, DiskTooSmall.
    """
    source = source or find()
    if source.kind == "folder":
        return source.paths[0]
    folder = cache / f"model-{source.sha256[:16]}-bf16-v{_FORMAT}"
    if is_whole(folder):
        progress({"step": "done", "share": 1.0, "folder": str(folder), "cached": True})
        return folder
    _require_libraries()
    _require_space(cache)
    _remove_leftovers(cache)
    work = Path(tempfile.mkdtemp(prefix=f".partial-{os.getpid()}-", dir=cache))
    try:
        _convert_into(work, source, progress)
        _publish(work / "out", folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    progress({"step": "done", "share": 1.0, "folder": str(folder), "cached": False})
    return folder


def manifest(folder: Path) -> dict[str, Any]:
    """What is known about a model folder; {} when it was not made here."""
    try:
        value: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return value


def is_whole(folder: Path) -> bool:
    """Whether the folder has all its files at their full size. `damage` also reads their bytes."""
    files = manifest(folder).get("files", {})
    return bool(files) and all(
        (folder / name).is_file() and (folder / name).stat().st_size == facts["bytes"] for name, facts in files.items()
    )


def damage(folder: Path) -> list[str]:
    """Names of the files whose bytes are no longer those that were converted (half a second per gigabyte)."""
    return differences(folder, manifest(folder).get("files", {}))


def _convert_into(work: Path, source: Source, progress: Progress) -> None:
    progress({"step": "join", "share": 0.0})
    with (work / "model.gguf").open("wb") as stream:
        actual = copy_into(stream, source.paths)
    if actual != source.sha256:
        raise ModelCorrupt(
            f"The model's checksum is {actual}, expected {source.sha256}.",
            next_step="Reinstall the model's packages, or give another local model path.",
            actual=actual,
            expected=source.sha256,
        )
    out = work / "out"
    out.mkdir()
    _save(work, out, progress)
    sync_files(out)
    facts = {
        "format": _FORMAT,
        "source_sha256": source.sha256,
        "source_kind": source.kind,
        "dtype": "bfloat16",
        "versions": {name: version(name) for name in _LIBRARIES},
        "files": inventory(out),
    }
    write_json(out / MANIFEST, facts)


def _save(work: Path, out: Path, progress: Progress) -> None:
    os.environ.setdefault("TQDM_DISABLE", "1")  # our own progress is enough; must be set before the import
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    from transformers.utils import logging

    logging.disable_progress_bar()
    progress({"step": "read", "share": 0.05})
    model = AutoModelForCausalLM.from_pretrained(
        str(work),
        gguf_file="model.gguf",
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.bfloat16,
    )
    progress({"step": "tokenizer", "share": 0.70})
    tokenizer = AutoTokenizer.from_pretrained(str(work), gguf_file="model.gguf")
    progress({"step": "write", "share": 0.95})
    model.save_pretrained(str(out))
    tokenizer.save_pretrained(str(out))


def _publish(out: Path, folder: Path) -> None:
    """Renames `out` to `folder`; when another process was faster, its folder stays."""
    if folder.exists() and not is_whole(folder):
        shutil.rmtree(folder)
    try:
        out.rename(folder)
    except OSError:
        if not is_whole(folder):
            raise


def _require_libraries() -> None:
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    if missing:
        raise LibrariesMissing(
            f"Converting a model needs {', '.join(missing)}.",
            next_step="Install the training extra: pip install 'gnomon[train]' and torch (see README).",
            missing=missing,
        )


def _require_space(cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(cache).free
    if free < _SPACE_NEEDED:
        raise DiskTooSmall(
            f"{cache} has {free >> 20} MB free, converting needs {_SPACE_NEEDED >> 20} MB.",
            next_step="Free some space or choose another cache folder.",
            free_mb=free >> 20,
            needed_mb=_SPACE_NEEDED >> 20,
        )


def _remove_leftovers(cache: Path) -> None:
    """Folders of conversions whose process is gone are removed."""
    for folder in cache.glob(".partial-*"):
        pid = int(folder.name.split("-")[1])
        if not Path(f"/proc/{pid}").exists():
            shutil.rmtree(folder, ignore_errors=True)


def prepare(spec: dict[str, Any], folder: Path, report: Progress) -> dict[str, Any]:
    """Runner entry: converts the model named by spec {"cache", "model"?}; the result names its folder."""
    del folder  # the model goes to the cache, which outlives the job
    local = Path(spec["model"]) if spec.get("model") else None
    model = convert(Path(spec["cache"]), report, source=find(local))
    return {"model": str(model), "manifest": manifest(model)}


def main(arguments: list[str] | None = None) -> int:
    """`python -m gnomon.engine.models.convert CACHE [MODEL]`: progress as JSON lines, the folder on the last one."""
    arguments = sys.argv[1:] if arguments is None else arguments
    cache, local = Path(arguments[0]), Path(arguments[1]) if len(arguments) > 1 else None

    def report(step: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(step) + "\n")
        sys.stdout.flush()

    convert(cache, report, source=find(local))
    return 0


if __name__ == "__main__":
    sys.exit(main())
