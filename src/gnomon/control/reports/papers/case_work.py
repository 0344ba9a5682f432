"""The work on a case: its measures, tasks with the Gantt chart of the page, budget, group, supervision."""

from collections.abc import Sequence

from gnomon.control.remediation import queries
from gnomon.control.remediation.tables import Case, Measure, Round
from gnomon.control.reports.papers.case_parts import version_label
from gnomon.control.reports.papers.context import Context
from gnomon.control.reports.voice import NONE
from gnomon.engine import charts
from gnomon.engine.charts import Task as Bar
from gnomon.engine.documents import Block, Figure, Paragraph, Table


def measures_table(context: Context, measures: Sequence[Measure]) -> Table:
    say = context.say
    kinds = {
        "data": say("数据", "data"),
        "algorithm": say("算法", "algorithm"),
        "application": say("应用", "application"),
        "security": say("安全", "security"),
        "experience": say("体验", "experience"),
    }
    methods = {"lora": say("LoRA 微调", "LoRA fine-tuning"), "by_hand": say("人工实施", "by people")}
    rows = tuple(
        (
            str(one.rank),
            f"{one.key} {one.title}",
            f"{kinds.get(one.kind, one.kind)} · {methods.get(one.method, one.method)}",
            f"{one.importance} / {one.urgency} / {one.difficulty} / {one.effect}",
            say.number(one.score, 1),
            f"{say.state(one.state)}\n{version_label(context, one.candidate_version_id)}",
        )
        for one in measures
    )
    header = (
        say("排序", "Rank"),
        say("措施", "Measure"),
        say("类别与方式", "Kind and method"),
        say("重要/紧迫/难度/成效", "Import./urg./diffic./effect"),
        say("得分", "Score"),
        say("状态与产物", "State and result"),
    )
    return Table(
        say("整改措施（按优先级）", "Measures, by priority"), header, rows, widths=(0.08, 0.28, 0.19, 0.18, 0.09, 0.18)
    )


def tasks(context: Context, case: Case, round: Round) -> list[Block]:
    """The Gantt chart of the page, and every task with owner, dates, check and what its slip would mean."""
    say = context.say
    today = context.now.astimezone(say.zone).date()
    rows = queries.gantt(context.session, case.id, today=today, round=round.n)
    if not rows:
        return [Paragraph(say("没有任务。", "There are no tasks."))]
    bars = [
        Bar(
            id=row.task.key,
            name=row.task.title,
            owner=context.name(row.task.owner_id),
            start=row.task.start,
            end=row.task.end,
            done=row.task.progress / 100,
            after=tuple(row.task.depends_on),
        )
        for row in rows
    ]
    chart = charts.gantt(say("任务进度", "Tasks"), bars, today, locale=context.locale)
    header = (
        say("任务", "Task"),
        say("负责人/协作人", "Owner / with"),
        say("起止", "Dates"),
        say("前置", "After"),
        say("进度", "Done"),
        say("完成标准", "How one sees that it is done"),
    )
    critical = say("关键路径", "critical path")
    table = Table(
        say("任务分解", "Tasks"),
        header,
        tuple(
            (
                say.noted(f"{row.task.key} {row.task.title}", critical)
                if row.critical
                else f"{row.task.key} {row.task.title}",
                say.joined([context.name(id) for id in (row.task.owner_id, *row.task.collaborators)]),
                f"{say.day(row.task.start)}\n{say.day(row.task.end)}",
                ", ".join(row.task.depends_on) or NONE,
                f"{row.task.progress} %" + (say("\n■ 逾期", "\n■ overdue") if row.overdue else ""),
                f"{row.task.check}\n{row.task.note}".strip(),
            )
            for row in rows
        ),
        widths=(0.26, 0.16, 0.16, 0.08, 0.1, 0.24),
    )
    return [Figure(chart, with_table=False), table]


def budget(context: Context, case: Case, round: Round) -> Table:
    """Planned, committed and actual of each line; compute is counted by the platform itself."""
    say = context.say
    kinds = {
        "person_days": say("人力", "people"),
        "compute": say("算力", "compute"),
        "purchase": say("采购", "purchase"),
    }
    rows = tuple(
        (
            kinds.get(line.kind, line.kind),
            line.title,
            line.unit,
            say.number(line.planned, 1),
            say.number(line.committed, 1),
            say.number(line.actual, 1),
            say.percent(line.actual / line.planned, 0) if line.planned else NONE,
        )
        for line in queries.budget(context.session, case.id, round.n)
    )
    header = (
        say("类别", "Kind"),
        say("项目", "Item"),
        say("单位", "Unit"),
        say("预算", "Planned"),
        say("已承诺", "Committed"),
        say("实际", "Actual"),
        say("执行率", "Used"),
    )
    return Table(
        say("预算执行", "Budget"),
        header,
        rows,
        right=frozenset({3, 4, 5, 6}),
        widths=(0.13, 0.22, 0.13, 0.13, 0.15, 0.12, 0.12),
    )


def group(context: Context, case: Case) -> Table:
    say = context.say
    words = {
        "accountable": say("总负责 (A)", "accountable"),
        "responsible": say("执行 (R)", "responsible"),
        "consulted": say("协商 (C)", "consulted"),
        "informed": say("知会 (I)", "informed"),
    }
    rows = tuple(
        (
            context.name(one["person_id"]),
            context.team(one["team"]),
            words.get(one["part"], one["part"]),
            one["duty"],
        )
        for one in case.group
    )
    header = (say("成员", "Member"), say("部门", "Team"), say("角色", "Part"), say("职责", "Duty"))
    none = say("尚未组建工作组", "No group was formed.")
    return Table(say("整改工作组", "The group"), header, rows, widths=(0.18, 0.2, 0.2, 0.42), empty=none)


def supervisions(context: Context, case: Case) -> Table:
    say = context.say
    rows = tuple((say.moment(one["at"]), context.name(one["by"]), one["checked"]) for one in case.supervisions)
    header = (say("时间", "Time"), say("监督人", "Supervisor"), say("检查内容", "What was checked"))
    none = say("没有监督记录", "No supervision is recorded.")
    return Table(say("监督记录", "Supervision"), header, rows, widths=(0.27, 0.18, 0.55), empty=none)
