"""The traffic of one model: its share by target, the release under way, roll-backs and roll-forwards."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form
from fastapi.responses import Response
from pydantic import ValidationError

from gnomon.console.pages import _loop, _releases, releases_rules
from gnomon.console.pages._loop import Cell
from gnomon.console.pages.deployments import shares
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.control.approvals import queries as approvals
from gnomon.control.catalog import queries as catalog
from gnomon.control.deployments import actions, queries
from gnomon.control.deployments.schemas import ReleaseRequest
from gnomon.control.deployments.tables import Release, RouteState
from gnomon.control.evaluation import queries as evaluation
from gnomon.control.evidence import queries as evidence
from gnomon.control.evidence.tables import Artefact
from gnomon.control.remediation import queries as remediation
from gnomon.engine import charts
from gnomon.engine.charts import Bar, Chart
from gnomon.kit import i18n
from gnomon.kit.canonical import digest
from gnomon.kit.errors import BadInput
from gnomon.kit.web import WorkDep, allow

router = APIRouter(include_in_schema=False)


@router.get("/deployments/routes/{model}", dependencies=[allow("deployment.view")])
def route(model: str, reader: ReaderDep) -> Response:
    """Where the model's requests go now, and how they came to go there."""
    found = queries.route(reader.session, model)
    history = queries.releases(reader.session, model=model)
    made = _releases.release_list(reader, history, sort="-requested", name=model)
    if isinstance(made, Response):
        return made
    current = next((one for one in history if one.state in _releases.OPEN), None)
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
        rules=releases_rules.rules(reader, found),
        current=current,
        steps=_releases.steps_of(reader, current) if current else [],
        arms=_releases.both_arms(reader, current) if current else None,
        buttons=_releases.buttons_off(reader, current) if current else {},
        back=_back(reader, full),
        forward=_forward(reader, full),
        timings=_releases.timing_rows(reader, history),
        limit=queries.rollback_limit_s(reader.session, model),
        ask=_request(reader, found, current),
    )


@router.post("/deployments/routes/{model}/releases", dependencies=[allow("deployment.release")])
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


@router.post("/deployments/routes/{model}/roll-back", dependencies=[allow("deployment.roll_back")])
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
    actions.roll_back(work, model, reason=_releases.reason_of(reader, reason))
    return see_other(
        f"/deployments/routes/{quote(model)}",
        notice=("ok", _("已回滚到 %(target)s，正在计时", target=full.from_target)),
    )


@router.post("/deployments/routes/{model}/roll-forward", dependencies=[allow("deployment.roll_back")])
def roll_forward(model: str, reader: ReaderDep, work: WorkDep, reason: Annotated[str, Form()] = "") -> Response:
    made = actions.roll_forward(work, model, reason=_releases.reason_of(reader, reason))
    said = reader.context.gettext("已恢复到 %(target)s，正在计时", target=made.to_target)
    return see_other(f"/deployments/routes/{quote(model)}", notice=("ok", said))


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
                _loop.link(target.upstream, f"/upstreams/{quote(target.upstream)}", code=True),
            ]
        )
    return rows


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
