"""HTTP: the register of findings."""

from typing import Any

from fastapi import APIRouter

from gnomon.control.findings import actions, queries
from gnomon.control.findings.schemas import NewFinding, Settlement
from gnomon.control.findings.tables import Finding
from gnomon.kit.clock import iso
from gnomon.kit.web import ReadDep, WorkDep, allow

router = APIRouter(prefix="/api/v1/findings", tags=["findings"])


def plain(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.id,
        "number": finding.number,
        "title": finding.title,
        "detail": finding.detail,
        "severity": finding.severity,
        "clauses": finding.clauses,
        "source": finding.source,
        "subject": {"kind": finding.subject_kind, "id": finding.subject_id},
        "evidence_ids": finding.evidence_ids,
        "state": finding.state,
        "case_id": finding.case_id,
        "raised_by": finding.raised_by,
        "raised_at": iso(finding.raised_at),
        "settled_by": finding.settled_by,
        "settled_at": iso(finding.settled_at) if finding.settled_at else None,
        "reason": finding.reason,
    }


@router.get("", dependencies=[allow("finding.view")])
def findings(session: ReadDep, state: str = "") -> dict[str, Any]:
    return {
        "tally": queries.tally(session),
        "findings": [plain(finding) for finding in queries.findings(session, state=state)],
    }


@router.get("/{id}", dependencies=[allow("finding.view")])
def finding(id: str, session: ReadDep) -> dict[str, Any]:
    return plain(queries.finding(session, id))


@router.post("", status_code=201)
def raise_finding(body: NewFinding, work: WorkDep) -> dict[str, Any]:
    return plain(actions.raise_finding(work, body))


@router.post("/{id}/close")
def close_finding(id: str, body: Settlement, work: WorkDep) -> dict[str, Any]:
    return plain(actions.close_finding(work, id, reason=body.reason, evidence_ids=body.evidence_ids))


@router.post("/{id}/reject")
def reject_finding(id: str, body: Settlement, work: WorkDep) -> dict[str, Any]:
    return plain(actions.reject_finding(work, id, reason=body.reason))
