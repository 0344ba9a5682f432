"""The audit trail: who did what to which thing, when and with what outcome; and whether the chain still holds."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from gnomon.console import facts, words
from gnomon.console.lists import Row, stamp, table_file
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.urls import PAGE_SIZE, Column, pages
from gnomon.control.audit import queries, rules
from gnomon.control.audit.sealer import content
from gnomon.control.audit.tables import AuditEntry, AuditSeal
from gnomon.control.evidence import queries as evidence
from gnomon.control.people import queries as people
from gnomon.kit import i18n
from gnomon.kit.errors import BadInput
from gnomon.kit.web import allow

router = APIRouter(include_in_schema=False)
BATCH = 1000
_CHAIN = "audit.chain_verified"
_PAGES = {
    "approval": "/approvals/{id}",
    "evidence": "/evidence/{id}",
    "case": "/cases/{id}",
    "finding": "/findings/{id}",
    "deployment": "/deployments/{id}",
}


@router.get("/audit", dependencies=[allow("audit.view")])
def audit(reader: ReaderDep) -> Response:
    """The newest entries that the address asks for; with `export=csv` all of them as a file."""
    wanted, columns = _wanted(reader), _columns(reader)
    if reader.view.get("export"):
        reader.require("audit.export")
        return _export(reader, columns, wanted)
    total = queries.count(reader.session, **wanted)
    page = min(reader.view.page, pages(total))
    found = queries.search(reader.session, **wanted, limit=PAGE_SIZE, offset=(page - 1) * PAGE_SIZE)
    return reader.page(
        "audit.html",
        columns=columns,
        rows=[_row(reader, entry, seal) for entry, seal in found],
        total=total,
        unsealed=queries.unsealed(reader.session),
        chain=evidence.newest(reader.session, [_CHAIN]).get(_CHAIN),
        people=sorted(people.names(reader.session).items(), key=lambda one: one[1]),
        resources=[(f"{one.id}.", reader.say(one.title)) for one in reader.book.matrix.resources],
        outcomes=words.options(words.OUTCOME, reader.context),
        verify_refused=reader.refusal("audit.verify"),
        export_refused=reader.refusal("audit.export"),
    )


@router.get("/audit/verify", dependencies=[allow("audit.verify")])
def verify(request: Request, reader: ReaderDep) -> HTMLResponse:
    """Every seal and every signed checkpoint, recomputed now."""
    began = datetime.now().astimezone()
    verdict = queries.verify(reader.session, request.app.state.audit_key)
    return reader.page(
        "audit_verify.html",
        verdict=verdict,
        unsealed=queries.unsealed(reader.session),
        took=datetime.now().astimezone() - began,
        at=reader.now,
    )


@router.get("/audit/{id:int}", dependencies=[allow("audit.view")])
def entry(id: int, reader: ReaderDep) -> HTMLResponse:
    """One entry with its facts and its link in the chain."""
    found, seal = queries.entry(reader.session, id)
    kept = rules.seal(seal.prev, content(found)) == seal.sha256 if seal else None
    return reader.page(
        "audit_entry.html",
        row=_row(reader, found, seal),
        entry=found,
        seal=seal,
        kept=kept,
        facts=facts.tree(reader, found.facts),
    )


# ---------------------------------------------------------------- what is asked


def _wanted(reader: Reader) -> dict[str, Any]:
    view = reader.view
    since, until = _day(view.get("since")), _day(view.get("until"))
    return {
        "text": view.get("q").strip(),
        "actor_id": view.get("actor"),
        "permission": view.get("what"),
        "object_id": view.get("object"),
        "outcome": view.get("outcome"),
        "since": datetime.combine(since, time(), reader.zone) if since else None,
        "until": datetime.combine(until + timedelta(days=1), time(), reader.zone) if until else None,
    }


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{text!r} is no date.", next_step="Write it as 2026-03-31.") from error


# ---------------------------------------------------------------- the list


def _columns(reader: Reader) -> list[Column]:
    _ = reader.context.gettext
    return [
        Column("at", _("时间"), sort=False),
        Column("who", _("谁"), sort=False),
        Column("what", _("做了什么"), sort=False),
        Column("object", _("对象"), sort=False),
        Column("outcome", _("结果"), sort=False),
        Column("reason", _("理由"), sort=False, wrap=True),
        Column("address", _("地址"), sort=False, hidden=True),
        Column("permission", _("权限代号"), sort=False, hidden=True),
        Column("seq", _("链上序号"), num=True, sort=False),
    ]


def _row(reader: Reader, entry: AuditEntry, seal: AuditSeal | None) -> dict[str, Any]:
    named = reader.context.gettext("系统") if entry.actor_kind == "system" else entry.actor_name
    return {
        "id": entry.id,
        "at": entry.at,
        "who": reader.context.gettext("未登录") if entry.actor_kind == "nobody" else named,
        "actor": entry.actor_id,
        "what": reader.permission(entry.permission),
        "permission": entry.permission,
        "kind": entry.object_kind,
        "object": entry.object_id,
        "url": _PAGES[entry.object_kind].format(id=entry.object_id) if entry.object_kind in _PAGES else "",
        "outcome": words.said(words.OUTCOME, entry.outcome, reader.context),
        "reason": str(entry.facts.get("reason") or entry.facts.get("error") or ""),
        "address": entry.address,
        "seq": seal.seq if seal else None,
    }


def _write(reader: Reader, row: Row, column: Column) -> str:
    if column.key == "at":
        return i18n.moment(row["at"], reader.context.locale, zone=reader.zone, seconds=True)
    if column.key == "object":
        return f"{row['kind']} {row['object']}".strip()
    if column.key == "outcome":
        return str(row["outcome"][1])
    return i18n.number(row["seq"]) if column.key == "seq" else str(row[column.key])


def _export(reader: Reader, columns: list[Column], wanted: dict[str, Any]) -> Response:
    """Every entry up to now: what is written meanwhile would shift the batches."""
    shown = reader.view.shown(columns)
    until = wanted["until"] or reader.now

    def rows() -> Iterator[list[str]]:
        offset = 0
        while found := queries.search(
            reader.session, **(wanted | {"until": min(until, reader.now)}), limit=BATCH, offset=offset
        ):
            for entry, seal in found:
                row = _row(reader, entry, seal)
                yield [_write(reader, row, column) for column in shown]
            offset += BATCH

    name = f"audit-{stamp(reader.now.astimezone(reader.zone))}"
    return table_file(reader.view.get("export"), name, [column.label for column in shown], rows())
