"""The parts of one round of a case: goals, guards, measures, tasks, budget and verification."""

from collections.abc import Mapping, Sequence
from typing import Any

from gnomon.console.pages import _loop, _words
from gnomon.console.pages._evaluations import change_text, metric_name, value_text
from gnomon.console.pages._loop import Cell
from gnomon.console.reader import Reader
from gnomon.contract.verdicts import State
from gnomon.control.approvals import queries as approvals
from gnomon.control.catalog import queries as catalog
from gnomon.control.evaluation import queries as evaluation
from gnomon.control.evaluation.tables import Comparison
from gnomon.control.remediation import queries
from gnomon.control.remediation.rules import title_of
from gnomon.control.remediation.tables import BudgetLine, Case, Measure, Round
from gnomon.engine import charts
from gnomon.engine.charts import Chart, Estimate, Interval, Task
from gnomon.engine.stats.metrics import metric
from gnomon.kit import i18n
from gnomon.kit.errors import NotFound


def standing_of(reader: Reader, kind: str, id: str) -> approvals.Standing | None:
    asked = approvals.latest(reader.session, kind, id)
    return approvals.standing(reader.session, asked) if asked else None


def part_of(reader: Reader, found: Case, shown: Round) -> dict[str, Any]:
    """Everything that belongs to one round."""
    compared = [evaluation.comparison(reader.session, id) for id in shown.verification.get("comparisons", [])]
    return {
        "intact": queries.is_intact(shown),
        "approval": standing_of(reader, "remediation_plan", shown.id),
        "goals": _goals(reader, shown, compared),
        "forest": _forest(reader, shown, compared),
        "guards": _guards(reader, shown, compared),
        "live": _live(reader, shown),
        "measures": [_measure(reader, one) for one in queries.measures(reader.session, found.id, shown.n)],
        "by_hand": [
            one
            for one in queries.measures(reader.session, found.id, shown.n)
            if one.method == "by_hand" and one.state in ("planned", "running")
        ],
        "tasks": _tasks(reader, found, shown),
        "gantt": _gantt(reader, found, shown),
        "budget": _budget(reader, found, shown) if reader.may("budget.view") else None,
        "lines": queries.budget(reader.session, found.id, shown.n) if reader.may("budget.view") else [],
        "deviations": [one | {"title": title_of(one)} for one in shown.content.get("deviations", [])],
        "sentences": [
            (state, sentence[reader.context.locale])
            for sentence, state in zip(
                shown.verification.get("sentences", []), [one.state for one in compared], strict=False
            )
        ],
        "compared": compared,
        "made": [
            (one.id, f"{one.name} {one.label}")
            for one in catalog.datasets(reader.session)
            if one.created_at > shown.frozen_at
        ],
        "mine": [
            one
            for one in queries.tasks(reader.session, found.id, shown.n)
            if reader.actor.id in (one.owner_id, *one.collaborators)
        ],
    }


def _goals(reader: Reader, shown: Round, compared: Sequence[Comparison]) -> list[list[Cell]]:
    rows = []
    for place, goal in enumerate(shown.content["goals"]):
        name = goal["metric"]
        result = compared[place] if place < len(compared) else None
        now = value_text(name, result.result["after"]["estimate"]) if result else i18n.NOT_MEASURED
        moved = change_text(reader, name, result.result["effect"]) if result else i18n.NOT_MEASURED
        bound = "≥" if metric(name).higher_is_better else "≤"
        rows.append(
            [
                Cell(metric_name(reader, name) + (f" / {goal['slice']}" if goal["slice"] else "")),
                Cell(value_text(name, goal["from"])),
                Cell(f"{bound} {value_text(name, goal['to'])}"),
                Cell(now, url=f"/evaluations/comparisons/{result.id}") if result else Cell(now),
                Cell(moved),
                Cell(goal["by"] or i18n.NOT_MEASURED),
                _loop.status(reader, "verdict", result.goal_state if result else "not_measured"),
            ]
        )
    return rows


def _forest(reader: Reader, shown: Round, compared: Sequence[Comparison]) -> Chart:
    """Before, target and now of the goals that are shares, on one scale; the others are in the table."""
    _, baseline = reader.context.gettext, evaluation.run(reader.session, shown.baseline_run_id)
    rows, n = [], baseline.n
    goals = [goal for goal in shown.content["goals"] if metric(goal["metric"]).unit == "share"]
    for place, goal in enumerate(shown.content["goals"]):
        name = goal["metric"]
        if goal not in goals:
            continue
        result = compared[place].result if place < len(compared) else None
        before = (
            _interval(result["before"]) if result else _measured(baseline.scores, name) if not goal["slice"] else None
        )
        tone, word = _words.badge(reader.context, "verdict", compared[place].goal_state) if result else ("idle", "")
        target = _("目标 %(value)s", value=value_text(name, goal["to"]))
        rows.append(
            Interval(
                metric_name(reader, name) + (f" / {goal['slice']}" if goal["slice"] else ""),
                _interval(result["after"]) if result else None,
                before,
                f"{word} {target}".strip(),
                tone,
            )
        )
        n = result["n"] if result else n
    return charts.interval(
        _("目标：整改前、目标与现在"),
        rows,
        locale=reader.context.locale,
        method=_("同一评测集配对；线段为区间"),
        n=n,
        percent=True,
        target=float(goals[0]["to"]) if len(goals) == 1 else None,
    )


def _interval(stored: Mapping[str, Any]) -> Estimate:
    return Estimate(float(stored["estimate"]), float(stored["low"]), float(stored["high"]))


def _measured(scores: Mapping[str, Any], name: str) -> Estimate | None:
    kind, _colon, label = name.partition(":")
    found = next((one for one in scores["figures"] if one["name"] == kind and one["label"] == label), None)
    if found is None or found["value"] is None or found["low"] is None:
        return None
    return Estimate(float(found["value"]), float(found["low"]), float(found["high"]))


def _guards(reader: Reader, shown: Round, compared: Sequence[Comparison]) -> list[list[Cell]]:
    judged = {
        (row["guard"]["metric"], row["guard"]["slice"]): row
        for row in (compared[0].result["guards"] if compared else [])
    }
    rows = []
    for guard in shown.content["guards"]:
        name = guard["metric"]
        row = judged.get((name, guard["slice"]))
        margin = i18n.percent(guard["margin"], reader.context.locale)
        rows.append(
            [
                Cell(metric_name(reader, name) + (f" / {guard['slice']}" if guard["slice"] else "")),
                Cell(margin + (reader.context.gettext("（相对）") if guard["relative"] else "")),
                Cell(value_text(name, row["before"] if row else None)),
                Cell(value_text(name, row["after"] if row else None)),
                _loop.status(reader, "verdict", row["state"] if row else State.NOT_MEASURED.value),
            ]
        )
    return rows


def _live(reader: Reader, shown: Round) -> list[list[Cell]]:
    """Guards from outside the test set: what was promised, and what was seen."""
    judged = {row["indicator"]: row for row in shown.verification.get("live", [])}
    rows = []
    for guard in shown.content["live_guards"]:
        row = judged.get(guard["indicator"], {})
        detail = row.get("detail", {})
        limit = guard.get("threshold", {}).get("limit")
        rows.append(
            [
                Cell(_indicator(reader, guard["indicator"])),
                Cell(
                    _unit(reader, guard, limit) if limit is not None else guard["evidence_source"], code=limit is None
                ),
                Cell(_unit(reader, guard, detail.get("value"))),
                _loop.number(reader, detail.get("n")),
                _loop.status(reader, "verdict", row.get("state", State.NOT_MEASURED.value)),
            ]
        )
    return rows


def _indicator(reader: Reader, name: str) -> str:
    try:
        return reader.say(reader.book.threshold_rule(name).title)
    except NotFound:
        return name


def _unit(reader: Reader, guard: Mapping[str, Any], value: float | None) -> str:
    if guard.get("threshold", {}).get("unit") == "ratio":
        return i18n.percent(value, reader.context.locale)
    return i18n.number(value, reader.context.locale, digits=0)


def _measure(reader: Reader, one: Measure) -> list[Cell]:
    versions = {one.candidate_version_id}
    made = catalog.version(reader.session, one.candidate_version_id) if versions - {""} else None
    return [
        Cell(str(one.rank)),
        Cell(one.title),
        Cell(_words.name(reader.context, "measure", one.kind)),
        Cell(
            _words.name(reader.context, "method", one.method),
            url=f"/training/{one.training_id}" if one.training_id else "",
        ),
        Cell(f"{one.importance} / {one.urgency} / {one.difficulty} / {one.effect}"),
        _loop.number(reader, one.score, digits=1),
        _loop.status(reader, "measure", one.state),
        _loop.link(made.label, f"/models/{made.model}/{made.id}", code=True)
        if made
        else Cell(one.note or i18n.NOT_MEASURED),
    ]


def _tasks(reader: Reader, found: Case, shown: Round) -> list[list[Cell]]:
    _, who = reader.context.gettext, _loop.who(reader)
    today = reader.now.astimezone(reader.context.zone).date()
    return [
        [
            Cell(row.task.key, code=True),
            Cell(row.task.title),
            Cell(who(row.task.owner_id)),
            _loop.day(reader, row.task.start),
            _loop.day(reader, row.task.end),
            Cell(f"{row.task.progress}%"),
            Cell(_("关键路径"), tone="info") if row.critical else Cell(_("%(n)s 天", n=row.slack_days)),
            Cell(_("逾期"), tone="bad") if row.overdue else Cell(row.task.check),
        ]
        for row in queries.gantt(reader.session, found.id, today=today, round=shown.n)
    ]


def _gantt(reader: Reader, found: Case, shown: Round) -> Chart:
    _, who = reader.context.gettext, _loop.who(reader)
    today = reader.now.astimezone(reader.context.zone).date()
    rows = queries.gantt(reader.session, found.id, today=today, round=shown.n)
    star = _("（关键路径）")
    return charts.gantt(
        _("措施与进度"),
        [
            Task(
                row.task.key,
                row.task.title + (star if row.critical else ""),
                who(row.task.owner_id),
                row.task.start,
                row.task.end,
                row.task.progress / 100,
                tuple(row.task.depends_on),
            )
            for row in rows
        ],
        today,
        locale=reader.context.locale,
        method=_("日期为冻结时的计划，进度由责任人填报"),
    )


def _budget(reader: Reader, found: Case, shown: Round) -> list[Chart]:
    """One bar for each kind and unit; what costs nothing has none."""
    lines: dict[tuple[str, str], list[BudgetLine]] = {}
    for line in queries.budget(reader.session, found.id, shown.n):
        lines.setdefault((line.kind, line.unit), []).append(line)
    made = []
    for (kind, unit), group in lines.items():
        planned = sum(line.planned for line in group)
        if planned > 0:
            made.append(
                charts.budget(
                    _words.name(reader.context, "budget", kind),
                    sum(line.actual for line in group),
                    planned,
                    locale=reader.context.locale,
                    unit=unit,
                    digits=1,
                )
            )
    return made
