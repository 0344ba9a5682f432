"""What the side bar and the palette offer: five groups; an entry appears once its page exists."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from starlette.routing import Match

from gnomon.kit.i18n import mark


@dataclass(frozen=True, slots=True)
class Entry:
    """A page: `go` is the letter after G that opens it."""

    path: str
    label: str
    go: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    label: str
    entries: tuple[Entry, ...]


HOME: Final = Entry("/", mark("工作台"), "H")

GROUPS: Final = (
    Group(
        mark("运行"),
        (
            Entry("/slo", mark("SLO 看板"), "S"),
            Entry("/alerts", mark("告警")),
            Entry("/deployments", mark("部署"), "D"),
            Entry("/releases", mark("发布记录")),
            Entry("/upstreams", mark("模型服务连接")),
            Entry("/traffic", mark("流量记录")),
            Entry("/incidents", mark("事件与预案")),
            Entry("/backups", mark("备份与恢复")),
            Entry("/bans", mark("封禁")),
            Entry("/quotas", mark("配额")),
            Entry("/playground", mark("试用台")),
        ),
    ),
    Group(
        mark("治理"),
        (
            Entry("/clauses", mark("制度条款"), "C"),
            Entry("/findings", mark("问题台账")),
            Entry("/cases", mark("整改单"), "R"),
            Entry("/approvals", mark("审批")),
            Entry("/duties", mark("周期职责")),
            Entry("/audit", mark("审计日志"), "A"),
            Entry("/permissions", mark("权限矩阵")),
            Entry("/rulebook", mark("规则库")),
        ),
    ),
    Group(
        mark("资产"),
        (
            Entry("/models", mark("模型")),
            Entry("/datasets", mark("数据集")),
            Entry("/evaluations", mark("评测报告")),
            Entry("/training", mark("训练")),
            Entry("/privacy", mark("脱敏")),
            Entry("/privacy/subjects", mark("个人权利")),
            Entry("/access", mark("访问与额度")),
        ),
    ),
    Group(
        mark("业务"),
        (
            Entry("/feedback", mark("反馈")),
            Entry("/surveys", mark("问卷")),
            Entry("/tickets", mark("工单"), "T"),
            Entry("/meetings", mark("周例会")),
            Entry("/reports", mark("报告")),
        ),
    ),
    Group(
        mark("管理"),
        (
            Entry("/admin/users", mark("人员")),
            Entry("/admin/calendar", mark("工作日历")),
            Entry("/admin/integrations", mark("集成")),
            Entry("/admin/system", mark("系统")),
            Entry("/_gallery", mark("组件库")),
        ),
    ),
)


def visible(paths: Iterable[str]) -> list[Group]:
    """The groups with only the pages that exist; empty groups are left out."""
    known = set(paths)
    kept = (Group(group.label, tuple(e for e in group.entries if e.path in known)) for group in GROUPS)
    return [group for group in kept if group.entries]


def current(path: str) -> str:
    """The entry that `path` belongs to: the longest entry that it starts with."""
    entries = [HOME.path, *(entry.path for group in GROUPS for entry in group.entries)]
    return max((e for e in entries if path == e or (e != "/" and path.startswith(e + "/"))), key=len, default="")


def paths_of(app: Any) -> frozenset[str]:
    """The entries that the application answers: it is asked route by route, so that routers it includes count too."""
    entries = [HOME, *(entry for group in GROUPS for entry in group.entries)]
    return frozenset(entry.path for entry in entries if _answers(app, entry.path))


def _answers(app: Any, path: str) -> bool:
    scope = {"type": "http", "method": "GET", "path": path, "root_path": "", "headers": [], "query_string": b""}
    return any(route.matches(dict(scope))[0] is Match.FULL for route in getattr(app, "routes", ()))
