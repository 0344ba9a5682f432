"""Evaluation runs: verdict, figures with intervals, slices, failures, settings; and two runs side by side."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response

from gnomon.console.pages import _evaluations, _loop, _words
from gnomon.console.pages._loop import Cell, Line
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.console.urls import Column
from gnomon.control.catalog.tables import ModelVersion
from gnomon.control.evaluation import actions, queries
from gnomon.control.evaluation.schemas import DecodingIn, NewRun
from gnomon.control.evaluation.tables import EvaluationRun, Suite
from gnomon.kit import i18n
from gnomon.kit.errors import BadInput
from gnomon.kit.web import WorkDep, allow

router = APIRouter(include_in_schema=False)


@router.get("/evaluations", dependencies=[allow("evaluation.view")])
def evaluations(reader: ReaderDep) -> Response:
    _, who = reader.context.gettext, _loop.who(reader)
    columns = [
        Column("requested", _("申请时间")),
        Column("model", _("所属模型")),
        Column("version", _("版本")),
        Column("suite", _("评测集")),
        Column("purpose", _("使用目的")),
        Column("state", _("状态")),
        Column("accuracy", _("准确率"), num=True),
        Column("interval", _("95% 区间"), num=True, sort=False),
        Column("n", _("样本量"), num=True),
        Column("weak", _("偏弱切片"), num=True),
        Column("by", _("申请人"), hidden=True),
    ]
    suites = {one.id: one for one in queries.suites(reader.session)}
    versions = _evaluations.versions_by_id(reader)
    found = queries.runs(reader.session, limit=1000)
    lines = [
        _run_line(reader, run, suites[run.suite_id], versions.get(run.version_id), who(run.requested_by))
        for run in found
    ]
    models = sorted({run.model for run in found})
    choices = {
        "model": (_("所属模型"), [(one, one) for one in models]),
        "suite": (_("评测集"), [(one.id, one.name) for one in suites.values()]),
        "purpose": (
            _("使用目的"),
            [(one, _words.name(reader.context, "purpose", one)) for one in sorted({run.purpose for run in found})],
        ),
        "state": (_("状态"), [one for one in _words.options(reader.context, "job") if one[0] != "cancelled"]),
    }
    made = _loop.listing(
        reader, columns, lines, sort="-requested", name="evaluations", label=_("评测"), choices=choices
    )
    if isinstance(made, Response):
        return made
    done = [run for run in found if run.state == "completed"]
    return _loop.show(
        reader,
        "evaluations.html",
        list=made,
        sentence=_overall(reader, found),
        open_suites=[(one.id, one.name) for one in suites.values() if not one.sealed],
        sealed_suites=[(one.id, one.name) for one in suites.values() if one.sealed],
        targets=_evaluations.targets(reader),
        run_refused=reader.refusal("evaluation.run"),
        sealed_refused=reader.refusal("evaluation.run_sealed"),
        compare_options=_evaluations.run_options(reader, done, suites, versions),
        metrics=_evaluations.metric_options(reader),
    )


@router.post("/evaluations", dependencies=[allow("evaluation.run")])
def request_run(
    reader: ReaderDep,
    work: WorkDep,
    suite_id: Annotated[str, Form()] = "",
    target: Annotated[str, Form()] = "",
    purpose: Annotated[str, Form()] = "exploration",
    mode: Annotated[str, Form()] = "label_loglik",
) -> Response:
    """A run on an open suite is asked for."""
    return _asked(reader, actions.request_run(work, _wanted(reader, suite_id, target, purpose=purpose, mode=mode)))


@router.post("/evaluations/sealed", dependencies=[allow("evaluation.run_sealed")])
def request_sealed_run(
    reader: ReaderDep,
    work: WorkDep,
    suite_id: Annotated[str, Form()] = "",
    target: Annotated[str, Form()] = "",
    purpose: Annotated[str, Form()] = "exploration",
    mode: Annotated[str, Form()] = "label_loglik",
) -> Response:
    """A run on a sealed suite is asked for: a look that counts."""
    new = _wanted(reader, suite_id, target, purpose=purpose, mode=mode)
    return _asked(reader, actions.request_sealed_run(work, new))


def _wanted(reader: Reader, suite_id: str, target: str, *, purpose: str, mode: str) -> NewRun:
    """The form as the action wants it. Raises BadInput when no target is chosen or the purpose is another."""
    _ = reader.context.gettext
    model, _at, target_id = target.partition("@")
    if (
        purpose not in ("baseline", "exploration", "comparison")
        or mode not in ("label_loglik", "generate")
        or not model
    ):
        raise BadInput(_("没有选目标，或用途不在范围内。"), next_step=_("返回上一页修改。"))
    return NewRun(
        suite_id=suite_id,
        model=model,
        target_id=target_id,
        purpose=purpose,  # type: ignore[arg-type]  # checked above
        decoding=DecodingIn(mode=mode),  # type: ignore[arg-type]
    )


def _asked(reader: Reader, made: EvaluationRun) -> Response:
    return see_other(f"/evaluations/{made.id}", notice=("ok", reader.context.gettext("评测已申请")))


def _run_line(reader: Reader, run: EvaluationRun, about: Suite, version: ModelVersion | None, by: str) -> Line:
    accuracy = _evaluations.figure_of(run, "accuracy")
    weak = sum(part["finding"] == "weaker" for part in run.slices) if run.state == "completed" else None
    locale = reader.context.locale
    shown = (
        f"[{i18n.percent(accuracy['low'], locale)}, {i18n.percent(accuracy['high'], locale)}]"
        if accuracy and accuracy["low"] is not None
        else i18n.NOT_MEASURED
    )
    return Line(
        {
            "requested": Cell(
                _loop.moment(reader, run.requested_at).text, run.requested_at.timestamp(), url=f"/evaluations/{run.id}"
            ),
            "model": Cell(run.model, by=("model", run.model)),
            "version": _evaluations.version_cell(version),
            "suite": Cell(about.name, url=f"/suites/{about.id}"),
            "purpose": Cell(_words.name(reader.context, "purpose", run.purpose), by=("purpose", run.purpose)),
            "state": _loop.status(reader, "job", run.state, param="state"),
            "accuracy": _loop.share(reader, accuracy["value"] if accuracy else None),
            "interval": Cell(shown),
            "n": _loop.number(reader, run.n),
            "weak": _loop.number(reader, weak),
            "by": Cell(by),
        },
        {"model": run.model, "suite": about.id, "purpose": run.purpose, "state": run.state},
        run.id,
    )


def _overall(reader: Reader, found: Sequence[EvaluationRun]) -> tuple[str, str]:
    _ = reader.context.gettext
    failed = sum(run.state == "failed" for run in found)
    running = sum(run.state in ("queued", "running") for run in found)
    if not found:
        return "idle", _("还没有评测。")
    if running:
        return "info", _("%(n)s 次评测在进行。", n=running)
    if failed:
        return "warn", _("%(n)s 次评测失败，可以续跑。", n=failed)
    return "ok", _("没有进行中或失败的评测。")
