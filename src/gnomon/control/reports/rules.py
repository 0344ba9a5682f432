"""Which papers there are, how they are numbered, and when one may be fetched."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from gnomon.engine.documents import paper_number
from gnomon.kit.errors import BadInput, Conflict, NotReady

Kind = Literal[
    "requirements",
    "deployment_plan",
    "deployment_record",
    "remediation_plan",
    "remediation_report",
    "remediation_register",
    "clause_board",
]


class ReportNotReady(NotReady):
    """The file is not made yet, or could not be made."""

    code = "report_not_ready"
    status = 409


class NothingToReport(NotReady):
    """What the paper would be about has not happened yet."""

    code = "nothing_to_report"
    status = 409


class ReportAltered(Conflict):
    """The stored file is not what was issued."""

    code = "report_altered"


@dataclass(frozen=True, slots=True)
class PaperKind:
    """`series` begins its numbers; `subject` is the kind of thing that it is about; the first format is the paper."""

    series: str
    subject: str
    formats: tuple[str, ...]
    source: str  # of the evidence that an issue leaves
    title: Mapping[str, str]


def _kind(series: str, subject: str, formats: str, source: str, zh: str, en: str) -> PaperKind:
    return PaperKind(series, subject, tuple(formats.split()), f"reports.{source}", {"zh-CN": zh, "en": en})


KINDS: Final[Mapping[str, PaperKind]] = {
    "requirements": _kind(
        "YX-XQ", "deployment", "docx pdf", "requirements_exported", "需求分析报告", "Requirements analysis report"
    ),
    "deployment_plan": _kind(
        "YX-BS", "deployment", "docx pdf", "deployment_plan_exported", "部署方案", "Deployment plan"
    ),
    "deployment_record": _kind(
        "YX-BJ", "deployment", "docx pdf", "deployment_record_exported", "部署记录", "Deployment record"
    ),
    "remediation_plan": _kind("ZG", "case", "docx pdf", "remediation_plan_exported", "整改方案", "Remediation plan"),
    "remediation_report": _kind(
        "ZG", "case", "docx pdf", "remediation_report_issued", "整改报告", "Remediation report"
    ),
    "remediation_register": _kind(
        "ZG-TZ", "findings", "xlsx csv", "remediation_register_exported", "整改台账", "Remediation register"
    ),
    "clause_board": _kind(
        "YX-TK", "rulebook", "docx pdf xlsx csv", "clause_board_exported", "条款执行情况", "Clause board"
    ),
}
WHOLE: Final = "all"
"""The subject of a paper that is about everything of its kind."""


def subject_of(kind: str, subject_id: str) -> tuple[str, str]:
    """Kind and id of what the paper is about. Raises BadInput when one is named and none is wanted, or the reverse."""
    wanted = KINDS[kind].subject
    about_all = wanted in ("findings", "rulebook")
    if about_all and subject_id not in ("", WHOLE):
        raise BadInput(f"The {kind} is about everything, not about {subject_id}.", next_step="Leave the subject out.")
    if not about_all and not subject_id:
        raise BadInput(f"The {kind} is about a {wanted}; none is named.", next_step=f"Give the id of a {wanted}.")
    return wanted, subject_id or WHOLE


def next_number(kind: str, year: int, taken: Iterable[str], *, round: int | None = None) -> str:
    """The next number of the kind's series in `year`: one after the highest in `taken`, whatever its round."""
    series = KINDS[kind].series
    head = f"{series}-{year}-"
    serials = [number.removeprefix(head).split("-")[-1] for number in set(taken) if number.startswith(head)]
    last = max((int(serial) for serial in serials), default=0)
    return paper_number(series, year, last + 1, round=round)


def file_name(number: str, version: int, language: str, format: str) -> str:
    """`ZG-2026-03-007_v1_zh-CN.docx`: plain ASCII, so that every file system takes it."""
    return f"{number}_v{version}_{language}.{format}"


def require_ready(state: str, *, number: str, error: str) -> None:
    """Return when the file is there. Raises ReportNotReady with what to do."""
    if state == "failed":
        raise ReportNotReady(f"The report {number} could not be made: {error}", next_step="Ask for it again.")
    if state != "ready":
        raise ReportNotReady(f"The report {number} is being made.", next_step="Wait until its job has ended.")
