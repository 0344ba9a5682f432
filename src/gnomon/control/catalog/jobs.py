"""What the worker does for the catalogue: read a version's bytes, outside any transaction, and tell."""

from gnomon.control.catalog import actions, inspection, queries
from gnomon.kit import services
from gnomon.kit.jobs import JobContext, job


@job("catalog.check")
def check(ctx: JobContext) -> None:
    """The version named by the subject has its verdict. Reading again does no harm: the verdict is given once."""
    with ctx.read() as session:
        version = queries.version(session, ctx.subject)
    ctx.progress(done=0, total=len(version.files), note="reading every file again")
    found = inspection.inspect(services.blobs(), version.files, kind=version.kind)
    with ctx.work() as work:
        version = actions.note_checked(work, version.id, found)
    ctx.progress(done=found.files, total=len(version.files), note=version.state, problems=found.problems)
