"""What a verified round showed: effect with intervals, flips, guards, live guards, slices, aims, releases."""

from collections.abc import Sequence
from typing import Any

from gnomon.control.deployments import queries as deployments
from gnomon.control.deployments.tables import Release
from gnomon.control.evaluation.tables import Comparison
from gnomon.control.remediation import queries
from gnomon.control.remediation.tables import Case, Round
from gnomon.control.reports.papers import case_parts as parts
from gnomon.control.reports.papers.context import Context
from gnomon.control.reports.voice import NONE, estimate, unit_of
from gnomon.engine import charts
from gnomon.engine.charts import Interval, Parts
from gnomon.engine.documents import Block, Figure, Paragraph, Table
from gnomon.engine.stats.sentences import p_words

_TONES = {"met": "ok", "better": "ok", "not_met": "bad", "worse": "bad", "insufficient": "warn"}
_MOST_SLICES = 12  # rows that fit on half a page; the table says how many more there are


def comparison(context: Context, compared: Sequence[Comparison]) -> list[Block]:
    """A forest chart a unit, before and after with their intervals, and the numbers behind it."""
    say = context.say
    shares = [one for one in compared if unit_of(one.goal["metric"]) == "share"]
    groups = [shares, *([one] for one in compared if one not in shares)]
    figures = [Figure(_forest(context, group), with_table=False) for group in groups if group]
    rows = tuple(
        (
            _name(context, one),
            say.ranged(one.goal["metric"], one.result["before"]),
            say.ranged(one.goal["metric"], one.result["after"]),
            say.changed(one.goal["metric"], one.result["effect"]),
            say.value(one.goal["metric"], one.goal["to"]),
            f"{say.state(one.goal_state)}\n{context.cite(one.evidence_id)}",
        )
        for one in compared
    )
    header = (
        say("指标", "Metric"),
        say("整改前", "Before"),
        say("整改后", "After"),
        say("变化", "Change"),
        say("目标", "Goal"),
        say("结论", "Verdict"),
    )
    table = Table(say("目标达成情况", "Goals"), header, rows, widths=(0.16, 0.19, 0.19, 0.22, 0.1, 0.14))
    return [*figures, table]


def _forest(context: Context, group: Sequence[Comparison]) -> charts.Chart:
    say = context.say
    first = group[0]
    rows = [
        Interval(
            _name(context, one),
            after=estimate(one.result["after"]),
            before=estimate(one.result["before"]),
            note=say.word(one.goal_state),
            tone=_TONES.get(one.goal_state, "idle"),
        )
        for one in group
    ]
    is_share = unit_of(first.goal["metric"]) == "share"
    level, method = first.result["after"]["level"], first.result["after"]["method"]
    return charts.interval(
        say("整改前后对比", "Before and after"),
        rows,
        locale=context.locale,
        method=f"{level * 100:g} % {method}",
        n=first.result["n"],
        percent=is_share,
        target=float(first.goal["to"]) if len(group) == 1 else None,
    )


def _name(context: Context, one: Comparison) -> str:
    name = context.say.metric(one.goal["metric"])
    return f"{name} · {one.goal['slice']}" if one.goal["slice"] else name


def flips(context: Context, compared: Sequence[Comparison]) -> list[Block]:
    """Both flip counts and the exact test: an average can hide what got worse."""
    say = context.say
    kinds = ("both", "fixed", "broken", "neither")
    names = (
        say("始终正确", "right both times"),
        say("由错转对", "fixed"),
        say("由对转错", "broken"),
        say("始终错误", "wrong both times"),
    )
    bars = [Parts(_name(context, one), [float(one.result["flips"][kind]) for kind in kinds]) for one in compared]
    chart = charts.stacked(
        say("逐题翻转", "What became of each item"),
        names,
        bars,
        locale=context.locale,
        method=say("配对", "paired"),
        n=compared[0].result["n"],
    )
    rows = tuple(
        (
            _name(context, one),
            *(str(one.result["flips"][kind]) for kind in kinds),
            p_words(one.result["test"]["p"]),
        )
        for one in compared
    )
    header = (say("指标", "Metric"), *names, say("McNemar 精确检验", "McNemar, exact"))
    table = Table(say("翻转计数", "Flip counts"), header, rows, right=frozenset({1, 2, 3, 4}))
    return [Figure(chart, with_table=False), table]


def guards(context: Context, compared: Sequence[Comparison]) -> Table:
    """Guards on the same items; they are judged once, with the first goal."""
    say = context.say
    rows = []
    for one in compared[0].result["guards"]:
        guard, claim = one["guard"], one["claim"]
        name = guard["metric"]
        rows.append(
            (
                say.metric(name) + (f" · {guard['slice']}" if guard["slice"] else ""),
                say.value(name, one["before"]),
                say.value(name, one["after"]),
                _claimed(context, guard, claim) if claim else one["reason"] or NONE,
                say.percent(guard["margin"]) + (say("（相对）", " (relative)") if guard["relative"] else ""),
                say.state(one["state"]),
            )
        )
    header = (
        say("护栏", "Guard"),
        say("整改前", "Before"),
        say("整改后", "After"),
        say("变化及单侧界", "Change, one-sided bounds"),
        say("容许", "Margin"),
        say("结论", "Verdict"),
    )
    mark = context.cite(compared[0].evidence_id)
    return Table(
        say(f"护栏（同题，证据 {mark}）", f"Guards on the same items (evidence {mark})"),
        header,
        tuple(rows),
        right=frozenset({1, 2, 4}),
        widths=(0.2, 0.13, 0.13, 0.25, 0.13, 0.16),
        empty=say("没有同题护栏", "There is no guard on the items."),
    )


def _claimed(context: Context, guard: dict[str, Any], claim: dict[str, Any]) -> str:
    """A guard's change with its one-sided bounds: in percent of before where the guard is relative."""
    if not guard["relative"]:
        return context.say.changed(guard["metric"], claim | {"estimate": claim["difference"]})
    middle, low, high = (f"{claim[key] * 100:+.1f} %" for key in ("difference", "low", "high"))
    return f"{middle} [{low}, {high}]"


def live(context: Context, round: Round) -> Table:
    """Guards judged by live traffic or by the newest evidence of a source."""
    say = context.say
    rows = []
    for one in round.verification["live"]:
        detail: dict[str, Any] = one["detail"]
        limit = detail.get("threshold")
        unit = str(limit["unit"]) if limit else ""
        value = parts.quantity(context, detail.get("value"), unit) if limit else NONE
        bound = parts.quantity(context, limit["limit"], unit) if limit else NONE
        source = detail.get("reason") or detail.get("evidence_source") or say("线上流量", "live traffic")
        rows.append(
            (
                parts.indicator(context, one["indicator"]),
                value,
                bound,
                str(detail.get("n", NONE)),
                f"{source} {context.cite(detail.get('evidence', ''))}".removesuffix(f" {NONE}"),
                say.state(one["state"]),
            )
        )
    header = (
        say("护栏", "Guard"),
        say("实测", "Measured"),
        say("界限", "Limit"),
        "n",
        say("来源", "From"),
        say("结论", "Verdict"),
    )
    return Table(
        say("线上护栏", "Guards in live traffic"),
        header,
        tuple(rows),
        right=frozenset({1, 2, 3}),
        widths=(0.24, 0.14, 0.12, 0.1, 0.24, 0.16),
        empty=say("没有线上护栏", "There is no live guard."),
    )


def slices(context: Context, compared: Sequence[Comparison]) -> list[Block]:
    """Right answers in each slice before and after, the largest changes first."""
    say = context.say
    order = {"worse": 0, "better": 1, "no_change_shown": 2, "insufficient": 3}
    rows = sorted(
        compared[0].result["slices"],
        key=lambda row: (order[row["state"]], -abs(row["effect"]["estimate"]), row["name"]),
    )
    shown = rows[:_MOST_SLICES]
    if not shown:
        return [Paragraph(say("没有切片。", "There are no slices."))]
    chart = charts.interval(
        say("切片正确率前后对比", "Right answers by slice, before and after"),
        [
            Interval(
                f"{row['name']} (n = {row['n']})",
                after=estimate(row["after"]),
                before=estimate(row["before"]),
                note=say.word(row["state"]),
                tone=_TONES.get(row["state"], "idle"),
            )
            for row in shown
        ],
        locale=context.locale,
        method="95 % Wilson; McNemar, Benjamini-Hochberg q ≤ 0.10",
        n=compared[0].result["n"],
        percent=True,
    )
    caption = say("切片（正确率）", "Slices (share of right answers)")
    if len(rows) > len(shown):
        more = len(rows) - len(shown)
        caption += say(f"，另有 {more} 个未列", f", {more} more are not listed")
    header = (say("切片", "Slice"), "n", say("整改前", "Before"), say("整改后", "After"), "q", say("结论", "Finding"))
    table = Table(
        caption,
        header,
        tuple(
            (
                row["name"],
                str(row["n"]),
                say.ranged("accuracy", row["before"]),
                say.ranged("accuracy", row["after"]),
                say.probability(row["q"]),
                say.state(row["state"]),
            )
            for row in shown
        ),
        right=frozenset({1, 2, 3, 4}),
        widths=(0.18, 0.08, 0.23, 0.23, 0.12, 0.16),
    )
    return [Figure(chart, with_table=False), table]


def aims_table(context: Context, case: Case, round: Round, compared: Sequence[Comparison]) -> Table:
    """Each aim as it was stated, and what the verification measured of it; what nothing measured says so."""
    say = context.say
    stated = case.assessment.get("aims", {})
    measured = _measured(context, round, compared)
    rows = tuple(
        (name, stated.get(aim) or NONE, "\n".join(measured[aim]) or say.state("not_measured"))
        for aim, name in parts.aims(context).items()
    )
    header = (say("目标", "Aim"), say("整改前现状", "State before"), say("验证结果", "What was verified"))
    return Table(say("四项目标对照", "The four aims"), header, rows, widths=(0.16, 0.42, 0.42))


def _measured(context: Context, round: Round, compared: Sequence[Comparison]) -> dict[str, list[str]]:
    say = context.say
    lines: dict[str, list[str]] = {"accuracy": [], "data_security": [], "user_experience": [], "trade_standards": []}
    for one in compared:
        lines[_aim_of(one.goal["metric"])].append(say.pair(_name(context, one), say.state(one.goal_state)))
    for one in compared[0].result["guards"]:
        name = one["guard"]["metric"]
        lines[_aim_of(name)].append(say.pair(f"{say('护栏', 'guard')} {say.metric(name)}", say.state(one["state"])))
    for live in round.verification["live"]:
        name = live["indicator"]
        shown = parts.indicator(context, name)
        lines[_aim_of(name)].append(say.pair(f"{say('线上', 'live')} {shown}", say.state(live["state"])))
    return lines


def _aim_of(name: str) -> str:
    """Which of the four aims a metric or indicator speaks to."""
    if any(word in name for word in ("mask", "leak", "privacy", "identif", "pii")):
        return "data_security"
    if any(word in name for word in ("latency", "success", "answered", "throughput", "satisfaction")):
        return "user_experience"
    return "trade_standards" if any(word in name for word in ("harmful", "refusal", "sector")) else "accuracy"


def releases_of(context: Context, case: Case) -> list[Release]:
    """The releases of what the case's measures made, oldest first."""
    made = {one.candidate_version_id for one in queries.measures(context.session, case.id)} - {""}
    found = deployments.releases(context.session, model=case.model)
    return [one for one in found[::-1] if one.content.get("version", {}).get("id") in made]


def releases(context: Context, case: Case, round: Round) -> list[Block]:
    """How what was verified came to serve, and how fast one can go back."""
    say = context.say
    rows = []
    for one in releases_of(context, case):
        proofs = context.cite(one.evidence_id, *(proof.id for proof in context.about("release", one.id)))
        rows.append(
            (
                one.content["version"]["label"],
                say.percent(one.share, 0),
                say.moment(one.canary_at),
                say.moment(one.full_at),
                f"{say.state(one.state)}\n{_timings(context, one)}".strip(),
                proofs,
            )
        )
    serves = queries.serves(
        context.session, model=case.model, version_id=queries.verified_version(context.session, round)
    )
    text = say(
        "经验证的版本现承接全部流量。" if serves else "经验证的版本尚未承接全部流量。",
        "What was verified has all the traffic." if serves else "What was verified does not have all the traffic yet.",
    )
    header = (
        say("版本", "Version"),
        say("灰度", "Share"),
        say("灰度开始", "Canary since"),
        say("全量", "Full since"),
        say("状态与回滚用时", "State, roll-backs"),
        say("证据", "Evidence"),
    )
    none = say("没有发布", "Nothing was released.")
    table = Table(
        say("发布与回滚", "Releases and roll-backs"),
        header,
        tuple(rows),
        widths=(0.13, 0.1, 0.2, 0.2, 0.23, 0.14),
        empty=none,
    )
    return [Paragraph(text), table]


def _timings(context: Context, release: Release) -> str:
    verbs = {"roll_back": context.say("回滚", "back"), "roll_forward": context.say("恢复", "forward")}
    return "\n".join(
        f"{verbs.get(one['verb'], one['verb'])} {context.say.seconds(one['seconds'])}" for one in release.timings
    )
