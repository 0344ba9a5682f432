"""One evaluation run: verdict, figures with intervals, slices, failures and settings."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import Response

from gnomon.console.pages import _evaluations, _loop, _words
from gnomon.console.pages._loop import Cell, Line
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.console.urls import Column
from gnomon.control.evaluation import actions, queries
from gnomon.control.evaluation.report import report
from gnomon.control.evaluation.tables import EvaluationRun, Suite
from gnomon.engine import charts
from gnomon.engine.charts import XY, Chart, Interval, Note
from gnomon.engine.scoring import Answer
from gnomon.kit import i18n
from gnomon.kit.web import WorkDep, allow

router = APIRouter(include_in_schema=False)

_BINS = 16
_ROC_POINTS = 160
_SHOWN = 10  # failures and slices on the first page of a run; the rest has a page of its own


@router.get("/evaluations/{id}", dependencies=[allow("evaluation.view")])
def run(id: str, reader: ReaderDep) -> Response:
    """The run; with `verify=1` every figure computed anew from the stored answers."""
    found = queries.run(reader.session, id)
    values = _frame(reader, found)
    if found.state != "completed":
        return _loop.show(reader, "evaluation_waiting.html", **values)
    told = report(reader.session, found)
    failures = queries.failures(reader.session, id)
    slices = sorted(found.slices, key=_evaluations.weakest_first)
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
        slices=[_evaluations.slice_row(reader, one) for one in slices[:_SHOWN]],
        failures=[_failure_row(one.item_id, one) for one in failures[:_SHOWN]],
        past=[_evaluations.comparison_row(reader, one) for one in queries.comparisons(reader.session, run_id=id)],
        verified=queries.verify(reader.session, id) if reader.view.get("verify") else None,
    )


@router.get("/evaluations/{id}/live", dependencies=[allow("evaluation.view")])
def live(id: str, reader: ReaderDep) -> Response:
    """How far the run is."""
    return _loop.show(reader, "evaluation_live.html", **_frame(reader, queries.run(reader.session, id)))


@router.post("/evaluations/{id}/resume", dependencies=[allow("evaluation.resume")])
def resume(id: str, reader: ReaderDep, work: WorkDep) -> Response:
    actions.resume_run(work, id)
    return see_other(f"/evaluations/{id}", notice=("ok", reader.context.gettext("评测已续跑")))


@router.get("/evaluations/{id}/slices", dependencies=[allow("evaluation.view")])
def slices(id: str, reader: ReaderDep) -> Response:
    """Every slice of the run."""
    _ = reader.context.gettext
    found = queries.run(reader.session, id)
    columns = [
        Column("name", _("切片名")),
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
            dict(zip(keys, _evaluations.slice_row(reader, one, param="finding"), strict=True)),
            {"finding": one["finding"]},
            one["name"],
        )
        for one in sorted(found.slices, key=_evaluations.weakest_first)
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
        Column("item", _("样本编号")),
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


def _frame(reader: Reader, found: EvaluationRun) -> dict[str, Any]:
    """What every page of a run shows."""
    _ = reader.context.gettext
    about = queries.suite(reader.session, found.suite_id)
    version = _evaluations.versions_by_id(reader).get(found.version_id)
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
        "trial": next(iter(queries.trials(reader.session, run_id=found.id)), None),
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


def _verdict(reader: Reader, found: EvaluationRun, told: Mapping[str, Any]) -> tuple[str, str]:
    _, locale = reader.context.gettext, reader.context.locale
    accuracy = _evaluations.figure_of(found, "accuracy")
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
        low, high = _evaluations.value_text(name, one["low"]), _evaluations.value_text(name, one["high"])
        under = one["reason"] or f"[{low}, {high}] · n = {i18n.number(one['n'], locale)}"
        tiles.append((_evaluations.metric_name(reader, name), _evaluations.value_text(name, one["value"]), under))
    return tiles


def _forest(reader: Reader, told: Mapping[str, Any]) -> Chart:
    rows = [
        Interval(_evaluations.metric_name(reader, name), _evaluations.estimate_of(one))
        for name in _evaluations.FOREST
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


def _figure_row(reader: Reader, one: Mapping[str, Any]) -> list[Cell]:
    name = f"{one['name']}:{one['label']}" if one["label"] else one["name"]
    low, high = _evaluations.value_text(name, one["low"]), _evaluations.value_text(name, one["high"])
    counted = f"{i18n.number(one['numerator'])} / {i18n.number(one['denominator'])}"
    return [
        Cell(_evaluations.metric_name(reader, name)),
        Cell(_evaluations.value_text(name, one["value"])),
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
