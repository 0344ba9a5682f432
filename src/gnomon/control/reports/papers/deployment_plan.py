"""部署方案: who does what when, how each step is checked, and how to go back."""

from datetime import datetime
from typing import Any

from gnomon.control.deployments import queries, rules
from gnomon.control.deployments.tables import Deployment
from gnomon.control.people import queries as people
from gnomon.control.reports.papers import deployment_parts as parts
from gnomon.control.reports.papers.context import Context
from gnomon.control.reports.papers.parts import Paper, head
from gnomon.control.reports.rules import NothingToReport
from gnomon.control.reports.voice import NONE
from gnomon.engine import charts
from gnomon.engine.charts import Task
from gnomon.engine.documents import Block, Bullets, Figure, Paragraph, Section, Table
from gnomon.kit.canonical import digest


def build(context: Context, subject_id: str) -> Paper:
    """Raises NothingToReport while the plan is incomplete."""
    deployment = queries.deployment(context.session, subject_id)
    everybody = {person.id for person in people.people(context.session)}
    problems = rules.plan_problems(deployment.plan, people=everybody)
    if problems:
        raise NothingToReport(
            f"The deployment plan lacks {len(problems)} parts, the first is {problems[0]}.",
            next_step="Fill in what is missing.",
            problems=problems,
        )
    say = context.say
    asked = ("deployment_plan", deployment.id)
    context.about("deployment", deployment.id)
    plan = deployment.plan
    sections = (
        Section(say("概述", "Overview"), (_overview(context, deployment), parts.files(context, deployment))),
        Section(say("组织与分工", "Organisation"), (_roles(context, deployment),)),
        Section(
            say("环境清单与检查结果", "Environment and what was found"),
            (parts.environment(context, deployment), parts.mismatches(context, deployment)),
        ),
        Section(say("部署步骤", "Steps"), (_steps(context, plan),)),
        Section(say("时间计划", "Timetable"), tuple(_timetable(context, deployment))),
        Section(say("依赖与资源", "Dependencies and resources"), (_resources(context, plan),)),
        Section(say("测试方案", "Test plan"), tuple(_tests(context, deployment.tests))),
        Section(say("风险与规避", "Risks"), tuple(_risks(context, deployment))),
        Section(say("回退方案", "Roll-back"), tuple(_rollback(context, plan["rollback"]))),
        Section(say("审批", "Approval"), (_binding(context, deployment), context.approvals_table(asked))),
        context.evidence_section(),
    )
    return Paper(
        head(context, "deployment_plan", deployment.title),
        parts.facts(context, deployment),
        sections,
        context.signatures(asked),
    )


def _overview(context: Context, deployment: Deployment) -> Block:
    say = context.say
    return parts.declared(
        context,
        {
            say("对外模型名", "Public model name"): deployment.model,
            say("脱敏策略", "Masking policy"): deployment.mask_policy,
            say("需求分析报告", "Requirements report"): say.state(deployment.requirements_state),
            say("计划开始", "Planned start"): say.moment(deployment.plan["start"]),
            say("计划结束", "Planned end"): say.moment(deployment.plan["end"]),
        },
    )


def _roles(context: Context, deployment: Deployment) -> Table:
    say = context.say
    plan = deployment.plan
    rows = [
        (say("方案编制", "Author of the plan"), deployment.author_id),
        (say("执行人", "Executor"), plan["executor"]),
        (say("回退决策人", "Decides on a roll-back"), plan["rollback"]["decider"]),
    ]
    rows += [(say(f"步骤：{step['title']}", f"Step: {step['title']}"), step["owner"]) for step in plan["steps"]]
    header = (say("职责", "Duty"), say("责任人", "Responsible"), say("部门", "Team"))
    people_of = tuple((duty, context.name(person), context.team_of(person)) for duty, person in rows)
    return Table(say("责任矩阵", "Responsibilities"), header, people_of, widths=(0.5, 0.25, 0.25))


def _steps(context: Context, plan: dict[str, Any]) -> Table:
    say = context.say
    header = (
        say("序号", "No."),
        say("操作", "Step"),
        say("责任人", "Owner"),
        say("计划起止", "Planned"),
        say("验证方法", "How it is checked"),
    )
    rows = tuple(
        (
            str(number),
            step["title"],
            context.name(step["owner"]),
            f"{say.moment(step['start'])}\n{say.moment(step['end'])}",
            step["verification"],
        )
        for number, step in enumerate(plan["steps"], 1)
    )
    return Table(say("部署步骤", "Steps"), header, rows, widths=(0.08, 0.28, 0.13, 0.26, 0.25))


def _timetable(context: Context, deployment: Deployment) -> list[Block]:
    """A Gantt chart where the plan spans days and is not begun.

    Within one day the table of steps says it better; and how far each step is, once begun, nobody records.
    """
    say, plan = context.say, deployment.plan
    start, end = (datetime.fromisoformat(plan[key]).astimezone(say.zone) for key in ("start", "end"))
    sentence = say(
        f"计划自 {say.moment(start)} 至 {say.moment(end)}，共 {len(plan['steps'])} 个步骤。",
        f"From {say.moment(start)} to {say.moment(end)}; steps: {len(plan['steps'])}.",
    )
    blocks: list[Block] = [Paragraph(sentence)]
    if start.date() == end.date() or any(line["step"] == "started" for line in deployment.steps):
        return blocks
    tasks = [
        Task(
            id=str(number),
            name=step["title"],
            owner=context.name(step["owner"]),
            start=datetime.fromisoformat(step["start"]).astimezone(say.zone).date(),
            end=datetime.fromisoformat(step["end"]).astimezone(say.zone).date(),
        )
        for number, step in enumerate(plan["steps"], 1)
    ]
    label = say("部署进度计划", "Schedule of the deployment")
    today = context.now.astimezone(say.zone).date()
    return [*blocks, Figure(charts.gantt(label, tasks, today, locale=context.locale), with_table=False)]


def _resources(context: Context, plan: dict[str, Any]) -> Table:
    say = context.say
    header = (say("资源", "Resource"), say("数量", "Amount"))
    return Table(say("资源", "Resources"), header, tuple((one["name"], one["amount"]) for one in plan["resources"]))


def _tests(context: Context, tests: dict[str, Any]) -> list[Block]:
    say = context.say
    if not tests:
        return [Paragraph(say("尚未设定功能测试。", "No functional test is set yet."))]
    labels = say.joined(tests["labels"])
    normal = tests["normal"]
    boundary = len(rules.cases(tests, model="x")) - len(normal)
    text = say(
        f"正常用例 {len(normal)} 条，覆盖标签：{labels}；"
        f"边界用例 {boundary} 条（空输入、超长、混合语言、类型错误、特殊字符等）。"
        "每条用例须得到允许的标签或规范的 4xx 错误，不得出现 5xx；任何一条不符即停止上线。",
        f"{len(normal)} normal cases that cover the labels {labels}; {boundary} boundary cases (empty, very long, "
        "mixed language, wrong type, special characters and others). Each must give an allowed label or a clean 4xx "
        "error, never a 5xx; a single failure stops the roll-out.",
    )
    header = (say("序号", "No."), say("输入", "Input"), say("覆盖", "Covers"))
    rows = tuple((str(number), case["text"], case["covers"] or NONE) for number, case in enumerate(normal, 1))
    return [Paragraph(text), Table(say("正常用例", "Normal cases"), header, rows, widths=(0.1, 0.7, 0.2))]


def _risks(context: Context, deployment: Deployment) -> list[Block]:
    say = context.say
    accepted = deployment.plan.get("accepted_mismatches", [])
    named = say.joined(accepted) if accepted else say("无", "none")
    text = say(f"方案接受的环境不符项：{named}。", f"Mismatches that the plan lives with: {named}.")
    limit = say(
        f"就绪时限 {say.number(deployment.plan['ready_within_s'])} 秒，超时即判安装失败。",
        f"The model must be ready within {say.number(deployment.plan['ready_within_s'])} s, or the installation fails.",
    )
    return [Paragraph(text), Paragraph(limit)]


def _rollback(context: Context, rollback: dict[str, Any]) -> list[Block]:
    say = context.say
    numbered = tuple(f"({number}) {step}" for number, step in enumerate(rollback["steps"], 1))
    return [
        parts.declared(
            context,
            {
                say("触发条件", "Trigger"): rollback["trigger"],
                say("决策人", "Decides"): context.name(rollback["decider"]),
                say("时限", "Time limit"): say(
                    f"{say.number(rollback['limit_minutes'], 1)} 分钟",
                    f"{say.number(rollback['limit_minutes'], 1)} min",
                ),
            },
        ),
        Bullets(numbered),
    ]


def _binding(context: Context, deployment: Deployment) -> Block:
    """What a vote is bound to: a change of any of it voids the approval."""
    say = context.say
    sha256 = digest(queries.content(context.session, deployment))
    return Paragraph(
        say(
            f"审批绑定的内容（方案、需求、环境、测试与模型文件）校验值为 {sha256}；其中任何一处改动，审批即作废。",
            f"An approval is bound to plan, requirements, environment, tests and model files, SHA-256 {sha256}; "
            "a change of any of it voids the approval.",
        ),
        quiet=True,
    )
