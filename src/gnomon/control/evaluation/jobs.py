"""What the worker does: put a suite to a model, look for leaks."""

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any

import httpx
import psutil

from gnomon.control.catalog import queries as catalog
from gnomon.control.evaluation import actions, queries
from gnomon.control.evaluation.actions.suites import further_features
from gnomon.control.evaluation.tables import EvaluationRun
from gnomon.control.rulebook import rules as rulebook
from gnomon.engine.runs import Decoding, RunItem, Tally, run_items
from gnomon.engine.scoring import Answer, score
from gnomon.engine.slices import discover
from gnomon.engine.suites.near_duplicates import leaks
from gnomon.engine.suites.recipes import recipe_from
from gnomon.kit import services
from gnomon.kit.clock import iso
from gnomon.kit.errors import GnomonError
from gnomon.kit.jobs import JobContext, job

BATCH = 25  # answers to a transaction: a kill loses at most this many, which are asked again
PATIENCE_S = 2.0  # after which fewer are stored too

transport: httpx.AsyncBaseTransport | None = None  # tests put a fake gateway here


@job("evaluation.run", lane="long")
def run(ctx: JobContext) -> None:
    try:
        with ctx.work() as work:
            opened = actions.begin(work, ctx.subject)
        if opened is not None:
            _run(ctx, opened)
    except Exception as error:
        # Whatever it was: the run can be resumed, and the error goes on as it is, to the job's row and the log.
        reason = error.message if isinstance(error, GnomonError) else f"unexpected: {type(error).__name__}"
        with ctx.work() as work:
            actions.fail(work, ctx.subject, error=reason)
        raise


def _run(ctx: JobContext, opened: actions.Opened) -> None:
    with ctx.read() as session:
        row = queries.run(session, ctx.subject)
        suite = queries.suite(session, row.suite_id)
    started, host = ctx.platform.clock.now(), _HostUse()
    tally = _ask(ctx, row, opened)
    ended = ctx.platform.clock.now()
    ctx.progress(done=row.n, total=row.n, note="scoring")
    with ctx.read() as session:
        answers = queries.answers(session, row.id)
    texts = {item["id"]: item["text"] for item in opened.rows}
    extra = {item["id"]: further_features(item) for item in opened.rows}
    resources = {"started_at": iso(started), "ended_at": iso(ended), "wall_s": round(tally.wall_s, 3)}
    resources |= {"throughput_per_s": round(tally.asked / tally.wall_s, 3) if tally.asked and tally.wall_s else None}
    with ctx.work() as work:
        actions.finish(
            work,
            row.id,
            scores=score(answers, suite.labels, suite.positive or None).as_dict(),
            slices=[part.as_dict() for part in discover(texts, answers, features=extra)],
            answers_sha256=queries.answers_digest(answers),
            resources=resources | {"asked": tally.asked, "retries": tally.retries} | host.used(),
        )
    ctx.progress(done=row.n, total=row.n, note="completed")


@job("evaluation.check_leaks", lane="long")
def check_leaks(ctx: JobContext) -> None:
    with ctx.work() as work:
        rows = actions.open_suite(work, ctx.subject, by=ctx.id, purpose="leak check")
    held_out = [row["text"] for row in rows]
    found: dict[str, int] = {}
    ids: list[str] = ctx.args["dataset_ids"]
    for number, dataset_id in enumerate(ids, start=1):
        with ctx.read() as session:
            data = catalog.dataset_rows(services.blobs(), catalog.dataset(session, dataset_id))
        found[dataset_id] = sum(1 for _ in leaks([row["text"] for row in data], held_out))
        ctx.progress(done=number, total=len(ids), note="near duplicates")
    with ctx.work() as work:
        actions.record_leaks(work, ctx.subject, found=found, threshold=rulebook.load().threshold("suite_leaks"))


def _ask(ctx: JobContext, row: EvaluationRun, opened: actions.Opened) -> Tally:
    recipe = recipe_from(row.recipe)
    items = [RunItem(item["id"], item["text"], item["label"]) for item in opened.rows]

    def store(answers: list[Answer]) -> None:
        with ctx.work() as work:
            done = actions.record_answers(work, row.id, answers)
        ctx.progress(done=done, total=row.n, note="asking")

    with _Saver(store) as saver:
        return asyncio.run(
            run_items(
                items,
                base_url=f"{services.settings().gateway_url}/v1",
                key=services.platform_key(),
                model=f"{row.model}@{row.target_id}" if row.target_id else row.model,
                recipe=recipe,
                run_id=row.id,
                on_answer=saver.take,
                concurrency=int(ctx.args.get("concurrency", 4)),
                already=opened.already,
                decoding=Decoding(**row.decoding),
                transport=transport,
            )
        )


class _Saver:
    """Stores answers in batches from a thread of its own: a commit on the event loop would be measured as latency."""

    def __init__(self, store: Callable[[list[Answer]], None]) -> None:
        self._store = store
        self._queue: queue.Queue[Answer | None] = queue.Queue()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._loop, name="evaluation-saver", daemon=True)

    def __enter__(self) -> "_Saver":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._queue.put(None)
        self._thread.join()
        if self._error is not None:
            raise self._error

    def take(self, answer: Answer) -> None:
        if self._error is not None:
            raise self._error  # nothing can be stored: asking on would be for nothing
        self._queue.put(answer)

    def _loop(self) -> None:
        try:
            while batch := self._batch():
                self._store(batch)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that asks
            self._error = error

    def _batch(self) -> list[Answer]:
        """The next answers to store; empty at the end."""
        batch: list[Answer] = []
        while len(batch) < BATCH:
            try:
                answer = self._queue.get(timeout=PATIENCE_S if batch else None)
            except queue.Empty:
                return batch
            if answer is None:
                self._queue.put(None)  # seen again after what is left has been stored
                return batch
            batch.append(answer)
        return batch


class _HostUse:
    """Share of processor and memory that the whole host used since this was made."""

    def __init__(self) -> None:
        self._before = psutil.cpu_times()

    def used(self) -> dict[str, Any]:
        spent = [b - a for a, b in zip(self._before, psutil.cpu_times(), strict=True)]
        whole, names = sum(spent), self._before._fields
        idle = sum(value for name, value in zip(names, spent, strict=True) if name in ("idle", "iowait"))
        memory = psutil.virtual_memory()
        return {
            "cpu": round(1 - idle / whole, 4) if whole > 0 else None,
            "memory": round(1 - memory.available / memory.total, 4),
        }
