"""The register of findings: what is wrong, what proves it, and where it is being put right."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Form
from fastapi.responses import Response
from markupsafe import Markup
from pydantic import ValidationError

from gnomon.console.pages import _loop, _words
from gnomon.console.pages._loop import Cell, Line
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.console.urls import Column
from gnomon.control.evidence import queries as evidence
from gnomon.control.findings import actions, queries, rules
from gnomon.control.findings.schemas import NewFinding
from gnomon.control.findings.tables import Finding
from gnomon.control.remediation import queries as remediation
from gnomon.kit import i18n
from gnomon.kit.errors import BadInput, NotFound
from gnomon.kit.web import WorkDep, allow

router = APIRouter(include_in_schema=False)
_ORDER = {"critical": 0, "high": 1, "medium": 2, "low": 3}
_SUBJECTS = {
    "evaluation_run": "/evaluations/{}",
    "deployment": "/deployments/{}",
    "release": "/releases/{}",
    "model": "/models/{}",
    "dataset": "/datasets/{}",
    "training": "/training/{}",
    "case": "/cases/{}",
}


@router.get("/findings", dependencies=[allow("finding.view")])
def findings(reader: ReaderDep) -> Response:
    _, who = reader.context.gettext, _loop.who(reader)
    columns = [
        Column("number", _("编号")),
        Column("title", _("问题"), wrap=True),
        Column("severity", _("严重程度")),
        Column("state", _("状态")),
        Column("case", _("所在整改单")),
        Column("clauses", _("条款"), sort=False),
        Column("source", _("来源")),
        Column("by", _("提出人")),
        Column("raised", _("提出时间")),
        Column("settled", _("了结时间"), hidden=True),
    ]
    found = queries.findings(reader.session)
    cases = {one.id: one.number for one in remediation.cases(reader.session)}
    lines = [_line(reader, one, cases, who) for one in found]
    choices = {
        "state": (_("状态"), _words.options(reader.context, "finding")),
        "severity": (_("严重程度"), _words.options(reader.context, "severity")),
        "source": (_("来源"), [(one, one) for one in sorted({one.source for one in found})]),
    }
    made = _loop.listing(reader, columns, lines, sort="-raised", name="findings", label=_("问题台账"), choices=choices)
    if isinstance(made, Response):
        return made
    tally = queries.tally(reader.session)
    open_refused = reader.refusal("case.open")
    return _loop.show(
        reader,
        "findings.html",
        list=made,
        tally=tally,
        total=sum(tally.values()),
        sentence=_sentence(reader, found),
        raise_refused=reader.refusal("finding.raise"),
        open_refused=open_refused,
        batch="" if open_refused else _batch(reader),
        severities=_words.options(reader.context, "severity"),
    )


@router.post("/findings/batch", dependencies=[allow("case.open")])
def to_case(reader: ReaderDep, pick: Annotated[list[str], Form()]) -> Response:
    """The chosen findings are carried to the form of a new case."""
    return see_other("/cases/new?" + urlencode([("finding", one) for one in pick]))


@router.post("/findings", dependencies=[allow("finding.raise")])
def raise_finding(
    reader: ReaderDep,
    work: WorkDep,
    title: Annotated[str, Form()] = "",
    detail: Annotated[str, Form()] = "",
    severity: Annotated[str, Form()] = "",
    clauses: Annotated[str, Form()] = "",
    subject_kind: Annotated[str, Form()] = "",
    subject_id: Annotated[str, Form()] = "",
    evidence_ids: Annotated[str, Form()] = "",
) -> Response:
    _ = reader.context.gettext
    try:
        new = NewFinding.model_validate(
            {
                "title": title.strip(),
                "detail": detail.strip(),
                "severity": severity,
                "clauses": split(clauses),
                "subject_kind": subject_kind.strip(),
                "subject_id": subject_id.strip(),
                "evidence_ids": split(evidence_ids),
            }
        )
    except ValidationError as error:
        fields = ", ".join(sorted({str(item["loc"][0]) for item in error.errors()}))
        raise BadInput(
            _("这些项没有填或填得不对：%(fields)s。", fields=fields), next_step=_("返回上一页修改。")
        ) from error
    made = actions.raise_finding(work, new)
    return see_other(f"/findings/{made.id}", notice=("ok", _("问题 %(number)s 已登记", number=made.number)))


@router.get("/findings/{id}", dependencies=[allow("finding.view")])
def finding(id: str, reader: ReaderDep) -> Response:
    found = queries.finding(reader.session, id)
    case = remediation.case(reader.session, found.case_id) if found.case_id else None
    return _loop.show(
        reader,
        "finding.html",
        one=found,
        case=case,
        proofs=_proofs(reader, found),
        subject_url=subject_url(found.subject_kind, found.subject_id),
        history=_history(reader, found),
        close_refused=_loop.refused(reader, "finding.close", lambda: _settling(reader, found, "closed")),
        reject_refused=_loop.refused(reader, "finding.reject", lambda: _settling(reader, found, "rejected")),
        case_refused=_loop.refused(reader, "case.open", lambda: rules.advance(found.number, found.state, "in_case")),
    )


@router.post("/findings/{id}/close", dependencies=[allow("finding.close")])
def close(
    id: str,
    reader: ReaderDep,
    work: WorkDep,
    reason: Annotated[str, Form()] = "",
    evidence_ids: Annotated[str, Form()] = "",
) -> Response:
    actions.close_finding(work, id, reason=reason, evidence_ids=split(evidence_ids))
    return see_other(f"/findings/{id}", notice=("ok", reader.context.gettext("问题已关闭")))


@router.post("/findings/{id}/reject", dependencies=[allow("finding.reject")])
def reject(id: str, reader: ReaderDep, work: WorkDep, reason: Annotated[str, Form()] = "") -> Response:
    actions.reject_finding(work, id, reason=reason)
    return see_other(f"/findings/{id}", notice=("ok", reader.context.gettext("问题已驳回")))


# ---------------------------------------------------------------- parts


def split(text: str) -> list[str]:
    """Ids that a person typed: between commas, semicolons, spaces or lines."""
    for mark_ in (",", "，", "、", ";", "；"):
        text = text.replace(mark_, " ")
    return text.split()


def subject_url(kind: str, id: str) -> str:
    return _SUBJECTS[kind].format(quote(id)) if kind in _SUBJECTS else ""


def _line(reader: Reader, one: Finding, cases: dict[str, str], who: Any) -> Line:
    severity = _loop.status(reader, "severity", one.severity, param="severity")
    return Line(
        {
            "number": _loop.link(one.number, f"/findings/{one.id}", code=True),
            "title": Cell(one.title),
            "severity": Cell(severity.text, _ORDER.get(one.severity, 9), tone=severity.tone, by=severity.by),
            "state": _loop.status(reader, "finding", one.state, param="state"),
            "case": _loop.link(cases[one.case_id], f"/cases/{one.case_id}", code=True)
            if one.case_id in cases
            else Cell(i18n.NOT_MEASURED),
            "clauses": Cell(", ".join(one.clauses) or i18n.NOT_MEASURED, code=True),
            "source": Cell(one.source, by=("source", one.source)),
            "by": Cell(who(one.raised_by)),
            "raised": _loop.moment(reader, one.raised_at),
            "settled": _loop.moment(reader, one.settled_at),
        },
        {"state": one.state, "severity": one.severity, "source": one.source},
        one.id,
    )


def _batch(reader: Reader) -> Markup:
    return Markup('<button class="button small">{}</button>').format(reader.context.gettext("转为整改单"))


def _sentence(reader: Reader, found: Sequence[Finding]) -> tuple[str, str]:
    _ = reader.context.gettext
    waiting = [one for one in found if one.state == "open"]
    severe = [one for one in waiting if one.severity in ("critical", "high")]
    if severe:
        return "bad", _("%(n)s 个严重或高等级的问题还没有进入整改。", n=len(severe))
    if waiting:
        return "warn", _("%(n)s 个问题等待处理。", n=len(waiting))
    if not found:
        return "idle", _("台账里还没有问题。")
    return "ok", _("没有等待处理的问题。")


def _proofs(reader: Reader, found: Finding) -> list[Any]:
    kept = []
    for id in found.evidence_ids:
        try:
            kept.append(evidence.artefact(reader.session, id))
        except NotFound:
            continue
    return kept


def _history(reader: Reader, found: Finding) -> list[dict[str, Any]]:
    _, who = reader.context.gettext, _loop.who(reader)

    def entry(at: datetime, tone: str, person: str, what: str, more: str = "") -> dict[str, Any]:
        return {"at": at, "tone": tone, "who": who(person), "what": what, "more": more}

    lines = [entry(found.raised_at, "info", found.raised_by, _("提出"))]
    if found.settled_at:
        tone, word = _words.badge(reader.context, "finding", found.state)
        lines.insert(0, entry(found.settled_at, tone, found.settled_by, word, found.reason))
    return lines


def _settling(reader: Reader, found: Finding, to: str) -> None:
    rules.advance(found.number, found.state, to)
    rules.check_settling(
        number=found.number,
        state=found.state,
        case_id=found.case_id,
        by_case="",
        raised_by=found.raised_by,
        actor_id=reader.actor.id,
    )
