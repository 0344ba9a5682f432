"""From an issue's row to its bytes, the same way when it is made and when it is verified."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from gnomon.control.reports import papers
from gnomon.control.reports.tables import Report
from gnomon.engine.documents import Document, Register, to_csv, to_docx, to_pdf, to_xlsx
from gnomon.kit import services

_PAPERS: Final[Mapping[str, Callable[[Document], bytes]]] = {"docx": to_docx, "pdf": to_pdf}
_SHEETS: Final[Mapping[str, Callable[[Register], bytes]]] = {"xlsx": to_xlsx, "csv": to_csv}
MEDIA: Final[Mapping[str, str]] = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Written:
    """A document or register, with what it says by digest; `render` makes the bytes."""

    title: str
    content_sha256: str
    render: Callable[[], bytes]


def write(session: Session, report: Report) -> Written:
    """What the rows say now, as of the report's date."""
    settings = services.settings()
    context = papers.Context(session, locale=report.language, zone=settings.timezone, now=report.requested_at)
    paper = papers.write(context, report.kind, report.subject_id)
    issue = {"number": report.number, "version": report.version, "issuer": context.team_of(report.made_by)}
    if report.format in _PAPERS:
        document = papers.as_document(context, paper, **issue)  # type: ignore[arg-type]  # number str, version int
        return Written(document.title, document.content_sha256, lambda: _PAPERS[report.format](document))
    register = papers.as_register(context, paper, **issue)  # type: ignore[arg-type]  # number str, version int
    return Written(register.title, register.content_sha256, lambda: _SHEETS[report.format](register))
