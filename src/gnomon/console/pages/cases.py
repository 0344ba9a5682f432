"""Remediation cases: the table and the board, one case with its frozen plan, its work, its verdict and its end."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from fastapi.responses import Response
from pydantic import ValidationError

from gnomon.console.pages import _loop, _words
from gnomon.console.pages._loop import Cell, Line
from gnomon.console.pages.evaluations import change_text, metric_name, value_text
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.console.urls import Column
from gnomon.contract.verdicts import State
from gnomon.control.approvals import queries as approvals
from gnomon.control.catalog import queries as catalog
from gnomon.control.deployments import queries as deployments
from gnomon.control.evaluation import queries as evaluation
from gnomon.control.evaluation.tables import Comparison
from gnomon.control.evidence import queries as evidence
from gnomon.control.findings import queries as findings
from gnomon.control.people import queries as people
from gnomon.control.remediation import actions, queries, rules
from gnomon.control.remediation.schemas import (
    Assessment,
    Closure,
    MeasureResult,
    NewCase,
    NextRound,
    Spend,
    StartVerification,
    Supervision,
    TaskUpdate,
)
from gnomon.control.remediation.tables import BudgetLine, Case, Measure, Round
from gnomon.engine import charts
from gnomon.engine.charts import Chart, Estimate, Interval, Task
from gnomon.engine.stats.metrics import metric
from gnomon.kit import i18n
from gnomon.kit.errors import BadInput, NotFound
from gnomon.kit.i18n import mark
from gnomon.kit.web import WorkDep, allow

router = APIRouter(include_in_schema=False)
_STEPS: Final = (
    ("open", mark("立项")),
    ("assessed", mark("评估")),
    ("planned", mark("方案")),
    ("approved", mark("审批")),
    ("implementing", mark("实施")),
    ("verifying", mark("验证")),
    ("closed", mark("销号")),
)
_REACHED: Final = {  # how many steps are done in each state
    "open": 1,
    "assessed": 2,
    "next_round": 2,
    "planned": 3,
    "approved": 4,
    "implementing": 4,
    "verifying": 5,
    "verified": 6,
    "closed": 7,
}
_NEXT: Final = {
    "open": mark("下一步：评估现状并附基线评测。"),
    "assessed": mark("下一步：制定并冻结整改方案。"),
    "planned": mark("方案已冻结，等待审批。"),
    "approved": mark("方案已批准，可以开始实施。"),
    "implementing": mark("措施在实施，全部完成后复测。"),
    "verifying": mark("复测已申请，完成后判定。"),
    "verified": mark("已有结论：达标可申请销号，否则转入下一轮。"),
    "next_round": mark("下一步：制定下一轮方案。"),
    "closed": mark("已销号。"),
}


# ---------------------------------------------------------------- the table and the board


@router.get("/cases", dependencies=[allow("case.view")])
def cases(reader: ReaderDep) -> Response:
    """All cases as a table; with `as=board` by step."""
    _, who = reader.context.gettext, _loop.who(reader)
    columns = [
        Column("number", _("编号")),
        Column("title", _("标题"), wrap=True),
        Column("level", _("等级")),
        Column("state", _("状态")),
        Column("verdict", _("结论")),
        Column("round", _("轮次"), num=True),
        Column("model", _("模型")),
        Column("owner", _("责任人")),
        Column("late", _("逾期任务"), num=True),
        Column("opened", _("立项时间")),
    ]
    found = queries.cases(reader.session)
    today = reader.now.astimezone(reader.context.zone).date()
    late: dict[str, int] = {}
    for task in queries.overdue(reader.session, today=today):
        late[task.case_id] = late.get(task.case_id, 0) + 1
    verdicts = {one.id: _verdict_of(reader, one) for one in found}
    lines = [
        Line(
            {
                "number": _loop.link(one.number, f"/cases/{one.id}", code=True),
                "title": Cell(one.title),
                "level": _loop.status(reader, "level", one.level, param="level"),
                "state": _loop.status(reader, "case", one.state, param="state"),
                "verdict": _loop.status(reader, "verdict", verdicts[one.id])
                if verdicts[one.id]
                else Cell(i18n.NOT_MEASURED),
                "round": _loop.number(reader, one.rounds),
                "model": Cell(one.model, by=("model", one.model)),
                "owner": Cell(who(one.owner_id)),
                "late": _loop.number(reader, late.get(one.id, 0)),
                "opened": _loop.moment(reader, one.opened_at),
            },
            {"level": one.level, "state": one.state, "model": one.model},
            one.id,
        )
        for one in found
    ]
    choices = {
        "state": (_("状态"), _words.options(reader.context, "case")),
        "level": (_("等级"), _words.options(reader.context, "level")),
        "model": (_("模型"), [(one, one) for one in sorted({one.model for one in found})]),
    }
    made = _loop.listing(reader, columns, lines, sort="-opened", name="cases", label=_("整改单"), choices=choices)
    if isinstance(made, Response):
        return made
    board = reader.view.get("as") == "board"
    return _loop.show(
        reader,
        "cases.html",
        list=made,
        board=_board(reader, found, late) if board else [],
        views=[
            (_("表格"), reader.view.to(**{"as": None}), not board),
            (_("看板"), reader.view.to(**{"as": "board"}), board),
        ],
        sentence=_overall(reader, found, sum(late.values())),
        open_refused=reader.refusal("case.open"),
    )


def _verdict_of(reader: Reader, one: Case) -> str:
    return queries.current_round(reader.session, one).verdict if one.rounds else ""


def _board(
    reader: Reader, found: Sequence[Case], late: Mapping[str, int]
) -> list[tuple[str, str, list[dict[str, Any]]]]:
    """Columns of the steps: (tone, word, cards)."""
    who = _loop.who(reader)
    columns = []
    for state in rules.CASE_STATES:
        cards = [
            {"case": one, "owner": who(one.owner_id), "late": late.get(one.id, 0)}
            for one in found
            if one.state == state
        ]
        columns.append((*_words.badge(reader.context, "case", state), cards))
    return columns


def _overall(reader: Reader, found: Sequence[Case], late: int) -> tuple[str, str]:
    _ = reader.context.gettext
    going = sum(one.state != "closed" for one in found)
    if not found:
        return "idle", _("还没有整改单。")
    if late:
        return "bad", _("%(going)s 件整改在进行，%(late)s 项任务逾期。", going=going, late=late)
    if going:
        return "info", _("%(going)s 件整改在进行，没有任务逾期。", going=going)
    return "ok", _("全部整改已销号。")


# ---------------------------------------------------------------- a new case


@router.get("/cases/new", dependencies=[allow("case.open")])
def new_case(reader: ReaderDep) -> Response:
    """The form; findings named in the address are chosen already."""
    chosen = set(reader.view.all("finding"))
    waiting = findings.findings(reader.session, state="open")
    return _loop.show(
        reader,
        "case_new.html",
        waiting=[(one.id, f"{one.number} {one.title}") for one in waiting],
        chosen=[one.id for one in waiting if one.id in chosen],
        title=next((one.title for one in waiting if one.id in chosen), ""),
        models=[(one.name, f"{one.name} · {one.title}") for one in catalog.models(reader.session)],
        owners=[(one.id, one.name) for one in people.people(reader.session) if one.active],
        levels=_words.options(reader.context, "level"),
    )


@router.post("/cases")
def open_case(
    reader: ReaderDep,
    work: WorkDep,
    title: Annotated[str, Form()] = "",
    level: Annotated[str, Form()] = "",
    model: Annotated[str, Form()] = "",
    owner_id: Annotated[str, Form()] = "",
    finding: Annotated[list[str] | None, Form()] = None,
) -> Response:
    new = _given(
        reader, NewCase, title=title.strip(), level=level, model=model, owner_id=owner_id, finding_ids=finding or []
    )
    made = actions.open_case(work, new)
    said = reader.context.gettext("整改单 %(number)s 已立项", number=made.number)
    return see_other(f"/cases/{made.id}", notice=("ok", said))


# ---------------------------------------------------------------- one case


@router.get("/cases/{id}", dependencies=[allow("case.view")])
def case(id: str, reader: ReaderDep) -> Response:
    """The case; `round=n` shows an earlier round."""
    found = queries.case(reader.session, id)
    rounds = queries.rounds(reader.session, found.id)
    shown = next((one for one in rounds if str(one.n) == reader.view.get("round")), rounds[-1] if rounds else None)
    is_current = shown is not None and shown.n == found.rounds
    return _loop.show(
        reader,
        "case.html",
        one=found,
        sentence=_sentence(reader, found),
        steps=_steps(reader, found),
        rounds=[(n.n, reader.view.to(round=n.n), shown is n) for n in rounds],
        shown=shown,
        is_current=is_current,
        found_in=findings.findings(reader.session, ids=found.finding_ids),
        baselines=[evaluation.run(reader.session, run) for run in found.assessment.get("baseline_run_ids", [])],
        aims=[
            (_words.name(reader.context, "aim", aim), text) for aim, text in found.assessment.get("aims", {}).items()
        ],
        part=_round_part(reader, found, shown) if shown else None,
        closure=_standing_of(reader, "closure", found.id),
        proofs=list(reversed(evidence.about(reader.session, "case", found.id))),
        group=[{**member, "part": _words.name(reader.context, "part", member["part"])} for member in found.group],
        supervisions=found.supervisions,
        buttons=_buttons(reader, found, shown if is_current else None),
        run_options=_run_options(reader, found),
        target_options=_target_options(reader, found),
        aim_fields=list(_words.NAMES["aim"]),
        posts=reader.posts,
    )


@router.post("/cases/{id}/assess")
def assess(
    id: str,
    reader: ReaderDep,
    work: WorkDep,
    accuracy: Annotated[str, Form()] = "",
    data_security: Annotated[str, Form()] = "",
    user_experience: Annotated[str, Form()] = "",
    trade_standards: Annotated[str, Form()] = "",
    run: Annotated[list[str] | None, Form()] = None,
) -> Response:
    aims = {
        "accuracy": accuracy,
        "data_security": data_security,
        "user_experience": user_experience,
        "trade_standards": trade_standards,
    }
    new = _given(reader, Assessment, aims=aims, baseline_run_ids=run or [])
    return _done(reader, id, lambda: actions.assess(work, id, new), mark("现状评估已登记"))


@router.post("/cases/{id}/start")
def start_measures(id: str, reader: ReaderDep, work: WorkDep) -> Response:
    return _done(reader, id, lambda: actions.start_measures(work, id), mark("措施已开始实施"))


@router.post("/cases/{id}/measures/{measure_id}")
def finish_measure(
    id: str,
    measure_id: str,
    reader: ReaderDep,
    work: WorkDep,
    state: Annotated[str, Form()] = "done",
    reason: Annotated[str, Form()] = "",
) -> Response:
    result = _given(reader, MeasureResult, state=state, note=reason)
    return _done(reader, id, lambda: actions.finish_measure(work, measure_id, result), mark("措施结果已登记"))


@router.post("/cases/{id}/tasks/{task_id}")
def update_task(
    id: str,
    task_id: str,
    reader: ReaderDep,
    work: WorkDep,
    progress: Annotated[int, Form()] = 0,
    note: Annotated[str, Form()] = "",
) -> Response:
    update = _given(reader, TaskUpdate, progress=progress, note=note)
    return _done(reader, id, lambda: actions.update_task(work, task_id, update), mark("任务进度已更新"))


@router.post("/cases/{id}/budget/{line_id}")
def record_spend(
    id: str,
    line_id: str,
    reader: ReaderDep,
    work: WorkDep,
    column: Annotated[str, Form()] = "actual",
    amount: Annotated[float, Form()] = 0.0,
    reason: Annotated[str, Form()] = "",
) -> Response:
    spend = _given(reader, Spend, column=column, amount=amount, what=reason)
    return _done(reader, id, lambda: actions.record_spend(work, line_id, spend), mark("支出已登记"))


@router.post("/cases/{id}/verification")
def start_verification(id: str, reader: ReaderDep, work: WorkDep, target: Annotated[str, Form()] = "") -> Response:
    start = _given(reader, StartVerification, target_id=target)
    return _done(reader, id, lambda: actions.start_verification(work, id, start), mark("复测已申请"))


@router.post("/cases/{id}/verdict")
def verify(id: str, reader: ReaderDep, work: WorkDep) -> Response:
    return _done(reader, id, lambda: actions.verify_round(work, id), mark("结论已判定"))


@router.post("/cases/{id}/next-round")
def next_round(id: str, reader: ReaderDep, work: WorkDep, reason: Annotated[str, Form()] = "") -> Response:
    told = _given(reader, NextRound, reason=reason)
    return _done(reader, id, lambda: actions.open_next_round(work, id, told), mark("已转入下一轮"))


@router.post("/cases/{id}/closure-request")
def request_closure(id: str, reader: ReaderDep, work: WorkDep, reason: Annotated[str, Form()] = "") -> Response:
    told = _given(reader, Closure, comment=reason)
    return _done(reader, id, lambda: actions.request_closure(work, id, comment=told.comment), mark("销号已提交审批"))


@router.post("/cases/{id}/close")
def close(id: str, reader: ReaderDep, work: WorkDep, reason: Annotated[str, Form()] = "") -> Response:
    told = _given(reader, Closure, comment=reason)
    return _done(reader, id, lambda: actions.close_case(work, id, comment=told.comment), mark("整改单已销号"))


@router.post("/cases/{id}/supervise")
def supervise(id: str, reader: ReaderDep, work: WorkDep, reason: Annotated[str, Form()] = "") -> Response:
    told = _given(reader, Supervision, checked=reason)
    return _done(reader, id, lambda: actions.supervise(work, id, told), mark("监督记录已登记"))


def _done(reader: Reader, id: str, do: Callable[[], object], said: str) -> Response:
    do()
    return see_other(f"/cases/{id}", notice=("ok", reader.context.gettext(said)))


def _given(reader: Reader, shape: Any, **values: Any) -> Any:
    """The form as the action wants it. Raises BadInput naming the fields that do not fit."""
    _ = reader.context.gettext
    try:
        return shape.model_validate(values)
    except ValidationError as error:
        fields = ", ".join(sorted({str(item["loc"][0]) for item in error.errors()}))
        raise BadInput(
            _("这些项没有填或填得不对：%(fields)s。", fields=fields), next_step=_("返回上一页修改。")
        ) from error


# ---------------------------------------------------------------- its parts


def _sentence(reader: Reader, found: Case) -> tuple[str, str]:
    _ = reader.context.gettext
    tone, word = _words.badge(reader.context, "case", found.state)
    verdict = _verdict_of(reader, found)
    said = _("%(number)s %(state)s。", number=found.number, state=word) + _(_NEXT[found.state])
    if verdict and found.state in ("verified", "closed"):
        tone, name = _words.badge(reader.context, "verdict", verdict)
        said = _("第 %(n)s 轮结论：%(verdict)s。", n=found.rounds, verdict=name) + said
    return tone, said


def _steps(reader: Reader, found: Case) -> list[tuple[str, str, str]]:
    reached = _REACHED[found.state]
    return [
        (reader.context.gettext(title), "done" if i < reached else "now" if i == reached else "todo", "")
        for i, (_state, title) in enumerate(_STEPS)
    ]


def _standing_of(reader: Reader, kind: str, id: str) -> approvals.Standing | None:
    asked = approvals.latest(reader.session, kind, id)
    return approvals.standing(reader.session, asked) if asked else None


def _round_part(reader: Reader, found: Case, shown: Round) -> dict[str, Any]:
    """Everything that belongs to one round."""
    compared = [evaluation.comparison(reader.session, id) for id in shown.verification.get("comparisons", [])]
    return {
        "intact": queries.is_intact(shown),
        "approval": _standing_of(reader, "remediation_plan", shown.id),
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
        "sentences": [
            (state, sentence[reader.context.locale])
            for sentence, state in zip(
                shown.verification.get("sentences", []), [one.state for one in compared], strict=False
            )
        ],
        "compared": compared,
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


# ---------------------------------------------------------------- what may be done


def _buttons(reader: Reader, found: Case, current: Round | None) -> dict[str, str]:
    """Why each button is off, by verb."""

    def to(state: str) -> Callable[[], object]:
        return lambda: rules.advance(found.number, found.state, state)

    off = {
        "assess": _loop.refused(reader, "case.assess", to("assessed")),
        "plan": _loop.refused(reader, "case.plan", to("planned")),
        "start": _loop.refused(reader, "case.apply", to("implementing")),
        "finish": _loop.refused(reader, "measure.apply"),
        "spend": _loop.refused(reader, "budget.edit"),
        "verification": _loop.refused(reader, "case.verify", to("verifying")),
        "verdict": _loop.refused(reader, "case.verify", to("verified")),
        "next-round": _loop.refused(reader, "case.plan", to("next_round")),
        "closure-request": _loop.refused(
            reader, "case.close", lambda: _closable(reader, found, current, actor_id="somebody else")
        ),
        "close": _loop.refused(
            reader, "case.confirm", lambda: _closable(reader, found, current, actor_id=reader.actor.id)
        ),
        "supervise": _loop.refused(reader, "case.supervise", lambda: _supervisable(reader, found)),
    }
    if not off["verdict"] and current and current.verification_run_id:
        run = evaluation.run(reader.session, current.verification_run_id)
        if run.state != "completed":
            off["verdict"] = reader.context.gettext(
                "复测%(state)s", state=_words.badge(reader.context, "job", run.state)[1]
            )
    if not off["verification"] and not _target_options(reader, found):
        off["verification"] = reader.context.gettext("候选版本还没有作为目标加载")
    return off


def _closable(reader: Reader, found: Case, current: Round | None, *, actor_id: str) -> None:
    version_id = queries.verified_version(reader.session, current) if current else ""
    rules.check_closing(
        rules.Closing(
            number=found.number,
            state=found.state,
            verdict=current.verdict if current else "",
            owner_id=found.owner_id,
            verified_by=current.verified_by if current else "",
            actor_id=actor_id,
            serves=queries.serves(reader.session, model=found.model, version_id=version_id),
        )
    )


def _supervisable(reader: Reader, found: Case) -> None:
    rules.check_supervisor(reader.actor.id, workers=queries.workers(reader.session, found))


def _run_options(reader: Reader, found: Case) -> list[tuple[str, str]]:
    locale, zone = reader.context.locale, reader.context.zone
    suites = {one.id: one.name for one in evaluation.suites(reader.session)}
    return [
        (run.id, f"{suites[run.suite_id]} · {run.target_id} · {i18n.moment(run.requested_at, locale, zone=zone)}")
        for run in evaluation.runs(reader.session, model=found.model)
        if run.state == "completed"
    ]


def _target_options(reader: Reader, found: Case) -> list[tuple[str, str]]:
    """Targets that serve what this round's measures made; every target where none made a version."""
    made = queries.candidate_versions(reader.session, found)
    route = next((one for one in deployments.routes(reader.session) if one.model == found.model), None)
    if route is None:
        return []
    return [(one.id, one.id) for one in route.targets if not made or one.version in made]
