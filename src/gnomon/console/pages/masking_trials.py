"""What masking costs a model's answers: a trial's verdict, the share of the score kept in each part, and its flips."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Form
from fastapi.responses import Response

from gnomon.console.pages import _evaluations, _loop, _words
from gnomon.console.pages._loop import Cell
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.control.evaluation import actions, queries
from gnomon.control.evaluation.schemas import NewMaskingTrial
from gnomon.control.evaluation.tables import MaskingTrial
from gnomon.engine import charts
from gnomon.engine.charts import Chart, Estimate, Interval
from gnomon.engine.stats.kept import SCORE_TEST
from gnomon.engine.stats.masking import ALL, CHANGED, ENTITY, SAME
from gnomon.kit import i18n
from gnomon.kit.errors import BadInput
from gnomon.kit.web import WorkDep, allow

router = APIRouter(include_in_schema=False)
_DRAWN = 12  # parts in the chart; all are in the table


@router.get("/evaluations/masking/{id}", dependencies=[allow("evaluation.view")])
def trial(id: str, reader: ReaderDep) -> Response:
    """The trial; with `verify=1` computed anew from the stored answers of both sides."""
    found = queries.trial(reader.session, id)
    values = _frame(reader, found)
    if found.state == "completed":
        values |= _shown(reader, found)
        values["verified"] = queries.verify_trial(reader.session, id) if reader.view.get("verify") else None
    return _loop.show(reader, "masking_trial.html", **values)


@router.get("/evaluations/masking/{id}/live", dependencies=[allow("evaluation.view")])
def live(id: str, reader: ReaderDep) -> Response:
    """How far the trial is."""
    return _loop.show(reader, "masking_trial_live.html", **_frame(reader, queries.trial(reader.session, id)))


@router.post("/evaluations/masking", dependencies=[allow("evaluation.measure_masking")])
def request(
    reader: ReaderDep,
    work: WorkDep,
    suite_id: Annotated[str, Form()] = "",
    target: Annotated[str, Form()] = "",
    policy: Annotated[str, Form()] = "",
    mask_purpose: Annotated[str, Form()] = "evaluation",
    metric: Annotated[str, Form()] = "accuracy",
) -> Response:
    """A trial is asked for."""
    _ = reader.context.gettext
    model, _at, target_id = target.partition("@")
    if not model or mask_purpose not in ("evaluation", "training"):
        raise BadInput(_("没有选目标，或用途不在范围内。"), next_step=_("返回上一页修改。"))
    new = NewMaskingTrial(
        suite_id=suite_id,
        model=model,
        target_id=target_id,
        policy=policy,
        mask_purpose=mask_purpose,  # type: ignore[arg-type]  # checked above
        metric=metric,
    )
    made = actions.request_masking(work, new)
    return see_other(f"/evaluations/masking/{made.id}", notice=("ok", _("脱敏影响测量已申请")))


@router.post("/evaluations/masking/{id}/resume", dependencies=[allow("evaluation.resume")])
def resume(id: str, reader: ReaderDep, work: WorkDep) -> Response:
    actions.resume_masking(work, id)
    return see_other(f"/evaluations/masking/{id}", notice=("ok", reader.context.gettext("测量已续上")))


def _frame(reader: Reader, found: MaskingTrial) -> dict[str, Any]:
    suite = queries.suite(reader.session, found.suite_id)
    sides = [queries.run(reader.session, run_id) for run_id in (found.raw_run, found.masked_run)]
    return {
        "one": found,
        "suite": suite,
        "version": _evaluations.versions_by_id(reader).get(found.version_id),
        "done": sum(run.n_done for run in sides),
        "total": 2 * suite.n,
        "at": reader.now,
        "job_tone": _words.badge(reader.context, "job", found.state),
        "resume_refused": _loop.refused(reader, "evaluation.resume"),
        "metric": _evaluations.metric_name(reader, found.metric),
        "limit": i18n.percent(found.threshold["limit"], reader.context.locale),
    }


def _shown(reader: Reader, found: MaskingTrial) -> dict[str, Any]:
    _, result, locale = reader.context.gettext, found.result, reader.context.locale
    whole, flips = result["parts"][0], result["parts"][0]["flips"]
    return {
        "sentence": (_words.badge(reader.context, "verdict", found.verdict)[0], result["sentence"][locale]),
        "tiles": [
            (_("原文得分"), _score(reader, whole["raw"]), _evaluations.metric_name(reader, found.metric)),
            (_("脱敏后得分"), _score(reader, whole["masked"]), f"n = {i18n.number(result['n'], locale)}"),
            (_("得分保持率"), *_kept(reader, whole["claim"])),
            (
                _("被脱敏改动"),
                i18n.number(result["changed"], locale),
                _("其中被策略阻断 %(n)s 条", n=i18n.number(found.blocked, locale)),
            ),
            (_("含仿真替换"), *_surrogates(reader, found)),
        ],
        "forest": _forest(reader, found),
        "flips": charts.matrix(
            _("逐条对照"),
            [_("原文对"), _("原文错")],
            [_("脱敏后对"), _("脱敏后错")],
            [[flips["both"], flips["broken"]], [flips["fixed"], flips["neither"]]],
            locale=locale,
            method=_("同一样本配对"),
            row_title="",
            column_title="",
            diagonal=True,
        ),
        "parts": [_part_row(reader, part) for part in result["parts"]],
        "masked": [[Cell(entity, code=True), _loop.number(reader, count)] for entity, count in found.counts.items()],
        "fixed": result["fixed_ids"][:40],
        "broken": result["broken_ids"][:40],
    }


def _surrogates(reader: Reader, found: MaskingTrial) -> tuple[str, str]:
    """Items in which something looks real and is nobody's, and how often; a trial of before counted none."""
    _, locale, counted = reader.context.gettext, reader.context.locale, found.surrogates
    if not counted:
        return i18n.NOT_MEASURED, ""
    return i18n.number(counted["items"], locale), _(
        "共 %(n)s 处，看似真实，并非本人信息", n=i18n.number(counted["values"], locale)
    )


def _part_name(reader: Reader, name: str) -> str:
    _ = reader.context.gettext
    named = {ALL: _("全部样本"), CHANGED: _("被改动的样本"), SAME: _("未被改动的样本")}
    return named.get(name) or name.removeprefix(ENTITY)


def _score(reader: Reader, side: Mapping[str, Any] | None) -> str:
    return i18n.percent(side["estimate"] if side else None, reader.context.locale)


def _kept(reader: Reader, claim: Mapping[str, Any] | None) -> tuple[str, str]:
    """The share kept, and its bounds."""
    if claim is None:
        return i18n.NOT_MEASURED, ""
    locale = reader.context.locale
    high = i18n.percent(claim["high"], locale) if claim["high"] is not None else "∞"
    level = i18n.percent(1 - claim["alpha"], locale, digits=0)
    bounds = f"[{i18n.percent(claim['low'], locale)}, {high}]"
    return i18n.percent(claim["ratio"], locale), reader.context.gettext(
        "%(bounds)s，单侧 %(level)s 界", bounds=bounds, level=level
    )


def _part_row(reader: Reader, part: Mapping[str, Any]) -> list[Cell]:
    claim, locale = part["claim"], reader.context.locale
    high = "∞" if claim is None or claim["high"] is None else i18n.percent(claim["high"], locale)
    return [
        Cell(_part_name(reader, part["name"]), code=part["name"].startswith(ENTITY)),
        _loop.number(reader, part["n"]),
        Cell(_score(reader, part["raw"])),
        Cell(_score(reader, part["masked"])),
        _loop.share(reader, claim["ratio"] if claim else None),
        Cell(f"[{i18n.percent(claim['low'], locale)}, {high}]" if claim else i18n.NOT_MEASURED),
        _loop.number(reader, part["flips"]["fixed"]),
        _loop.number(reader, part["flips"]["broken"]),
        _loop.status(reader, "verdict", claim["state"] if claim else "not_measured"),
    ]


def _forest(reader: Reader, found: MaskingTrial) -> Chart:
    """The share kept in each part beside the limit; parts without an upper bound are in the table alone."""
    _, result = reader.context.gettext, found.result
    drawn = [part for part in result["parts"] if part["claim"] and part["claim"]["high"] is not None]
    drawn = [*drawn[:3], *sorted(drawn[3:], key=lambda part: -part["n"])][:_DRAWN]
    said = result["parts"][0]["claim"]
    method = said["method"] if said else ""
    if method == SCORE_TEST:
        method = _("配对比例之比的得分检验（Tang 等，2003）")
    return charts.interval(
        _("得分保持率与单侧界"),
        [
            Interval(
                f"{_part_name(reader, part['name'])} · n = {part['n']}",
                Estimate(part["claim"]["ratio"], part["claim"]["low"], part["claim"]["high"]),
            )
            for part in drawn
        ],
        locale=reader.context.locale,
        method=method,
        n=result["n"],
        percent=True,
        target=result["limit"],
        target_name=_("下限"),
    )
