"""Trainings: the list, and one training with its loss as it falls, what it was fed and what came of it."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Form
from fastapi.responses import Response

from gnomon.console.pages import _loop, _words
from gnomon.console.pages._loop import Cell, Line
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.console.urls import Column
from gnomon.control.catalog import queries as catalog
from gnomon.control.remediation import queries as remediation
from gnomon.control.tuning import actions, queries, rules
from gnomon.control.tuning.tables import TrainingRun
from gnomon.engine import charts
from gnomon.engine.charts import XY, Chart
from gnomon.kit import i18n
from gnomon.kit.web import WorkDep, allow

router = APIRouter(include_in_schema=False)
_POINTS = 400  # of the drawn curve: the table under it has as many rows


@router.get("/training", dependencies=[allow("training.view")])
def trainings(reader: ReaderDep) -> Response:
    _, who = reader.context.gettext, _loop.who(reader)
    columns = [
        Column("requested", _("申请时间")),
        Column("model", _("所属模型")),
        Column("label", _("产出版本")),
        Column("state", _("状态")),
        Column("steps", _("步数"), num=True),
        Column("loss", _("损失"), num=True),
        Column("cpu", _("CPU 分钟"), num=True),
        Column("case", _("所在整改单")),
        Column("by", _("申请人")),
    ]
    cases = {one.id: one.number for one in remediation.cases(reader.session)}
    lines = []
    for one in queries.trainings(reader.session):
        last = one.progress[-1] if one.progress else {}
        lines.append(
            Line(
                {
                    "requested": Cell(
                        _loop.moment(reader, one.requested_at).text,
                        one.requested_at.timestamp(),
                        url=f"/training/{one.id}",
                    ),
                    "model": Cell(one.model, by=("model", one.model)),
                    "label": Cell(one.label, code=True),
                    "state": _loop.status(reader, "job", one.state, param="state"),
                    "steps": _loop.number(reader, last.get("step")),
                    "loss": _loop.number(reader, last.get("loss"), digits=4),
                    "cpu": _loop.number(reader, rules.cpu_minutes(one.result) if one.result else None, digits=1),
                    "case": _loop.link(cases[one.case_id], f"/cases/{one.case_id}", code=True)
                    if one.case_id in cases
                    else Cell(i18n.NOT_MEASURED),
                    "by": Cell(who(one.requested_by)),
                },
                {"state": one.state, "model": one.model},
                one.id,
            )
        )
    choices = {"state": (_("状态"), _words.options(reader.context, "job"))}
    made = _loop.listing(reader, columns, lines, sort="-requested", name="trainings", label=_("训练"), choices=choices)
    return made if isinstance(made, Response) else _loop.show(reader, "trainings.html", list=made)


@router.get("/training/{id}", dependencies=[allow("training.view")])
def training(id: str, reader: ReaderDep) -> Response:
    found = queries.training(reader.session, id)
    ids = [*found.dataset_ids, *([found.validation_id] if found.validation_id else [])]
    return _loop.show(
        reader,
        "training.html",
        **_live(reader, found),
        base=catalog.version(reader.session, found.base_version_id),
        datasets=[catalog.dataset(reader.session, one) for one in ids],
        adapter=catalog.version(reader.session, found.adapter_version_id) if found.adapter_version_id else None,
        case=remediation.case(reader.session, found.case_id) if found.case_id else None,
        parameters=_flat({"parameters": found.parameters, "recipe": found.recipe}),
        result=_flat(found.result),
        cancel_refused=_loop.refused(
            reader, "training.cancel", lambda: rules.advance(found.id, found.state, "cancelled")
        ),
    )


@router.get("/training/{id}/live", dependencies=[allow("training.view")])
def live(id: str, reader: ReaderDep) -> Response:
    """The curve and the progress, as they are now."""
    return _loop.show(reader, "training_live.html", **_live(reader, queries.training(reader.session, id)))


@router.post("/training/{id}/cancel", dependencies=[allow("training.cancel")])
def cancel(id: str, reader: ReaderDep, work: WorkDep, reason: Annotated[str, Form()] = "") -> Response:
    actions.cancel_training(work, id, reason=reason)
    return see_other(f"/training/{id}", notice=("ok", reader.context.gettext("训练已取消")))


def _live(reader: Reader, found: TrainingRun) -> dict[str, Any]:
    _ = reader.context.gettext
    last = found.progress[-1] if found.progress else {}
    tone, word = _words.badge(reader.context, "job", found.state)
    step, steps = int(last.get("step", 0)), int(last.get("steps", 0))
    said = (
        _("%(state)s：第 %(step)s / %(steps)s 步。", state=word, step=step, steps=steps)
        if steps
        else _("%(state)s。", state=word)
    )
    loss = last.get("loss")
    return {
        "one": found,
        "sentence": (tone, said),
        "step": step,
        "steps": steps,
        "loss": i18n.number(loss, reader.context.locale, digits=4),
        "curves": _curves(reader, found),
        "at": reader.now,
        "over": found.state in rules.ENDED,
        "cpu": i18n.number(rules.cpu_minutes(found.result), reader.context.locale, digits=1)
        if found.result
        else i18n.NOT_MEASURED,
    }


def _curves(reader: Reader, found: TrainingRun) -> list[Chart]:
    """The loss of every reported step, and the share of right answers on the held-out rows where there are any."""
    _ = reader.context.gettext
    drawn = []
    for key, name in (("loss", _("损失")), ("validation_accuracy", _("验证准确率"))):
        held = [row for row in found.progress if row.get(key) is not None]
        kept = held[:: max(1, -(-len(held) // _POINTS))]
        if held and kept[-1] is not held[-1]:
            kept.append(held[-1])
        if not held and key != "loss":
            continue
        points = XY(name, [float(row["step"]) for row in kept], [float(row[key]) for row in kept])
        drawn.append(
            charts.curve(
                name,
                [points],
                locale=reader.context.locale,
                x_label=_("步"),
                y_label=name,
                method=_("训练程序逐步上报"),
                n=len(held),
                x_digits=0,
                y_range=(0.0, 1.0) if key != "loss" else None,
            )
        )
    return drawn


def _flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            rows += _flat(value, f"{name}.")
        elif isinstance(value, list):
            rows.append((name, ", ".join(map(str, value))[:300]))
        else:
            rows.append((name, str(value)[:300]))
    return rows
