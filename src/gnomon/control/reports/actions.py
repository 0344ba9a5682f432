"""Ask for a paper; note that its files were made, or why not."""

from gnomon.contract.verdicts import State
from gnomon.control.evidence import actions as evidence
from gnomon.control.remediation import queries as remediation
from gnomon.control.reports import queries, rendering, rules
from gnomon.control.reports.schemas import NewReport, ReportIssued
from gnomon.control.reports.tables import Report
from gnomon.kit import services
from gnomon.kit.ids import new_id
from gnomon.kit.work import Work, action, system_action


@action("report.create")
def request_report(work: Work, new: NewReport) -> list[Report]:
    """The issue has its number, version and date; a job makes its files, one a language and format.

    Raises NothingToReport where the subject has nothing to say yet, BadInput for a subject that does not fit the kind.
    """
    subject_kind, subject_id = rules.subject_of(new.kind, new.subject_id)
    subject_id, round = _resolved(work, subject_kind, subject_id)
    year = services.today(work.now).year
    series = rules.KINDS[new.kind].series
    taken = queries.numbers(work.session, series, year)
    issue_id = new_id("issue")
    shared = {
        "issue_id": issue_id,
        "number": rules.next_number(new.kind, year, taken, round=round),
        "version": queries.next_version(work.session, new.kind, subject_id),
        "kind": new.kind,
        "subject_kind": subject_kind,
        "subject_id": subject_id,
        "state": "queued",
        "made_by": work.actor.id,
        "requested_at": work.now,
    }
    reports = [
        Report(id=new_id("report"), language=language, format=format, **shared)
        for language in dict.fromkeys(new.languages)
        for format in rules.KINDS[new.kind].formats
    ]
    work.about("report", issue_id, kind=new.kind, subject=subject_id, number=shared["number"])
    rendering.write(work.session, reports[0])  # raises now, to the person who asks, and not in the job
    job_id = work.enqueue("reports.render", issue_id)
    for report in reports:
        report.job_id = job_id
    work.session.add_all(reports)
    work.session.flush()
    return reports


@system_action("report.keep")
def keep(work: Work, id: str, *, title: str, sha256: str, size: int, content_sha256: str) -> None:
    """The file is made and stored. Noting it twice changes nothing."""
    report = queries.report(work.session, id)
    work.about("report", id, sha256=sha256, format=report.format, language=report.language)
    if report.state == "ready":
        return
    report.state, report.title, report.error = "ready", title, ""
    report.sha256, report.size, report.content_sha256 = sha256, size, content_sha256
    report.file_name = rules.file_name(report.number, report.version, report.language, report.format)
    report.made_at = work.now


@system_action("report.prove")
def prove(work: Work, issue_id: str, *, language: str) -> str:
    """The issue in one language is evidence, once all its files are there. Proving it twice changes nothing."""
    reports = [one for one in queries.reports(work.session, issue_id=issue_id) if one.language == language]
    kind = rules.KINDS[reports[0].kind]
    by_format = {one.format: one for one in reports}
    first = by_format[kind.formats[0]]
    work.about("report", issue_id, number=first.number, language=language)
    if first.evidence_id:
        return first.evidence_id
    proof = evidence.record(
        work,
        source=kind.source,
        kind="document",
        subject=(first.subject_kind, first.subject_id),
        state=State.MET,
        facts={
            "document": first.kind,
            "number": first.number,
            "version": first.version,
            "language": language,
            "sha256": first.sha256,
            "files": {format: one.sha256 for format, one in by_format.items()},
            "content_sha256": first.content_sha256,
            "issue": issue_id,
        },
        file=(first.file_name, first.sha256),
    )
    for one in reports:
        one.evidence_id = proof.id
    work.emit(ReportIssued(issue_id, first.kind, first.subject_id, language, proof.id))
    return proof.id


@system_action("report.fail")
def note_failed(work: Work, id: str, *, error: str) -> None:
    """The file could not be made; the row says why."""
    report = queries.report(work.session, id)
    work.about("report", id, error=error)
    if report.state == "queued":
        report.state, report.error = "failed", error


def _resolved(work: Work, subject_kind: str, subject_id: str) -> tuple[str, int | None]:
    """The id behind a case's number, and the round that its papers are numbered by."""
    if subject_kind != "case":
        return subject_id, None
    case = remediation.case(work.session, subject_id)
    return case.id, max(case.rounds, 1)
