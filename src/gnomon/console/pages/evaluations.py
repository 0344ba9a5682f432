"""Evaluation runs: verdict, figures with intervals, slices, failures, settings; and two runs side by side."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Form
from fastapi.responses import Response

from gnomon.console.pages import _loop, _words
from gnomon.console.pages._loop import Cell, Line
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.console.urls import Column
from gnomon.control.catalog import queries as catalog
from gnomon.control.catalog.tables import ModelVersion
from gnomon.control.deployments import queries as deployments
from gnomon.control.evaluation import actions, queries
from gnomon.control.evaluation.report import report
from gnomon.control.evaluation.schemas import DecodingIn, NewRun
from gnomon.control.evaluation.tables import Comparison, EvaluationRun, Suite
from gnomon.engine import charts
from gnomon.engine.charts import XY, Chart, Estimate, Interval, Note
from gnomon.engine.scoring import Answer
from gnomon.engine.stats.compare import NotComparable
from gnomon.engine.stats.goals import Goal
from gnomon.engine.stats.metrics import metric
from gnomon.engine.stats.sentences import change, figure, metric_words, p_words
from gnomon.kit import i18n
from gnomon.kit.errors import BadInput, GnomonError
from gnomon.kit.i18n import SOURCE
from gnomon.kit.web import WorkDep, allow

router = APIRouter(include_in_schema=False)
FOREST: Final = (
    *("accuracy", "macro_precision", "macro_recall", "macro_f1", "sensitivity", "specificity", "auc", "ks"),
    "answered_rate",
)
"""The figures of the first chart, in its order; all others are in the table below it."""
COMPARABLE: Final = (
    *("accuracy", "macro_f1", "macro_precision", "macro_recall", "sensitivity", "specificity", "auc", "ks"),
    *("answered_rate", "latency_p95_ms"),
)
_BINS = 16
_ROC_POINTS = 160
_SHOWN = 10  # failures and slices on the first page of a run; the rest has a page of its own


@router.get("/evaluations", dependencies=[allow("evaluation.view")])
def evaluations(reader: ReaderDep) -> Response:
    _, who = reader.context.gettext, _loop.who(reader)
    columns = [
        Column("requested", _("申请时间")),
        Column("model", _("模型")),
        Column("version", _("版本")),
        Column("suite", _("评测集")),
        Column("purpose", _("用途")),
        Column("state", _("状态")),
        Column("accuracy", _("准确率"), num=True),
        Column("interval", _("95% 区间"), num=True, sort=False),
        Column("n", _("样本量"), num=True),
        Column("weak", _("偏弱切片"), num=True),
        Column("by", _("申请人"), hidden=True),
    ]
    suites = {one.id: one for one in queries.suites(reader.session)}
    versions = _versions(reader)
    found = queries.runs(reader.session, limit=1000)
    lines = [
        _run_line(reader, run, suites[run.suite_id], versions.get(run.version_id), who(run.requested_by))
        for run in found
    ]
    models = sorted({run.model for run in found})
    choices = {
        "model": (_("模型"), [(one, one) for one in models]),
        "suite": (_("评测集"), [(one.id, one.name) for one in suites.values()]),
        "purpose": (
            _("用途"),
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
        suites=[(one.id, f"{one.name}{_('（封存）') if one.sealed else ''}") for one in suites.values()],
        targets=_targets(reader),
        run_refused=_run_refused(reader),
        compare_options=_options(reader, done, suites, versions),
        metrics=_metric_options(reader),
    )


@router.post("/evaluations")
def request_run(
    reader: ReaderDep,
    work: WorkDep,
    suite_id: Annotated[str, Form()] = "",
    target: Annotated[str, Form()] = "",
    purpose: Annotated[str, Form()] = "exploration",
    mode: Annotated[str, Form()] = "label_loglik",
) -> Response:
    """A run is asked for; one on a sealed set is counted as a look."""
    _ = reader.context.gettext
    model, _at, target_id = target.partition("@")
    if (
        purpose not in ("baseline", "exploration", "comparison")
        or mode not in ("label_loglik", "generate")
        or not model
    ):
        raise BadInput(_("没有选目标，或用途不在范围内。"), next_step=_("返回上一页修改。"))
    suite = queries.suite(work.session, suite_id)
    new = NewRun(
        suite_id=suite.id,
        model=model,
        target_id=target_id,
        purpose=purpose,  # type: ignore[arg-type]  # checked above
        decoding=DecodingIn(mode=mode),  # type: ignore[arg-type]
    )
    made = actions.request_sealed_run(work, new) if suite.sealed else actions.request_run(work, new)
    return see_other(f"/evaluations/{made.id}", notice=("ok", _("评测已申请")))


@router.get("/evaluations/compare", dependencies=[allow("evaluation.view")])
def compare(reader: ReaderDep) -> Response:
    """Two runs side by side, computed now from their stored answers; nothing is stored."""
    _, view = reader.context.gettext, reader.view
    suites = {one.id: one for one in queries.suites(reader.session)}
    versions = _versions(reader)
    done = [run for run in queries.runs(reader.session, limit=1000) if run.state == "completed"]
    values: dict[str, Any] = {
        "options": _options(reader, done, suites, versions),
        "metrics": _metric_options(reader),
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


@router.post("/evaluations/compare")
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
        versions=_versions(reader),
        result=_compared(reader, found.result, before, after),
        verified=queries.verify_comparison(reader.session, id) if reader.view.get("verify") else None,
    )


@router.get("/evaluations/{id}", dependencies=[allow("evaluation.view")])
def run(id: str, reader: ReaderDep) -> Response:
    """The run; with `verify=1` every figure computed anew from the stored answers."""
    found = queries.run(reader.session, id)
    values = _frame(reader, found)
    if found.state != "completed":
        return _loop.show(reader, "evaluation_waiting.html", **values)
    told = report(reader.session, found)
    failures = queries.failures(reader.session, id)
    slices = sorted(found.slices, key=_weakest_first)
    return _loop.show(
        reader,
        "evaluation.html",
        **values,
        sentence=_verdict(reader, found, told),
        tiles=_tiles(reader, told),
        forest=_forest(reader, told),
        figures=[_figure_row(reader, one) for one in told["figures"]],
        confusion=_confusion(reader, told),
        roc=_roc(reader, told),
        latency=_latency(reader, told),
        slices=[_slice_row(reader, one) for one in slices[:_SHOWN]],
        failures=[_failure_row(one.item_id, one) for one in failures[:_SHOWN]],
        past=[_comparison_row(reader, one) for one in queries.comparisons(reader.session, run_id=id)],
        verified=queries.verify(reader.session, id) if reader.view.get("verify") else None,
    )


@router.get("/evaluations/{id}/live", dependencies=[allow("evaluation.view")])
def live(id: str, reader: ReaderDep) -> Response:
    """How far the run is."""
    return _loop.show(reader, "evaluation_live.html", **_frame(reader, queries.run(reader.session, id)))


@router.post("/evaluations/{id}/resume")
def resume(id: str, reader: ReaderDep, work: WorkDep) -> Response:
    actions.resume_run(work, id)
    return see_other(f"/evaluations/{id}", notice=("ok", reader.context.gettext("评测已续跑")))


@router.get("/evaluations/{id}/slices", dependencies=[allow("evaluation.view")])
def slices(id: str, reader: ReaderDep) -> Response:
    """Every slice of the run."""
    _ = reader.context.gettext
    found = queries.run(reader.session, id)
    columns = [
        Column("name", _("切片")),
        Column("finding", _("结论")),
        Column("n", _("样本量"), num=True),
        Column("errors", _("错误"), num=True),
        Column("rate", _("错误率"), num=True),
        Column("interval", _("95% 区间"), num=True, sort=False),
        Column("rest", _("其余错误率"), num=True),
        Column("q", _("q 值"), num=True),
        Column("power", _("检出力"), num=True),
    ]
    keys = [column.key for column in columns]
    lines = [
        Line(
            dict(zip(keys, _slice_row(reader, one, param="finding"), strict=True)),
            {"finding": one["finding"]},
            one["name"],
        )
        for one in sorted(found.slices, key=_weakest_first)
    ]
    known = ("weaker", "not_shown", "insufficient")
    options = [(value, word) for value, word in _words.options(reader.context, "slice") if value in known]
    choices = {"finding": (_("结论"), options)}
    made = _loop.listing(reader, columns, lines, sort="q", name=f"slices-{id}", label=_("切片"), choices=choices)
    if isinstance(made, Response):
        return made
    return _loop.show(reader, "evaluation_slices.html", list=made, **_frame(reader, found))


@router.get("/evaluations/{id}/failures", dependencies=[allow("evaluation.view")])
def failures(id: str, reader: ReaderDep) -> Response:
    """Every item answered wrong or not at all: ids and labels, never texts."""
    _ = reader.context.gettext
    found = queries.run(reader.session, id)
    columns = [
        Column("item", _("样本")),
        Column("expected", _("应为")),
        Column("predicted", _("答为")),
        Column("outcome", _("结果")),
        Column("latency", _("时延（ms）"), num=True),
        Column("request", _("请求编号")),
    ]
    lines = [_failure_line(reader, one) for one in queries.failures(reader.session, id)]
    suite = queries.suite(reader.session, found.suite_id)
    labels = [(label, label) for label in suite.labels]
    choices = {"expected": (_("应为"), labels), "predicted": (_("答为"), [*labels, ("-", _("没有答出标签"))])}
    made = _loop.listing(
        reader, columns, lines, sort="item", name=f"failures-{id}", label=_("失败样本"), choices=choices
    )
    if isinstance(made, Response):
        return made
    return _loop.show(reader, "evaluation_failures.html", list=made, **_frame(reader, found))


@router.get("/suites/{id}", dependencies=[allow("suite.view")])
def suite(id: str, reader: ReaderDep) -> Response:
    """A suite: its size, its seal, every look at it, and the runs over it."""
    found = queries.suite(reader.session, id)
    versions = _versions(reader)
    return _loop.show(
        reader,
        "suite.html",
        one=found,
        labels=charts.bar(
            reader.context.gettext("标签分布"),
            [charts.Bar(label, n) for label, n in found.label_counts.items()],
            locale=reader.context.locale,
            method=reader.context.gettext("全部样本"),
            n=found.n,
        ),
        looks=[
            [
                Cell(str(look.number)),
                _loop.link(look.id, f"/evaluations/{look.id}", code=True)
                if look.id.startswith("run_")
                else Cell(look.id, code=True),
                Cell(_words.name(reader.context, "purpose", look.purpose)),
                Cell(str(look.openings)),
                _loop.moment(reader, look.at),
            ]
            for look in queries.looks(reader.session, found.id)
        ],
        runs=[
            [
                _loop.link(run.id, f"/evaluations/{run.id}", code=True),
                Cell(run.model),
                _version_cell(versions.get(run.version_id)),
                _loop.status(reader, "job", run.state),
                _loop.moment(reader, run.requested_at),
            ]
            for run in queries.runs(reader.session, suite_id=found.id)
        ],
    )


# ---------------------------------------------------------------- words and rows


def _versions(reader: Reader) -> dict[str, ModelVersion]:
    return {
        one.id: one for model in catalog.models(reader.session) for one in catalog.versions(reader.session, model.name)
    }


def _version_cell(found: ModelVersion | None) -> Cell:
    if found is None:
        return Cell(i18n.NOT_MEASURED)
    return _loop.link(found.label, f"/models/{quote(found.model)}/{found.id}", code=True)


def metric_name(reader: Reader, name: str) -> str:
    zh, en = metric_words(name)
    return zh if reader.context.locale == SOURCE else en


def _language(reader: Reader) -> int:
    return 0 if reader.context.locale == SOURCE else 1


def value_text(name: str, value: float | None) -> str:
    return i18n.NOT_MEASURED if value is None else figure(value, metric(name).unit)


def change_text(reader: Reader, name: str, interval: Mapping[str, Any]) -> str:
    unit, place = metric(name).unit, _language(reader)
    said = [change(interval[key], unit)[place] for key in ("estimate", "low", "high")]
    return f"{said[0]} [{said[1]}, {said[2]}]"


def _run_line(reader: Reader, run: EvaluationRun, about: Suite, version: ModelVersion | None, by: str) -> Line:
    accuracy = _figure(run, "accuracy")
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
            "version": _version_cell(version),
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


def _figure(run: EvaluationRun, name: str) -> dict[str, Any] | None:
    if run.state != "completed":
        return None
    return next((one for one in run.scores["figures"] if one["name"] == name and not one["label"]), None)


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


def _run_refused(reader: Reader) -> str:
    return (
        "" if reader.may("evaluation.run") or reader.may("evaluation.run_sealed") else reader.refusal("evaluation.run")
    )


def _targets(reader: Reader) -> list[tuple[str, str]]:
    return [
        (f"{route.model}@{target.id}", f"{route.model}@{target.id}")
        for route in deployments.routes(reader.session)
        for target in route.targets
    ]


def _options(
    reader: Reader, done: Sequence[EvaluationRun], suites: Mapping[str, Suite], versions: Mapping[str, ModelVersion]
) -> list[tuple[str, str]]:
    locale, zone = reader.context.locale, reader.context.zone
    return [
        (
            run.id,
            f"{run.model} {versions[run.version_id].label if run.version_id in versions else run.target_id}"
            f" · {suites[run.suite_id].name} · {i18n.moment(run.requested_at, locale, zone=zone)}",
        )
        for run in done
    ]


def _metric_options(reader: Reader) -> list[tuple[str, str]]:
    return [(name, metric_name(reader, name)) for name in COMPARABLE]


def _goal(reader: Reader, before: EvaluationRun, name: str, to: str) -> Goal:
    """The goal that the form states; without a target the value before is the one to keep."""
    _ = reader.context.gettext
    start = (_figure(before, name) or {}).get("value")
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
    return [_comparison_row(reader, one) for one in found if one.before_run == before]


def _comparison_row(reader: Reader, one: Comparison) -> list[Cell]:
    result = one.result
    return [
        _loop.link(_loop.moment(reader, one.made_at).text, f"/evaluations/comparisons/{one.id}"),
        Cell(metric_name(reader, one.goal["metric"]) + (f" / {one.goal['slice']}" if one.goal["slice"] else "")),
        Cell(value_text(one.goal["metric"], result["before"]["estimate"])),
        Cell(value_text(one.goal["metric"], result["after"]["estimate"])),
        Cell(value_text(one.goal["metric"], one.goal["to"])),
        _loop.status(reader, "verdict", one.state),
    ]


def _frame(reader: Reader, found: EvaluationRun) -> dict[str, Any]:
    """What every page of a run shows."""
    _ = reader.context.gettext
    about = queries.suite(reader.session, found.suite_id)
    version = _versions(reader).get(found.version_id)
    base, path = f"/evaluations/{found.id}", reader.view.path
    tabs = [
        (_("概览"), base, path == base, None),
        (_("切片"), f"{base}/slices", path.endswith("/slices"), len(found.slices)),
        (_("失败样本"), f"{base}/failures", path.endswith("/failures"), None),
    ]
    return {
        "one": found,
        "suite": about,
        "version": version,
        "tabs": tabs if found.state == "completed" else [],
        "settings": _settings(reader, found, about),
        "resume_refused": _loop.refused(reader, "evaluation.resume"),
        "at": reader.now,
        "job_tone": _words.badge(reader.context, "job", found.state),
        "title": f"{found.model} {version.label if version else found.target_id}",
    }


def _settings(reader: Reader, found: EvaluationRun, about: Suite) -> list[tuple[str, str]]:
    _ = reader.context.gettext
    rows = [
        (_("评测集"), f"{about.name} · n = {i18n.number(found.n)}"),
        (_("评测集哈希"), found.suite_sha256),
        (_("回答摘要"), found.answers_sha256 or i18n.NOT_MEASURED),
        (_("区间的随机种子"), _("由样本编号导出，同样的回答得到同样的区间")),
    ]
    for title, values in ((_("配方"), found.recipe), (_("解码"), found.decoding), (_("环境"), found.environment)):
        rows += [(f"{title} · {key}", _plain(value)) for key, value in values.items()]
    return rows


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{key} {one}" for key, one in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


# ---------------------------------------------------------------- one run


def _verdict(reader: Reader, found: EvaluationRun, told: Mapping[str, Any]) -> tuple[str, str]:
    _, locale = reader.context.gettext, reader.context.locale
    accuracy = _figure(found, "accuracy")
    weak = sum(part["finding"] == "weaker" for part in found.slices)
    short = sum(part["finding"] == "insufficient" for part in found.slices)
    if not accuracy or accuracy["value"] is None:
        return "warn", _("准确率无法计算：%(reason)s。", reason=accuracy["reason"] if accuracy else i18n.NOT_MEASURED)
    said = _(
        "准确率 %(value)s，95%% 区间 [%(low)s, %(high)s]，n = %(n)s；",
        value=i18n.percent(accuracy["value"], locale),
        low=i18n.percent(accuracy["low"], locale),
        high=i18n.percent(accuracy["high"], locale),
        n=i18n.number(accuracy["n"], locale),
    )
    said += (_("%(n)s 个切片明显偏弱", n=weak) if weak else _("没有切片显示偏弱")) + _(
        "，%(n)s 个切片数据不足。", n=short
    )
    if told["unanswered"]:
        said += _("%(n)s 条没有答出，按错计。", n=told["unanswered"])
    return ("warn" if weak or told["unanswered"] else "info"), said


def _tiles(reader: Reader, told: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    _, locale = reader.context.gettext, reader.context.locale
    by_name = {one["name"]: one for one in told["figures"] if not one["label"]}
    tiles = []
    for name in ("accuracy", "macro_f1", "auc", "latency_p95_ms"):
        one = by_name.get(name)
        if one is None:
            continue
        low, high = value_text(name, one["low"]), value_text(name, one["high"])
        under = one["reason"] or f"[{low}, {high}] · n = {i18n.number(one['n'], locale)}"
        tiles.append((metric_name(reader, name), value_text(name, one["value"]), under))
    return tiles


def _forest(reader: Reader, told: Mapping[str, Any]) -> Chart:
    rows = [
        Interval(metric_name(reader, name), _estimate(one))
        for name in FOREST
        for one in told["figures"]
        if one["name"] == name and not one["label"]
    ]
    return charts.interval(
        reader.context.gettext("指标与 95% 区间"),
        rows,
        locale=reader.context.locale,
        method=reader.context.gettext("占比用 Wilson 区间，其余用自助法"),
        n=told["n_scored"],
        percent=True,
    )


def _estimate(one: Mapping[str, Any]) -> Estimate | None:
    if one["value"] is None or one["low"] is None:
        return None
    return Estimate(float(one["value"]), float(one["low"]), float(one["high"]))


def _figure_row(reader: Reader, one: Mapping[str, Any]) -> list[Cell]:
    name = f"{one['name']}:{one['label']}" if one["label"] else one["name"]
    low, high = value_text(name, one["low"]), value_text(name, one["high"])
    counted = f"{i18n.number(one['numerator'])} / {i18n.number(one['denominator'])}"
    return [
        Cell(metric_name(reader, name)),
        Cell(value_text(name, one["value"])),
        Cell(f"[{low}, {high}]" if one["low"] is not None else i18n.NOT_MEASURED),
        Cell(counted if one["denominator"] else i18n.NOT_MEASURED),
        _loop.number(reader, one["n"]),
        Cell(one["method"] or one["reason"], code=True),
    ]


def _confusion(reader: Reader, told: Mapping[str, Any]) -> Chart:
    _, found = reader.context.gettext, told["confusion"]
    labels = list(found["labels"])
    columns, counts = list(labels), [list(row) for row in found["counts"]]
    for title, extra in ((_("其他回答"), found["outside"]), (_("没有答出"), found["unanswered"])):
        if any(extra):
            columns.append(title)
            counts = [[*row, n] for row, n in zip(counts, extra, strict=True)]
    return charts.matrix(
        _("混淆矩阵"),
        labels,
        columns,
        counts,
        locale=reader.context.locale,
        method=_("每条样本计一次"),
        row_title=_("实际"),
        column_title=_("预测"),
        diagonal=True,
    )


def _roc(reader: Reader, told: Mapping[str, Any]) -> Chart | None:
    points = told["roc"]
    if not points:
        return None
    _ = reader.context.gettext
    step = -(-len(points) // _ROC_POINTS)
    kept = [*points[:-1:step], points[-1]]
    return charts.curve(
        _("ROC 曲线（正类：%(label)s）", label=told["positive"]),
        [XY("ROC", [x for x, _y in kept], [y for _x, y in kept])],
        locale=reader.context.locale,
        x_label=_("假阳性率"),
        y_label=_("真阳性率"),
        method=_("按标签得分逐个阈值"),
        n=told["n_scored"],
        x_range=(0, 1),
        y_range=(0, 1),
        diagonal=_("随机"),
    )


def _latency(reader: Reader, told: Mapping[str, Any]) -> Chart | None:
    values = told["latencies_ms"]
    if not values:
        return None
    _ = reader.context.gettext
    low, high = min(values), max(values)
    width = max((high - low) / _BINS, 1.0)
    edges = [low + width * i for i in range(_BINS + 1)]
    counts = [0] * _BINS
    for value in values:
        counts[min(int((value - low) / width), _BINS - 1)] += 1
    quantiles = {one["name"]: one["value"] for one in told["figures"] if one["name"].startswith("latency_p")}
    notes = [
        Note(float(quantiles[name]), label)
        for name, label in (("latency_p50_ms", "p50"), ("latency_p95_ms", "p95"))
        if quantiles.get(name) is not None
    ]
    return charts.histogram(
        _("时延分布"),
        edges,
        counts,
        locale=reader.context.locale,
        x_label=_("时延（ms）"),
        method=_("答出的样本，端到端"),
        notes=notes,
    )


def _weakest_first(part: Mapping[str, Any]) -> tuple[bool, bool, float, str]:
    q = part["q"]
    return part["finding"] != "weaker", part["finding"] != "not_shown", 2.0 if q is None else q, part["name"]


def _slice_row(reader: Reader, part: Mapping[str, Any], *, param: str = "") -> list[Cell]:
    rate, locale = part["rate"], reader.context.locale
    return [
        Cell(part["name"]),
        _loop.status(reader, "slice", part["finding"], param=param),
        _loop.number(reader, part["n"]),
        _loop.number(reader, part["errors"]),
        _loop.share(reader, rate["estimate"]),
        Cell(f"[{i18n.percent(rate['low'], locale)}, {i18n.percent(rate['high'], locale)}]"),
        _loop.share(reader, part["rest_rate"]),
        _loop.number(reader, part["q"], digits=3),
        _loop.share(reader, part["power"], digits=0),
    ]


def _failure_line(reader: Reader, one: Answer) -> Line:
    predicted = one.predicted or "-"
    request = _loop.link(one.request_id, f"/traffic/{quote(one.request_id)}", code=True)
    return Line(
        {
            "item": Cell(one.item_id, code=True),
            "expected": Cell(one.expected, by=("expected", one.expected)),
            "predicted": Cell(one.predicted or i18n.NOT_MEASURED, by=("predicted", predicted)),
            "outcome": _loop.status(reader, "outcome", one.outcome),
            "latency": _loop.number(reader, one.latency_ms),
            "request": request if one.request_id else Cell(i18n.NOT_MEASURED),
        },
        {"expected": one.expected, "predicted": predicted},
        one.item_id,
    )


def _failure_row(item: str, one: Any) -> list[Cell]:
    return [
        Cell(item, code=True),
        Cell(one.expected),
        Cell(one.predicted or i18n.NOT_MEASURED),
        Cell(one.outcome, code=True),
    ]


# ---------------------------------------------------------------- two runs


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
            (_("变化"), change_text(reader, name, result["effect"])),
            (_("由错转对"), i18n.number(flips["fixed"])),
            (_("由对转错"), i18n.number(flips["broken"])),
            (_("McNemar 检验"), p_words(test["p"])),
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
        "metric": metric_name(reader, name),
        "needed": result["needed_n"],
        "query": urlencode({"a": before.id, "b": after.id, "metric": name}),
    }


def _two(reader: Reader, before: EvaluationRun, after: EvaluationRun, *, goal: Mapping[str, Any]) -> Chart:
    """Each figure of both runs with its interval; the goal's target is drawn where it is a share of all items."""
    rows = []
    for name in FOREST:
        one, other = _figure(before, name), _figure(after, name)
        if one and other:
            rows.append(Interval(metric_name(reader, name), _estimate(other), _estimate(one)))
    share = metric(goal["metric"]).unit == "share" and not goal["slice"]
    target = metric_name(reader, goal["metric"])
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
        Cell(change_text(reader, "accuracy", row["effect"])),
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
        Cell(metric_name(reader, name) + (f" / {guard['slice']}" if guard["slice"] else "")),
        _loop.status(reader, "verdict", row["state"]),
        Cell(value_text(name, row["before"])),
        Cell(value_text(name, row["after"])),
        Cell(margin),
        Cell(row["reason"] or i18n.NOT_MEASURED),
    ]
