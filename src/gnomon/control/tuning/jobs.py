"""What the worker does: start the trainer in a process of its own, or find it again, and bring home what it made."""

import hashlib
import json
import shutil
import time
from pathlib import Path
from typing import Any

from gnomon.contract.ports import HeavyJob, HeavyState, Runner
from gnomon.control.catalog import queries as catalog
from gnomon.control.catalog.schemas import FileEntry
from gnomon.control.tuning import actions, queries, rules
from gnomon.control.tuning.tables import TrainingRun
from gnomon.engine.hyper_parameters import HyperParameters
from gnomon.kit import services
from gnomon.kit.errors import GnomonError
from gnomon.kit.jobs import JobContext, job

ENTRY = "gnomon.engine.tuning.lora:train"  # by name: the control plane loads no training stack
POLL_S = 2.0
MAX_STARTS = 3  # a trainer that is lost more often will be lost again


@job("tuning.train", lane="long")
def train(ctx: JobContext) -> None:
    with ctx.work() as work:
        if not actions.begin(work, ctx.subject):
            return
    try:
        _train(ctx)
    except Exception as error:
        # Whatever it was, the training has ended; the error goes on as it is, to the job's row and the log.
        reason = error.message if isinstance(error, GnomonError) else f"unexpected: {type(error).__name__}"
        with ctx.work() as work:
            actions.fail(work, ctx.subject, error=reason)
        raise


def _train(ctx: JobContext) -> None:
    folder = services.settings().home / "work" / ctx.id
    runner: Runner = services.get("runner")
    with ctx.read() as session:
        training = queries.training(session, ctx.subject)
    if runner.state(ctx.id, folder).state == "absent":
        ctx.progress(done=0, total=0, note="preparing data and weights")
        _lay_out(ctx, training, folder)
    heavy = HeavyJob(ctx.id, ENTRY, _spec(training, folder), folder)
    found = _wait(ctx, runner, heavy)
    if found is None:
        runner.cancel(ctx.id, folder)
        return
    rules.check_result(found.result)
    files = _take_home(folder / str(found.result["adapter"]))
    with ctx.work() as work:
        actions.complete(
            work,
            training.id,
            files=files,
            result=found.result,
            data_sha256=_sha256(folder / "train.jsonl"),
        )
    shutil.rmtree(folder / "base", ignore_errors=True)  # it is in the object store; the rest is small and stays
    steps = len(_progress_rows(folder))
    ctx.progress(done=steps, total=steps, note="completed")


def _lay_out(ctx: JobContext, training: TrainingRun, folder: Path) -> None:
    """The base version and the rows lie in the folder, byte by byte as they are registered."""
    with ctx.read() as session:
        base = catalog.checked_version(session, training.base_version_id)
        train_on = [catalog.dataset(session, id).sha256 for id in training.dataset_ids]
        held_out = [catalog.dataset(session, training.validation_id).sha256] if training.validation_id else []
    catalog.materialise(services.blobs(), base, folder / "base")
    _write(folder / "train.jsonl", train_on)
    _write(folder / "validation.jsonl", held_out)


def _spec(training: TrainingRun, folder: Path) -> dict[str, Any]:
    """What `engine.tuning.spec.TuningSpec` reads. Of what was asked for, hyper-parameters alone get there."""
    validation = folder / "validation.jsonl"
    held_out = {"validation": str(validation), "validation_sha256": _sha256(validation)}
    chosen = {name: value for name, value in training.parameters.items() if name in HyperParameters.model_fields}
    return chosen | {
        "model": str(folder / "base"),
        "recipe": training.recipe,
        "train": str(folder / "train.jsonl"),
        "train_sha256": _sha256(folder / "train.jsonl"),
        **(held_out if training.validation_id else {}),
    }


def _wait(ctx: JobContext, runner: Runner, heavy: HeavyJob) -> HeavyState | None:
    """The state of the trainer that succeeded; None when the training was cancelled meanwhile."""
    starts = 1
    runner.submit(heavy)
    told = -1
    while True:
        found = runner.state(heavy.id, heavy.folder)
        rows = _progress_rows(heavy.folder)
        if len(rows) != told:
            told = len(rows)
            if not _tell(ctx, rows):
                return None
        if found.state == "succeeded":
            return found
        if found.state == "failed":
            raise rules.BadResult(
                f"The trainer failed: {found.error[:500]}", next_step="Look at the log in the job's folder."
            )
        if found.state in ("lost", "absent"):
            if starts >= MAX_STARTS:
                raise rules.TrainingLost(
                    f"The trainer was lost {starts} times.", next_step="Look at the host's memory, and start again."
                )
            starts += 1
            runner.submit(heavy)
        if not _is_wanted(ctx):
            return None
        time.sleep(POLL_S)


def _tell(ctx: JobContext, rows: list[dict[str, Any]]) -> bool:
    last = rows[-1] if rows else {}
    ctx.progress(done=last.get("step", 0), total=last.get("steps", 0), note="training", loss=last.get("loss"))
    with ctx.work() as work:
        return actions.record_progress(work, ctx.subject, rows)


def _is_wanted(ctx: JobContext) -> bool:
    with ctx.read() as session:
        return queries.training(session, ctx.subject).state not in rules.ENDED


def _progress_rows(folder: Path) -> list[dict[str, Any]]:
    """The rows that the trainer has written whole; the last line may still be on its way."""
    file = folder / "progress.jsonl"
    if not file.is_file():
        return []
    lines = file.read_text(encoding="utf-8").split("\n")[:-1]
    return [json.loads(line) for line in lines if line]


def _take_home(folder: Path) -> list[FileEntry]:
    """The adapter's files are in the object store. Raises BadResult when there are none."""
    files = sorted(file for file in folder.rglob("*") if file.is_file()) if folder.is_dir() else []
    if not files:
        raise rules.BadResult(
            f"The trainer left no files in {folder.name}.", next_step="Look at the log in the job's folder."
        )
    blobs = services.blobs()
    return [
        FileEntry(path=file.relative_to(folder).as_posix(), sha256=blobs.put_file(file), size=file.stat().st_size)
        for file in files
    ]


def _write(file: Path, objects: list[str]) -> None:
    """The stored objects one after another; of a single data set the file has the data set's own digest."""
    blobs = services.blobs()
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as out:
        for sha256 in objects:
            out.write(blobs.get(sha256))


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
