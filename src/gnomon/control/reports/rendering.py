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
    """A document or register, with what it says by digest."""

    says: Document | Register

    @property
    def title(self) -> str:
        return self.says.title

    @property
    def content_sha256(self) -> str:
        return self.says.content_sha256

    def render(self, format: str) -> bytes:
        says = self.says
        return _PAPERS[format](says) if isinstance(says, Document) else _SHEETS[format](says)


def is_paper(format: str) -> bool:
    """Whether it is a paper to be read; the other formats are a register's. All papers of a language say the same."""
    return format in _PAPERS


def write(session: Session, report: Report) -> Written:
    """What the rows say now, as of the report's date."""
    settings = services.settings()
    context = papers.Context(session, locale=report.language, zone=settings.timezone, now=report.requested_at)
    paper = papers.write(context, report.kind, report.subject_id)
    issue = {"number": report.number, "version": report.version, "issuer": context.team_of(report.made_by)}
    shaped = papers.as_document if is_paper(report.format) else papers.as_register
    return Written(shaped(context, paper, **issue))  # type: ignore[arg-type]  # number str, version int
