"""整改报告: each finding with its measure, before and after, evidence and conclusion; then the whole."""

from gnomon.control.evaluation import queries as evaluation
from gnomon.control.evaluation.tables import Comparison
from gnomon.control.findings.tables import Finding
from gnomon.control.remediation import queries
from gnomon.control.remediation.tables import Case, Round
from gnomon.control.reports.papers import case_parts as parts
from gnomon.control.reports.papers import case_results as results
from gnomon.control.reports.papers import case_training, case_work
from gnomon.control.reports.papers.context import Context
from gnomon.control.reports.papers.parts import Paper, head
from gnomon.control.reports.rules import NothingToReport
from gnomon.control.reports.voice import NONE
from gnomon.engine.documents import Block, Facts, Paragraph, Section, Table


def build(context: Context, subject_id: str) -> Paper:
    """Of the newest round. Raises NothingToReport before it is verified."""
    case = queries.case(context.session, subject_id)
    round = queries.current_round(context.session, case) if case.rounds else None
    if round is None or not round.verdict:
        raise NothingToReport(
            f"The case {case.number} is {case.state}; no round of it is verified.", next_step="Verify the round first."
        )
    say = context.say
    proofs = context.about("case", case.id)
    proof = context.newest(proofs, "remediation.round_verified")
    compared = [evaluation.comparison(context.session, id) for id in round.verification["comparisons"]]
    asked = (("remediation_plan", round.id), ("closure", case.id), *_releases_of(context, case))
    sections = (
        Section(say("工作概况", "Overview"), tuple(_overview(context, case, round, proof.id if proof else ""))),
        Section(
            say("问题与整改完成情况", "Findings and what became of them"),
            (parts.findings_table(context, parts.found(context, case)),),
            tuple(_finding(context, case, round, one, compared) for one in parts.found(context, case)),
        ),
        Section(
            say("措施实施情况", "How the measures were carried out"),
            (
                case_work.measures_table(context, queries.measures(context.session, case.id, round.n)),
                *case_training.trainings(context, case, round),
            ),
        ),
        Section(say("总体成效", "Effect"), (), _effect(context, round, compared)),
        Section(say("四项目标对照", "The four aims"), (results.aims_table(context, case, round, compared),)),
        Section(
            say("任务与预算执行", "Tasks and budget"),
            (*case_work.tasks(context, case, round), case_work.budget(context, case, round)),
        ),
        Section(say("未完成事项与下一轮安排", "Left open, and the next round"), (_leftovers(context, case, round),)),
        Section(
            say("长效机制", "What keeps it right"),
            (*results.releases(context, case, round), case_work.supervisions(context, case)),
        ),
        Section(say("审批与销号", "Approvals and closure"), (context.approvals_table(*asked), _closure(context, case))),
        context.evidence_section(),
    )
    return Paper(
        head(context, "remediation_report", case.title),
        parts.facts(context, case, round),
        sections,
        context.signatures(*asked),
    )


def _overview(context: Context, case: Case, round: Round, proof: str) -> list[Block]:
    say = context.say
    run = evaluation.run(context.session, round.verification_run_id)
    rows = (
        (say("发起", "Opened"), f"{say.moment(case.opened_at)} {context.name(case.opened_by)}"),
        (say("目标冻结", "Goals frozen"), f"{say.moment(round.frozen_at)} {context.name(round.planned_by)}"),
        (say("验证运行申请", "Verification requested"), say.moment(run.requested_at)),
        (say("验证", "Verified"), f"{say.moment(round.verified_at)} {context.name(round.verified_by)}"),
        (say("结论", "Verdict"), say.noted(say.state(round.verdict), context.cite(proof))),
        (
            say("方案未被改动", "Plan as it was frozen"),
            say("✓ 是", "✓ yes") if queries.is_intact(round) else say("■ 否", "■ no"),
        ),
    )
    said = [Paragraph(say.pick(sentence), strong=True) for sentence in round.verification["sentences"]]
    return [*said, Facts(rows), _rounds(context, case)]


def _rounds(context: Context, case: Case) -> Table:
    say = context.say
    rows = tuple(
        (
            str(one.n),
            say.moment(one.frozen_at),
            say.moment(one.verified_at),
            say.state(one.verdict or one.state),
            one.frozen_sha256,
        )
        for one in queries.rounds(context.session, case.id)
    )
    header = (
        say("轮次", "Round"),
        say("冻结", "Frozen"),
        say("验证", "Verified"),
        say("结论", "Verdict"),
        say("方案 SHA-256", "SHA-256 of the plan"),
    )
    return Table(say("各轮次", "Rounds"), header, rows, widths=(0.1, 0.21, 0.21, 0.16, 0.32))


def _finding(context: Context, case: Case, round: Round, finding: Finding, compared: list[Comparison]) -> Section:
    """问题—措施—前后对比—佐证—结论 of one finding."""
    say = context.say
    mine = [one for one in queries.tasks(context.session, case.id, round.n) if one.finding_id == finding.id]
    measures = queries.measures(context.session, case.id, round.n)
    done = [say.pair(f"{one.key} {one.title}", say.state(one.state)) for one in measures]
    done += [say.pair(f"{one.key} {one.title}", f"{one.progress} %") for one in mine]
    after = [_before_and_after(context, one) for one in compared]
    rows = (
        (say("问题", "What was wrong"), f"{finding.title}\n{finding.detail}".strip()),
        (say("措施", "Measures"), "\n".join(done) or NONE),
        (say("整改前后", "Before and after"), "\n".join(after) or NONE),
        (say("佐证", "Evidence"), context.cite(*finding.evidence_ids, round.verification.get("evidence_id", ""))),
        (say("结论", "Conclusion"), _conclusion(context, round, finding)),
    )
    return Section(f"{finding.number} {finding.title}", (Facts(rows),))


def _before_and_after(context: Context, one: Comparison) -> str:
    say, name = context.say, one.goal["metric"]
    before, after = (say.ranged(name, one.result[side]) for side in ("before", "after"))
    return f"{say.metric(name)}{_where(context, one)} {before} → {after} ({context.cite(one.evidence_id)})"


def _where(context: Context, one: Comparison) -> str:
    return context.say(f"（切片 {one.goal['slice']}）", f" (slice {one.goal['slice']})") if one.goal["slice"] else ""


def _conclusion(context: Context, round: Round, finding: Finding) -> str:
    say = context.say
    if finding.state != "closed":
        return say(
            f"本轮{say.state(round.verdict)}；问题{say.state(finding.state)}，尚未销号。",
            f"The round is {say.state(round.verdict)}; the finding is {say.state(finding.state)}, not closed yet.",
        )
    by, at = context.name(finding.settled_by), say.moment(finding.settled_at)
    return say(
        f"{say.state(finding.state)}：{at} 由{by}确认。{finding.reason}",
        f"{say.state(finding.state)}, confirmed by {by} on {at}. {finding.reason}",
    )


def _effect(context: Context, round: Round, compared: list[Comparison]) -> tuple[Section, ...]:
    say = context.say
    run = evaluation.run(context.session, round.verification_run_id)
    return (
        Section(
            say("同题前后对比", "Before and after, on the same items"), tuple(results.comparison(context, compared))
        ),
        Section(say("翻转", "Flips"), tuple(results.flips(context, compared))),
        Section(say("护栏", "Guards"), (results.guards(context, compared), results.live(context, round))),
        Section(say("切片", "Slices"), tuple(results.slices(context, compared))),
        Section(
            say("验证条件", "Conditions of the verification"),
            (parts.run_facts(context, run), parts.figures_table(context, run)),
        ),
    )


def _leftovers(context: Context, case: Case, round: Round) -> Table:
    """What is not met in this round and goes on, and tasks that are not done."""
    say = context.say
    rows = [(one["what"], one["reason"], say("下一轮", "next round")) for one in round.leftovers]
    named = {row[0] for row in rows}
    rows += [
        (name, say.state(state), say("未转出", "not carried on"))
        for name, state in round.verification["states"].items()
        if state != "met" and name not in named
    ]
    rows += [
        (f"{one.key} {one.title}", f"{one.progress} %", say("任务未完成", "task not done"))
        for one in queries.tasks(context.session, case.id, round.n)
        if one.progress < 100
    ]
    header = (say("事项", "What"), say("原因或状态", "Reason or state"), say("安排", "Arrangement"))
    none = say("没有未完成事项", "Nothing is left open.")
    return Table(say("未完成事项", "Left open"), header, tuple(rows), widths=(0.4, 0.35, 0.25), empty=none)


def _closure(context: Context, case: Case) -> Paragraph:
    say = context.say
    if case.state != "closed":
        return Paragraph(
            say(
                f"整改单尚未销号，状态：{say.state(case.state)}。",
                f"The case is {say.state(case.state)}, not closed yet.",
            ),
            strong=True,
        )
    return Paragraph(
        say(
            f"{say.moment(case.closed_at)}，由{context.name(case.closed_by)}确认销号。",
            f"Closed on {say.moment(case.closed_at)}, confirmed by {context.name(case.closed_by)}.",
        ),
        strong=True,
    )


def _releases_of(context: Context, case: Case) -> list[tuple[str, str]]:
    return [("release", one.id) for one in results.releases_of(context, case)]
