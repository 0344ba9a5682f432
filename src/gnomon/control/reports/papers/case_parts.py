"""What plan and report of a case share: findings, figures, goals, measures, tasks, budget, the group."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from gnomon.control.catalog import queries as catalog
from gnomon.control.evaluation import queries as evaluation
from gnomon.control.evaluation.tables import EvaluationRun
from gnomon.control.findings import queries as findings
from gnomon.control.findings.tables import Finding
from gnomon.control.remediation.rules import AIMS, title_of
from gnomon.control.remediation.tables import Case, Round
from gnomon.control.reports.papers.context import Context
from gnomon.control.reports.voice import NONE, unit_of
from gnomon.engine.documents import Facts, Table
from gnomon.kit.errors import NotFound


def facts(context: Context, case: Case, round: Round) -> tuple[tuple[str, str], ...]:
    say = context.say
    return (
        (say("整改单", "Case"), f"{case.number} {case.title}"),
        (say("轮次", "Round"), str(round.n)),
        (say("模型", "Model"), case.model),
        (say("等级", "Level"), say.state(case.level)),
        (say("责任人", "Owner"), say.noted(context.name(case.owner_id), context.team_of(case.owner_id))),
        (say("状态", "State"), say.state(case.state)),
        (say("方案冻结校验值", "SHA-256 of the frozen plan"), round.frozen_sha256),
    )


def found(context: Context, case: Case) -> list[Finding]:
    return sorted(findings.findings(context.session, ids=case.finding_ids), key=lambda one: one.number)


def clauses(context: Context, ids: Iterable[str]) -> str:
    """`REM-1.4 性能评估` of each; an id that the rulebook does not have stays as it is."""
    known = {one.id: one.title.in_language("en" if context.locale == "en" else "zh-CN") for one in context.book.clauses}
    return context.say.joined([f"{id} {known.get(id, '')}".strip() for id in ids])


def findings_table(context: Context, rows: Sequence[Finding]) -> Table:
    say = context.say
    header = (
        say("问题编号", "Finding"),
        say("问题", "What is wrong"),
        say("等级", "Severity"),
        say("条款", "Clauses"),
        say("发现", "Raised"),
        say("证据", "Evidence"),
    )
    return Table(
        say("问题清单", "Findings"),
        header,
        tuple(
            (
                one.number,
                f"{one.title}\n{one.detail}".strip(),
                say.state(one.severity),
                clauses(context, one.clauses),
                f"{say.moment(one.raised_at)}\n{context.name(one.raised_by)}\n{one.source}",
                context.cite(*one.evidence_ids),
            )
            for one in rows
        ),
        widths=(0.14, 0.26, 0.12, 0.17, 0.18, 0.13),
    )


def aims(context: Context) -> dict[str, str]:
    """The four aims of the policy, by name."""
    say = context.say
    words = (
        say("准确率", "Accuracy"),
        say("数据安全", "Data security"),
        say("用户体验", "User experience"),
        say("行业规范", "Trade standards"),
    )
    return dict(zip(AIMS, words, strict=True))


def aims_table(context: Context, case: Case) -> Facts:
    stated = case.assessment.get("aims", {})
    return Facts(tuple((name, stated.get(aim) or NONE) for aim, name in aims(context).items()))


def run_facts(context: Context, run: EvaluationRun) -> Facts:
    """What was asked of which version, how, and under which conditions."""
    say = context.say
    suite = evaluation.suite(context.session, run.suite_id)
    looks = say(f"已查看 {suite.looks} 次", f"{suite.looks} counted looks")
    sealed = say(f"封存，{looks}", f"sealed, {looks}") if suite.sealed else say("公开", "open")
    return Facts(
        (
            (say("评测", "Run"), run.id),
            (say("评测集", "Suite"), say.noted(suite.name, say.joined([f"n = {say.number(suite.n)}", sealed]))),
            (say("评测集 SHA-256", "SHA-256 of the suite"), run.suite_sha256),
            (say("受测版本", "Version"), _version(context, run.version_id)),
            (say("方法", "Recipe"), f"{run.recipe['id']} · {run.decoding.get('mode', NONE)}"),
            (say("硬件", "Hardware"), str(run.environment.get("hardware", NONE))),
            (say("脱敏策略", "Masking policy"), str(run.environment.get("mask_policy", NONE))),
            (say("答案 SHA-256", "SHA-256 of the answers"), run.answers_sha256 or NONE),
            (say("完成时间", "Finished"), say.moment(run.finished_at)),
        )
    )


def _version(context: Context, version_id: str) -> str:
    try:
        version = catalog.version(context.session, version_id)
    except NotFound:
        return version_id or NONE
    return context.say.noted(f"{version.model} {version.label}", version_id)


def version_label(context: Context, version_id: str) -> str:
    try:
        return catalog.version(context.session, version_id).label
    except NotFound:
        return version_id or NONE


def figures_table(context: Context, run: EvaluationRun) -> Table:
    """Every figure of a run that is about the whole set, with interval and count."""
    say = context.say
    rows = []
    for one in run.scores.get("figures", []):
        if one["label"] or unit_of(one["name"]) is None:
            continue
        value, low, high = (say.value(one["name"], one[key]) for key in ("value", "low", "high"))
        counted = f"{one['numerator']}/{one['denominator']}" if one["denominator"] else str(one["n"])
        rows.append((say.metric(one["name"]), value, f"[{low}, {high}]", counted, one["method"] or one["reason"]))
    return Table(
        say(f"指标（证据 {context.cite(*run.evidence_ids)}）", f"Figures (evidence {context.cite(*run.evidence_ids)})"),
        (say("指标", "Metric"), say("数值", "Value"), say("区间", "Interval"), "k/n", say("方法", "Method")),
        tuple(rows),
        right=frozenset({1, 2, 3}),
        widths=(0.26, 0.14, 0.24, 0.14, 0.22),
    )


def slices_table(context: Context, run: EvaluationRun, *, limit: int = 15) -> Table:
    """The slices that were shown to be weaker, then those with too little data; error rates with intervals."""
    say = context.say
    order = {"weaker": 0, "insufficient": 1}
    parts = [part for part in run.slices if part["finding"] in order]
    parts.sort(key=lambda part: (order[part["finding"]], -part["rate"]["estimate"], part["name"]))
    rows = tuple(
        (
            part["name"],
            str(part["n"]),
            str(part["errors"]),
            f"{say.percent(part['rate']['estimate'])} [{say.percent(part['rate']['low'])}, "
            f"{say.percent(part['rate']['high'])}]",
            say.percent(part["rest_rate"]),
            say.state(part["finding"]),
        )
        for part in parts[:limit]
    )
    more = len(parts) - limit
    caption = say("薄弱切片与样本不足的切片", "Weak slices, and slices with too little data")
    if more > 0:
        caption += say(f"（另有 {more} 个未列）", f" ({more} more are not listed)")
    return Table(
        caption,
        (
            say("切片", "Slice"),
            "n",
            say("错误数", "Errors"),
            say("错误率", "Error rate"),
            say("其余", "Rest"),
            say("结论", "Finding"),
        ),
        rows,
        right=frozenset({1, 2, 3, 4}),
        widths=(0.24, 0.09, 0.1, 0.28, 0.12, 0.17),
        empty=say("没有明显偏弱的切片", "No slice was shown to be weaker."),
    )


def goals_table(context: Context, round: Round) -> Table:
    say = context.say
    rows = tuple(
        (
            say.metric(goal["metric"]),
            goal["slice"] or say("全部", "all"),
            say.value(goal["metric"], goal["from"]),
            say.value(goal["metric"], goal["to"]),
            say.day(date.fromisoformat(goal["by"])) if goal["by"] else NONE,
            f"{goal['recipe']}\n{say.percent(goal['level'], 1)}, n ≥ {goal['min_n']}",
        )
        for goal in round.content["goals"]
    )
    header = (
        say("指标", "Metric"),
        say("切片", "Slice"),
        say("基线", "Baseline"),
        say("目标", "Goal"),
        say("期限", "By"),
        say("测量方法", "How it is measured"),
    )
    frozen = context.newest(context.about("case", round.case_id), "remediation.goals_frozen")
    mark = context.cite(frozen.id) if frozen else NONE
    caption = say(
        f"整改目标（{say.moment(round.frozen_at)} 冻结，证据 {mark}）",
        f"Goals (frozen {say.moment(round.frozen_at)}, evidence {mark})",
    )
    return Table(caption, header, rows, right=frozenset({2, 3}), widths=(0.18, 0.16, 0.13, 0.13, 0.15, 0.25))


def guards_table(context: Context, round: Round) -> Table:
    """What must not get worse while something is put right, on the same items and in live traffic."""
    say = context.say
    rows = []
    for guard in round.content["guards"]:
        margin = say.percent(guard["margin"])
        scale = say("相对", "relative") if guard["relative"] else say("个百分点（绝对）", "absolute")
        how = say(f"单侧非劣效检验，α = {guard['alpha']}", f"one-sided non-inferiority, α = {guard['alpha']}")
        rows.append((say.metric(guard["metric"]), guard["slice"] or say("全部", "all"), f"{margin} {scale}", how))
    for guard in round.content["live_guards"]:
        limit = guard.get("threshold")
        shown = f"{_sign(limit['direction'])} {_limit(context, limit)}" if limit else NONE
        how = guard["evidence_source"] or say("线上流量", "live traffic")
        rows.append((indicator(context, guard["indicator"]), say("线上", "live"), shown, how))
    return Table(
        say("护栏", "Guards"),
        (say("指标", "Metric"), say("范围", "Where"), say("界限", "Limit"), say("判定方法", "How it is judged")),
        tuple(rows),
        widths=(0.28, 0.14, 0.24, 0.34),
        empty=say("没有护栏", "No guard was set."),
    )


def deviations_tables(context: Context, round: Round) -> tuple[Table, ...]:
    """Where the plan is looser than the rulebook, why, and until when; nothing where it is not."""
    say = context.say
    if not round.content.get("deviations"):
        return ()
    rows = tuple(
        (title_of(one)[context.locale], f"{one['rulebook']:g}", f"{one['plan']:g}", one["until"], one["reason"])
        for one in round.content["deviations"]
    )
    header = (
        say("护栏", "Guard"),
        say("制度", "Rulebook"),
        say("本方案", "This plan"),
        say("截止", "Until"),
        say("理由", "Reason"),
    )
    caption = say("经审批放宽的限值", "Approved deviations from the rulebook")
    return (Table(caption, header, rows, right=frozenset({1, 2}), widths=(0.28, 0.12, 0.12, 0.14, 0.34)),)


def indicator(context: Context, name: str) -> str:
    """The title of an indicator of the rulebook; its own name where it has none."""
    found = next((one for one in context.book.thresholds if one.indicator == name), None)
    return found.title.in_language("en" if context.locale == "en" else "zh-CN") if found else context.say.metric(name)


def _sign(direction: str) -> str:
    return "≥" if direction == "at_least" else "≤"


def _limit(context: Context, limit: Mapping[str, Any]) -> str:
    return quantity(context, limit["limit"], str(limit["unit"]))


def quantity(context: Context, value: float | None, unit: str) -> str:
    """A figure of the rulebook in its unit: ratios in percent."""
    if value is None:
        return NONE
    if unit == "ratio":
        return context.say.percent(value, 2)
    return f"{context.say.number(value, 0 if value == round(value) else 1)} {'' if unit == 'count' else unit}".strip()
