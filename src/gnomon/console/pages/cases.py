"""Remediation cases: the table and the board, one case with its frozen plan, its work, its verdict and its end."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Form
from fastapi.responses import Response
from pydantic import ValidationError

from gnomon.console.pages import _loop, _words
from gnomon.console.pages._loop import Cell, Line
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.console.urls import Column
from gnomon.control.catalog import queries as catalog
from gnomon.control.findings import queries as findings
from gnomon.control.people import queries as people
from gnomon.control.remediation import actions, queries, rules
from gnomon.control.remediation.schemas import (
    NewCase,
)
from gnomon.control.remediation.tables import Case
from gnomon.kit import i18n
from gnomon.kit.errors import BadInput
from gnomon.kit.web import WorkDep, allow

router = APIRouter(include_in_schema=False)


@router.get("/cases", dependencies=[allow("case.view")])
def cases(reader: ReaderDep) -> Response:
    """All cases as a table; with `as=board` by step."""
    _, who = reader.context.gettext, _loop.who(reader)
    columns = [
        Column("number", _("编号")),
        Column("title", _("标题"), wrap=True),
        Column("level", _("等级")),
        Column("state", _("状态")),
        Column("verdict", _("结论")),
        Column("round", _("整改轮次"), num=True),
        Column("model", _("所属模型")),
        Column("owner", _("责任人")),
        Column("late", _("逾期任务"), num=True),
        Column("opened", _("立项时间")),
    ]
    found = queries.cases(reader.session)
    today = reader.now.astimezone(reader.context.zone).date()
    late: dict[str, int] = {}
    for task in queries.overdue(reader.session, today=today):
        late[task.case_id] = late.get(task.case_id, 0) + 1
    verdicts = {one.id: verdict_of(reader, one) for one in found}
    lines = [
        Line(
            {
                "number": _loop.link(one.number, f"/cases/{one.id}", code=True),
                "title": Cell(one.title),
                "level": _loop.status(reader, "level", one.level, param="level"),
                "state": _loop.status(reader, "case", one.state, param="state"),
                "verdict": _loop.status(reader, "verdict", verdicts[one.id])
                if verdicts[one.id]
                else Cell(i18n.NOT_MEASURED),
                "round": _loop.number(reader, one.rounds),
                "model": Cell(one.model, by=("model", one.model)),
                "owner": Cell(who(one.owner_id)),
                "late": _loop.number(reader, late.get(one.id, 0)),
                "opened": _loop.moment(reader, one.opened_at),
            },
            {"level": one.level, "state": one.state, "model": one.model},
            one.id,
        )
        for one in found
    ]
    choices = {
        "state": (_("状态"), _words.options(reader.context, "case")),
        "level": (_("等级"), _words.options(reader.context, "level")),
        "model": (_("所属模型"), [(one, one) for one in sorted({one.model for one in found})]),
    }
    made = _loop.listing(reader, columns, lines, sort="-opened", name="cases", label=_("整改单"), choices=choices)
    if isinstance(made, Response):
        return made
    board = reader.view.get("as") == "board"
    return _loop.show(
        reader,
        "cases.html",
        list=made,
        board=_board(reader, found, late) if board else [],
        views=[
            (_("表格"), reader.view.to(**{"as": None}), not board),
            (_("看板"), reader.view.to(**{"as": "board"}), board),
        ],
        sentence=_overall(reader, found, sum(late.values())),
        open_refused=reader.refusal("case.open"),
    )


def verdict_of(reader: Reader, one: Case) -> str:
    return queries.current_round(reader.session, one).verdict if one.rounds else ""


def _board(
    reader: Reader, found: Sequence[Case], late: Mapping[str, int]
) -> list[tuple[str, str, list[dict[str, Any]]]]:
    """Columns of the steps: (tone, word, cards)."""
    who = _loop.who(reader)
    columns = []
    for state in rules.CASE_STATES:
        cards = [
            {"case": one, "owner": who(one.owner_id), "late": late.get(one.id, 0)}
            for one in found
            if one.state == state
        ]
        columns.append((*_words.badge(reader.context, "case", state), cards))
    return columns


def _overall(reader: Reader, found: Sequence[Case], late: int) -> tuple[str, str]:
    _ = reader.context.gettext
    going = sum(one.state != "closed" for one in found)
    if not found:
        return "idle", _("还没有整改单。")
    if late:
        return "bad", _("%(going)s 件整改在进行，%(late)s 项任务逾期。", going=going, late=late)
    if going:
        return "info", _("%(going)s 件整改在进行，没有任务逾期。", going=going)
    return "ok", _("全部整改已销号。")


@router.get("/cases/new", dependencies=[allow("case.open")])
def new_case(reader: ReaderDep) -> Response:
    """The form; findings named in the address are chosen already."""
    chosen = set(reader.view.all("finding"))
    waiting = findings.findings(reader.session, state="open")
    return _loop.show(
        reader,
        "case_new.html",
        waiting=[(one.id, f"{one.number} {one.title}") for one in waiting],
        chosen=[one.id for one in waiting if one.id in chosen],
        title=next((one.title for one in waiting if one.id in chosen), ""),
        models=[(one.name, f"{one.name} · {one.title}") for one in catalog.models(reader.session)],
        owners=[(one.id, one.name) for one in people.people(reader.session) if one.active],
        levels=_words.options(reader.context, "level"),
    )


@router.post("/cases", dependencies=[allow("case.open")])
def open_case(
    reader: ReaderDep,
    work: WorkDep,
    title: Annotated[str, Form()] = "",
    level: Annotated[str, Form()] = "",
    model: Annotated[str, Form()] = "",
    owner_id: Annotated[str, Form()] = "",
    finding: Annotated[list[str] | None, Form()] = None,
) -> Response:
    new = form_of(
        reader, NewCase, title=title.strip(), level=level, model=model, owner_id=owner_id, finding_ids=finding or []
    )
    made = actions.open_case(work, new)
    said = reader.context.gettext("整改单 %(number)s 已立项", number=made.number)
    return see_other(f"/cases/{made.id}", notice=("ok", said))


def form_of(reader: Reader, shape: Any, **values: Any) -> Any:
    """The form as the action wants it. Raises BadInput naming the fields that do not fit."""
    _ = reader.context.gettext
    try:
        return shape.model_validate(values)
    except ValidationError as error:
        fields = ", ".join(sorted({str(item["loc"][0]) for item in error.errors()}))
        raise BadInput(
            _("这些项没有填或填得不对：%(fields)s。", fields=fields), next_step=_("返回上一页修改。")
        ) from error
