"""The traffic of one model: its share by target, the canary with both arms, releases and timed roll-backs."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response

from gnomon.console.pages import _loop, _releases
from gnomon.console.reader import ReaderDep
from gnomon.console.render import see_other
from gnomon.control.approvals import queries as approvals
from gnomon.control.catalog import queries as catalog
from gnomon.control.deployments import actions, queries
from gnomon.control.evidence import queries as evidence
from gnomon.kit.errors import BadInput
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


@router.post("/releases/{id}/{verb}")
def act(id: str, verb: str, reader: ReaderDep, work: WorkDep, reason: Annotated[str, Form()] = "") -> Response:
    _ = reader.context.gettext
    if verb == "canary":
        actions.start_canary(work, id)
        said = _("灰度已开始")
    elif verb == "full":
        actions.full_release(work, id)
        said = _("已全量发布")
    elif verb == "abort":
        actions.abort_release(work, id, reason=_releases.reason_of(reader, reason))
        said = _("发布已中止")
    else:
        raise BadInput(_("没有这个操作。"), next_step=_("用页面上的按钮操作。"))
    return see_other(f"/releases/{id}", notice=("ok", said))
