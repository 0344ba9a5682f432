"""The register of models, one model with its versions, one version with its files, lineage and record."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form
from fastapi.responses import Response
from pydantic import ValidationError

from gnomon.console.pages import _loop, _words
from gnomon.console.pages._loop import Cell, Line
from gnomon.console.pages.deployments import shares
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.console.urls import Column
from gnomon.control.catalog import actions, queries
from gnomon.control.catalog.schemas import NewModel
from gnomon.control.catalog.tables import ModelVersion
from gnomon.control.deployments import actions as deployment_actions
from gnomon.control.deployments import queries as deployments
from gnomon.control.deployments.tables import RouteState
from gnomon.control.evaluation import queries as evaluation
from gnomon.control.evaluation.tables import EvaluationRun
from gnomon.control.people import queries as people
from gnomon.control.tuning import queries as tuning
from gnomon.kit import i18n
from gnomon.kit.errors import BadInput, GnomonError
from gnomon.kit.web import WorkDep, allow

router = APIRouter(include_in_schema=False)


@router.get("/models", dependencies=[allow("model.view")])
def models(reader: ReaderDep) -> Response:
    _, who = reader.context.gettext, _loop.who(reader)
    columns = [
        Column("name", _("模型代号")),
        Column("title", _("名称")),
        Column("task", _("任务种类")),
        Column("stage", _("阶段")),
        Column("versions", _("版本数"), num=True),
        Column("serving", _("承接流量")),
        Column("owner", _("责任人")),
        Column("created", _("登记时间")),
    ]
    found = queries.models(reader.session)
    lines = []
    for one in found:
        versions = queries.versions(reader.session, one.name)
        lines.append(
            Line(
                {
                    "name": _loop.link(one.name, f"/models/{quote(one.name)}", code=True),
                    "title": Cell(one.title),
                    "task": Cell(_words.name(reader.context, "task", one.task), by=("task", one.task)),
                    "stage": _loop.status(reader, "stage", one.stage, param="stage"),
                    "versions": _loop.number(reader, len(versions)),
                    "serving": Cell(_serving(reader, one.name, versions)),
                    "owner": Cell(who(one.owner_id)),
                    "created": _loop.moment(reader, one.created_at),
                },
                {"task": one.task, "stage": one.stage},
                one.name,
            )
        )
    choices = {
        "task": (_("任务种类"), _words.options(reader.context, "task")),
        "stage": (_("阶段"), _words.options(reader.context, "stage")),
    }
    made = _loop.listing(reader, columns, lines, sort="name", name="models", label=_("模型"), choices=choices)
    if isinstance(made, Response):
        return made
    return _loop.show(
        reader,
        "models.html",
        list=made,
        tasks=_words.options(reader.context, "task"),
        owners=[(one.id, one.name) for one in people.people(reader.session) if one.active],
        register_refused=reader.refusal("model.register"),
    )


@router.post("/models", dependencies=[allow("model.register")])
def register(
    reader: ReaderDep,
    work: WorkDep,
    name: Annotated[str, Form()] = "",
    title: Annotated[str, Form()] = "",
    task: Annotated[str, Form()] = "",
    owner_id: Annotated[str, Form()] = "",
) -> Response:
    _ = reader.context.gettext
    try:
        new = NewModel.model_validate(
            {"name": name.strip(), "title": title.strip(), "task": task, "owner_id": owner_id}
        )
    except ValidationError as error:
        raise BadInput(
            _("名称须为小写字母、数字、点、连字符，且各项必填。"), next_step=_("返回上一页修改。")
        ) from error
    actions.register_model(work, new)
    return see_other(f"/models/{quote(new.name)}", notice=("ok", _("模型已登记")))


@router.get("/models/{name}", dependencies=[allow("model.view")])
def model(name: str, reader: ReaderDep) -> Response:
    _, who = reader.context.gettext, _loop.who(reader)
    found = queries.model(reader.session, name)
    versions = queries.versions(reader.session, name)
    labels = {one.id: one.label for one in versions}
    columns = [
        Column("label", _("版本")),
        Column("kind", _("种类")),
        Column("base", _("基座")),
        Column("state", _("校验")),
        Column("size", _("大小"), num=True),
        Column("share", _("流量占比"), num=True),
        Column("accuracy", _("最近一次评测")),
        Column("source", _("来源"), hidden=True),
        Column("licence", _("许可")),
        Column("by", _("建立人")),
        Column("created", _("建立时间")),
    ]
    divided = _shares(reader, name)
    runs = evaluation.runs(reader.session, model=name, limit=500)
    lines = [
        Line(
            {
                "label": _loop.link(one.label, f"/models/{quote(name)}/{one.id}", code=True),
                "kind": Cell(_words.name(reader.context, "kind", one.kind), by=("kind", one.kind)),
                "base": Cell(labels.get(one.base_id or "", i18n.NOT_MEASURED), code=True),
                "state": _loop.status(reader, "version", one.state, param="state"),
                "size": Cell(i18n.size(_bytes(one)), _bytes(one)),
                "share": _loop.share(reader, divided.get(one.id)),
                "accuracy": _newest(reader, [run for run in runs if run.version_id == one.id]),
                "source": Cell(one.source),
                "licence": Cell(one.licence),
                "by": Cell(who(one.created_by)),
                "created": _loop.moment(reader, one.created_at),
            },
            {"kind": one.kind, "state": one.state},
            one.id,
        )
        for one in versions
    ]
    choices = {
        "kind": (_("种类"), _words.options(reader.context, "kind")),
        "state": (_("校验"), _words.options(reader.context, "version")),
    }
    made = _loop.listing(
        reader, columns, lines, sort="-created", name=f"versions-{name}", label=_("版本"), choices=choices
    )
    if isinstance(made, Response):
        return made
    return _loop.show(
        reader,
        "model.html",
        one=found,
        list=made,
        serving=_serving(reader, name, versions),
        has_route=reader.session.get(RouteState, name) is not None,
    )


@router.get("/models/{name}/{version}", dependencies=[allow("model.view")])
def version(name: str, version: str, reader: ReaderDep) -> Response:
    found = queries.version_of(reader.session, name, version)
    base = queries.version(reader.session, found.base_id) if found.base_id else None
    training = str(found.lineage.get("training_id", ""))
    hosts = [one for one in deployments.deployments(reader.session, model=name) if one.version_id == found.id]
    candidate = deployments.candidate_of(reader.session, found.id)
    return _loop.show(
        reader,
        "model_version.html",
        one=found,
        base=base,
        total=_bytes(found),
        adapters=[one for one in queries.versions(reader.session, name) if one.base_id == found.id],
        lineage=_lineage(found.lineage),
        training=_training(reader, training),
        hosts=hosts,
        candidate=candidate,
        share=_shares(reader, name).get(found.id),
        runs=[
            _run(reader, run)
            for run in evaluation.runs(reader.session, model=name, limit=500)
            if run.version_id == found.id
        ],
        check_refused=_loop.refused(reader, "model.verify"),
        candidate_refused=_candidate_refused(reader, found, candidate.state if candidate else ""),
    )


@router.post("/models/{name}/{version}/check", dependencies=[allow("model.verify")])
def check(name: str, version: str, reader: ReaderDep, work: WorkDep) -> Response:
    queries.version_of(work.session, name, version)
    actions.check_version(work, version)
    return see_other(f"/models/{quote(name)}/{version}", notice=("ok", reader.context.gettext("已开始校验")))


@router.post("/models/{name}/{version}/candidate", dependencies=[allow("deployment.initialise")])
def add_candidate(name: str, version: str, reader: ReaderDep, work: WorkDep) -> Response:
    """The adapter is being loaded beside its base, without traffic."""
    deployment_actions.add_candidate(work, name, version)
    said = reader.context.gettext("正在加载为候选，零流量作答")
    return see_other(f"/models/{quote(name)}/{version}", notice=("ok", said))


# ---------------------------------------------------------------- parts


def _bytes(one: ModelVersion) -> int:
    return sum(int(entry["size"]) for entry in one.files)


def _shares(reader: Reader, model: str) -> dict[str, float]:
    """Share of the traffic by version id."""
    route = reader.session.get(RouteState, model)
    if route is None:
        return {}
    by_target = dict(shares(route))
    found: dict[str, float] = {}
    for target in deployments.targets(route):
        found[target.version] = found.get(target.version, 0.0) + by_target[target.id]
    return found


def _serving(reader: Reader, model: str, versions: Sequence[ModelVersion]) -> str:
    labels = {one.id: one.label for one in versions}
    parts = [
        f"{labels.get(id, id)} {i18n.percent(share, digits=0)}" for id, share in _shares(reader, model).items() if share
    ]
    return reader.context.gettext("、").join(parts) or i18n.NOT_MEASURED


def _newest(reader: Reader, runs: Sequence[EvaluationRun]) -> Cell:
    """The accuracy of the newest completed run, as a link to it."""
    run = next((one for one in runs if one.state == "completed"), None)
    if run is None:
        return Cell(i18n.NOT_MEASURED)
    figure = next((one for one in run.scores["figures"] if one["name"] == "accuracy"), None)
    shown = i18n.percent(figure["value"] if figure else None)
    text = reader.context.gettext("准确率 %(value)s", value=shown)
    return Cell(text, figure["value"] if figure else None, url=f"/evaluations/{run.id}")


def _run(reader: Reader, run: EvaluationRun) -> list[Cell]:
    suite = evaluation.suite(reader.session, run.suite_id)
    cell = _newest(reader, [run])
    return [
        Cell(run.id, url=f"/evaluations/{run.id}", code=True),
        Cell(suite.name),
        Cell(_words.name(reader.context, "purpose", run.purpose)),
        _loop.status(reader, "job", run.state),
        Cell(cell.text),
        _loop.number(reader, run.n),
        _loop.moment(reader, run.requested_at),
    ]


def _lineage(lineage: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Flat (name, value) rows of what an adapter was made from."""
    rows: list[tuple[str, str]] = []
    for key, value in lineage.items():
        if isinstance(value, Mapping):
            rows += [
                (f"{key}.{inner}", str(one)) for inner, one in value.items() if not isinstance(one, Mapping | list)
            ]
        elif isinstance(value, list):
            rows.append((key, ", ".join(map(str, value))))
        else:
            rows.append((key, str(value)))
    return rows


def _training(reader: Reader, id: str) -> Any:
    try:
        return tuning.training(reader.session, id) if id else None
    except GnomonError:
        return None


def _candidate_refused(reader: Reader, found: ModelVersion, state: str) -> str:
    _ = reader.context.gettext
    off = reader.refusal("deployment.initialise")
    if off:
        return off
    if state and not state.endswith("_failed"):
        return _("已经是候选")
    return "" if found.state == "checked" else _("还没有通过校验")
