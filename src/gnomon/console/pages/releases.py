"""The traffic of one model: its share by target, the canary with both arms, releases and timed roll-backs."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response

from gnomon.console.pages import _loop, _releases
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.control.approvals import queries as approvals
from gnomon.control.catalog import queries as catalog
from gnomon.control.deployments import actions, queries
from gnomon.control.evidence import queries as evidence
from gnomon.kit.i18n import mark
from gnomon.kit.web import WorkDep, allow

router = APIRouter(include_in_schema=False)


@router.get("/releases", dependencies=[allow("canary.view")])
def releases(reader: ReaderDep) -> Response:
    """Every release of every model, newest first."""
    made = _releases.release_list(reader, queries.releases(reader.session), sort="-requested")
    if isinstance(made, Response):
        return made
    return _loop.show(reader, "releases.html", list=made)


@router.get("/releases/{id}", dependencies=[allow("canary.view")])
def release(id: str, reader: ReaderDep) -> Response:
    found = queries.release(reader.session, id)
    asked = approvals.latest(reader.session, "release", id)
    return _loop.show(
        reader,
        "release.html",
        one=found,
        steps=_releases.steps_of(reader, found),
        approval=approvals.standing(reader.session, asked) if asked else None,
        gate=evidence.artefact(reader.session, found.evidence_id),
        arms=_releases.both_arms(reader, found),
        timings=_releases.timing_rows(reader, [found]),
        proofs=list(reversed(evidence.about(reader.session, "release", id))),
        buttons=_releases.buttons_off(reader, found),
        posts=reader.posts,
        version=catalog.version(reader.session, found.content["version"]["id"]),
    )


@router.post("/releases/{id}/canary", dependencies=[allow("canary.start")])
def start_canary(id: str, reader: ReaderDep, work: WorkDep) -> Response:
    actions.start_canary(work, id)
    return _back(reader, id, mark("灰度已开始"))


@router.post("/releases/{id}/full", dependencies=[allow("canary.promote")])
def full_release(id: str, reader: ReaderDep, work: WorkDep) -> Response:
    actions.full_release(work, id)
    return _back(reader, id, mark("已全量发布"))


@router.post("/releases/{id}/abort", dependencies=[allow("canary.abort")])
def abort(id: str, reader: ReaderDep, work: WorkDep, reason: Annotated[str, Form()] = "") -> Response:
    actions.abort_release(work, id, reason=_releases.reason_of(reader, reason))
    return _back(reader, id, mark("发布已中止"))


def _back(reader: Reader, id: str, said: str) -> Response:
    return see_other(f"/releases/{id}", notice=("ok", reader.context.gettext(said)))
