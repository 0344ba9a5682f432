"""What the pages of evaluation share: words for metrics, their values and changes, rows of runs and slices."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from gnomon.console.pages import _loop
from gnomon.console.pages._loop import Cell
from gnomon.console.reader import Reader
from gnomon.control.catalog import queries as catalog
from gnomon.control.catalog.tables import ModelVersion
from gnomon.control.deployments import queries as deployments
from gnomon.control.evaluation.tables import Comparison, EvaluationRun, MaskingTrial, Suite
from gnomon.engine.charts import Estimate
from gnomon.engine.stats.metrics import metric
from gnomon.engine.stats.sentences import change, figure, metric_words
from gnomon.kit import i18n
from gnomon.kit.i18n import SOURCE

FOREST: Final = (
    *("accuracy", "macro_precision", "macro_recall", "macro_f1", "sensitivity", "specificity", "auc", "ks"),
    "answered_rate",
)
"""The figures of the first chart, in its order; all others are in the table below it."""
COMPARABLE: Final = (
    *("accuracy", "macro_f1", "macro_precision", "macro_recall", "sensitivity", "specificity", "auc", "ks"),
    *("answered_rate", "latency_p95_ms"),
)


def versions_by_id(reader: Reader) -> dict[str, ModelVersion]:
    return {
        one.id: one for model in catalog.models(reader.session) for one in catalog.versions(reader.session, model.name)
    }


def version_cell(found: ModelVersion | None) -> Cell:
    if found is None:
        return Cell(i18n.NOT_MEASURED)
    return _loop.link(found.label, f"/models/{quote(found.model)}/{found.id}", code=True)


def metric_name(reader: Reader, name: str) -> str:
    zh, en = metric_words(name)
    return zh if reader.context.locale == SOURCE else en


def language_place(reader: Reader) -> int:
    return 0 if reader.context.locale == SOURCE else 1


def value_text(name: str, value: float | None) -> str:
    return i18n.NOT_MEASURED if value is None else figure(value, metric(name).unit)


def change_text(reader: Reader, name: str, interval: Mapping[str, Any]) -> str:
    unit, place = metric(name).unit, language_place(reader)
    said = [change(interval[key], unit)[place] for key in ("estimate", "low", "high")]
    return f"{said[0]} [{said[1]}, {said[2]}]"


def figure_of(run: EvaluationRun, name: str) -> dict[str, Any] | None:
    if run.state != "completed":
        return None
    return next((one for one in run.scores["figures"] if one["name"] == name and not one["label"]), None)


def run_options(
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


def metric_options(reader: Reader) -> list[tuple[str, str]]:
    return [(name, metric_name(reader, name)) for name in COMPARABLE]


def targets(reader: Reader) -> list[tuple[str, str]]:
    """What a run may be put to, as `model@target`."""
    return [
        (f"{route.model}@{target.id}", f"{route.model}@{target.id}")
        for route in deployments.routes(reader.session)
        for target in route.targets
    ]


def trial_row(reader: Reader, one: MaskingTrial) -> list[Cell]:
    """A masking trial in a line; while it runs, its state stands for the verdict."""
    whole: dict[str, Any] = one.result["parts"][0] if one.result else {}
    raw, masked, claim = (whole.get(name) or {} for name in ("raw", "masked", "claim"))
    done = one.state == "completed"
    return [
        _loop.link(_loop.moment(reader, one.requested_at).text, f"/evaluations/masking/{one.id}"),
        Cell(f"{one.model}@{one.target_id}"),
        Cell(f"{one.policy_id} {one.policy_version}"),
        _loop.share(reader, raw.get("estimate")),
        _loop.share(reader, masked.get("estimate")),
        _loop.share(reader, claim.get("ratio")),
        _loop.number(reader, whole.get("flips", {}).get("fixed")),
        _loop.number(reader, whole.get("flips", {}).get("broken")),
        _loop.status(reader, "verdict" if done else "job", one.verdict if done else one.state),
    ]


def comparison_row(reader: Reader, one: Comparison) -> list[Cell]:
    result = one.result
    return [
        _loop.link(_loop.moment(reader, one.made_at).text, f"/evaluations/comparisons/{one.id}"),
        Cell(metric_name(reader, one.goal["metric"]) + (f" / {one.goal['slice']}" if one.goal["slice"] else "")),
        Cell(value_text(one.goal["metric"], result["before"]["estimate"])),
        Cell(value_text(one.goal["metric"], result["after"]["estimate"])),
        Cell(value_text(one.goal["metric"], one.goal["to"])),
        _loop.status(reader, "verdict", one.state),
    ]


def estimate_of(one: Mapping[str, Any]) -> Estimate | None:
    if one["value"] is None or one["low"] is None:
        return None
    return Estimate(float(one["value"]), float(one["low"]), float(one["high"]))


def weakest_first(part: Mapping[str, Any]) -> tuple[bool, bool, float, str]:
    q = part["q"]
    return part["finding"] != "weaker", part["finding"] != "not_shown", 2.0 if q is None else q, part["name"]


def slice_row(reader: Reader, part: Mapping[str, Any], *, param: str = "") -> list[Cell]:
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
