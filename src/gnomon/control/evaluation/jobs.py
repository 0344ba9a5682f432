"""What the worker does: put a suite to a model, as it is and masked too, and look for leaks."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx

from gnomon.control.catalog import queries as catalog
from gnomon.control.evaluation import actions, conditions, queries
from gnomon.control.evaluation.actions.suites import further_features
from gnomon.control.evaluation.asking import HostUse, Saver, resources
from gnomon.control.evaluation.tables import EvaluationRun
from gnomon.control.rulebook import rules as rulebook
from gnomon.engine.masked_copy import SIDES, Side, items_of, lost, masked_copy
from gnomon.engine.runs import Decoding, RunItem, Tally, run_items
from gnomon.engine.scoring import Answer, score
from gnomon.engine.slices import discover
from gnomon.engine.suites.near_duplicates import leaks
from gnomon.engine.suites.recipes import recipe_from
from gnomon.guard.policy import Masker
from gnomon.kit import keys, services
from gnomon.kit.errors import GnomonError
from gnomon.kit.jobs import JobContext, job

transport: httpx.AsyncBaseTransport | None = None  # tests put a fake gateway here


@job("evaluation.run", lane="long")
def run(ctx: JobContext) -> None:
    with _told(ctx, actions.fail):
        with ctx.work() as work:
            opened = actions.begin(work, ctx.subject)
        if opened is not None:
            _run(ctx, opened)


@contextmanager
def _told(ctx: JobContext, fail: Callable[..., None]) -> Iterator[None]:
    """Whatever goes wrong, the subject says why and can be resumed; the error goes on, to the job's row and the log."""
    try:
        yield
    except Exception as error:
        reason = error.message if isinstance(error, GnomonError) else f"unexpected: {type(error).__name__}"
        with ctx.work() as work:
            fail(work, ctx.subject, error=reason)
        raise


def _run(ctx: JobContext, opened: actions.Opened) -> None:
    with ctx.read() as session:
        row = queries.run(session, ctx.subject)
        suite = queries.suite(session, row.suite_id)
    started, host = ctx.platform.clock.now(), HostUse()
    tally = _ask(ctx, row, opened)
    ended = ctx.platform.clock.now()
    ctx.progress(done=row.n, total=row.n, note="scoring")
    with ctx.read() as session:
        answers = queries.answers(session, row.id)
    texts = {item["id"]: item["text"] for item in opened.rows}
    extra = {item["id"]: further_features(item) for item in opened.rows}
    with ctx.work() as work:
        actions.finish(
            work,
            row.id,
            scores=score(answers, suite.labels, suite.positive or None).as_dict(),
            slices=[part.as_dict() for part in discover(texts, answers, features=extra)],
            answers_sha256=queries.answers_digest(answers),
            resources=resources(tally, host, started=started, ended=ended),
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


@job("evaluation.masking", lane="long")
def masking(ctx: JobContext) -> None:
    """Both sides of a masking trial are asked and what masking costs is recorded."""
    with _told(ctx, actions.fail_masking):
        with ctx.work() as work:
            opened = actions.begin_masking(work, ctx.subject)
        if opened is not None:
            _masking(ctx, opened)


def _masking(ctx: JobContext, opened: actions.MaskingOpened) -> None:
    trial, endpoint = opened.trial, opened.endpoint
    conditions.require_inside(endpoint)
    key = keys.secret_key(services.settings().home / "keys" / "mask-evaluation.key")
    masker = Masker(opened.policy, key=key, purpose=trial.mask_purpose)  # type: ignore[arg-type]  # checked on its way in
    items = items_of(opened.rows)
    copy = masked_copy(items, masker, told=lambda done: ctx.progress(done=done, total=len(items), note="masking"))
    for side in SIDES:
        asked = items if side == "raw" else copy.asked
        _side(ctx, opened, side, asked=asked, refused=copy.refused() if side == "masked" else [])
    with ctx.read() as session:
        raw, masked = (queries.answers(session, run_id) for run_id in (trial.raw_run, trial.masked_run))
    with ctx.work() as work:
        actions.finish_masking(
            work,
            trial.id,
            changed=copy.changed,
            counts=copy.counts,
            blocked=len(copy.blocked),
            surrogates={"values": copy.surrogates, "items": copy.surrogate_items},
            lost=lost(raw, masked),
        )
    ctx.progress(done=2 * len(items), total=2 * len(items), note="completed")


def _side(
    ctx: JobContext, opened: actions.MaskingOpened, side: Side, *, asked: list[RunItem], refused: list[Answer]
) -> None:
    """One side is asked of the model server itself: the gateway would mask what must arrive as it is."""
    trial, endpoint = opened.trial, opened.endpoint
    run_id = trial.raw_run if side == "raw" else trial.masked_run
    with ctx.read() as session:
        row = queries.run(session, run_id)
        suite = queries.suite(session, row.suite_id)
        already = queries.answered_ids(session, run_id)
    if row.state == "completed":
        return
    started, host = ctx.platform.clock.now(), HostUse()

    def store(answers: list[Answer]) -> None:
        with ctx.work() as work:
            done = actions.record_answers(work, run_id, answers)
        ctx.progress(done=done + (row.n if side == "masked" else 0), total=2 * row.n, note=side)

    with Saver(store) as saver:
        for answer in refused:
            saver.take(answer)
        tally = asyncio.run(
            run_items(
                asked,
                base_url=endpoint.url,
                key=endpoint.token(),
                model=endpoint.model,
                recipe=recipe_from(row.recipe),
                run_id=run_id,
                on_answer=saver.take,
                concurrency=int(ctx.args.get("concurrency", 4)),
                already=already,
                decoding=Decoding(**row.decoding),
                transport=transport,
                reach=endpoint.reach,
            )
        )
    with ctx.read() as session:
        answers = queries.answers(session, run_id)
    with ctx.work() as work:
        actions.finish_side(
            work,
            run_id,
            scores=score(answers, suite.labels, suite.positive or None).as_dict(),
            answers_sha256=queries.answers_digest(answers),
            resources=resources(tally, host, started=started, ended=ctx.platform.clock.now()),
        )


def _ask(ctx: JobContext, row: EvaluationRun, opened: actions.Opened) -> Tally:
    recipe = recipe_from(row.recipe)
    items = [RunItem(item["id"], item["text"], item["label"]) for item in opened.rows]

    def store(answers: list[Answer]) -> None:
        with ctx.work() as work:
            done = actions.record_answers(work, row.id, answers)
        ctx.progress(done=done, total=row.n, note="asking")

    with Saver(store) as saver:
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
