"""What the worker does for the catalogue: read a version's bytes, outside any transaction, and tell."""

from gnomon.control.catalog import actions, fingerprints, inspection, queries, rules
from gnomon.control.catalog.tables import DatasetVersion
from gnomon.kit import services
from gnomon.kit.jobs import JobContext, job


@job("catalog.check", lane="long")
def check(ctx: JobContext) -> None:
    """The version named by the subject has its verdict. Reading again does no harm: the verdict is given once."""
    with ctx.read() as session:
        version = queries.version(session, ctx.subject)
    ctx.progress(done=0, total=len(version.files), note="reading every file again")
    found = inspection.inspect(services.blobs(), version.files, kind=version.kind)
    with ctx.work() as work:
        version = actions.note_checked(work, version.id, found)
    ctx.progress(done=found.files, total=len(version.files), note=version.state, problems=found.problems)


@job("catalog.compare_held_out")
def compare_held_out(ctx: JobContext) -> None:
    """Every data set is compared with the sealed suites of today: queued when a suite is sealed after the data came."""
    key = fingerprints.key()
    with ctx.read() as session:
        held_out = fingerprints.held_out(session)
        datasets = queries.datasets(session)
    for done, dataset in enumerate(datasets, start=1):
        if held_out and any(suite not in _compared(dataset) for suite in held_out):
            rows = queries.dataset_rows(services.blobs(), dataset)
            prints = [rules.fingerprint(str(row["text"]), key) for row in rows]
            with ctx.work() as work:
                actions.note_leaks(work, dataset.id, leaks=rules.count_leaks(prints, held_out, key))
        ctx.progress(done=done, total=len(datasets), note="comparing with sealed suites")


def _compared(dataset: DatasetVersion) -> dict[str, int | None]:
    leaks = dataset.checks.get("leaks")
    return leaks if isinstance(leaks, dict) else {}
