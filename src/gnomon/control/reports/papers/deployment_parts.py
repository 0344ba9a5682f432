"""What the three papers of a deployment share: its facts, its environment, the machine as it was found, its tests."""

from collections.abc import Mapping
from typing import Any

from gnomon.control.catalog import queries as catalog
from gnomon.control.deployments.tables import Deployment
from gnomon.control.evidence.tables import Artefact
from gnomon.control.reports.papers.context import Context
from gnomon.control.reports.voice import NONE
from gnomon.engine import charts
from gnomon.engine.charts import Chart, Estimate, Interval
from gnomon.engine.documents import Block, Facts, Figure, Paragraph, Table
from gnomon.engine.stats.interval import wilson

PARTS = ("normal", "boundary")
_TASKS = {
    "classification": ("分类", "classification"),
    "extraction": ("信息抽取", "extraction"),
    "question_answering": ("问答", "question answering"),
    "chat": ("对话", "chat"),
    "generation": ("生成", "generation"),
}


def facts(context: Context, deployment: Deployment) -> tuple[tuple[str, str], ...]:
    say = context.say
    version = catalog.version(context.session, deployment.version_id)
    return (
        (say("部署单", "Deployment"), f"{deployment.number} {deployment.title}"),
        (say("模型", "Model"), f"{deployment.model} · {version.label}"),
        (say("模型文件 SHA-256", "SHA-256 of the model files"), version.sha256 or NONE),
        (say("状态", "State"), say.state(deployment.state)),
        (say("编制人", "Author"), context.name(deployment.author_id)),
    )


def task(context: Context, task_type: str) -> str:
    words = _TASKS.get(task_type)
    return context.say(*words) if words else task_type


def files(context: Context, deployment: Deployment) -> Table:
    """Every file of the version with its size and digest."""
    say = context.say
    version = catalog.version(context.session, deployment.version_id)
    return Table(
        say("模型文件", "Model files"),
        (say("文件", "File"), say("大小", "Size"), "SHA-256"),
        tuple((one["path"], say.size(one["size"]), one["sha256"]) for one in version.files),
        widths=(0.3, 0.15, 0.55),
        right=frozenset({1}),
    )


def environment(context: Context, deployment: Deployment) -> Table:
    """What was declared, beside what the probe found."""
    say = context.say
    found = deployment.probe.get("found", {})
    names = _names(context)
    rows = []
    for item, wanted in deployment.environment.items():
        if not wanted:
            continue
        have = found.get(_FOUND.get(item, item))
        shown = _found(item, wanted, have) if found else say("未探测", "not probed")
        rows.append(
            (names.get(item, item), _plain(wanted), shown, context.cite(deployment.probe.get("evidence_id", "")))
        )
    return Table(
        say("环境清单与探测结果", "Environment, declared and found"),
        (say("项目", "Item"), say("要求", "Declared"), say("实测", "Found"), say("证据", "Evidence")),
        tuple(rows),
        widths=(0.2, 0.34, 0.34, 0.12),
        empty=say("尚未声明环境", "No environment is declared yet."),
    )


def mismatches(context: Context, deployment: Deployment) -> Table:
    """Where the machine differs from the declaration, and whether the plan lives with it."""
    say = context.say
    accepted = set(deployment.plan.get("accepted_mismatches", []))
    rows = tuple(
        (
            row["item"],
            _plain(row["wanted"]),
            _plain(row["found"]),
            say.state(row["state"]),
            say("方案接受", "accepted by the plan") if row["item"] in accepted else NONE,
        )
        for row in deployment.probe.get("mismatches", [])
    )
    probed = bool(deployment.probe)
    return Table(
        say("环境不符项", "Mismatches"),
        (
            say("项目", "Item"),
            say("要求", "Wanted"),
            say("实测", "Found"),
            say("状态", "State"),
            say("处置", "Treatment"),
        ),
        rows,
        widths=(0.2, 0.22, 0.22, 0.16, 0.2),
        empty=say("没有不符项", "Nothing differs.") if probed else say("尚未探测", "The machine was not probed yet."),
    )


def tests(context: Context, found: list[Artefact]) -> list[Block]:
    """The newest functional test of both kinds: k of n with its interval, and every failure."""
    say = context.say
    runs = [(part, context.newest(found, f"deployments.functional_test_{part}")) for part in PARTS]
    done = [(part, one) for part, one in runs if one is not None]
    if not done:
        return [Paragraph(say("尚未进行功能测试。", "The functional test was not run yet."))]
    names = {"normal": say("正常用例", "normal cases"), "boundary": say("边界用例", "boundary cases")}
    blocks: list[Block] = [Figure(_chart(context, [(names[part], one) for part, one in done]), with_table=False)]
    rows = []
    for part, one in done:
        passed, cases = int(one.facts["passed"]), int(one.facts["cases"])
        shown = wilson(passed, cases) if cases else None
        ranged = f"[{say.percent(shown.low)}, {say.percent(shown.high)}]" if shown else NONE
        rows.append((names[part], f"{passed}/{cases}", ranged, say.state(one.state), context.cite(one.id)))
    header = (say("类别", "Kind"), "k/n", "95 % (Wilson)", say("结论", "Verdict"), say("证据", "Evidence"))
    blocks.append(Table(say("功能测试", "Functional test"), header, tuple(rows)))
    failures = [(names[part], row["id"], str(row["problem"])) for part, one in done for row in one.facts["failures"]]
    failed = (say("类别", "Kind"), say("用例", "Case"), say("问题", "Problem"))
    none = say("没有失败用例", "No case failed.")
    blocks.append(Table(say("失败用例", "Failures"), failed, tuple(failures), widths=(0.2, 0.25, 0.55), empty=none))
    return blocks


def _chart(context: Context, done: list[tuple[str, Artefact]]) -> Chart:
    rows, total = [], 0
    for name, one in done:
        passed, cases = int(one.facts["passed"]), int(one.facts["cases"])
        total += cases
        shown = wilson(passed, cases) if cases else None
        rows.append(Interval(name, Estimate(shown.estimate, shown.low, shown.high) if shown else None))
    label = context.say("功能测试通过率", "Functional test, share passed")
    return charts.interval(label, rows, locale=context.locale, method="Wilson 95 %", n=total, percent=True, high=1.0)


def log(context: Context, deployment: Deployment) -> Table:
    """What happened, in order, with its evidence."""
    say = context.say
    names = step_names(context)
    rows = tuple(
        (
            say.moment(line["at"]),
            names.get(line["step"], line["step"]),
            say.state(line["state"]),
            context.name(line["by"]),
            context.cite(*line["evidence_ids"]),
        )
        for line in deployment.steps
    )
    header = (
        say("时间", "Time"),
        say("步骤", "Step"),
        say("结果", "Result"),
        say("执行", "By"),
        say("证据", "Evidence"),
    )
    return Table(say("部署日志", "Log"), header, rows, widths=(0.26, 0.28, 0.16, 0.15, 0.15))


def step_names(context: Context) -> dict[str, str]:
    say = context.say
    return {
        "requirements_submitted": say("需求报告提交", "requirements submitted"),
        "requirements_approved": say("需求报告获批", "requirements approved"),
        "probe": say("环境探测", "environment probed"),
        "plan_submitted": say("方案提交", "plan submitted"),
        "started": say("开始执行", "started"),
        "dependencies": say("依赖核对", "dependencies checked"),
        "initialise": say("模型初始化", "model initialised"),
        "initialised": say("路由就绪（权重 0）", "in the route at weight 0"),
        "tested": say("功能测试", "functional test"),
        "went_live": say("上线", "went live"),
        "retired": say("下线", "retired"),
    }


def declared(context: Context, rows: Mapping[str, str]) -> Facts:
    return Facts(tuple((name, value or NONE) for name, value in rows.items()))


_FOUND = {"disk_gb": "disk_free_gb", "ports": "ports_taken", "gpu": "gpus"}


def _names(context: Context) -> dict[str, str]:
    say = context.say
    return {
        "os": say("操作系统", "Operating system"),
        "python": "Python",
        "cpu_cores": say("处理器核数", "Processor cores"),
        "cpu_flags": say("处理器指令集", "Processor flags"),
        "memory_gb": say("内存（GiB）", "Memory (GiB)"),
        "disk_gb": say("可用磁盘（GiB）", "Free disk (GiB)"),
        "ports": say("端口空闲", "Free ports"),
        "packages": say("依赖包（锁定版本）", "Packages (pinned)"),
        "fonts": say("字体", "Fonts"),
        "containers": say("容器引擎", "Container engine"),
        "gpu": "GPU",
    }


def _found(item: str, wanted: Any, have: Any) -> str:
    """What was found, narrowed to what was asked where a machine has much more."""
    if have is None:
        return NONE
    if item in ("cpu_flags", "fonts"):
        present = {str(name).lower() for name in have}
        return ", ".join(name for name in wanted if str(name).lower() in present) or NONE
    if item == "ports":
        return ", ".join(f"{port} {'✗' if port in have else '✓'}" for port in wanted)
    return _plain(have)


def _plain(value: Any) -> str:
    """A declared or found value as text; a list of packages one a line."""
    if value is None or value == "" or value == []:
        return NONE
    if isinstance(value, Mapping):
        return "\n".join(f"{name} {NONE if one is None else one}" for name, one in value.items())
    if isinstance(value, list):
        return ", ".join(_plain(one).replace("\n", " ") for one in value)
    return str(value)
