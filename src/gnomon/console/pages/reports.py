"""Issued papers: ask for one, fetch it, and see whether it is still what was issued."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response
from pydantic import ValidationError

from gnomon.console.pages import _loop, _words
from gnomon.console.pages._loop import Cell, Line
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.console.urls import Column
from gnomon.control.deployments import queries as deployments
from gnomon.control.remediation import queries as remediation
from gnomon.control.reports import actions, queries, rules
from gnomon.control.reports.rendering import MEDIA
from gnomon.control.reports.schemas import NewReport
from gnomon.control.reports.tables import Report
from gnomon.kit import i18n
from gnomon.kit.errors import BadInput
from gnomon.kit.web import ReadDep, WorkDep, allow

router = APIRouter(include_in_schema=False)
LANGUAGES = {"zh-CN": "中文", "en": "English"}


@router.get("/reports", dependencies=[allow("report.view")])
def reports(reader: ReaderDep) -> Response:
    """Every file, newest issue first; with `verify=<id>` one of them is hashed anew."""
    _, who = reader.context.gettext, _loop.who(reader)
    columns = [
        Column("number", _("编号")),
        Column("title", _("报告种类")),
        Column("subject", _("对象")),
        Column("version", _("版次"), num=True),
        Column("language", _("语言")),
        Column("format", _("格式")),
        Column("state", _("状态")),
        Column("size", _("大小"), num=True),
        Column("sha256", _("SHA-256"), sort=False),
        Column("verify", _("校验"), sort=False),
        Column("by", _("申请人"), hidden=True),
        Column("requested", _("申请时间")),
    ]
    found = queries.reports(reader.session, subject_id=reader.view.get("subject"), limit=2000)
    subjects = _subjects(reader)
    lines = [_line(reader, one, subjects, who(one.made_by)) for one in found]
    choices = {
        "kind": (_("报告种类"), _kinds(reader)),
        "language": (_("语言"), list(LANGUAGES.items())),
        "format": (_("格式"), [(one, one) for one in sorted(MEDIA)]),
        "state": (_("状态"), _words.options(reader.context, "report")),
    }
    made = _loop.listing(reader, columns, lines, sort="-requested", name="reports", label=_("报告"), choices=choices)
    if isinstance(made, Response):
        return made
    return _loop.show(
        reader,
        "reports.html",
        list=made,
        sentence=_sentence(reader, found),
        verified=_verified(reader),
        kinds=_kinds(reader),
        subjects=[("", _("（登记册与条款看板不用选）")), *((id, title) for id, (title, _url) in subjects.items())],
        subject=reader.view.get("subject"),
        languages=[("both", _("中文与英文")), *LANGUAGES.items()],
        create_refused=reader.refusal("report.create"),
        export_refused=reader.refusal("report.export"),
    )


@router.post("/reports", dependencies=[allow("report.create")])
def request_report(
    reader: ReaderDep,
    work: WorkDep,
    kind: Annotated[str, Form()] = "",
    subject_id: Annotated[str, Form()] = "",
    language: Annotated[str, Form()] = "both",
) -> Response:
    _ = reader.context.gettext
    about_all = kind in rules.KINDS and rules.KINDS[kind].subject in ("findings", "rulebook")
    try:
        new = NewReport.model_validate(
            {
                "kind": kind,
                "subject_id": "" if about_all else subject_id,
                "languages": list(LANGUAGES) if language == "both" else [language],
            }
        )
    except ValidationError as error:
        raise BadInput(_("没有这种报告或语言。"), next_step=_("返回上一页重新选择。")) from error
    made = actions.request_report(work, new)
    return see_other("/reports", notice=("ok", _("报告 %(number)s 正在生成", number=made[0].number)))


@router.get("/reports/{id}/file", dependencies=[allow("report.export")])
def file(id: str, session: ReadDep) -> Response:
    """The issued bytes, hashed on the way out."""
    found = queries.report(session, id)
    data = queries.file(found)
    headers = {"content-disposition": f'attachment; filename="{found.file_name}"', "etag": f'"{found.sha256}"'}
    return Response(data, media_type=MEDIA[found.format], headers=headers)


def _kinds(reader: Reader) -> list[tuple[str, str]]:
    return [(name, kind.title[reader.context.locale]) for name, kind in rules.KINDS.items()]


def _subjects(reader: Reader) -> dict[str, tuple[str, str]]:
    """What a paper can be about: title and page by id."""
    found = {
        one.id: (f"{one.number} {one.title}", f"/deployments/{one.id}")
        for one in deployments.deployments(reader.session)
    }
    return found | {
        one.id: (f"{one.number} {one.title}", f"/cases/{one.id}") for one in remediation.cases(reader.session)
    }


def _line(reader: Reader, one: Report, subjects: dict[str, tuple[str, str]], by: str) -> Line:
    _ = reader.context.gettext
    title, url = subjects.get(one.subject_id, (_("全部"), ""))
    ready = one.state == "ready"
    may_fetch = ready and reader.may("report.export")
    return Line(
        {
            "number": Cell(one.number, url=f"/reports/{one.id}/file" if may_fetch else "", code=True),
            "title": Cell(rules.KINDS[one.kind].title[reader.context.locale]),
            "subject": Cell(title, url=url),
            "version": _loop.number(reader, one.version),
            "language": Cell(LANGUAGES[one.language], by=("language", one.language)),
            "format": Cell(one.format, by=("format", one.format)),
            "state": _loop.status(reader, "report", one.state, param="state"),
            "size": Cell(i18n.size(one.size), one.size) if ready else Cell(i18n.NOT_MEASURED),
            "sha256": Cell(one.sha256[:12] or i18n.NOT_MEASURED, code=True),
            "verify": Cell(_("校验"), url=reader.view.to(verify=one.id)) if ready else Cell(i18n.NOT_MEASURED),
            "by": Cell(by),
            "requested": _loop.moment(reader, one.requested_at),
        },
        {"kind": one.kind, "language": one.language, "format": one.format, "state": one.state},
        one.id,
    )


def _sentence(reader: Reader, found: list[Report]) -> tuple[str, str]:
    _ = reader.context.gettext
    failed = sum(one.state == "failed" for one in found)
    making = sum(one.state == "queued" for one in found)
    if not found:
        return "idle", _("还没有签发过报告。")
    if failed:
        return "bad", _("%(n)s 个文件没有生成，重新申请。", n=failed)
    if making:
        return "info", _("%(n)s 个文件正在生成。", n=making)
    return "ok", _("%(n)s 个文件已签发，每个都有哈希与证据。", n=len(found))


def _verified(reader: Reader) -> tuple[str, str, str] | None:
    """Tone, sentence and digest of the file that the address asks to verify."""
    _, id = reader.context.gettext, reader.view.get("verify")
    if not id:
        return None
    found, one = queries.verify(reader.session, id), queries.report(reader.session, id)
    if not found.file:
        return "bad", _("%(name)s 与签发时不一致。", name=one.file_name), found.found_sha256
    if not found.evidence:
        return "bad", _("%(name)s 的证据缺失或被改过。", name=one.file_name), found.found_sha256
    if not found.current:
        return "warn", _("%(name)s 与签发时一致；此后事实有了变化。", name=one.file_name), found.found_sha256
    return "ok", _("%(name)s 与签发时一致，内容与现在的记录相同。", name=one.file_name), found.found_sha256
