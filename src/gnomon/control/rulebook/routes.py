"""HTTP: the clause board, one clause, the controls, and asking a control's check to look now."""

import csv
import io
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from gnomon.control.rulebook import actions, exports, queries
from gnomon.control.rulebook.queries import ClauseStanding, ControlStanding
from gnomon.control.rulebook.rules import Rulebook, load
from gnomon.control.rulebook.schemas import Text
from gnomon.kit.clock import iso
from gnomon.kit.web import ReadDep, WorkDep, allow, platform_of

router = APIRouter(prefix="/api/v1", tags=["rulebook"])
_BOM = "\ufeff"  # spreadsheet programs read UTF-8 only when told so


@router.get("/clauses", dependencies=[allow("clause.view")])
def board(request: Request, session: ReadDep) -> dict[str, Any]:
    found = queries.board(session, platform_of(request).clock.now())
    return {
        "at": iso(found.at),
        "rulebook": found.version,
        "total": found.total,
        "counts": found.counts,
        "clauses": [plain_clause(one) for one in found.clauses],
    }


@router.get("/clauses/export", dependencies=[allow("clause.export")])
def export(request: Request, session: ReadDep) -> Response:
    """The board as CSV: one row per clause and control."""
    found = queries.board(session, platform_of(request).clock.now())
    name = f"gnomon-clauses-{found.at:%Y%m%d-%H%M}.csv"
    return Response(
        board_csv(found), media_type="text/csv", headers={"content-disposition": f'attachment; filename="{name}"'}
    )


@router.get("/clauses/{id}", dependencies=[allow("clause.view")])
def clause(id: str, request: Request, session: ReadDep) -> dict[str, Any]:
    book = load()
    found = queries.clause(session, id, platform_of(request).clock.now(), book=book)
    return plain_clause(found) | {
        "text": _both(found.clause.text),
        "controls": [plain_control(one, book) for one in found.controls],
    }


@router.get("/controls", dependencies=[allow("control.view")])
def controls(request: Request, session: ReadDep) -> list[dict[str, Any]]:
    book = load()
    found = queries.control_standings(session, platform_of(request).clock.now(), book=book)
    return [plain_control(one, book) for one in found.values()]


@router.post("/controls/{id}/run", status_code=202)
def run(id: str, work: WorkDep) -> dict[str, str]:
    return {"job": actions.request_run(work, id)}


@router.post(
    "/audit/exports/verification",
    status_code=201,
    dependencies=[allow("audit.verify")],
    openapi_extra={"requestBody": {"required": True, "content": {"application/x-ndjson": {}}}},
)
def verify_export(
    request: Request, export: Annotated[exports.Export, Depends(exports.receive)], work: WorkDep
) -> dict[str, Any]:
    """The body is the file of `GET /audit/export`, byte for byte; what it shows is kept as evidence."""
    made = actions.verify_export(work, export, key=request.app.state.audit_key)
    told = ("records", "head", "problem", "at_seq", "checkpoint", "file_sha256")
    return {"evidence": made.id, "state": made.state} | {name: made.facts[name] for name in told}


def plain_clause(standing: ClauseStanding) -> dict[str, Any]:
    return {
        "id": standing.clause.id,
        "chapter": standing.clause.chapter,
        "title": _both(standing.clause.title),
        "state": standing.state.state.value,
        "controls": {one.control.id: one.state.state.value for one in standing.controls},
        "evidence": [one.state.evidence_id for one in standing.controls if one.state.evidence_id],
    }


def plain_control(standing: ControlStanding, book: Rulebook) -> dict[str, Any]:
    control, artefact, last = standing.control, standing.artefact, standing.last_run
    threshold = book.threshold_of(control.id)
    return {
        "id": control.id,
        "title": _both(control.title),
        "clauses": list(control.clauses),
        "kind": control.kind,
        "source": control.source,
        "answered_by": standing.answered_by,
        "owner": control.owner,
        "freshness_s": control.max_age.total_seconds(),
        "threshold": threshold.as_dict() if threshold else None,
        "state": standing.state.state.value,
        "reason": standing.refusal or standing.state.reason,
        "explanation": {"zh-CN": standing.state.explain("zh-CN"), "en": standing.state.explain("en")},
        "age_s": _seconds(standing.state.age),
        "evidence": {"id": artefact.id, "state": artefact.state, "at": iso(artefact.made_at), "facts": artefact.facts}
        if artefact
        else None,
        "last_run": {"at": iso(last.at), "outcome": last.outcome, "error": last.error} if last else None,
    }


def board_csv(board: queries.Board) -> str:
    """Both languages side by side, so that one file serves every reader."""
    out = io.StringIO()
    out.write(_BOM)
    rows = csv.writer(out)
    rows.writerow(
        [
            "clause",
            "条款",
            "title",
            "clause_state",
            "control",
            "control_state",
            "reason",
            "evidence",
            "made_at",
            "sha256",
        ]
    )
    for one in board.clauses:
        for held in one.controls:
            artefact = held.artefact
            rows.writerow(
                [
                    one.clause.id,
                    one.clause.title.zh,
                    one.clause.title.en,
                    one.state.state.value,
                    held.control.id,
                    held.state.state.value,
                    held.refusal or held.state.reason,
                    artefact.id if artefact else "",
                    iso(artefact.made_at) if artefact else "",
                    artefact.sha256 if artefact else "",
                ]
            )
    return out.getvalue()


def _both(text: Text) -> dict[str, str]:
    return {"zh-CN": text.zh, "en": text.en}


def _seconds(age: timedelta | None) -> float | None:
    return None if age is None else age.total_seconds()
