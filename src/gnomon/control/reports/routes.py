"""HTTP: ask for a paper, list papers, fetch a file, verify it."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Response

from gnomon.control.reports import actions, queries, rules
from gnomon.control.reports.rendering import MEDIA
from gnomon.control.reports.schemas import NewReport
from gnomon.control.reports.tables import Report
from gnomon.kit.clock import iso
from gnomon.kit.web import ReadDep, WorkDep, allow

router = APIRouter(prefix="/api/v1/reports", tags=["reports"])


def plain(report: Report) -> dict[str, Any]:
    return {
        "id": report.id,
        "issue_id": report.issue_id,
        "number": report.number,
        "version": report.version,
        "kind": report.kind,
        "subject": {"kind": report.subject_kind, "id": report.subject_id},
        "language": report.language,
        "format": report.format,
        "state": report.state,
        "title": report.title,
        "file_name": report.file_name,
        "sha256": report.sha256,
        "size": report.size,
        "content_sha256": report.content_sha256,
        "evidence_id": report.evidence_id,
        "error": report.error,
        "job": report.job_id,
        "made_by": report.made_by,
        "requested_at": iso(report.requested_at),
        "made_at": iso(report.made_at) if report.made_at else None,
    }


@router.post("", status_code=202)
def request(body: NewReport, work: WorkDep) -> dict[str, Any]:
    reports = actions.request_report(work, body)
    first = reports[0]
    return {
        "issue_id": first.issue_id,
        "number": first.number,
        "job": first.job_id,
        "reports": [plain(report) for report in reports],
    }


@router.get("", dependencies=[allow("report.view")])
def listed(session: ReadDep, kind: str = "", subject_id: str = "", issue_id: str = "") -> list[dict[str, Any]]:
    found = queries.reports(session, kind=kind, subject_id=subject_id, issue_id=issue_id)
    return [plain(report) for report in found]


@router.get("/kinds", dependencies=[allow("report.view")])
def kinds() -> list[dict[str, Any]]:
    return [
        {"kind": name, "subject": kind.subject, "formats": list(kind.formats), "title": dict(kind.title)}
        for name, kind in rules.KINDS.items()
    ]


@router.get("/{id}", dependencies=[allow("report.view")])
def one(id: str, session: ReadDep) -> dict[str, Any]:
    return plain(queries.report(session, id))


@router.get("/{id}/file", dependencies=[allow("report.export")])
def file(id: str, session: ReadDep) -> Response:
    report = queries.report(session, id)
    data = queries.file(report)
    headers = {
        "content-disposition": f'attachment; filename="{report.file_name}"',
        "etag": f'"{report.sha256}"',
        "x-content-type-options": "nosniff",
        "x-gnomon-sha256": report.sha256,
    }
    return Response(data, media_type=MEDIA[report.format], headers=headers)


@router.get("/{id}/verify", dependencies=[allow("report.view")])
def verify(id: str, session: ReadDep) -> dict[str, Any]:
    found = queries.verify(session, id)
    return asdict(found) | {"genuine": found.genuine}
