"""The board of clauses, one clause with its controls and live evidence, and one piece of evidence."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response

from gnomon.console import facts, words
from gnomon.console.lists import Row, exported, listed, stamp
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.console.urls import Column, is_local
from gnomon.contract.thresholds import Threshold
from gnomon.contract.verdicts import State
from gnomon.control.evidence import queries as evidence
from gnomon.control.findings import queries as findings
from gnomon.control.rulebook import actions, queries
from gnomon.control.rulebook.queries import Board, ClauseStanding, ControlStanding
from gnomon.control.rulebook.rules import ClauseVerdict
from gnomon.engine import charts
from gnomon.engine.charts import Parts
from gnomon.kit import i18n, services
from gnomon.kit.errors import NotFound
from gnomon.kit.web import WorkDep, allow

_PAINT = {
    "met": "part-ok",
    "partial": "part-warn",
    "not_met": "part-bad",
    "expired": "plan-warn",
    "not_measured": "plan-idle",
}
router = APIRouter(include_in_schema=False)
HISTORY = 20
_ORDER = {state: i for i, state in enumerate(("not_met", "expired", "not_measured", "partial", "met"))}


@router.get("/clauses", dependencies=[allow("clause.view")])
def clauses(reader: ReaderDep) -> Response:
    """Every clause with its state; as a file with `export=csv|xlsx`, for those who may take it along."""
    board = queries.board(reader.session, reader.now, book=reader.book)
    columns, write = _columns(reader), _writer(reader)
    found = listed(reader.view, columns, _rows(reader, board), sort="clause", write=write)
    if reader.view.get("export"):
        reader.require("clause.export")
        return exported(
            reader.view, columns, found.all_rows, name=f"clauses-{stamp(board.at.astimezone(reader.zone))}", write=write
        )
    return reader.page(
        "clauses.html",
        board=board,
        columns=columns,
        found=found,
        states=words.options(words.CLAUSE, reader.context),
        tiles=[(state, *words.said(words.CLAUSE, state, reader.context), n) for state, n in _counts(board)],
        coverage=coverage(reader, board),
        policies=[(one.prefix, reader.say(one.title)) for one in reader.book.edition.policies],
        teams=[(team.id, reader.say(team.title)) for team in reader.book.matrix.teams],
        stale=_stale_view(reader),
        export_refused=reader.refusal("clause.export"),
    )


@router.get("/clauses/{id}", dependencies=[allow("clause.view")])
def clause(id: str, reader: ReaderDep) -> HTMLResponse:
    """One clause: its text, what each of its controls is worth now and why, and what was found before."""
    found = queries.clause(reader.session, id, reader.now, book=reader.book)
    sources = {one.control.source for one in found.controls}
    may_see = reader.may("evidence.view")
    known = findings.findings(reader.session) if reader.may("finding.view") else []
    return reader.page(
        "clause.html",
        clause=found.clause,
        chapter=reader.book.chapter(found.clause.chapter),
        state=words.said(words.CLAUSE, found.state.state.value, reader.context),
        controls=[_control(reader, one) for one in found.controls],
        met=sum(one.state.state.value == "met" for one in found.controls),
        limits=[(name, _limit(value)) for name, value in found.clause.limits.items()],
        history=_history(reader, evidence.latest(reader.session, sources, limit=HISTORY)) if may_see else [],
        evidence_refused=reader.refusal("evidence.view"),
        run_refused=reader.refusal("control.run"),
        findings=[one for one in known if id in one.clauses and one.state in ("open", "in_case")],
        neighbours=_neighbours(reader, id),
    )


@router.post("/controls/{id}/run", dependencies=[allow("control.run")])
def run(id: str, work: WorkDep, reader: ReaderDep, back: Annotated[str, Form()] = "/clauses") -> Response:
    """The control's check is queued; the reader is back on the clause."""
    actions.request_run(work, id)
    told = reader.context.gettext("已排入队列：结果作为证据写入后，刷新即可看到")
    return see_other(back if is_local(back) else "/clauses", notice=("info", told))


@router.get("/evidence/{id}", dependencies=[allow("evidence.view")])
def one_piece(id: str, reader: ReaderDep) -> HTMLResponse:
    """A piece of evidence: its facts, its hash recomputed now, what it counts for."""
    artefact = evidence.artefact(reader.session, id)
    book = reader.book
    kind = next((one for one in book.evidence_kinds if one.id == artefact.kind), None)
    return reader.page(
        "evidence.html",
        artefact=artefact,
        facts=facts.tree(reader, artefact.facts),
        intact=evidence.is_intact(artefact),
        state=State(artefact.state),
        title=reader.say(kind.title) if kind else artefact.kind,
        proves=reader.say(kind.proves) if kind else "",
        maker=reader.name(artefact.made_by),
        controls=[(one, [book.clause(id) for id in one.clauses]) for one in book.controls_from(artefact.source)],
        stored=bool(artefact.file_sha256) and services.blobs().has(artefact.file_sha256),
        newer=_newer(reader, artefact.source, artefact.id),
    )


@router.get("/evidence/{id}/file", dependencies=[allow("evidence.view")])
def file(id: str, reader: ReaderDep) -> Response:
    """The file kept with the evidence; bytes that no longer have its hash are refused."""
    artefact = evidence.artefact(reader.session, id)
    if not artefact.file_sha256:
        raise NotFound(f"The evidence {id} has no file.")
    data = services.blobs().get(artefact.file_sha256)
    named = f"attachment; filename*=UTF-8''{quote(artefact.file_name or artefact.id)}"
    return Response(data, media_type="application/octet-stream", headers={"Content-Disposition": named})


def coverage(reader: Reader, board: Board) -> charts.Chart:
    """How many clauses of each policy stand where."""
    _ = reader.context.gettext
    states = list(words.CLAUSE)
    bars = []
    for policy in reader.book.edition.policies:
        mine = [one.state.state.value for one in board.clauses if one.clause.id.startswith(policy.prefix)]
        bars.append(Parts(reader.say(policy.title), [mine.count(state) for state in states]))
    return charts.stacked(
        _("条款覆盖情况"),
        [words.said(words.CLAUSE, state, reader.context)[1] for state in states],
        bars,
        locale=reader.context.locale,
        method=_("每条条款按其全部管控措施的最新有效证据判定"),
        n=board.total,
        paint=[_PAINT[state] for state in states],
    )


# ---------------------------------------------------------------- the list


def _columns(reader: Reader) -> list[Column]:
    _ = reader.context.gettext
    return [
        Column("clause", _("条款")),
        Column("title", _("名称"), wrap=True),
        Column("state", _("状态")),
        Column("met", _("达标措施"), num=True),
        Column("age", _("最早证据距今"), num=True),
        Column("owner", _("责任方")),
        Column("controls", _("管控措施"), wrap=True, sort=False, hidden=True),
        Column("chapter", _("章节"), hidden=True),
    ]


def _stale_view(reader: Reader) -> list[tuple[str, str, bool]]:
    """The view that an auditor opens first: what has no valid evidence."""
    view, states = reader.view, ("expired", "not_measured")
    shown = set(view.all("state")) == set(states)
    return [(reader.context.gettext("证据过期或缺失"), view.to(state=states), shown)]


def _rows(reader: Reader, board: Board) -> list[Row]:
    view = reader.view
    rows = [_row(reader, i, one) for i, one in enumerate(board.clauses)]
    wanted, policy, team = set(view.all("state")) - {""}, view.get("policy"), view.get("team")
    rows = [row for row in rows if not wanted or row["verdict"] in wanted]
    rows = [row for row in rows if not policy or row["id"].startswith(policy)]
    return [row for row in rows if not team or team in row["teams"]]


def _row(reader: Reader, i: int, one: ClauseStanding) -> dict[str, Any]:
    ages = [held.state.age for held in one.controls if held.state.age is not None]
    teams = sorted({held.control.owner for held in one.controls})
    verdict = one.state.state.value
    return {
        "id": one.clause.id,
        "clause": i,
        "title": reader.say(one.clause.title),
        "verdict": verdict,
        "state": _ORDER[verdict],
        "said": words.said(words.CLAUSE, verdict, reader.context),
        "met": sum(held.state.state.value == "met" for held in one.controls) / len(one.controls),
        "met_text": f"{sum(held.state.state.value == 'met' for held in one.controls)}/{len(one.controls)}",
        "age": max(ages) if ages else None,
        "teams": teams,
        "owner": reader.context.gettext("、").join(reader.team(team) for team in teams),
        "controls": reader.context.gettext("；").join(reader.say(held.control.title) for held in one.controls),
        "chapter": reader.say(reader.book.chapter(one.clause.chapter).title),
    }


def _writer(reader: Reader) -> Any:
    def write(row: Row, column: Column) -> str:
        if column.key == "clause":
            return str(row["id"])
        if column.key == "state":
            return str(row["said"][1])
        if column.key == "met":
            return str(row["met_text"])
        if column.key == "age":
            return i18n.duration(row["age"], reader.context.locale)
        return str(row[column.key])

    return write


def _counts(board: Board) -> list[tuple[str, int]]:
    return [(state, board.counts[ClauseVerdict(state).value]) for state in words.CLAUSE]


# ---------------------------------------------------------------- one clause


def _control(reader: Reader, one: ControlStanding) -> dict[str, Any]:
    control, locale = one.control, reader.context.locale
    reason = reader.context.gettext(words.REFUSAL[one.refusal]) if one.refusal else one.state.explain(locale)  # type: ignore[arg-type]
    threshold = reader.book.threshold_of(control.id)
    kind = next((kind for kind in reader.book.evidence_kinds if kind.id == control.evidence), None)
    return {
        "control": control,
        "title": reader.say(control.title),
        "state": words.said(words.CONTROL, one.state.state.value, reader.context),
        "reason": reason,
        "kind": reader.context.gettext(words.KIND[control.kind]),
        "evidence_title": reader.say(kind.title) if kind else control.evidence,
        "owner": reader.team(control.owner),
        "threshold": _limit_text(reader, threshold) if threshold else "",
        "age": one.state.age,
        "artefact": one.artefact,
        "facts": facts.tree(reader, one.artefact.facts) if one.artefact else None,
        "runnable": one.answered_by == "check",
        "last_run": one.last_run,
    }


def _limit_text(reader: Reader, threshold: Threshold) -> str:
    rule = reader.book.threshold_rule(threshold.indicator)
    sign = "≥" if threshold.direction == "at_least" else "≤"
    shown = i18n.percent(threshold.limit) if threshold.unit == "ratio" else _with_unit(threshold.limit, threshold.unit)
    return reader.context.gettext("%(title)s %(sign)s %(limit)s", title=reader.say(rule.title), sign=sign, limit=shown)


def _with_unit(value: float, unit: str) -> str:
    text = i18n.number(value, digits=0 if value == int(value) else 2)
    return text if unit == "count" else f"{text} {unit}"


def _limit(value: Any) -> str:
    return " – ".join(str(part) for part in value) if isinstance(value, tuple | list) else str(value)


def _history(reader: Reader, artefacts: list[Any]) -> list[dict[str, Any]]:
    tones = {"met": "ok", "not_met": "bad", "insufficient": "warn"}
    entries = []
    for artefact in artefacts:
        controls = reader.book.controls_from(artefact.source)
        word = words.said(words.CONTROL, artefact.state, reader.context)[1]
        title = reader.say(controls[0].title) if controls else artefact.source
        entries.append(
            {
                "at": artefact.made_at,
                "tone": tones.get(artefact.state, "idle"),
                "who": reader.name(artefact.made_by),
                "what": reader.context.gettext("%(title)s：%(state)s", title=title, state=word),
                "more": "",
                "url": f"/evidence/{artefact.id}",
            }
        )
    return entries


def _neighbours(reader: Reader, id: str) -> tuple[str, str]:
    """The clauses before and after this one; empty at the ends."""
    ids = ["", *(one.id for one in reader.book.clauses), ""]
    at = ids.index(id)
    return ids[at - 1], ids[at + 1]


def _newer(reader: Reader, source: str, id: str) -> str:
    """The newest evidence of the same source, when it is another."""
    newest = evidence.newest(reader.session, [source]).get(source)
    return newest.id if newest and newest.id != id else ""
