"""Rights of persons: who asks (sealed), until when, what was found where, and the proof of what became of it."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response
from pydantic import ValidationError

from gnomon.console.lists import exported, listed, stamp
from gnomon.console.pages import _privacy
from gnomon.console.pages.access import reason_of, writer
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.console.urls import Column
from gnomon.control.privacy.subjects import actions, persons, queries, rules
from gnomon.control.privacy.subjects.holders import HOLDERS
from gnomon.control.privacy.subjects.schemas import Identifier, IdentityCheck, NewRightsRequest
from gnomon.control.privacy.subjects.traffic import NAME, TITLE
from gnomon.control.privacy.tables import RightsRequest
from gnomon.guard.detectors import DETECTORS
from gnomon.kit import i18n
from gnomon.kit.errors import BadInput
from gnomon.kit.i18n import SOURCE, mark
from gnomon.kit.web import WorkDep, allow

router = APIRouter(include_in_schema=False)
WANTS: Final = {"find": mark("查询"), "export": mark("导出副本"), "erase": mark("删除其信息")}
ASKED_BY: Final = {"person": mark("当事人"), "representative": mark("代理人")}
WHYS: Final = {
    "damaged": mark("已损坏"),
    "encrypted": mark("有密码或为旧版格式"),
    "too_large": mark("展开后过大"),
    "nested": mark("嵌套过深"),
    "binary": mark("不是文本"),
    "pdf": mark("PDF，未能读出文字"),
}
HOW: Final = {
    "in_person": mark("当面核对"),
    "document": mark("核对证件"),
    "account": mark("本人账号确认"),
    "authorisation": mark("核对授权书"),
}
STATES: Final = {
    "opened": ("warn", mark("待核实身份")),
    "verified": ("warn", mark("待查找")),
    "searching": ("info", mark("查找中")),
    "found": ("info", mark("已查到，待办理")),
    "approving": ("warn", mark("待审批删除")),
    "approved": ("info", mark("已批准，待删除")),
    "erasing": ("info", mark("删除中")),
    "incomplete": ("bad", mark("未删净")),
    "done": ("ok", mark("已办结")),
    "refused": ("idle", mark("已拒绝")),
}
COMMON: Final = ("CN_MOBILE", "CN_ID", "EMAIL", "BANK_CARD", "PERSON", "ACCOUNT")
_NAMED: Final = {"PERSON": mark("姓名"), "ACCOUNT": mark("平台账号"), "ADDRESS": mark("地址")}
_WAITING: Final = ("searching", "approved", "erasing")
_SHOWN: Final = 100


@router.get("/privacy/subjects", dependencies=[allow("rights_request.view")])
def requests(reader: ReaderDep) -> Response:
    """Every request, the newest first; whom it is about is nowhere."""
    view, columns, write = reader.view, _columns(reader), writer(reader)
    every = [_row(reader, one) for one in queries.requests(reader.session)]
    state = view.get("state")
    rows = [row for row in every if state in ("", row["key"])]
    found = listed(view, columns, rows, sort="-opened", write=write)
    if view.get("export"):
        name = f"rights-{stamp(reader.now.astimezone(reader.zone))}"
        return exported(view, columns, found.all_rows, name=name, write=write)
    return _list(reader, columns=columns, found=found, every=every)


@router.post("/privacy/subjects", dependencies=[allow("rights_request.open")])
def open_request(
    work: WorkDep,
    reader: ReaderDep,
    wants: Annotated[str, Form()] = "",
    asked_by: Annotated[str, Form()] = "",
    contact: Annotated[str, Form()] = "",
    CN_MOBILE: Annotated[str, Form()] = "",
    CN_ID: Annotated[str, Form()] = "",
    EMAIL: Annotated[str, Form()] = "",
    BANK_CARD: Annotated[str, Form()] = "",
    PERSON: Annotated[str, Form()] = "",
    ACCOUNT: Annotated[str, Form()] = "",
    other_kind: Annotated[str, Form()] = "",
    other: Annotated[str, Form()] = "",
) -> Response:
    """The identifiers are sealed with this very step; no page shows them again."""
    typed = dict(zip(COMMON, (CN_MOBILE, CN_ID, EMAIL, BANK_CARD, PERSON, ACCOUNT), strict=True))
    given = [(kind, value.strip()) for kind, value in [*typed.items(), (other_kind, other)] if kind and value.strip()]
    _ = reader.context.gettext
    try:
        new = NewRightsRequest.model_validate(
            {
                "wants": wants,
                "asked_by": asked_by or "person",
                "contact": contact.strip(),
                "identifiers": [Identifier(entity=kind, value=value) for kind, value in given],
            }
        )
    except ValidationError as error:
        raise BadInput(
            _("请求没有填完整。"), next_step=_("选择请求的内容，并至少填一项能确认本人的标识（2 个字以上）。")
        ) from error
    made = actions.open_request(work, new)
    return see_other(f"/privacy/subjects/{made.id}", notice=("ok", _("请求 %(n)s 已登记，标识已封存", n=made.number)))


@router.get("/privacy/subjects/{id}", dependencies=[allow("rights_request.view")])
def one(id: str, reader: ReaderDep) -> HTMLResponse:
    """One request: its steps, where something was found, what an erasure did and what it left, and why."""
    row = queries.request(reader.session, id)
    return reader.page(
        "subject.html",
        case=row,
        row=_row(reader, row),
        steps=_steps(reader, row),
        waiting=row.state in _WAITING,
        identity=_identity(reader, row),
        entities=[_kind(reader, entity) for entity in row.entities],
        found=_found(reader, row),
        unread=_unread(reader, row),
        places=[
            (_holder(reader, place["holder"]), place["ref"], _kinds(reader, place)) for place in row.places[:_SHOWN]
        ],
        more=max(0, len(row.places) - _SHOWN),
        package=_package(reader, row),
        outcome=_outcome(reader, row),
        hows=[(key, reader.context.gettext(word)) for key, word in HOW.items()],
        verify_refused=reader.refusal("rights_request.verify"),
        perform_refused=reader.refusal("rights_request.perform"),
        export_refused=reader.refusal("rights_request.export"),
        download_refused=reader.refusal("rights_request.download"),
        request_refused=reader.refusal("rights_request.request"),
        resume_refused=reader.refusal("rights_request.resume"),
        close_refused=reader.refusal("rights_request.close"),
        reject_refused=reader.refusal("rights_request.reject"),
    )


@router.post("/privacy/subjects/{id}/identity", dependencies=[allow("rights_request.verify")])
def verify(id: str, work: WorkDep, reader: ReaderDep, how: Annotated[str, Form()] = "") -> Response:
    try:
        check = IdentityCheck.model_validate({"how": how})
    except ValidationError as error:
        raise BadInput(reader.context.gettext("没有选择核实方式。")) from error
    actions.verify_identity(work, id, check)
    return _back(reader, id, mark("身份已核实"))


@router.post("/privacy/subjects/{id}/search", dependencies=[allow("rights_request.perform")])
def search(id: str, work: WorkDep, reader: ReaderDep) -> Response:
    actions.start_search(work, id)
    return _back(reader, id, mark("已开始查找"))


@router.post("/privacy/subjects/{id}/package", dependencies=[allow("rights_request.export")])
def package(id: str, work: WorkDep, reader: ReaderDep) -> Response:
    actions.make_package(work, id)
    return _back(reader, id, mark("正在制作副本"))


@router.post("/privacy/subjects/{id}/download", dependencies=[allow("rights_request.download")])
def download(id: str, work: WorkDep) -> Response:
    """The signed archive; this reading is in the audit trail."""
    data = actions.read_package(work, id)
    name = f"{queries.request(work.session, id).number}.zip"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(data, media_type="application/zip", headers=headers)


@router.post("/privacy/subjects/{id}/erasure", dependencies=[allow("rights_request.request")])
def erasure(id: str, work: WorkDep, reader: ReaderDep) -> Response:
    actions.ask_erasure(work, id)
    return _back(reader, id, mark("已提交删除审批"))


@router.post("/privacy/subjects/{id}/resume", dependencies=[allow("rights_request.resume")])
def resume(id: str, work: WorkDep, reader: ReaderDep) -> Response:
    actions.resume_erasure(work, id)
    return _back(reader, id, mark("删除继续进行"))


@router.post("/privacy/subjects/{id}/close", dependencies=[allow("rights_request.close")])
def close(id: str, work: WorkDep, reader: ReaderDep) -> Response:
    actions.close_request(work, id)
    return _back(reader, id, mark("请求已办结"))


@router.post("/privacy/subjects/{id}/refusal", dependencies=[allow("rights_request.reject")])
def refuse(id: str, work: WorkDep, reader: ReaderDep, reason: Annotated[str, Form()] = "") -> Response:
    actions.refuse_request(work, id, reason=reason_of(reader, reason))
    return _back(reader, id, mark("请求已拒绝"))


def _back(reader: Reader, id: str, word: str) -> Response:
    return see_other(f"/privacy/subjects/{id}", notice=("ok", reader.context.gettext(word)))


def _list(reader: Reader, *, columns: list[Column], found: Any, every: list[dict[str, Any]]) -> HTMLResponse:
    _ = reader.context.gettext
    others = sorted(persons.noted() - {*COMMON})
    return reader.page(
        "subjects.html",
        tabs=_privacy.tabs(reader),
        columns=columns,
        found=found,
        total=len(every),
        live=sum(row["live"] for row in every),
        late=sum(row["late"] for row in every),
        days=int(reader.book.threshold(reader.book.persons.answer_within).limit),
        states=[(key, _(word)) for key, (_tone, word) in STATES.items()],
        wants=[(key, _(word)) for key, word in WANTS.items()],
        askers=[(key, _(word)) for key, word in ASKED_BY.items()],
        kinds=[(kind, _kind(reader, kind)) for kind in COMMON],
        others=[("", _("不填"))] + [(kind, _kind(reader, kind)) for kind in others],
        open_refused=reader.refusal("rights_request.open"),
    )


def _columns(reader: Reader) -> list[Column]:
    _ = reader.context.gettext
    return [
        Column("number", _("编号")),
        Column("wants", _("请求事项")),
        Column("state", _("状态")),
        Column("due", _("答复期限")),
        Column("places", _("处所数"), num=True),
        Column("entities", _("凭何标识"), wrap=True),
        Column("opened", _("登记时间")),
        Column("by", _("登记人"), hidden=True),
        Column("ended", _("办结于"), hidden=True),
    ]


def _row(reader: Reader, row: RightsRequest) -> dict[str, Any]:
    _ = reader.context.gettext
    tone, word = STATES[row.state]
    live = row.state not in rules.OVER
    return {
        "id": row.id,
        "number": row.number,
        "key": row.state,
        "wants": _(WANTS[row.wants]),
        "state": (tone, _(word)),
        "due": row.due_at,
        "places": row.found.get("places"),
        "entities": _("、").join(_kind(reader, entity) for entity in row.entities),
        "opened": row.opened_at,
        "by": reader.name(row.opened_by),
        "ended": row.ended_at,
        "live": live,
        "late": rules.is_late(due_at=row.due_at, ended_at=row.ended_at, now=reader.now),
        "asked_by": _(ASKED_BY[row.asked_by]),
    }


def _steps(reader: Reader, row: RightsRequest) -> list[tuple[str, str, str]]:
    _ = reader.context.gettext
    order = ["opened", "verified", "searching", "found"]
    words = {"opened": mark("登记"), "verified": mark("核实身份"), "searching": mark("查找"), "found": mark("告知")}
    if row.wants == "erase":
        order, words = (
            [*order, "approving", "erasing"],
            words | {"approving": mark("审批"), "erasing": mark("删除并证明")},
        )
    reached = {"approved": "approving", "incomplete": "erasing"}.get(row.state, row.state)
    at = len(order) if row.state == "done" else order.index(reached) + 1 if reached in order else 0
    if row.state == "refused":
        return [(_(words["opened"]), "done", ""), (_("已拒绝"), "stopped", row.reason[:40])]
    return [
        (_(words[name]), "done" if number < at else "now" if number == at else "todo", "")
        for number, name in enumerate(order)
    ]


def _identity(reader: Reader, row: RightsRequest) -> str:
    if not row.identity:
        return i18n.NOT_MEASURED
    _ = reader.context.gettext
    return _("%(how)s（%(who)s）", how=_(HOW[row.identity["how"]]), who=reader.name(row.identity["by"]))


def _found(reader: Reader, row: RightsRequest) -> list[tuple[str, int, int]]:
    """(holder, places about the person, places possibly about the person)."""
    sure, possible = row.found.get("by_holder", {}), row.found.get("possible", {})
    names = [NAME, *HOLDERS]
    return [(_holder(reader, name), sure.get(name, 0), possible.get(name, 0)) for name in names] if row.found else []


def _unread(reader: Reader, row: RightsRequest) -> list[tuple[str, str, str]]:
    """(holder, reference, why) of what the search, or the erasure, could not look into."""
    missed = (row.outcome or row.found).get("unread", [])
    return [(_holder(reader, one["holder"]), one["ref"], reader.context.gettext(WHYS[one["why"]])) for one in missed]


def _package(reader: Reader, row: RightsRequest) -> dict[str, Any] | None:
    if not row.package.get("stored"):
        return None
    until = datetime.fromisoformat(row.package["until"])
    return {"sha256": row.package["sha256"], "until": until, "downloads": row.package["downloads"]}


def _outcome(reader: Reader, row: RightsRequest) -> dict[str, Any] | None:
    if not row.outcome:
        return None
    language = reader.context.locale
    return {
        "by_holder": [(_holder(reader, name), n) for name, n in row.outcome["by_holder"].items()],
        "counts": row.outcome["counts"],
        "kept": [(one["ref"], one["why"][language]) for one in row.outcome["kept"]],
        "objects": row.outcome["objects"],
        "learnt": row.outcome["learnt"],
        "left": row.outcome["left"],
        "searched": row.outcome["searched"],
        "chain": row.outcome["chain"],
        "found_again": row.outcome["found_again"],
    }


def _holder(reader: Reader, name: str) -> str:
    title = TITLE if name == NAME else HOLDERS[name].title if name in HOLDERS else {SOURCE: name, "en": name}
    return title[reader.context.locale]


def _kinds(reader: Reader, place: dict[str, Any]) -> str:
    return reader.context.gettext("、").join(_kind(reader, entity) for entity in place["entities"])


def _kind(reader: Reader, entity: str) -> str:
    """The kind of identifier in words; the detectors' own Chinese label, and in English their name."""
    if entity in _NAMED:
        return reader.context.gettext(_NAMED[entity])
    if reader.context.locale != SOURCE:
        return entity.replace("_", " ").capitalize().replace("Cn ", "Chinese ").replace(" id", " ID")
    return next((one.label for one in DETECTORS if one.entity == entity), entity)
