"""Makes the files of an issue. Each is kept once, however often the job begins again."""

from gnomon.control.reports import actions, queries, rendering
from gnomon.control.reports.tables import Report
from gnomon.kit import services
from gnomon.kit.errors import GnomonError
from gnomon.kit.jobs import JobContext, job


@job("reports.render", lane="long")
def render(ctx: JobContext) -> None:
    """All files of the issue `ctx.subject` are stored, then each language is evidence."""
    with ctx.read() as session:
        reports = queries.reports(session, issue_id=ctx.subject)
    written: dict[tuple[str, bool], rendering.Written] = {}
    for done, report in enumerate(reports):
        ctx.progress(done=done, total=len(reports), note=f"{report.language} {report.format}")
        if report.state == "queued":
            _make(ctx, report, written)
    for language in dict.fromkeys(report.language for report in reports):
        with ctx.work() as work:
            actions.prove(work, ctx.subject, language=language)
    ctx.progress(done=len(reports), total=len(reports), note="issued")


def _make(ctx: JobContext, report: Report, written: dict[tuple[str, bool], rendering.Written]) -> None:
    """Its file is stored. What it says is in `written` once for all formats that say the same."""
    key = report.language, rendering.is_paper(report.format)
    try:
        if key not in written:
            with ctx.read() as session:
                written[key] = rendering.write(session, report)
        data = written[key].render(report.format)  # outside of any transaction: a PDF takes seconds
    except Exception as error:
        text = error.message if isinstance(error, GnomonError) else f"{type(error).__name__}: {error}"
        with ctx.work() as work:
            actions.note_failed(work, report.id, error=text)
        raise
    sha256 = services.blobs().put(data)
    with ctx.work() as work:
        actions.keep(
            work,
            report.id,
            title=written[key].title,
            sha256=sha256,
            size=len(data),
            content_sha256=written[key].content_sha256,
        )
