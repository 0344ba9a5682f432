"""A suite: its size, its seal, every look at it, and the runs over it."""

from fastapi import APIRouter
from fastapi.responses import Response

from gnomon.console.pages import _evaluations, _loop, _words
from gnomon.console.pages._loop import Cell
from gnomon.console.reader import ReaderDep
from gnomon.control.evaluation import queries
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
                _loop.link(look.id, f"/evaluations/{look.id}", code=True)
                if look.id.startswith("run_")
                else Cell(look.id, code=True),
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
    )
