"""One remediation case: its frozen plan, its work, its verdict and its end."""

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Form
from fastapi.responses import Response

from gnomon.console.pages import _cases, _loop, _words, cases
from gnomon.console.pages.findings import split
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.control.deployments import queries as deployments
from gnomon.control.evaluation import queries as evaluation
from gnomon.control.evidence import queries as evidence
from gnomon.control.findings import queries as findings
from gnomon.control.remediation import actions, live, queries, rules
from gnomon.control.remediation.schemas import (
    Assessment,
    Closure,
    MeasureResult,
    NextRound,
    Spend,
    StartVerification,
    Supervision,
    TaskUpdate,
)
from gnomon.control.remediation.tables import Case, Round
from gnomon.kit import i18n
from gnomon.kit.i18n import mark
from gnomon.kit.web import WorkDep, allow

router = APIRouter(include_in_schema=False)

_STEPS: Final = (
    ("open", mark("立项")),
    ("assessed", mark("评估")),
    ("planned", mark("方案")),
    ("approved", mark("审批")),
    ("implementing", mark("实施")),
    ("verifying", mark("验证")),
    ("closed", mark("销号")),
)
_REACHED: Final = {  # how many steps are done in each state
    "open": 1,
    "assessed": 2,
    "next_round": 2,
    "planned": 3,
    "approved": 4,
    "implementing": 4,
    "verifying": 5,
    "verified": 6,
    "closed": 7,
}
_NEXT: Final = {
    "open": mark("下一步：评估现状并附基线评测。"),
    "assessed": mark("下一步：制定并冻结整改方案。"),
    "planned": mark("方案已冻结，等待审批。"),
    "approved": mark("方案已批准，可以开始实施。"),
    "implementing": mark("措施在实施，全部完成后复测。"),
    "verifying": mark("复测已申请，完成后判定。"),
    "verified": mark("已有结论：达标可申请销号，否则转入下一轮。"),
    "next_round": mark("下一步：制定下一轮方案。"),
    "closed": mark("问题已随之关闭。"),
}


@router.get("/cases/{id}", dependencies=[allow("case.view")])
def case(id: str, reader: ReaderDep) -> Response:
    """The case; `round=n` shows an earlier round."""
    found = queries.case(reader.session, id)
    rounds = queries.rounds(reader.session, found.id)
    shown = next((one for one in rounds if str(one.n) == reader.view.get("round")), rounds[-1] if rounds else None)
    is_current = shown is not None and shown.n == found.rounds
    return _loop.show(
        reader,
        "case.html",
        one=found,
        sentence=_sentence(reader, found),
        steps=_steps(reader, found),
        rounds=[(n.n, reader.view.to(round=n.n), shown is n) for n in rounds],
        shown=shown,
        is_current=is_current,
        found_in=findings.findings(reader.session, ids=found.finding_ids),
        baselines=[evaluation.run(reader.session, run) for run in found.assessment.get("baseline_run_ids", [])],
        aims=[
            (_words.name(reader.context, "aim", aim), text) for aim, text in found.assessment.get("aims", {}).items()
        ],
        part=_cases.part_of(reader, found, shown) if shown else None,
        closure=_cases.standing_of(reader, "closure", found.id),
        proofs=list(reversed(evidence.about(reader.session, "case", found.id))),
        group=[{**member, "part": _words.name(reader.context, "part", member["part"])} for member in found.group],
        supervisions=found.supervisions,
        buttons=_buttons(reader, found, shown if is_current else None),
        run_options=_run_options(reader, found),
        target_options=_target_options(reader, found),
        aim_fields=list(_words.NAMES["aim"]),
        posts=reader.posts,
    )


@router.post("/cases/{id}/assess", dependencies=[allow("case.assess")])
def assess(
    id: str,
    reader: ReaderDep,
    work: WorkDep,
    accuracy: Annotated[str, Form()] = "",
    data_security: Annotated[str, Form()] = "",
    user_experience: Annotated[str, Form()] = "",
    trade_standards: Annotated[str, Form()] = "",
    run: Annotated[list[str] | None, Form()] = None,
) -> Response:
    aims = {
        "accuracy": accuracy,
        "data_security": data_security,
        "user_experience": user_experience,
        "trade_standards": trade_standards,
    }
    new = cases.form_of(reader, Assessment, aims=aims, baseline_run_ids=run or [])
    return _done(reader, id, lambda: actions.assess(work, id, new), mark("现状评估已登记"))


@router.post("/cases/{id}/start", dependencies=[allow("case.apply")])
def start_measures(id: str, reader: ReaderDep, work: WorkDep) -> Response:
    return _done(reader, id, lambda: actions.start_measures(work, id), mark("措施已开始实施"))


@router.post("/cases/{id}/measures/{measure_id}", dependencies=[allow("measure.apply")])
def finish_measure(
    id: str,
    measure_id: str,
    reader: ReaderDep,
    work: WorkDep,
    state: Annotated[str, Form()] = "done",
    reason: Annotated[str, Form()] = "",
    evidence_ids: Annotated[str, Form()] = "",
    dataset: Annotated[list[str] | None, Form()] = None,
) -> Response:
    shown = {"evidence_ids": split(evidence_ids), "dataset_ids": dataset or []}
    result = cases.form_of(reader, MeasureResult, state=state, note=reason, **shown)
    return _done(reader, id, lambda: actions.finish_measure(work, measure_id, result), mark("措施结果已登记"))


@router.post("/cases/{id}/tasks/{task_id}", dependencies=[allow("task.edit")])
def update_task(
    id: str,
    task_id: str,
    reader: ReaderDep,
    work: WorkDep,
    progress: Annotated[int, Form()] = 0,
    note: Annotated[str, Form()] = "",
) -> Response:
    update = cases.form_of(reader, TaskUpdate, progress=progress, note=note)
    return _done(reader, id, lambda: actions.update_task(work, task_id, update), mark("任务进度已更新"))


@router.post("/cases/{id}/budget/{line_id}", dependencies=[allow("budget.edit")])
def record_spend(
    id: str,
    line_id: str,
    reader: ReaderDep,
    work: WorkDep,
    column: Annotated[str, Form()] = "actual",
    amount: Annotated[float, Form()] = 0.0,
    reason: Annotated[str, Form()] = "",
) -> Response:
    spend = cases.form_of(reader, Spend, column=column, amount=amount, what=reason)
    return _done(reader, id, lambda: actions.record_spend(work, line_id, spend), mark("支出已登记"))


@router.post("/cases/{id}/verification", dependencies=[allow("case.verify")])
def start_verification(id: str, reader: ReaderDep, work: WorkDep, target: Annotated[str, Form()] = "") -> Response:
    start = cases.form_of(reader, StartVerification, target_id=target)
    return _done(reader, id, lambda: actions.start_verification(work, id, start), mark("复测已申请"))


@router.post("/cases/{id}/verdict", dependencies=[allow("case.verify")])
def verify(id: str, reader: ReaderDep, work: WorkDep) -> Response:
    return _done(
        reader,
        id,
        lambda: actions.verify_round(work, id, seen=live.look(reader.session, id, at=work.now)),
        mark("结论已判定"),
    )


@router.post("/cases/{id}/next-round", dependencies=[allow("case.plan")])
def next_round(id: str, reader: ReaderDep, work: WorkDep, reason: Annotated[str, Form()] = "") -> Response:
    told = cases.form_of(reader, NextRound, reason=reason)
    return _done(reader, id, lambda: actions.open_next_round(work, id, told), mark("已转入下一轮"))


@router.post("/cases/{id}/closure-request", dependencies=[allow("case.close")])
def request_closure(id: str, reader: ReaderDep, work: WorkDep, reason: Annotated[str, Form()] = "") -> Response:
    told = cases.form_of(reader, Closure, comment=reason)
    return _done(reader, id, lambda: actions.request_closure(work, id, comment=told.comment), mark("销号已提交审批"))


@router.post("/cases/{id}/supervise", dependencies=[allow("case.supervise")])
def supervise(id: str, reader: ReaderDep, work: WorkDep, reason: Annotated[str, Form()] = "") -> Response:
    told = cases.form_of(reader, Supervision, checked=reason)
    return _done(reader, id, lambda: actions.supervise(work, id, told), mark("监督记录已登记"))


def _done(reader: Reader, id: str, do: Callable[[], object], said: str) -> Response:
    do()
    return see_other(f"/cases/{id}", notice=("ok", reader.context.gettext(said)))


def _sentence(reader: Reader, found: Case) -> tuple[str, str]:
    _ = reader.context.gettext
    tone, word = _words.badge(reader.context, "case", found.state)
    verdict = cases.verdict_of(reader, found)
    said = _("%(number)s %(state)s。", number=found.number, state=word) + _(_NEXT[found.state])
    if verdict and found.state in ("verified", "closed"):
        tone, name = _words.badge(reader.context, "verdict", verdict)
        said = _("第 %(n)s 轮结论：%(verdict)s。", n=found.rounds, verdict=name) + said
    return tone, said


def _steps(reader: Reader, found: Case) -> list[tuple[str, str, str]]:
    reached = _REACHED[found.state]
    return [
        (reader.context.gettext(title), "done" if i < reached else "now" if i == reached else "todo", "")
        for i, (_state, title) in enumerate(_STEPS)
    ]


def _buttons(reader: Reader, found: Case, current: Round | None) -> dict[str, str]:
    """Why each button is off, by verb."""

    def to(state: str) -> Callable[[], object]:
        return lambda: rules.advance(found.number, found.state, state)

    off = {
        "assess": _loop.refused(reader, "case.assess", to("assessed")),
        "plan": _loop.refused(reader, "case.plan", to("planned")),
        "start": _loop.refused(reader, "case.apply", to("implementing")),
        "finish": _loop.refused(reader, "measure.apply"),
        "spend": _loop.refused(reader, "budget.edit"),
        "verification": _loop.refused(reader, "case.verify", to("verifying")),
        "verdict": _loop.refused(reader, "case.verify", to("verified")),
        "next-round": _loop.refused(reader, "case.plan", to("next_round")),
        "closure-request": _loop.refused(
            reader, "case.close", lambda: _closable(reader, found, current, actor_id="somebody else")
        ),
        "supervise": _loop.refused(reader, "case.supervise", lambda: _supervisable(reader, found)),
    }
    if not off["verdict"] and current and current.verification_run_id:
        run = evaluation.run(reader.session, current.verification_run_id)
        if run.state != "completed":
            off["verdict"] = reader.context.gettext(
                "复测%(state)s", state=_words.badge(reader.context, "job", run.state)[1]
            )
    if not off["verification"] and not _target_options(reader, found):
        off["verification"] = reader.context.gettext("候选版本还没有作为目标加载")
    return off


def _closable(reader: Reader, found: Case, current: Round | None, *, actor_id: str) -> None:
    version_id = queries.verified_version(reader.session, current) if current else ""
    rules.check_closing(
        rules.Closing(
            number=found.number,
            state=found.state,
            verdict=current.verdict if current else "",
            hands=queries.hands(found, current) if current else frozenset({found.owner_id}),
            actor_id=actor_id,
            serves=queries.serves(reader.session, model=found.model, version_id=version_id),
        )
    )


def _supervisable(reader: Reader, found: Case) -> None:
    rules.check_supervisor(reader.actor.id, workers=queries.workers(reader.session, found))


def _run_options(reader: Reader, found: Case) -> list[tuple[str, str]]:
    locale, zone = reader.context.locale, reader.context.zone
    suites = {one.id: one.name for one in evaluation.suites(reader.session)}
    return [
        (run.id, f"{suites[run.suite_id]} · {run.target_id} · {i18n.moment(run.requested_at, locale, zone=zone)}")
        for run in evaluation.runs(reader.session, model=found.model)
        if run.state == "completed"
    ]


def _target_options(reader: Reader, found: Case) -> list[tuple[str, str]]:
    """Targets that serve what this round's measures made; every target where none made a version."""
    made = queries.candidate_versions(reader.session, found)
    route = next((one for one in deployments.routes(reader.session) if one.model == found.model), None)
    if route is None:
        return []
    return [(one.id, one.id) for one in route.targets if not made or one.version in made]
