"""Reads: issued papers, their files, and whether both are still what they were."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gnomon.control.evidence import queries as evidence
from gnomon.control.reports import rendering, rules
from gnomon.control.reports.tables import Report
from gnomon.kit import services
from gnomon.kit.errors import BadInput, GnomonError, NotFound


@dataclass(frozen=True, slots=True)
class Verification:
    """`file`: the stored bytes give the issued digest. `evidence`: the artefact is intact and names this file.

    `current`: the rows still say what the paper says; false is no fault of the paper, something happened since.
    """

    id: str
    sha256: str
    found_sha256: str
    file: bool
    evidence: bool
    current: bool
    content_sha256: str
    content_now: str

    @property
    def genuine(self) -> bool:
        return self.file and self.evidence


def report(session: Session, id: str) -> Report:
    found = session.get(Report, id)
    if found is None:
        raise NotFound(f"There is no report {id}.", next_step="Look it up in the list of reports.")
    return found


def reports(
    session: Session, *, kind: str = "", subject_id: str = "", issue_id: str = "", limit: int = 200
) -> list[Report]:
    """Newest issue first; within an issue by language and format."""
    query = select(Report).order_by(Report.requested_at.desc(), Report.issue_id, Report.language, Report.format)
    for column, wanted in ((Report.kind, kind), (Report.subject_id, subject_id), (Report.issue_id, issue_id)):
        if wanted:
            query = query.where(column == wanted)
    return list(session.scalars(query.limit(limit)))


def numbers(session: Session, series: str, year: int) -> list[str]:
    return list(session.scalars(select(Report.number).where(Report.number.like(f"{series}-{year}-%")).distinct()))


def next_version(session: Session, kind: str, subject_id: str) -> int:
    last = select(func.max(Report.version)).where(Report.kind == kind, Report.subject_id == subject_id)
    return (session.scalar(last) or 0) + 1


def file(report: Report) -> bytes:
    """The issued bytes. Raises ReportNotReady, or ReportAltered when the store has other ones."""
    rules.require_ready(report.state, number=report.number, error=report.error)
    try:
        return services.blobs().get(report.sha256)
    except BadInput as error:
        raise rules.ReportAltered(
            f"The file {report.file_name} is not what was issued.", next_step="Restore it from a backup."
        ) from error


def verify(session: Session, id: str) -> Verification:
    """The file read and hashed anew, its evidence recomputed, and the paper written again from the rows."""
    from gnomon.kit.canonical import digest_bytes

    found = report(session, id)
    rules.require_ready(found.state, number=found.number, error=found.error)
    try:
        stored = digest_bytes(b"".join(services.blobs().chunks(found.sha256)))
    except NotFound:
        stored = ""
    now = _content_now(session, found)
    return Verification(
        id=found.id,
        sha256=found.sha256,
        found_sha256=stored,
        file=stored == found.sha256,
        evidence=_is_proved(session, found),
        current=now == found.content_sha256,
        content_sha256=found.content_sha256,
        content_now=now,
    )


def _content_now(session: Session, found: Report) -> str:
    try:
        return rendering.write(session, found).content_sha256
    except GnomonError:  # e.g. the plan is a draft again: there is nothing to write now
        return ""


def _is_proved(session: Session, found: Report) -> bool:
    try:
        proof = evidence.artefact(session, found.evidence_id)
    except NotFound:
        return False
    return evidence.is_intact(proof) and proof.facts.get("files", {}).get(found.format) == found.sha256
