"""需求分析报告: what is wanted, by what it is accepted, and which test checks it."""

from gnomon.control.deployments import queries, rules
from gnomon.control.deployments.tables import Deployment
from gnomon.control.evidence.tables import Artefact
from gnomon.control.reports.papers import deployment_parts as parts
from gnomon.control.reports.papers.context import Context
from gnomon.control.reports.papers.parts import Paper, head
from gnomon.control.reports.rules import NothingToReport
from gnomon.control.reports.voice import NONE
from gnomon.engine.documents import Block, Paragraph, Section, Table


def build(context: Context, subject_id: str) -> Paper:
    """Raises NothingToReport while a section or a requirement is missing."""
    deployment = queries.deployment(context.session, subject_id)
    problems = rules.requirements_problems(deployment.requirements)
    if problems:
        raise NothingToReport(
            f"The requirements report lacks {len(problems)} parts, the first is {problems[0]}.",
            next_step="Fill in what is missing.",
            problems=problems,
        )
    say = context.say
    asked = ("requirements_report", deployment.id)
    found = context.about("deployment", deployment.id)
    sections = (
        Section(say("背景与目标", "Background and aims"), _texts(context, deployment, "background", "business_goal")),
        Section(
            say("适用范围与用户", "Scope and users"), _texts(context, deployment, "task_type", "scenarios", "users")
        ),
        Section(
            say("功能需求", "Functional requirements"),
            (*_texts(context, deployment, "functions"), _items(context, deployment)),
        ),
        Section(
            say("非功能需求", "Non-functional requirements"), _texts(context, deployment, "metrics", "performance")
        ),
        Section(say("数据需求与分级", "Data and its classes"), _texts(context, deployment, "data")),
        Section(say("安全与合规要求", "Security and compliance"), _texts(context, deployment, "security")),
        Section(say("环境与资源", "Environment and resources"), (parts.environment(context, deployment),)),
        Section(say("约束与风险", "Constraints and risks"), (parts.mismatches(context, deployment),)),
        Section(say("验收", "Acceptance"), _texts(context, deployment, "acceptance")),
        Section(say("评审意见", "Review"), (context.approvals_table(asked),)),
        Section(say("附：需求追踪矩阵", "Annex: traceability"), (_matrix(context, deployment, found),)),
        context.evidence_section(),
    )
    return Paper(
        head(context, "requirements", deployment.title),
        parts.facts(context, deployment),
        sections,
        context.signatures(asked),
    )


def _titles(context: Context) -> dict[str, str]:
    say = context.say
    return {
        "background": say("背景", "Background"),
        "business_goal": say("业务目标", "Business goal"),
        "task_type": say("任务类型", "Kind of task"),
        "scenarios": say("应用场景", "Scenarios"),
        "users": say("用户", "Users"),
        "functions": say("功能", "Functions"),
        "metrics": say("指标", "Metrics"),
        "performance": say("性能", "Performance"),
        "data": say("数据", "Data"),
        "security": say("安全", "Security"),
        "acceptance": say("验收方式", "How it is accepted"),
    }


def _texts(context: Context, deployment: Deployment, *names: str) -> tuple[Block, ...]:
    """Each named part under its title, as it was written."""
    written, titles = deployment.requirements["sections"], _titles(context)
    blocks: list[Block] = []
    for name in names:
        text = parts.task(context, written[name]) if name == "task_type" else written[name]
        blocks += [Paragraph(titles[name], strong=True)] if len(names) > 1 else []
        blocks.append(context.text(text))
    return tuple(blocks)


def _items(context: Context, deployment: Deployment) -> Table:
    say = context.say
    items = deployment.requirements["items"]
    return Table(
        say("需求清单", "Requirements"),
        (say("编号", "No."), say("需求", "Requirement"), say("验收标准", "Acceptance criterion")),
        tuple((item["id"], item["text"], item["criterion"]) for item in items),
        widths=(0.14, 0.46, 0.4),
    )


def _matrix(context: Context, deployment: Deployment, found: list[Artefact]) -> Table:
    """Each requirement with each of its tests and what the newest functional test said of it."""
    say = context.say
    rows = []
    for item in deployment.requirements["items"]:
        for test in item["tests"]:
            outcome, evidence_id = _outcome(context, found, test)
            rows.append((item["id"], item["criterion"], test, outcome, context.cite(evidence_id)))
    return Table(
        say("需求—测试追踪", "Requirements and tests"),
        (
            say("需求", "Requirement"),
            say("验收标准", "Criterion"),
            say("关联测试", "Linked test"),
            say("最近结果", "Newest result"),
            say("证据", "Evidence"),
        ),
        tuple(rows),
        widths=(0.13, 0.32, 0.25, 0.18, 0.12),
    )


def _outcome(context: Context, found: list[Artefact], test: str) -> tuple[str, str]:
    """What the newest test run says of a case id, or of a whole part (normal, boundary); else that it was not run."""
    for one in reversed(found):
        if one.kind != "test_run" or "results" not in one.facts:
            continue
        if test == one.facts["suite"]:
            return f"{one.facts['passed']}/{one.facts['cases']} {context.say.state(one.state)}", one.id
        result = next((row for row in one.facts["results"] if row["id"] == test), None)
        if result is not None:
            return context.say.state("failed" if result["problem"] else "passed"), one.id
    return context.say.state("not_measured") if test else NONE, ""
