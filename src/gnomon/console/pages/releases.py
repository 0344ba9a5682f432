"""The traffic of one model: its share by target, the canary with both arms, releases and timed roll-backs."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Form
from fastapi.responses import Response
from pydantic import ValidationError

from gnomon.console.pages import _loop, _words
from gnomon.console.pages._loop import Cell, Line
from gnomon.console.pages.deployments import shares
from gnomon.console.pages.slo import success_ratio
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.console.urls import Column
from gnomon.control.approvals import queries as approvals
from gnomon.control.catalog import queries as catalog
from gnomon.control.deployments import actions, queries, rules
from gnomon.control.deployments.schemas import ReleaseRequest
from gnomon.control.deployments.tables import Release, RouteState
from gnomon.control.evaluation import queries as evaluation
from gnomon.control.evidence import queries as evidence
from gnomon.control.evidence.tables import Artefact
from gnomon.control.remediation import queries as remediation
from gnomon.engine import charts
from gnomon.engine.charts import Bar, Chart, Series
from gnomon.kit import i18n, services
from gnomon.kit.canonical import digest
from gnomon.kit.errors import BadInput, Unavailable
from gnomon.kit.i18n import mark
from gnomon.kit.web import WorkDep, allow

router = APIRouter(include_in_schema=False)
OPEN: Final = ("requested", "approved", "canary")
_POINTS = 60  # of a canary's curves: as many as a card is wide enough for
_VERBS: Final = {"roll_back": mark("回滚"), "roll_forward": mark("恢复")}


@router.get("/releases", dependencies=[allow("canary.view")])
def releases(reader: ReaderDep) -> Response:
    """Every release of every model, newest first."""
    made = _list(reader, queries.releases(reader.session), sort="-requested")
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
        steps=_steps(reader, found),
        approval=approvals.standing(reader.session, asked) if asked else None,
        gate=evidence.artefact(reader.session, found.evidence_id),
        arms=_arms(reader, found),
        timings=_timings(reader, [found]),
        proofs=list(reversed(evidence.about(reader.session, "release", id))),
        buttons=_buttons(reader, found),
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
        actions.abort_release(work, id, reason=_given(reader, reason))
        said = _("发布已中止")
    else:
        raise BadInput(_("没有这个操作。"), next_step=_("用页面上的按钮操作。"))
    return see_other(f"/releases/{id}", notice=("ok", said))


@router.get("/deployments/routes/{model}", dependencies=[allow("deployment.view")])
def route(model: str, reader: ReaderDep) -> Response:
    """Where the model's requests go now, and how they came to go there."""
    found = queries.route(reader.session, model)
    history = queries.releases(reader.session, model=model)
    made = _list(reader, history, sort="-requested", name=model)
    if isinstance(made, Response):
        return made
    current = next((one for one in history if one.state in OPEN), None)
    full = next((one for one in history if one.full_at is not None), None)
    return _loop.show(
        reader,
        "route.html",
        route=found,
        model=catalog.model(reader.session, model),
        list=made,
        sentence=_sentence(reader, found, current),
        share=_share_chart(reader, found),
        targets=_targets(reader, found),
        current=current,
        steps=_steps(reader, current) if current else [],
        arms=_arms(reader, current) if current else None,
        buttons=_buttons(reader, current) if current else {},
        back=_back(reader, full),
        forward=_forward(reader, full),
        timings=_timings(reader, history),
        limit=queries.rollback_limit_s(reader.session, model),
        ask=_request(reader, found, current),
    )


@router.post("/deployments/routes/{model}/releases")
def request_release(
    model: str,
    reader: ReaderDep,
    work: WorkDep,
    to_target: Annotated[str, Form()] = "",
    evidence_id: Annotated[str, Form()] = "",
    share: Annotated[float, Form()] = 10.0,
    watch_minutes: Annotated[float, Form()] = 60.0,
    min_requests: Annotated[int, Form()] = 20,
    error_percent: Annotated[float, Form()] = 5.0,
    slow_ms: Annotated[float, Form()] = 0.0,
    slow_percent: Annotated[float, Form()] = 0.0,
) -> Response:
    """A release is asked for; shares and limits come in percent."""
    _ = reader.context.gettext
    limits: list[dict[str, Any]] = [
        {"indicator": "error_ratio", "limit": error_percent / 100, "min_requests": min_requests}
    ]
    if slow_ms > 0:
        limits.append(
            {
                "indicator": "latency_ratio_over",
                "limit": slow_percent / 100,
                "latency_ms": slow_ms,
                "min_requests": min_requests,
            }
        )
    try:
        asked = ReleaseRequest.model_validate(
            {
                "model": model,
                "to_target": to_target,
                "evidence_id": evidence_id.strip(),
                "share": share / 100,
                "watch_s": watch_minutes * 60,
                "min_requests": min_requests,
                "rules": limits,
            }
        )
    except ValidationError as error:
        fields = ", ".join(sorted({str(item["loc"][0]) for item in error.errors()}))
        raise BadInput(
            _("这些值不在允许的范围：%(fields)s。", fields=fields), next_step=_("返回上一页修改。")
        ) from error
    made = actions.request_release(work, asked)
    return see_other(f"/releases/{made.id}", notice=("ok", _("发布已申请，等待审批")))


@router.post("/deployments/routes/{model}/roll-back")
def roll_back(
    model: str,
    reader: ReaderDep,
    work: WorkDep,
    reason: Annotated[str, Form()] = "",
    confirm: Annotated[str, Form()] = "",
) -> Response:
    """All traffic goes back, once the target to go back to was typed."""
    _ = reader.context.gettext
    full = next((one for one in queries.releases(work.session, model=model) if one.full_at is not None), None)
    if full is None or confirm.strip() != full.from_target:
        raise BadInput(
            _("输入的版本与要回滚到的不一致。"), next_step=_("返回上一页，按提示输入版本。"), typed=confirm.strip()
        )
    actions.roll_back(work, model, reason=_given(reader, reason))
    return see_other(
        f"/deployments/routes/{quote(model)}",
        notice=("ok", _("已回滚到 %(target)s，正在计时", target=full.from_target)),
    )


@router.post("/deployments/routes/{model}/roll-forward")
def roll_forward(model: str, reader: ReaderDep, work: WorkDep, reason: Annotated[str, Form()] = "") -> Response:
    made = actions.roll_forward(work, model, reason=_given(reader, reason))
    said = reader.context.gettext("已恢复到 %(target)s，正在计时", target=made.to_target)
    return see_other(f"/deployments/routes/{quote(model)}", notice=("ok", said))


# ---------------------------------------------------------------- parts


def _given(reader: Reader, reason: str) -> str:
    _ = reader.context.gettext
    if len(reason.strip()) < 2:
        raise BadInput(_("没有填写理由。"), next_step=_("返回上一页填写理由，至少 2 个字。"))
    return reason.strip()[:1000]


def _list(reader: Reader, found: Sequence[Release], *, sort: str, name: str = "") -> _loop.List | Response:
    _, who = reader.context.gettext, _loop.who(reader)
    columns = [
        Column("requested", _("申请时间")),
        Column("model", _("模型"), hidden=bool(name)),
        Column("change", _("变更")),
        Column("state", _("状态")),
        Column("share", _("灰度占比"), num=True),
        Column("watch", _("观察时长"), num=True),
        Column("full", _("全量时间")),
        Column("by", _("申请人")),
    ]
    lines = [
        Line(
            {
                "requested": Cell(
                    _loop.moment(reader, one.requested_at).text, one.requested_at.timestamp(), url=f"/releases/{one.id}"
                ),
                "model": Cell(one.model, by=("model", one.model)),
                "change": Cell(f"{one.from_target} → {one.to_target}", code=True),
                "state": _loop.status(reader, "release", one.state, param="state"),
                "share": _loop.share(reader, one.share),
                "watch": _loop.span(reader, timedelta(seconds=one.watch_s)),
                "full": _loop.moment(reader, one.full_at),
                "by": Cell(who(one.requested_by)),
            },
            {"state": one.state, "model": one.model},
            one.id,
        )
        for one in found
    ]
    choices: dict[str, Any] = {"state": (_("状态"), _words.options(reader.context, "release"))}
    if not name:
        models = sorted({one.model for one in found})
        choices["model"] = (_("模型"), [(one, one) for one in models])
    return _loop.listing(
        reader,
        columns,
        lines,
        sort=sort,
        name=f"releases{'-' + name if name else ''}",
        label=_("发布"),
        choices=choices,
    )


def _sentence(reader: Reader, found: RouteState, current: Release | None) -> tuple[str, str]:
    _ = reader.context.gettext
    serving = [
        f"{target} {i18n.percent(share, reader.context.locale, digits=0)}" for target, share in shares(found) if share
    ]
    if not serving:
        return "idle", _("还没有目标承接流量。")
    said = _("、").join(serving)
    if current and current.state == "canary":
        return "info", _("灰度进行中：%(serving)s。", serving=said)
    if current:
        return "info", _("%(serving)s；有一次发布等待处理。", serving=said)
    return "ok", _("流量分配：%(serving)s。", serving=said)


def _share_chart(reader: Reader, found: RouteState) -> Chart:
    _ = reader.context.gettext
    canary = (found.canary or {}).get("target")
    bars = [
        Bar(target, share, note=_("灰度") if target == canary else "", tone="info" if target == canary else "")
        for target, share in shares(found)
    ]
    return charts.bar(
        _("流量占比"),
        bars,
        locale=reader.context.locale,
        method=_("按策略的权重；灰度按调用方固定分流"),
        n=len(bars),
        percent=True,
        high=1.0,
    )


def _targets(reader: Reader, found: RouteState) -> list[list[Cell]]:
    divided = dict(shares(found))
    rows = []
    for target in queries.targets(found):
        version = catalog.version(reader.session, target.version) if target.version else None
        rows.append(
            [
                Cell(target.id, code=True),
                _loop.link(version.label, f"/models/{quote(version.model)}/{version.id}", code=True)
                if version
                else Cell(i18n.NOT_MEASURED),
                _loop.share(reader, divided[target.id]),
                Cell(target.upstream, code=True),
            ]
        )
    return rows


def _steps(reader: Reader, one: Release) -> list[tuple[str, str, str]]:
    _, view = reader.context.gettext, reader.context
    reached = {"requested": 1, "rejected": 1, "approved": 2, "canary": 3, "retreated": 3, "aborted": 3, "full": 5}
    place = reached.get(one.state, 5)
    stopped = one.state in ("rejected", "retreated", "aborted", "rolled_back")
    names = [_("申请"), _("审批"), _("灰度"), _("观察"), _("全量")]
    if one.state == "canary" and one.watch_until and reader.now < one.watch_until:
        place = 3
    elif one.state == "canary":
        place = 4
    steps = [
        (name, "done" if i < place else ("stopped" if stopped else "now") if i == place else "todo", "")
        for i, name in enumerate(names)
    ]
    if one.state == "rolled_back":
        steps.append((_words.badge(view, "release", one.state)[1], "stopped", ""))
    return steps


def _arms(reader: Reader, one: Release) -> dict[str, Any] | None:
    """What both arms saw since the canary began; None where there was none or nobody can say."""
    if one.canary_at is None:
        return None
    since, until = one.canary_at.timestamp(), (one.full_at or reader.now).timestamp()
    bucket = max(60, round((until - since) / _POINTS / 60) * 60)
    try:
        records = services.get("records")
        rows = records.query("by_target", model=one.model, since=since, until=until + 1)
        curves = {
            target: records.query(
                "by_minute", model=one.model, target=target, since=since, until=until + 1, bucket_s=bucket
            )
            for target in (one.from_target, one.to_target)
        }
    except Unavailable:
        return {"down": True}
    mine = {
        one.from_target: [row for row in rows if row["target"] == one.from_target],
        one.to_target: [row for row in rows if row["target"] == one.to_target and row["canary"] == one.id],
    }
    return {
        "down": False,
        "rows": [_arm(reader, target, found, least=one.min_requests) for target, found in mine.items()],
        "latency": _curve(reader, one, curves, what="p95"),
        "success": _curve(reader, one, curves, what="success"),
    }


def _arm(reader: Reader, target: str, rows: Sequence[Mapping[str, Any]], *, least: int) -> list[Cell]:
    outcomes: dict[str, int] = {}
    for row in rows:
        for outcome, n in row["outcomes"].items():
            outcomes[outcome] = outcomes.get(outcome, 0) + int(n)
    n = sum(int(row["requests"]) for row in rows)
    p95 = max((float(row["p95"]) for row in rows if row["p95"] is not None), default=None)
    enough = (
        Cell(reader.context.gettext("足够"), tone="ok")
        if n >= least
        else Cell(reader.context.gettext("还差 %(n)s", n=i18n.number(least - n)), tone="warn")
    )
    return [
        Cell(target, code=True),
        _loop.number(reader, n),
        enough,
        _loop.share(reader, success_ratio(reader, outcomes), digits=2),
        _loop.number(reader, p95),
    ]


def _curve(reader: Reader, one: Release, curves: Mapping[str, Sequence[Mapping[str, Any]]], *, what: str) -> Chart:
    """The new target is series 1, the old one series 2, on one time axis."""
    _ = reader.context.gettext
    minutes = sorted({float(row["minute"]) for rows in curves.values() for row in rows})
    series = []
    for target in (one.to_target, one.from_target):
        by_minute = {float(row["minute"]): row for row in curves[target]}
        series.append(Series(target, [_value(reader, by_minute.get(minute), what) for minute in minutes]))
    n = sum(int(row["requests"]) for rows in curves.values() for row in rows)
    return charts.line(
        _("p95 时延（ms）") if what == "p95" else _("成功率"),
        [datetime.fromtimestamp(minute, tz=reader.context.zone) for minute in minutes],
        series,
        locale=reader.context.locale,
        zone=reader.context.zone,
        method=_("网关逐条记录，含评测对候选的请求"),
        n=n,
        percent=what == "success",
        high=1.0 if what == "success" else None,
        low=0 if what == "p95" else None,
    )


def _value(reader: Reader, row: Mapping[str, Any] | None, what: str) -> float | None:
    if row is None:
        return None
    if what == "success":
        return success_ratio(reader, row["outcomes"])
    return None if row["p95"] is None else float(row["p95"])


def _timings(reader: Reader, found: Sequence[Release]) -> list[list[Cell]]:
    """Every timed switch, newest first."""
    _ = reader.context.gettext
    lines = [(line, one) for one in found for line in one.timings]
    return [
        [
            _loop.moment(reader, datetime.fromisoformat(line["at"]), seconds=True),
            Cell(_(_VERBS[line["verb"]]) if line["verb"] in _VERBS else line["verb"]),
            Cell(one.from_target if line["verb"] == "roll_back" else one.to_target, code=True),
            _loop.span(reader, timedelta(seconds=line["seconds"]))
            if line["seconds"] is not None
            else Cell(_("未测量")),
            Cell(line["policy"], code=True),
        ]
        for line, one in sorted(lines, key=lambda pair: str(pair[0]["at"]), reverse=True)
    ]


def _buttons(reader: Reader, one: Release) -> dict[str, str]:
    standing = queries.release_standing(reader.session, one)

    def full() -> None:
        rules.advance_release(standing, "promote")
        if one.watch_until and reader.now < one.watch_until:
            left = (one.watch_until - reader.now).total_seconds()
            raise rules.WatchOpen(f"{left:.0f} s")

    def canary() -> None:
        rules.advance_release(standing, "start_canary")

    def abort() -> None:
        rules.advance_release(standing, "abort")

    off = {
        "canary": _loop.refused(reader, "canary.start", canary),
        "full": _loop.refused(reader, "canary.promote", full),
        "abort": _loop.refused(reader, "canary.abort", abort),
    }
    asked = approvals.latest(reader.session, "release", one.id)
    voted = asked is not None and any(
        vote.person_id == reader.actor.id for vote in approvals.votes(reader.session, asked.id)
    )
    if not off["canary"] and voted:
        off["canary"] = reader.context.gettext("你审批过这次发布，由别人开始灰度")
    return off


def _back(reader: Reader, full: Release | None) -> dict[str, str]:
    """Where a roll-back leads, and why it is off."""
    _ = reader.context.gettext
    if full is None or full.state != "full":
        return {"to": "", "off": _loop.refused(reader, "deployment.roll_back") or _("没有可以回滚的全量发布")}
    return {"to": full.from_target, "off": _loop.refused(reader, "deployment.roll_back")}


def _forward(reader: Reader, full: Release | None) -> dict[str, str] | None:
    if full is None or full.state != "rolled_back":
        return None

    def check() -> None:
        approvals.require_approved(
            reader.session, kind="release", subject_id=full.id, content_sha256=digest(full.content)
        )

    return {"to": full.to_target, "off": _loop.refused(reader, "deployment.roll_back", check)}


def _request(reader: Reader, found: RouteState, current: Release | None) -> dict[str, Any]:
    """What a release can be asked for: targets without traffic, and the evidence that speaks for each."""
    _ = reader.context.gettext
    divided = dict(shares(found))
    idle = [target for target in queries.targets(found) if not target.weight and not divided[target.id]]
    proofs = [(target, proof) for target in idle for proof in _speaking_for(reader, found.model, target.version)]
    off = reader.refusal("deployment.release")
    if not off and current:
        off = _("已有一次发布在进行")
    if not off and not idle:
        off = _("没有零流量的候选目标")
    if not off and not proofs:
        off = _("候选版本还没有达标的评测或复测证据")
    locale, zone = reader.context.locale, reader.context.zone
    return {
        "off": off,
        "targets": [(target.id, target.id) for target in idle],
        "proofs": [
            (proof.id, f"{target.id} · {proof.source} · {i18n.moment(proof.made_at, locale, zone=zone)}")
            for target, proof in proofs
        ],
    }


def _speaking_for(reader: Reader, model: str, version_id: str) -> list[Artefact]:
    """Met evidence of evaluations and verifications that names the version, newest first."""
    found: list[Artefact] = []
    for run in evaluation.runs(reader.session, model=model):
        if run.version_id == version_id:
            found += evidence.about(reader.session, "evaluation_run", run.id)
    for case in remediation.cases(reader.session, model=model):
        found += [
            one for one in evidence.about(reader.session, "case", case.id) if one.facts.get("version") == version_id
        ]
    met = [one for one in found if one.state == "met" and version_id in str(one.facts)]
    return sorted(met, key=lambda one: one.made_at, reverse=True)[:20]
