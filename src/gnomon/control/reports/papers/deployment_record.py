"""部署记录: what was planned, what happened, where the two differ, and what the tests said."""

from typing import Any

from gnomon.control.catalog import queries as catalog
from gnomon.control.deployments import queries
from gnomon.control.deployments.tables import Deployment, Release
from gnomon.control.evidence.tables import Artefact
from gnomon.control.reports.papers import deployment_parts as parts
from gnomon.control.reports.papers.context import Context
from gnomon.control.reports.papers.parts import Paper, head
from gnomon.control.reports.rules import NothingToReport
from gnomon.control.reports.voice import NONE
from gnomon.engine.documents import Block, Paragraph, Section, Table


def build(context: Context, subject_id: str) -> Paper:
    """Raises NothingToReport before the plan was carried out."""
    deployment = queries.deployment(context.session, subject_id)
    if not any(line["step"] == "started" for line in deployment.steps):
        raise NothingToReport(
            f"The deployment {deployment.number} is {deployment.state}; nothing was carried out yet.",
            next_step="Start it first.",
        )
    say = context.say
    asked = (("requirements_report", deployment.id), ("deployment_plan", deployment.id))
    found = context.about("deployment", deployment.id)
    releases = queries.releases(context.session, model=deployment.model)[::-1]
    released = tuple(("release", release.id) for release in releases)
    sections = (
        Section(say("概述", "Overview"), tuple(_overview(context, deployment))),
        Section(
            say("计划与实际对照", "Planned and actual"), (_planned(context, deployment), parts.log(context, deployment))
        ),
        Section(say("偏差", "Deviations"), (parts.mismatches(context, deployment), _dependencies(context, found))),
        Section(say("测试结果", "Test results"), tuple(parts.tests(context, found))),
        Section(
            say("灰度、放量与回滚", "Canaries, releases and roll-backs"),
            (_releases(context, releases), _timings(context, releases)),
        ),
        Section(say("遗留", "Left open"), (_left(context, deployment, found),)),
        Section(say("结论", "Conclusion"), (_conclusion(context, deployment, found),)),
        Section(say("审批", "Approvals"), (context.approvals_table(*asked, *released),)),
        context.evidence_section(),
    )
    return Paper(
        head(context, "deployment_record", deployment.title),
        parts.facts(context, deployment),
        sections,
        context.signatures(*asked),
    )


def _overview(context: Context, deployment: Deployment) -> list[Block]:
    say = context.say
    started, live = (_at(deployment, step) for step in ("started", "went_live"))
    rows = {
        say("执行人", "Executor"): context.name(deployment.executor_id),
        say("开始执行", "Started"): say.moment(started),
        say("上线时间", "Went live"): say.moment(live),
        say("路由目标", "Target in the route"): deployment.target_id,
        say("脱敏策略", "Masking policy"): deployment.mask_policy,
    }
    return [parts.declared(context, rows), parts.files(context, deployment)]


def _at(deployment: Deployment, step: str) -> str:
    return next((line["at"] for line in reversed(deployment.steps) if line["step"] == step), "")


def _planned(context: Context, deployment: Deployment) -> Table:
    say = context.say
    plan: dict[str, Any] = deployment.plan
    last = deployment.steps[-1]["at"] if deployment.steps else ""
    rows = [
        (say("整体", "As a whole"), say.moment(plan["start"]), say.moment(plan["end"]),
         say.moment(_at(deployment, "started")), say.moment(_at(deployment, "went_live") or last)),
    ]  # fmt: skip
    rows += [(step["title"], say.moment(step["start"]), say.moment(step["end"]), NONE, NONE) for step in plan["steps"]]
    header = (
        say("步骤", "Step"),
        say("计划开始", "Planned start"),
        say("计划结束", "Planned end"),
        say("实际开始", "Actual start"),
        say("实际结束", "Actual end"),
    )
    caption = say(
        "计划与实际（各步骤的实际时间见部署日志）", "Planned and actual (actual times of the steps: see the log)"
    )
    return Table(caption, header, tuple(rows), widths=(0.24, 0.19, 0.19, 0.19, 0.19))


def _dependencies(context: Context, found: list[Artefact]) -> Table:
    say = context.say
    one = context.newest(found, "deployments.dependencies_installed")
    wrong = set(one.facts["wrong"]) if one else set()
    rows: tuple[tuple[str, ...], ...] = ()
    if one is not None:
        pinned, installed = one.facts["environment"], one.facts["packages"]
        rows = tuple(
            (
                name,
                str(version),
                str(installed.get(name) or NONE),
                say("■ 不符", "■ differs")
                if any(str(item).startswith(name) for item in wrong)
                else say("✓ 一致", "✓ same"),
                context.cite(one.id),
            )
            for name, version in sorted(pinned.items())
        )
    header = (
        say("依赖", "Package"),
        say("锁定版本", "Pinned"),
        say("实际版本", "Installed"),
        say("核对", "Check"),
        say("证据", "Evidence"),
    )
    return Table(
        say("依赖核对", "Dependencies"),
        header,
        rows,
        widths=(0.3, 0.2, 0.2, 0.16, 0.14),
        empty=say("尚未核对依赖", "The dependencies were not checked yet."),
    )


def _releases(context: Context, releases: list[Release]) -> Table:
    say = context.say
    rows = tuple(
        (
            f"{one.from_target} → {one.to_target}",
            say.percent(one.share, 0),
            say.moment(one.canary_at),
            say.moment(one.full_at),
            say.state(one.state),
            context.cite(one.evidence_id, *(proof.id for proof in context.about("release", one.id))),
        )
        for one in releases
    )
    header = (
        say("切换", "From → to"),
        say("灰度比例", "Share"),
        say("灰度开始", "Canary since"),
        say("全量", "Full since"),
        say("状态", "State"),
        say("证据", "Evidence"),
    )
    none = say("没有灰度发布", "There was no release beside the go-live.")
    return Table(say("发布", "Releases"), header, rows, widths=(0.2, 0.1, 0.2, 0.2, 0.14, 0.16), empty=none)


def _timings(context: Context, releases: list[Release]) -> Table:
    say = context.say
    verbs = {"roll_back": say("回滚", "roll-back"), "roll_forward": say("恢复", "roll forward")}
    rows = tuple(
        (
            f"{one.from_target} → {one.to_target}",
            verbs.get(line["verb"], line["verb"]),
            say.moment(line["at"]),
            say.seconds(line["seconds"]),
        )
        for one in releases
        for line in one.timings
    )
    header = (
        say("发布", "Release"),
        say("动作", "Action"),
        say("决定时间", "Decided"),
        say("网关执行用时", "Until obeyed"),
    )
    none = say("没有回滚或恢复", "Nothing was rolled back.")
    return Table(say("回滚与恢复用时", "Roll-backs, timed"), header, rows, right=frozenset({3}), empty=none)


def _left(context: Context, deployment: Deployment, found: list[Artefact]) -> Table:
    """What is known not to be in order: failed cases, mismatches, dependencies that differ."""
    say = context.say
    rows = [
        (say("功能测试失败用例", "failed test case"), str(failure["id"]), str(failure["problem"]))
        for part in parts.PARTS
        if (one := context.newest(found, f"deployments.functional_test_{part}")) is not None
        for failure in one.facts["failures"]
    ]
    rows += [
        (say("环境不符项", "mismatch"), row["item"], say.state(row["state"]))
        for row in deployment.probe.get("mismatches", [])
    ]
    dependencies = context.newest(found, "deployments.dependencies_installed")
    rows += [
        (say("依赖不符", "dependency"), str(item), NONE)
        for item in (dependencies.facts["wrong"] if dependencies else [])
    ]
    header = (say("类别", "Kind"), say("项目", "Item"), say("说明", "Detail"))
    return Table(say("遗留事项", "Left open"), header, tuple(rows), empty=say("没有遗留事项", "Nothing is left open."))


def _conclusion(context: Context, deployment: Deployment, found: list[Artefact]) -> Paragraph:
    say = context.say
    version = catalog.version(context.session, deployment.version_id)
    results = [context.newest(found, f"deployments.functional_test_{part}") for part in parts.PARTS]
    counts = [(one.facts["passed"], one.facts["cases"]) for one in results if one is not None]
    passed, cases = sum(k for k, _ in counts), sum(n for _, n in counts)
    tested = (
        say(f"功能测试通过 {passed}/{cases}", f"{passed} of {cases} functional tests passed")
        if counts
        else say("功能测试未进行", "the functional test was not run")
    )
    return Paragraph(
        say(
            f"{deployment.model}（{version.label}）当前状态：{say.state(deployment.state)}；{tested}。",
            f"{deployment.model} ({version.label}) is {say.state(deployment.state)}; {tested}.",
        ),
        strong=True,
    )
