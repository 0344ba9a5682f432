"""Papers about a deployment that went live and a case that was verified, both made by the domains' own fakes."""

import io
from typing import Any

import docx
import pytest
from docx.oxml.ns import qn

from gnomon.control.remediation.tables import Case
from gnomon.control.reports import actions, queries, rendering
from gnomon.control.reports import jobs as jobs  # registers the job
from gnomon.control.reports.schemas import NewReport
from gnomon.control.reports.tables import Report
from gnomon.engine.documents import to_html
from gnomon.kit.work import Platform
from tests.fakes.platform import do, run_jobs
from tests.unit.deployments.conftest import company as installed
from tests.unit.remediation.conftest import Company, company, verified, with_baseline, with_verdict

__all__ = ["company", "installed", "verified", "with_baseline", "with_verdict"]


class Office:
    """Asks for papers and lets them be made."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def issue(
        self, kind: Any, subject_id: str = "", *, languages: Any = ("zh-CN",), login: str = "lin"
    ) -> list[Report]:
        new = NewReport(kind=kind, subject_id=subject_id, languages=list(languages))
        asked = do(self.platform, login, actions.request_report, new)
        run_jobs(self.platform, ["reports.render"])
        with self.platform.read() as session:
            return queries.reports(session, issue_id=asked[0].issue_id)

    def file(self, kind: Any, subject_id: str = "", *, language: str = "zh-CN", format: str = "docx") -> bytes:
        found = self.issue(kind, subject_id, languages=[language])
        return queries.file(next(one for one in found if one.format == format))


@pytest.fixture
def case_office(verified: tuple[Company, Case]) -> tuple[Office, Case]:
    company, case = verified
    return Office(company.platform), case


@pytest.fixture(autouse=True)
def quick_pdf(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page instead of its PDF, which takes a second each; the engine's tests make real ones."""
    monkeypatch.setitem(rendering._PAPERS, "pdf", lambda document: to_html(document).encode())


def text_of(docx_bytes: bytes) -> str:
    """Everything that a reader of the Word file sees in its body."""
    body = docx.Document(io.BytesIO(docx_bytes)).element.body
    return "\n".join("".join(run.text or "" for run in line.iter(qn("w:t"))) for line in body.iter(qn("w:p")))
