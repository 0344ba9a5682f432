"""What runs where, and one deployment on its way into service: papers, probe, plan, approvals, test, go-live."""

from collections.abc import Mapping, Sequence
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form
from fastapi.responses import Response

from gnomon.console.pages import _deployments, _loop, _words
from gnomon.console.pages._loop import Cell, Line
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.console.urls import Column
from gnomon.control.catalog import queries as catalog
from gnomon.control.catalog.tables import ModelVersion
from gnomon.control.deployments import actions, queries, rules
from gnomon.control.deployments.schemas import NewDeployment
from gnomon.control.deployments.tables import Deployment, RouteState
from gnomon.control.evidence import queries as evidence
from gnomon.kit import i18n
from gnomon.kit.canonical import digest
from gnomon.kit.errors import BadInput
from gnomon.kit.i18n import mark
from gnomon.kit.web import WorkDep, allow

router = APIRouter(include_in_schema=False)


@router.get("/deployments", dependencies=[allow("deployment.view")])
def deployments(reader: ReaderDep) -> Response:
    """What runs where now, then every deployment."""
    found = queries.deployments(reader.session)
    versions = _versions(reader)
    made = _list(reader, found, versions)
    if isinstance(made, Response):
        return made
    running = _running(reader, found, versions)
    waiting = [one for one in found if one.state in ("submitted", "approved", "tested")]
    broken = [one for one in found if one.state in ("install_failed", "test_failed")]
    return _loop.show(
        reader,
        "deployments.html",
        list=made,
        running=running,
        sentence=_sentence(reader, running, waiting, broken),
        candidates=_candidates(reader, versions),
        new_options=[
            (f"{one.model}|{one.id}", f"{one.model} · {one.label}")
            for one in versions.values()
            if one.kind == "base" and one.state == "checked"
        ],
        open_refused=reader.refusal("deployment.open"),
    )


@router.post("/deployments", dependencies=[allow("deployment.open")])
def open_deployment(
    reader: ReaderDep, work: WorkDep, version: Annotated[str, Form()] = "", title: Annotated[str, Form()] = ""
) -> Response:
    model, _, version_id = version.partition("|")
    if not version_id or not title.strip():
        raise BadInput(
            reader.context.gettext("没有选版本，或没有填名称。"), next_step=reader.context.gettext("返回上一页补齐。")
        )
    made = actions.open_deployment(work, NewDeployment(model=model, version_id=version_id, title=title.strip()[:200]))
    return see_other(f"/deployments/{made.id}", notice=("ok", reader.context.gettext("部署单已建立，先写需求分析报告")))


@router.get("/deployments/{id}", dependencies=[allow("deployment.view")])
def deployment(id: str, reader: ReaderDep) -> Response:
    found = queries.deployment(reader.session, id)
    version = catalog.version(reader.session, found.version_id)
    proofs = evidence.about(reader.session, "deployment", id)
    return _loop.show(
        reader,
        "deployment.html",
        one=found,
        version=version,
        steps=_deployments.progress_of(reader, found),
        sentence=_deployments.where_it_stands(reader, found),
        sections=[
            (reader.context.gettext(title), found.requirements.get("sections", {}).get(key, ""))
            for key, title in _deployments.SECTIONS.items()
        ],
        items=found.requirements.get("items", []),
        lacks=rules.requirements_problems(found.requirements),
        plan_lacks=_deployments.plan_problems(reader, found),
        probe=_deployments.probe_rows(reader, found),
        probe_is_current=found.probe.get("environment_sha256") == digest(found.environment),
        gantt=_deployments.timetable(reader, found),
        asked={kind: _deployments.standing_of(reader, kind, id) for kind in ("requirements_report", "deployment_plan")},
        approved_content=_deployments.is_approved(reader, found),
        tests=_deployments.test_rows(reader, proofs),
        log=next((one for one in reversed(proofs) if one.source == "deployments.dependencies_installed"), None),
        history=_deployments.history_of(reader, found),
        proofs=list(reversed(proofs)),
        buttons=_deployments.buttons_off(reader, found),
        posts=reader.posts,
    )


@router.post("/deployments/{id}/requirements", dependencies=[allow("requirements.submit")])
def submit_requirements(id: str, reader: ReaderDep, work: WorkDep) -> Response:
    actions.submit_requirements(work, id)
    return _back(reader, id, mark("需求分析报告已提交审批"))


@router.post("/deployments/{id}/probe", dependencies=[allow("environment.probe")])
def probe_environment(id: str, reader: ReaderDep, work: WorkDep) -> Response:
    actions.probe_environment(work, id)
    return _back(reader, id, mark("已开始探测环境"))


@router.post("/deployments/{id}/plan", dependencies=[allow("deployment.submit")])
def submit_plan(id: str, reader: ReaderDep, work: WorkDep) -> Response:
    actions.submit_plan(work, id)
    return _back(reader, id, mark("部署方案已提交审批"))


@router.post("/deployments/{id}/start", dependencies=[allow("deployment.install")])
def start(id: str, reader: ReaderDep, work: WorkDep) -> Response:
    actions.start(work, id)
    return _back(reader, id, mark("已开始安装"))


@router.post("/deployments/{id}/test", dependencies=[allow("deployment.test")])
def test(id: str, reader: ReaderDep, work: WorkDep) -> Response:
    actions.test(work, id)
    return _back(reader, id, mark("已开始功能测试"))


@router.post("/deployments/{id}/go-live", dependencies=[allow("deployment.release")])
def go_live(id: str, reader: ReaderDep, work: WorkDep) -> Response:
    actions.go_live(work, id)
    return _back(reader, id, mark("已上线"))


@router.post("/deployments/{id}/retire", dependencies=[allow("deployment.retire")])
def retire(id: str, reader: ReaderDep, work: WorkDep, reason: Annotated[str, Form()] = "") -> Response:
    actions.retire(work, id, reason=reason)
    return _back(reader, id, mark("已下线"))


def _back(reader: Reader, id: str, said: str) -> Response:
    return see_other(f"/deployments/{id}", notice=("ok", reader.context.gettext(said)))


def _versions(reader: Reader) -> dict[str, ModelVersion]:
    return {
        one.id: one for model in catalog.models(reader.session) for one in catalog.versions(reader.session, model.name)
    }


def _list(reader: Reader, found: Sequence[Deployment], versions: Mapping[str, ModelVersion]) -> _loop.List | Response:
    _, name = reader.context.gettext, _loop.who(reader)
    columns = [
        Column("number", _("编号")),
        Column("title", _("名称")),
        Column("model", _("所属模型")),
        Column("version", _("版本")),
        Column("state", _("状态")),
        Column("requirements", _("需求分析报告"), hidden=True),
        Column("author", _("提出人")),
        Column("executor", _("执行人")),
        Column("created", _("建立时间")),
    ]
    lines = [
        Line(
            {
                "number": _loop.link(one.number, f"/deployments/{one.id}", code=True),
                "title": Cell(one.title),
                "model": Cell(one.model, by=("model", one.model)),
                "version": _version_cell(versions, one.version_id),
                "state": _loop.status(reader, "deployment", one.state, param="state"),
                "requirements": _loop.status(reader, "requirements", one.requirements_state),
                "author": Cell(name(one.author_id)),
                "executor": Cell(name(one.executor_id)),
                "created": _loop.moment(reader, one.created_at),
            },
            {"state": one.state, "model": one.model},
            one.id,
        )
        for one in found
    ]
    models = sorted({one.model for one in found})
    choices = {
        "model": (_("所属模型"), [(one, one) for one in models]),
        "state": (_("状态"), _words.options(reader.context, "deployment")),
    }
    return _loop.listing(reader, columns, lines, sort="-created", name="deployments", label=_("部署"), choices=choices)


def _version_cell(versions: Mapping[str, ModelVersion], id: str) -> Cell:
    found = versions.get(id)
    return (
        _loop.link(found.label, f"/models/{quote(found.model)}/{found.id}", code=True) if found else Cell(id, code=True)
    )


def shares(route: RouteState) -> list[tuple[str, float]]:
    """The share of the traffic of each target, as the gateways divide it."""
    targets = queries.targets(route)
    canary = route.canary or {}
    share = float(canary.get("share", 0.0))
    held = (
        {t.id: t.weight for t in targets if t.id != canary.get("target")}
        if canary
        else {t.id: t.weight for t in targets}
    )
    total = sum(held.values())
    found = {t.id: held.get(t.id, 0.0) / total * (1 - share) if total else 0.0 for t in targets}
    if canary:
        found[str(canary["target"])] = share
    return list(found.items())


def _running(reader: Reader, found: Sequence[Deployment], versions: Mapping[str, ModelVersion]) -> list[list[Cell]]:
    """One row a target of every route: who answers, from where, with which share."""
    servers = {one.server["id"]: one for one in found if one.server}
    rows = []
    for model in sorted({one.model for one in found}):
        route = reader.session.get(RouteState, model)
        if route is None:
            continue
        divided = dict(shares(route))
        for target in queries.targets(route):
            host = servers.get(target.upstream)
            canary = bool(route.canary) and route.canary["target"] == target.id  # type: ignore[index]
            word = (
                ("info", mark("灰度"))
                if canary
                else ("ok", mark("承接流量"))
                if divided[target.id]
                else ("idle", mark("待命"))
            )
            rows.append(
                [
                    _loop.link(model, f"/deployments/routes/{quote(model)}"),
                    Cell(target.id, code=True),
                    _version_cell(versions, target.version),
                    Cell(reader.context.gettext(word[1]), tone=word[0]),
                    _loop.share(reader, divided[target.id]),
                    Cell(str(host.server.get("url", "")), code=True) if host else Cell(i18n.NOT_MEASURED),
                    _loop.link(host.number, f"/deployments/{host.id}", code=True) if host else Cell(i18n.NOT_MEASURED),
                    _loop.moment(reader, route.changed_at),
                ]
            )
    return rows


def _candidates(reader: Reader, versions: Mapping[str, ModelVersion]) -> list[list[Cell]]:
    return [
        [
            _loop.link(one.model, f"/deployments/routes/{quote(one.model)}"),
            _version_cell(versions, one.version_id),
            Cell(one.target_id or i18n.NOT_MEASURED, code=True),
            _loop.status(reader, "candidate", one.state),
            _loop.moment(reader, one.created_at),
        ]
        for one in queries.candidates(reader.session)
    ]


def _sentence(
    reader: Reader, running: Sequence[object], waiting: Sequence[Deployment], broken: Sequence[Deployment]
) -> tuple[str, str]:
    _ = reader.context.gettext
    if broken:
        return "bad", _(
            "%(n)s 个部署停在失败处：%(which)s。", n=len(broken), which=_("、").join(one.number for one in broken)
        )
    if waiting:
        return "info", _(
            "%(n)s 个部署等人处理：%(which)s。", n=len(waiting), which=_("、").join(one.number for one in waiting)
        )
    if not running:
        return "idle", _("还没有模型在服务。")
    return "ok", _("没有停住的部署。")
