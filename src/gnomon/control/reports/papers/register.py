"""整改台账（销号表）: every finding there is, in the columns by which Chinese offices strike them off."""

from datetime import date

from gnomon.control.evaluation import queries as evaluation
from gnomon.control.findings import queries as findings
from gnomon.control.findings.tables import Finding
from gnomon.control.remediation import queries
from gnomon.control.remediation.tables import Case, Round
from gnomon.control.reports.papers.case_parts import clauses
from gnomon.control.reports.papers.context import Context
from gnomon.control.reports.papers.parts import Paper, head
from gnomon.control.reports.voice import NONE
from gnomon.engine.documents import Cell, Sheet
from gnomon.kit.errors import NotFound

_WIDTHS = (6, 14, 18, 40, 8, 12, 30, 34, 26, 18, 16, 12, 12, 24, 24, 30, 10, 14, 12, 10, 26)


def build(context: Context, _subject_id: str) -> Paper:
    """All findings, in cases or not, by number."""
    found = sorted(findings.findings(context.session), key=lambda one: one.number)
    found = [one for one in found if one.raised_at <= context.now]
    rows = tuple(_row(context, place, one) for place, one in enumerate(found, 1))
    say = context.say
    tally = findings.tally(context.session)
    counted = say.joined([f"{say.word(state)} {n}" for state, n in tally.items()])
    sheet = Sheet(say("台账", "Register"), _header(context), rows, _WIDTHS)
    facts = ((say("问题总数", "Findings"), str(len(found))), (say("其中", "Of these"), counted))
    return Paper(head(context, "remediation_register"), facts, sheets=(sheet,))


def _header(context: Context) -> tuple[str, ...]:
    say = context.say
    return (
        say("序号", "No."),
        say("问题编号", "Finding"),
        say("来源", "Source"),
        say("问题描述", "What is wrong"),
        say("等级", "Severity"),
        say("发现日期", "Raised on"),
        say("原因（涉及条款）", "Cause (clauses)"),
        say("整改措施", "Measures"),
        say("整改目标值", "Goal"),
        say("责任部门/责任人", "Team / owner"),
        say("配合人", "With"),
        say("完成时限", "Due"),
        say("进展", "Progress"),
        say("整改前值", "Before"),
        say("整改后值", "After"),
        say("佐证材料", "Evidence"),
        say("复核人", "Verified by"),
        say("复核结论", "Verdict"),
        say("销号日期", "Closed on"),
        say("是否复发", "Came back"),
        say("备注", "Remarks"),
    )


def _row(context: Context, place: int, finding: Finding) -> tuple[Cell, ...]:
    say = context.say
    case = _case_of(context, finding)
    round = _round_of(context, case)
    goals = round.content["goals"] if round else []
    tasks = queries.tasks(context.session, case.id, round.n) if case and round else []
    mine = [one for one in tasks if one.finding_id == finding.id] or tasks
    helpers = sorted({context.name(id) for one in mine for id in one.collaborators})
    before, after = _values(context, round)
    measures = queries.measures(context.session, case.id, round.n) if case and round else []
    done = round is not None and bool(round.verified_by)
    return (
        place,
        finding.number,
        finding.source,
        f"{finding.title}\n{finding.detail}".strip(),
        say.state(finding.severity),
        _day(context, finding.raised_at),
        clauses(context, finding.clauses),
        "\n".join(f"{one.key} {one.title}" for one in measures),
        "\n".join(f"{say.metric(one['metric'])} {say.value(one['metric'], one['to'])}" for one in goals),
        f"{context.team_of(case.owner_id)} / {context.name(case.owner_id)}" if case else "",
        say.joined(helpers) if helpers else "",
        max((one.end for one in mine), default=None),
        f"{round_percent([one.progress for one in mine])} %" if mine else say.state(finding.state),
        before,
        after,
        "\n".join([*finding.evidence_ids, *([round.verification["evidence_id"]] if done and round else [])]),
        context.name(round.verified_by) if done and round else "",
        say.state(round.verdict) if round and round.verdict else say.state("not_measured"),
        _day(context, finding.settled_at) if finding.settled_at else None,
        _came_back(context, finding),
        f"{case.number} · {say.state(case.state)} {finding.reason}".strip() if case else finding.reason,
    )


def round_percent(progress: list[int]) -> int:
    """The mean of tasks' progress, rounded down: 100 only when all are done."""
    return sum(progress) // len(progress)


def _day(context: Context, at: object) -> date | None:
    from datetime import datetime

    return at.astimezone(context.say.zone).date() if isinstance(at, datetime) else None


def _case_of(context: Context, finding: Finding) -> Case | None:
    if not finding.case_id:
        return None
    try:
        return queries.case(context.session, finding.case_id)
    except NotFound:
        return None


def _round_of(context: Context, case: Case | None) -> Round | None:
    return queries.current_round(context.session, case) if case and case.rounds else None


def _values(context: Context, round: Round | None) -> tuple[str, str]:
    """The goals' figures before and after, with intervals, from the stored comparisons."""
    say = context.say
    if round is None:
        return "", ""
    goals = round.content["goals"]
    if not round.verdict:
        before = [f"{say.metric(one['metric'])} {say.value(one['metric'], one['from'])}" for one in goals]
        return "\n".join(before), say.state("not_measured")
    compared = [evaluation.comparison(context.session, id) for id in round.verification["comparisons"]]
    lines = [
        [f"{say.metric(one.goal['metric'])} {say.ranged(one.goal['metric'], one.result[side])}" for one in compared]
        for side in ("before", "after")
    ]
    return "\n".join(lines[0]), "\n".join(lines[1])


def _came_back(context: Context, finding: Finding) -> str:
    """Whether the same source raised a finding about the same thing again after this one was closed."""
    if finding.state != "closed" or finding.settled_at is None:
        return NONE
    again = [
        one.number
        for one in findings.findings(context.session)
        if (one.source, one.subject_id) == (finding.source, finding.subject_id) and one.raised_at > finding.settled_at
    ]
    return context.say.joined(again) if again else context.say("否", "no")
