"""整改方案: what is wrong, what it will be when it is right, by which measures, who, when and at what cost."""

from gnomon.control.evaluation import queries as evaluation
from gnomon.control.remediation import queries
from gnomon.control.remediation.tables import Case, Round
from gnomon.control.reports.papers import case_parts as parts
from gnomon.control.reports.papers import case_work
from gnomon.control.reports.papers.context import Context
from gnomon.control.reports.papers.parts import Paper, head
from gnomon.control.reports.rules import NothingToReport
from gnomon.engine.documents import Block, Bullets, Facts, Paragraph, Section


def build(context: Context, subject_id: str) -> Paper:
    """Of the newest round. Raises NothingToReport before a plan is frozen."""
    case = queries.case(context.session, subject_id)
    if not case.rounds:
        raise NothingToReport(f"The case {case.number} has no plan yet.", next_step="Plan a round.")
    round = queries.current_round(context.session, case)
    say = context.say
    asked = ("remediation_plan", round.id)
    context.about("case", case.id)
    found = parts.found(context, case)
    sections = (
        Section(say("整改依据与背景", "Why this case"), tuple(_background(context, case))),
        Section(say("现状评估", "The present state"), tuple(_present(context, case, round))),
        Section(say("问题清单与原因", "Findings"), (parts.findings_table(context, found),)),
        Section(
            say("整改目标", "Goals"),
            (
                parts.goals_table(context, round),
                parts.guards_table(context, round),
                *parts.deviations_tables(context, round),
            ),
        ),
        Section(
            say("整改措施", "Measures"),
            (case_work.measures_table(context, queries.measures(context.session, case.id, round.n)),),
        ),
        Section(say("任务分解与进度", "Tasks"), tuple(case_work.tasks(context, case, round))),
        Section(say("预算", "Budget"), (case_work.budget(context, case, round),)),
        Section(say("组织与责任", "Organisation"), (case_work.group(context, case),)),
        Section(say("风险与取舍", "Risks and trade-offs"), (_trade_off(context, round),)),
        Section(say("验收标准与方法", "Acceptance"), tuple(_acceptance(context, round))),
        Section(
            say("监督保障与审批", "Supervision and approval"),
            (case_work.supervisions(context, case), context.approvals_table(asked)),
        ),
        context.evidence_section(),
    )
    return Paper(
        head(context, "remediation_plan", case.title),
        parts.facts(context, case, round),
        sections,
        context.signatures(asked),
    )


def _background(context: Context, case: Case) -> list[Block]:
    say = context.say
    found = parts.found(context, case)
    opened, by = say.moment(case.opened_at), context.name(case.opened_by)
    named = sorted({clause for one in found for clause in one.clauses})
    text = say(
        f"{opened}，{by}就模型 {case.model} 的 {len(found)} 项问题发起整改，"
        f"等级为{say.state(case.level)}。涉及条款：{parts.clauses(context, named)}。",
        f"On {opened} {by} opened a case about the model {case.model}; level: {say.state(case.level)}, "
        f"findings: {len(found)}, clauses: {parts.clauses(context, named)}.",
    )
    return [Paragraph(text)]


def _present(context: Context, case: Case, round: Round) -> list[Block]:
    """The four aims in words, the baseline in figures."""
    say = context.say
    run = evaluation.run(context.session, round.baseline_run_id)
    return [
        Paragraph(say("四项目标现状", "The four aims today"), strong=True),
        parts.aims_table(context, case),
        Paragraph(say("基线评测", "The baseline"), strong=True),
        parts.run_facts(context, run),
        parts.figures_table(context, run),
        parts.slices_table(context, run),
    ]


def _trade_off(context: Context, round: Round) -> Facts:
    say = context.say
    stated = round.content["trade_off"]
    names = {
        "performance": say("性能", "Performance"),
        "security": say("安全", "Security"),
        "cost": say("成本", "Cost"),
        "time": say("时间", "Time"),
        "reason": say("理由", "Reason"),
    }
    return Facts(tuple((name, stated[key]) for key, name in names.items()))


def _acceptance(context: Context, round: Round) -> list[Block]:
    say = context.say
    rule = say(
        "全部目标达成且全部护栏守住方为达标；以同一评测集、同一方法、同一环境逐题配对比较，区间下限须达到目标值。"
        "先冻结目标，后运行验证；早于冻结的结果无效。未测量不视为达标。",
        "The round is met when every goal is met and every guard holds, on the same items, asked in the same way under "
        "the same conditions, paired; the end of the interval must reach the goal. Goals are frozen before anything "
        "runs; a run from before that is invalid. What was not measured is never met.",
    )
    blocks: list[Block] = [Paragraph(rule)]
    if round.content["criteria"]:
        blocks.append(Bullets(tuple(round.content["criteria"])))
    frozen = say(
        f"冻结内容的校验值（SHA-256）：{round.frozen_sha256}", f"SHA-256 of what was frozen: {round.frozen_sha256}"
    )
    return [*blocks, Paragraph(frozen, quiet=True)]
