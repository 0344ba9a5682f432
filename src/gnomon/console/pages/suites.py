"""A suite: its size, its seal, every look at it, and the runs over it."""

from fastapi import APIRouter
from fastapi.responses import Response

from gnomon.console.pages import _evaluations, _loop, _words
from gnomon.console.pages._loop import Cell
from gnomon.console.reader import ReaderDep
from gnomon.control.evaluation import queries
from gnomon.control.privacy import queries as privacy
from gnomon.engine import charts
from gnomon.kit.web import allow

router = APIRouter(include_in_schema=False)


@router.get("/suites/{id}", dependencies=[allow("suite.view")])
def suite(id: str, reader: ReaderDep) -> Response:
    """A suite: its size, its seal, every look at it, and the runs over it."""
    found = queries.suite(reader.session, id)
    versions = _evaluations.versions_by_id(reader)
    return _loop.show(
        reader,
        "suite.html",
        one=found,
        labels=charts.bar(
            reader.context.gettext("标签分布"),
            [charts.Bar(label, n) for label, n in found.label_counts.items()],
            locale=reader.context.locale,
            method=reader.context.gettext("全部样本"),
            n=found.n,
        ),
        looks=[
            [
                Cell(str(look.number)),
                _look(look.id),
                Cell(_words.name(reader.context, "purpose", look.purpose)),
                Cell(str(look.openings)),
                _loop.moment(reader, look.at),
            ]
            for look in queries.looks(reader.session, found.id)
        ],
        runs=[
            [
                _loop.link(run.id, f"/evaluations/{run.id}", code=True),
                Cell(run.model),
                _evaluations.version_cell(versions.get(run.version_id)),
                _loop.status(reader, "job", run.state),
                _loop.moment(reader, run.requested_at),
            ]
            for run in queries.runs(reader.session, suite_id=found.id)
        ],
        trials=[_evaluations.trial_row(reader, one) for one in queries.trials(reader.session, suite_id=found.id)],
        masking_refused=reader.refusal("evaluation.measure_masking"),
        targets=_evaluations.targets(reader),
        policies=[(one.id, f"{one.id} {one.version}") for one in privacy.mask_policies(reader.session)],
        purposes=[(one, _words.name(reader.context, "mask_purpose", one)) for one in ("evaluation", "training")],
        metrics=[one for one in _evaluations.metric_options(reader) if not one[0].startswith("latency")],
    )


def _look(id: str) -> Cell:
    """What looked: a run, a masking trial, or a check that has no page."""
    pages = {"run": f"/evaluations/{id}", "masking": f"/evaluations/masking/{id}"}
    url = pages.get(id.partition("_")[0], "")
    return _loop.link(id, url, code=True) if url else Cell(id, code=True)
