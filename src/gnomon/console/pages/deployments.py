"""What runs where, and one deployment on its way into service: papers, probe, plan, approvals, test, go-live."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Form
from fastapi.responses import Response

from gnomon.console.pages import _loop, _words
from gnomon.console.pages._loop import Cell, Line
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.console.urls import Column
from gnomon.control.approvals import queries as approvals
from gnomon.control.catalog import queries as catalog
from gnomon.control.catalog.tables import ModelVersion
from gnomon.control.deployments import actions, queries, rules
from gnomon.control.deployments.schemas import NewDeployment
from gnomon.control.deployments.tables import Deployment, RouteState
from gnomon.control.evidence import queries as evidence
from gnomon.control.evidence.tables import Artefact
from gnomon.control.people import queries as people
from gnomon.engine import charts
from gnomon.engine.charts import Chart, Task
from gnomon.kit import i18n
from gnomon.kit.canonical import digest
from gnomon.kit.errors import BadInput
from gnomon.kit.i18n import mark
from gnomon.kit.web import WorkDep, allow
from gnomon.kit.work import Work

router = APIRouter(include_in_schema=False)

SECTIONS: Final = {
    "background": mark("项目背景"),
    "business_goal": mark("业务目标"),
    "task_type": mark("任务类型"),
    "scenarios": mark("应用场景"),
    "users": mark("使用者"),
    "functions": mark("功能要求"),
    "metrics": mark("效果指标"),
    "performance": mark("性能要求"),
    "data": mark("数据要求"),
    "security": mark("安全要求"),
    "acceptance": mark("验收标准"),
}
_STEPS: Final = {
    "requirements_submitted": mark("需求分析报告提交审批"),
    "requirements_approved": mark("需求分析报告批准"),
    "probe": mark("探测环境"),
    "plan_submitted": mark("部署方案提交审批"),
    "started": mark("开始安装"),
    "dependencies": mark("核对依赖"),
    "initialised": mark("模型初始化完成"),
    "install_failed": mark("安装失败"),
    "tested": mark("功能测试"),
    "went_live": mark("上线"),
    "retired": mark("下线"),
}
_INSTALLED: Final = frozenset({"initialised", "testing", "tested", "test_failed", "live", "retired"})
_TONES: Final = {"done": "ok", "passed": "ok", "met": "ok", "failed": "bad", "not_met": "bad", "insufficient": "warn"}


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


@router.post("/deployments")
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
        steps=_progress(reader, found),
        sentence=_standing(reader, found),
        sections=[
            (reader.context.gettext(title), found.requirements.get("sections", {}).get(key, ""))
            for key, title in SECTIONS.items()
        ],
        items=found.requirements.get("items", []),
        lacks=rules.requirements_problems(found.requirements),
        plan_lacks=_plan_problems(reader, found),
        probe=_probe(reader, found),
        probe_is_current=found.probe.get("environment_sha256") == digest(found.environment),
        gantt=_gantt(reader, found),
        asked={kind: _standing_of(reader, kind, id) for kind in ("requirements_report", "deployment_plan")},
        approved_content=_is_approved(reader, found),
        tests=_tests(reader, proofs),
        log=next((one for one in reversed(proofs) if one.source == "deployments.dependencies"), None),
        history=_history(reader, found),
        proofs=list(reversed(proofs)),
        buttons=_buttons(reader, found),
        posts=reader.posts,
    )


@router.post("/deployments/{id}/{verb}")
def act(id: str, verb: str, reader: ReaderDep, work: WorkDep, reason: Annotated[str, Form()] = "") -> Response:
    """One step of the deployment. Raises BadInput on a verb that there is not."""
    _ = reader.context.gettext
    done: dict[str, tuple[Callable[[Work, str], object], str]] = {
        "requirements": (actions.submit_requirements, _("需求分析报告已提交审批")),
        "probe": (actions.probe_environment, _("已开始探测环境")),
        "plan": (actions.submit_plan, _("部署方案已提交审批")),
        "start": (actions.start, _("已开始安装")),
        "test": (actions.test, _("已开始功能测试")),
        "go-live": (actions.go_live, _("已上线")),
        "retire": (lambda work, id: actions.retire(work, id, reason=reason), _("已下线")),
    }
    if verb not in done:
        raise BadInput(_("没有这个操作。"), next_step=_("用页面上的按钮操作。"))
    do, said = done[verb]
    do(work, id)
    return see_other(f"/deployments/{id}", notice=("ok", said))


# ---------------------------------------------------------------- the overview


def _versions(reader: Reader) -> dict[str, ModelVersion]:
    return {
        one.id: one for model in catalog.models(reader.session) for one in catalog.versions(reader.session, model.name)
    }


def _list(reader: Reader, found: Sequence[Deployment], versions: Mapping[str, ModelVersion]) -> _loop.List | Response:
    _, name = reader.context.gettext, _loop.who(reader)
    columns = [
        Column("number", _("编号")),
        Column("title", _("名称")),
        Column("model", _("模型")),
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
        "model": (_("模型"), [(one, one) for one in models]),
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


# ---------------------------------------------------------------- one deployment


def _is_approved(reader: Reader, found: Deployment) -> bool:
    standing = queries.standing(reader.session, found)
    return bool(standing.approved) and standing.approved == standing.content


def _plan_problems(reader: Reader, found: Deployment) -> list[str]:
    everybody = {person.id for person in people.people(reader.session) if person.active}
    return rules.plan_problems(found.plan, people=everybody) + rules.tests_problems(found.tests)


def _progress(reader: Reader, found: Deployment) -> list[tuple[str, str, str]]:
    """The seven steps; the first that is not done is the current one."""
    _ = reader.context.gettext
    approved = _is_approved(reader, found)
    done = [
        (_("需求"), found.requirements_state == "approved", found.requirements_state == "rejected"),
        (_("探测"), bool(found.probe) and found.probe.get("environment_sha256") == digest(found.environment), False),
        (_("方案"), bool(found.plan) and not _plan_problems(reader, found), False),
        (_("审批"), approved, found.state == "rejected"),
        (_("安装"), found.state in _INSTALLED, found.state == "install_failed"),
        (_("测试"), found.state in ("tested", "live"), found.state == "test_failed"),
        (_("上线"), found.state == "live", found.state == "retired"),
    ]
    current = next((place for place, (_title, is_done, _stopped) in enumerate(done) if not is_done), len(done))
    return [
        (title, "done" if is_done else "stopped" if stopped else "now" if place == current else "todo", "")
        for place, (title, is_done, stopped) in enumerate(done)
    ]


def _standing(reader: Reader, found: Deployment) -> tuple[str, str]:
    _ = reader.context.gettext
    tone, word = _words.badge(reader.context, "deployment", found.state)
    steps = _progress(reader, found)
    now = next((title for title, state, _note in steps if state in ("now", "stopped")), "")
    if found.state in ("live", "retired") or not now:
        return tone, _("%(number)s %(state)s。", number=found.number, state=word)
    return tone, _("%(number)s %(state)s，当前步骤：%(step)s。", number=found.number, state=word, step=now)


def _standing_of(reader: Reader, kind: str, id: str) -> approvals.Standing | None:
    asked = approvals.latest(reader.session, kind, id)
    return approvals.standing(reader.session, asked) if asked else None


def _probe(reader: Reader, found: Deployment) -> list[list[Cell]]:
    accepted = set(found.plan.get("accepted_mismatches", []))
    _ = reader.context.gettext
    return [
        [
            Cell(row["item"], code=True),
            Cell(_plain(row["wanted"])),
            Cell(_plain(row["found"])),
            _loop.status(reader, "verdict", row["state"]),
            Cell(_("方案已接受") if row["item"] in accepted else i18n.NOT_MEASURED),
        ]
        for row in found.probe.get("mismatches", [])
    ]


def _plain(value: Any) -> str:
    if value is None:
        return i18n.NOT_MEASURED
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {one}" for key, one in value.items() if one)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _gantt(reader: Reader, found: Deployment) -> Chart | None:
    name = _loop.who(reader)
    over = found.state in ("live", "retired")
    tasks = [
        Task(
            f"{place}",
            step["title"],
            name(step["owner"]),
            datetime.fromisoformat(step["start"]).astimezone(reader.context.zone).date(),
            datetime.fromisoformat(step["end"]).astimezone(reader.context.zone).date(),
            1.0 if over else 0.0,
        )
        for place, step in enumerate(found.plan.get("steps", []), 1)
        if step.get("start") and step.get("end") and step["start"] <= step["end"]
    ]
    if not tasks:
        return None
    _ = reader.context.gettext
    today = reader.now.astimezone(reader.context.zone).date()
    return charts.gantt(_("部署时间表"), tasks, today, locale=reader.context.locale, method=_("按方案；上线后计为完成"))


def _tests(reader: Reader, proofs: Sequence[Artefact]) -> list[dict[str, Any]]:
    """The newest functional test of both kinds."""
    _ = reader.context.gettext
    kinds = {"normal": _("正常用例"), "boundary": _("边界用例")}
    found = []
    for kind, title in kinds.items():
        newest = next((one for one in reversed(proofs) if one.source == f"deployments.functional_test_{kind}"), None)
        if newest:
            found.append(
                {
                    "title": title,
                    "proof": newest,
                    "passed": newest.facts["passed"],
                    "cases": newest.facts["cases"],
                    "rows": [_case(reader, row) for row in newest.facts["results"]],
                }
            )
    return found


def _case(reader: Reader, row: Mapping[str, Any]) -> list[Cell]:
    _ = reader.context.gettext
    return [
        Cell(str(row["id"]), code=True),
        Cell(row["covers"] or i18n.NOT_MEASURED),
        Cell(str(row["status"])),
        _loop.number(reader, row["latency_ms"]),
        Cell(_("未通过"), tone="bad") if row["problem"] else Cell(_("通过"), tone="ok"),
        Cell(row["problem"] or i18n.NOT_MEASURED),
    ]


def _history(reader: Reader, found: Deployment) -> list[dict[str, Any]]:
    name = _loop.who(reader)
    return [
        {
            "at": datetime.fromisoformat(line["at"]),
            "tone": _TONES.get(line["state"], "idle"),
            "who": name(line["by"]),
            "what": reader.context.gettext(_STEPS[line["step"]]) if line["step"] in _STEPS else line["step"],
            "more": line["note"],
            "url": f"/evidence/{line['evidence_ids'][0]}" if line["evidence_ids"] else "",
        }
        for line in reversed(found.steps)
    ]


def _buttons(reader: Reader, found: Deployment) -> dict[str, str]:
    """Why each button is off, by verb; empty where it may be pressed."""
    _ = reader.context.gettext
    standing = queries.standing(reader.session, found)

    def can(verb: str) -> Callable[[], object]:
        return lambda: rules.advance(standing, verb)

    off = {
        "requirements": _loop.refused(reader, "requirements.submit"),
        "probe": _loop.refused(reader, "environment.probe"),
        "plan": _loop.refused(reader, "deployment.submit", can("submit")),
        "start": _loop.refused(reader, "deployment.install", can("start")),
        "test": _loop.refused(reader, "deployment.test", can("test")),
        "go-live": _loop.refused(reader, "deployment.release", can("go_live")),
        "retire": _loop.refused(reader, "deployment.retire", can("retire")),
    }
    lacks = rules.requirements_problems(found.requirements)
    if not off["requirements"] and lacks:
        off["requirements"] = _("需求分析报告缺 %(n)s 处", n=len(lacks))
    if not off["requirements"] and found.requirements_state in ("submitted", "approved"):
        off["requirements"] = _words.badge(reader.context, "requirements", found.requirements_state)[1]
    if not off["probe"] and not found.environment:
        off["probe"] = _("还没有声明环境")
    missing = _plan_problems(reader, found)
    if not off["plan"] and missing:
        off["plan"] = _("部署方案缺 %(n)s 处", n=len(missing))
    if not off["start"] and reader.actor.id != found.executor_id:
        off["start"] = _("方案指定 %(who)s 执行", who=_loop.who(reader)(found.executor_id))
    return off
