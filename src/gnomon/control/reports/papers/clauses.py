"""条款执行情况: every clause of both policies with its verdict, its controls and the evidence of each."""

from gnomon.control.reports.papers.context import Context
from gnomon.control.reports.papers.parts import Paper, head
from gnomon.control.reports.voice import NONE
from gnomon.control.rulebook import queries
from gnomon.control.rulebook.queries import Board, ClauseStanding, ControlStanding
from gnomon.control.rulebook.schemas import Language
from gnomon.engine import charts
from gnomon.engine.charts import Bar
from gnomon.engine.documents import Figure, Paragraph, Section, Sheet, Table

_TONES = {"met": "ok", "not_met": "bad", "partial": "warn", "expired": "warn", "not_measured": "idle"}


def build(context: Context, _subject_id: str) -> Paper:
    """The board as it stands at the paper's date."""
    board = queries.board(context.session, context.now, book=context.book)
    say = context.say
    sections = (
        Section(say("总体情况", "Overview"), (_sentence(context, board), _chart(context, board))),
        *(_policy(context, board, policy.prefix) for policy in context.book.edition.policies),
        context.evidence_section(),
    )
    facts = (
        (say("制度版本", "Edition of the rulebook"), board.version),
        (say("判定时间", "Judged at"), say.moment(board.at)),
        (say("条款数", "Clauses"), str(board.total)),
    )
    return Paper(
        head(context, "clause_board"), facts, sections, sheets=(_clause_sheet(context, board), _sheet(context, board))
    )


def _language(context: Context) -> Language:
    return "en" if context.locale == "en" else "zh-CN"


def _sentence(context: Context, board: Board) -> Paragraph:
    say = context.say
    counted = say.joined([f"{say.word(state)} {n}" for state, n in board.counts.items()])
    rule = say(
        "条款的每一项管控措施都有有效且达标的证据时，该条款方为达标；证据缺失、过期或样本不足均不计为达标。",
        "A clause is met only when each of its controls has fresh evidence that says so; missing, old or too little "
        "evidence never counts.",
    )
    return Paragraph(say(f"共 {board.total} 条：{counted}。{rule}", f"{board.total} clauses: {counted}. {rule}"))


def _chart(context: Context, board: Board) -> Figure:
    say = context.say
    bars = [Bar(say.word(state), float(n), tone=_TONES.get(state, "")) for state, n in board.counts.items()]
    label = say("条款状态", "Clauses by verdict")
    method = say("由最新证据判定", "by the newest evidence")
    return Figure(charts.bar(label, bars, locale=context.locale, method=method, n=board.total, high=float(board.total)))


def _policy(context: Context, board: Board, prefix: str) -> Section:
    say, language = context.say, _language(context)
    policy = next(one for one in context.book.edition.policies if one.prefix == prefix)
    mine = [one for one in board.clauses if one.clause.id.startswith(prefix)]
    rows = tuple(
        (
            f"{one.clause.id}\n{one.clause.title.in_language(language)}",
            say.state(one.state.state),
            "\n".join(_control(context, control) for control in one.controls),
        )
        for one in mine
    )
    header = (say("条款", "Clause"), say("判定", "Verdict"), say("管控措施与证据", "Controls and evidence"))
    table = Table(policy.title.in_language(language), header, rows, widths=(0.27, 0.16, 0.57))
    return Section(policy.title.in_language(language), (table,))


def _control(context: Context, one: ControlStanding) -> str:
    proof = context.cite(one.artefact.id) if one.artefact else ""
    title, why = one.control.title.in_language(_language(context)), one.state.explain(_language(context))
    return (
        f"· {context.say.pair(title, context.say.noted(f'{context.say.state(one.state.state)} {proof}'.strip(), why))}"
    )


def _clause_sheet(context: Context, board: Board) -> Sheet:
    say, language = context.say, _language(context)
    rows = tuple(
        (
            one.clause.id,
            one.clause.title.in_language(language),
            one.clause.text.in_language(language),
            say.state(one.state.state),
            len(one.controls),
            _met(one),
            "\n".join(f"{reason.control_id}: {reason.explain(language)}" for reason in one.state.reasons),
        )
        for one in board.clauses
    )
    header = (
        say("条款", "Clause"),
        say("标题", "Title"),
        say("要求", "What it asks"),
        say("判定", "Verdict"),
        say("管控措施数", "Controls"),
        say("达标数", "Met"),
        say("未达标原因", "What keeps it from being met"),
    )
    return Sheet(say("条款", "Clauses"), header, rows, (10, 24, 70, 14, 10, 10, 60))


def _met(one: ClauseStanding) -> int:
    return len(one.controls) - len(one.state.reasons)


def _sheet(context: Context, board: Board) -> Sheet:
    """One row a control of each clause: what it rests on."""
    say, language = context.say, _language(context)
    rows = tuple(
        (
            one.clause.id,
            control.control.id,
            control.control.title.in_language(language),
            control.control.source,
            say.state(control.state.state),
            control.state.explain(language),
            control.artefact.id if control.artefact else NONE,
            control.artefact.sha256 if control.artefact else NONE,
            control.artefact.made_at if control.artefact else None,
            control.control.freshness,
        )
        for one in board.clauses
        for control in one.controls
    )
    header = (
        say("条款", "Clause"),
        say("管控措施", "Control"),
        say("标题", "Title"),
        say("证据来源", "Source"),
        say("判定", "Verdict"),
        say("说明", "Why"),
        say("证据编号", "Evidence"),
        say("证据 SHA-256", "SHA-256 of the evidence"),
        say("形成时间", "Made (UTC)"),
        say("有效期", "Freshness"),
    )
    return Sheet(say("管控措施", "Controls"), header, rows, (10, 26, 40, 34, 14, 30, 34, 66, 22, 10))
