"""Two runs held against each other: computed on the spot, kept with evidence, recomputed and checked."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form
from fastapi.responses import Response

from gnomon.console.pages import _evaluations, _loop, _words
from gnomon.console.pages._loop import Cell
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.control.evaluation import actions, queries
from gnomon.control.evaluation.tables import EvaluationRun
from gnomon.engine import charts
from gnomon.engine.charts import Chart, Interval
from gnomon.engine.stats.compare import NotComparable
from gnomon.engine.stats.goals import Goal
from gnomon.engine.stats.metrics import metric
from gnomon.engine.stats.sentences import change, figure, p_words
from gnomon.kit import i18n
from gnomon.kit.errors import BadInput, GnomonError
from gnomon.kit.web import WorkDep, allow

router = APIRouter(include_in_schema=False)


@router.get("/evaluations/compare", dependencies=[allow("evaluation.view")])
def compare(reader: ReaderDep) -> Response:
    """Two runs side by side, computed now from their stored answers; nothing is stored."""
    _, view = reader.context.gettext, reader.view
    suites = {one.id: one for one in queries.suites(reader.session)}
    versions = _evaluations.versions_by_id(reader)
    done = [run for run in queries.runs(reader.session, limit=1000) if run.state == "completed"]
    values: dict[str, Any] = {
        "options": _evaluations.run_options(reader, done, suites, versions),
        "metrics": _evaluations.metric_options(reader),
        "metric": view.get("metric", "accuracy"),
        "to": view.get("to"),
        "result": None,
        "problem": None,
        "differs": [],
        "stored": None,
        "keep_refused": reader.refusal("evaluation.compare"),
    }
    if view.get("a") and view.get("b"):
        before, after = queries.run(reader.session, view.get("a")), queries.run(reader.session, view.get("b"))
        values |= {"before": before, "after": after, "versions": versions, "past": _past(reader, before.id, after.id)}
        try:
            goal = _goal(reader, before, view.get("metric", "accuracy"), view.get("to"))
            compared = queries.compare_runs(reader.session, before_run=before.id, after_run=after.id, goal=goal)
            values["result"] = _compared(reader, compared.as_dict(), before, after)
        except NotComparable as error:
            values["problem"] = _words.reason(reader.context, error)
            values["differs"] = [
                (name, str(sides["before"]), str(sides["after"])) for name, sides in error.facts["differs"].items()
            ]
        except GnomonError as error:
            values["problem"] = _words.reason(reader.context, error)
    return _loop.show(reader, "compare.html", **values)


@router.post("/evaluations/compare", dependencies=[allow("evaluation.compare")])
def keep_comparison(
    reader: ReaderDep,
    work: WorkDep,
    a: Annotated[str, Form()] = "",
    b: Annotated[str, Form()] = "",
    metric: Annotated[str, Form()] = "accuracy",
    to: Annotated[str, Form()] = "",
) -> Response:
    """The comparison is stored with evidence."""
    goal = _goal(reader, queries.run(work.session, a), metric, to)
    stored = actions.compare(work, before_run=a, after_run=b, goal=goal)
    said = reader.context.gettext("对比已保存，留下证据")
    return see_other(f"/evaluations/comparisons/{stored.id}", notice=("ok", said))


@router.get("/evaluations/comparisons/{id}", dependencies=[allow("evaluation.view")])
def comparison(id: str, reader: ReaderDep) -> Response:
    """A stored comparison; with `verify=1` computed anew and held against what is stored."""
    found = queries.comparison(reader.session, id)
    before, after = queries.run(reader.session, found.before_run), queries.run(reader.session, found.after_run)
    return _loop.show(
        reader,
        "comparison.html",
        stored=found,
        before=before,
        after=after,
        versions=_evaluations.versions_by_id(reader),
        result=_compared(reader, found.result, before, after),
        verified=queries.verify_comparison(reader.session, id) if reader.view.get("verify") else None,
    )


def _goal(reader: Reader, before: EvaluationRun, name: str, to: str) -> Goal:
    """The goal that the form states; without a target the value before is the one to keep."""
    _ = reader.context.gettext
    start = (_evaluations.figure_of(before, name) or {}).get("value")
    if not to.strip():
        if start is None:
            raise BadInput(_("整改前没有这个指标的值。"), next_step=_("换一个指标。"))
        return Goal(metric=name, to_value=float(start))
    try:
        target = float(to)
    except ValueError as error:
        raise BadInput(_("目标值 %(value)s 不是数。", value=to), next_step=_("填百分数或毫秒数。")) from error
    return Goal(metric=name, to_value=target / 100 if metric(name).unit == "share" else target, from_value=start)


def _past(reader: Reader, before: str, after: str) -> list[list[Cell]]:
    found = queries.comparisons(reader.session, run_id=after)
    return [_evaluations.comparison_row(reader, one) for one in found if one.before_run == before]


def _compared(reader: Reader, result: Mapping[str, Any], before: EvaluationRun, after: EvaluationRun) -> dict[str, Any]:
    """A comparison as the page shows it, from its stored or just computed result."""
    _, name = reader.context.gettext, result["goal"]["metric"]
    flips, test = result["flips"], result["test"]
    return {
        "state": result["state"],
        "sentence": (
            _words.badge(reader.context, "verdict", result["state"])[0],
            result["sentence"][reader.context.locale],
        ),
        "tiles": [
            (_("变化"), *_changed(reader, name, result["effect"])),
            (_("由错转对"), i18n.number(flips["fixed"]), ""),
            (_("由对转错"), i18n.number(flips["broken"]), ""),
            (_("McNemar 检验"), p_words(test["p"]), _("配对，双侧")),
        ],
        "forest": _two(reader, before, after, goal=result["goal"]),
        "flips": charts.matrix(
            _("逐条对照"),
            [_("整改前对"), _("整改前错")],
            [_("整改后对"), _("整改后错")],
            [[flips["both"], flips["broken"]], [flips["fixed"], flips["neither"]]],
            locale=reader.context.locale,
            method=_("同一样本配对"),
            row_title="",
            column_title="",
            diagonal=True,
        ),
        "slices": [_slice_change(reader, row) for row in result["slices"]],
        "guards": [_guard_row(reader, row) for row in result["guards"]],
        "fixed": result["fixed_ids"][:40],
        "broken": result["broken_ids"][:40],
        "n": result["n"],
        "method": result["effect"]["method"],
        "metric": _evaluations.metric_name(reader, name),
        "needed": result["needed_n"],
        "query": urlencode({"a": before.id, "b": after.id, "metric": name}),
    }


def _changed(reader: Reader, name: str, interval: Mapping[str, Any]) -> tuple[str, str]:
    """The change, and its interval."""
    unit, place = metric(name).unit, _evaluations.language_place(reader)
    said = [change(interval[key], unit)[place] for key in ("estimate", "low", "high")]
    return said[0], f"[{said[1]}, {said[2]}] · n = {i18n.number(interval['n'], reader.context.locale)}"


def _two(reader: Reader, before: EvaluationRun, after: EvaluationRun, *, goal: Mapping[str, Any]) -> Chart:
    """Each figure of both runs with its interval; the goal's target is drawn where it is a share of all items."""
    rows = []
    for name in _evaluations.FOREST:
        one, other = _evaluations.figure_of(before, name), _evaluations.figure_of(after, name)
        if one and other:
            rows.append(
                Interval(
                    _evaluations.metric_name(reader, name),
                    _evaluations.estimate_of(other),
                    _evaluations.estimate_of(one),
                )
            )
    share = metric(goal["metric"]).unit == "share" and not goal["slice"]
    target = _evaluations.metric_name(reader, goal["metric"])
    return charts.interval(
        reader.context.gettext("整改前后的指标与 95% 区间"),
        rows,
        locale=reader.context.locale,
        method=reader.context.gettext("同一评测集、同一配方；占比用 Wilson 区间，其余用自助法"),
        n=after.n,
        percent=True,
        target=goal["to"] if share else None,
        target_name=reader.context.gettext("%(metric)s目标", metric=target),
    )


def _slice_change(reader: Reader, row: Mapping[str, Any]) -> list[Cell]:
    return [
        Cell(row["name"]),
        _loop.status(reader, "slice", row["state"]),
        _loop.number(reader, row["n"]),
        _loop.share(reader, row["before"]["estimate"]),
        _loop.share(reader, row["after"]["estimate"]),
        Cell(_evaluations.change_text(reader, "accuracy", row["effect"])),
        _loop.number(reader, row["q"], digits=3),
        _loop.share(reader, row["power"], digits=0),
    ]


def _guard_row(reader: Reader, row: Mapping[str, Any]) -> list[Cell]:
    guard, name = row["guard"], row["guard"]["metric"]
    margin = (
        i18n.percent(guard["margin"], reader.context.locale)
        if guard["relative"] or metric(name).unit == "share"
        else figure(guard["margin"], metric(name).unit)
    )
    return [
        Cell(_evaluations.metric_name(reader, name) + (f" / {guard['slice']}" if guard["slice"] else "")),
        _loop.status(reader, "verdict", row["state"]),
        Cell(_evaluations.value_text(name, row["before"])),
        Cell(_evaluations.value_text(name, row["after"])),
        Cell(margin),
        Cell(row["reason"] or i18n.NOT_MEASURED),
    ]
