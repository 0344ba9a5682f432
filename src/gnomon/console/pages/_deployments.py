"""The parts of one deployment's page: steps, probe, timetable, tests, history, and why a button is off."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from gnomon.console.pages import _loop, _words
from gnomon.console.pages._loop import Cell
from gnomon.console.reader import Reader
from gnomon.control.approvals import queries as approvals
from gnomon.control.deployments import queries, rules
from gnomon.control.deployments.tables import Deployment
from gnomon.control.evidence.tables import Artefact
from gnomon.control.people import queries as people
from gnomon.engine import charts
from gnomon.engine.charts import Chart, Task
from gnomon.kit import i18n
from gnomon.kit.canonical import digest
from gnomon.kit.i18n import mark

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
    "initialise": mark("加载并应答"),
    "initialised": mark("模型初始化完成"),
    "install_failed": mark("安装失败"),
    "tested": mark("功能测试"),
    "went_live": mark("上线"),
    "retired": mark("下线"),
}
_INSTALLED: Final = frozenset({"initialised", "testing", "tested", "test_failed", "live", "retired"})
_TONES: Final = {"done": "ok", "passed": "ok", "met": "ok", "failed": "bad", "not_met": "bad", "insufficient": "warn"}


def is_approved(reader: Reader, found: Deployment) -> bool:
    standing = queries.standing(reader.session, found)
    return bool(standing.approved) and standing.approved == standing.content


def plan_problems(reader: Reader, found: Deployment) -> list[str]:
    everybody = {person.id for person in people.people(reader.session) if person.active}
    return rules.plan_problems(found.plan, people=everybody) + rules.tests_problems(found.tests)


def progress_of(reader: Reader, found: Deployment) -> list[tuple[str, str, str]]:
    """The seven steps; the first that is not done is the current one."""
    _ = reader.context.gettext
    approved = is_approved(reader, found)
    done = [
        (_("需求"), found.requirements_state == "approved", found.requirements_state == "rejected"),
        (_("探测"), bool(found.probe) and found.probe.get("environment_sha256") == digest(found.environment), False),
        (_("方案"), bool(found.plan) and not plan_problems(reader, found), False),
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


def where_it_stands(reader: Reader, found: Deployment) -> tuple[str, str]:
    _ = reader.context.gettext
    tone, word = _words.badge(reader.context, "deployment", found.state)
    steps = progress_of(reader, found)
    now = next((title for title, state, _note in steps if state in ("now", "stopped")), "")
    if found.state in ("live", "retired") or not now:
        return tone, _("%(number)s %(state)s。", number=found.number, state=word)
    return tone, _("%(number)s %(state)s，当前步骤：%(step)s。", number=found.number, state=word, step=now)


def standing_of(reader: Reader, kind: str, id: str) -> approvals.Standing | None:
    asked = approvals.latest(reader.session, kind, id)
    return approvals.standing(reader.session, asked) if asked else None


def probe_rows(reader: Reader, found: Deployment) -> list[list[Cell]]:
    accepted = set(found.plan.get("accepted_mismatches", []))
    _ = reader.context.gettext
    return [
        [
            Cell(row["item"], code=True),
            Cell(_said(reader, row["wanted"])),
            Cell(_said(reader, row["found"])),
            _loop.status(reader, "verdict", row["state"]),
            Cell(_("方案已接受") if row["item"] in accepted else i18n.NOT_MEASURED),
        ]
        for row in found.probe.get("mismatches", [])
    ]


def _said(reader: Reader, value: Any) -> str:
    """The probe's own words in the reader's; everything else as it is."""
    words = {"absent": mark("没有"), "free": mark("空闲"), "taken": mark("被占用")}
    return reader.context.gettext(words[value]) if isinstance(value, str) and value in words else _plain(value)


def _plain(value: Any) -> str:
    if value is None:
        return i18n.NOT_MEASURED
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {one}" for key, one in value.items() if one)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def timetable(reader: Reader, found: Deployment) -> Chart | None:
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


def test_rows(reader: Reader, proofs: Sequence[Artefact]) -> list[dict[str, Any]]:
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


def history_of(reader: Reader, found: Deployment) -> list[dict[str, Any]]:
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


def buttons_off(reader: Reader, found: Deployment) -> dict[str, str]:
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
    missing = plan_problems(reader, found)
    if not off["plan"] and missing:
        off["plan"] = _("部署方案缺 %(n)s 处", n=len(missing))
    if not off["start"] and reader.actor.id != found.executor_id:
        off["start"] = _("方案指定 %(who)s 执行", who=_loop.who(reader)(found.executor_id))
    return off
