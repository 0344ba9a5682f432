"""The plan of a round, written as a document: what is submitted is checked whole, frozen and put up for approval."""

import json
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form
from fastapi.responses import Response
from pydantic import ValidationError

from gnomon.console.pages import _loop, _words
from gnomon.console.reader import Reader, ReaderDep
from gnomon.console.render import see_other
from gnomon.control.catalog import queries as catalog
from gnomon.control.evaluation import queries as evaluation
from gnomon.control.remediation import actions, queries, rules
from gnomon.control.remediation.schemas import Plan
from gnomon.control.remediation.tables import Case
from gnomon.engine.stats.metrics import UnknownMetric, metric
from gnomon.kit.errors import BadInput, Conflict
from gnomon.kit.web import WorkDep, allow

router = APIRouter(include_in_schema=False)


@router.get("/cases/{id}/plan", dependencies=[allow("case.plan")])
def plan_form(id: str, reader: ReaderDep) -> Response:
    """The document to fill in: the baseline and the rulebook's guards stand in it already."""
    found = queries.case(reader.session, id)
    rules.advance(found.number, found.state, "planned")
    return _page(reader, found, json.dumps(_sketch(reader, found), ensure_ascii=False, indent=2), [])


@router.post("/cases/{id}/plan", dependencies=[allow("case.plan")])
def plan_round(id: str, reader: ReaderDep, work: WorkDep, plan: Annotated[str, Form()] = "") -> Response:
    """Frozen and up for approval, or the form again with what is wrong."""
    found = queries.case(reader.session, id)
    try:
        given = Plan.model_validate_json(plan)
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, item['loc'])) or 'plan'}: {item['msg']}" for item in error.errors()]
        return _page(reader, found, plan, wrong, status=400)
    try:
        actions.plan_round(work, id, given)
    except (BadInput, Conflict) as error:
        return _page(reader, found, plan, [_words.reason(reader.context, error), error.message], status=error.status)
    return see_other(f"/cases/{found.id}", notice=("ok", reader.context.gettext("方案已冻结并提交审批")))


def _page(reader: Reader, found: Case, text: str, wrong: list[str], *, status: int = 200) -> Response:
    return _loop.show(reader, "case_plan.html", one=found, text=text, wrong=wrong, status=status)


def _sketch(reader: Reader, found: Case) -> dict[str, Any]:
    """A plan in the right shape for this case; what only people know is left empty."""
    today = reader.now.astimezone(reader.context.zone).date()
    run = evaluation.run(reader.session, found.assessment["baseline_run_ids"][0])
    base = next((one.id for one in catalog.versions(reader.session, found.model) if one.kind == "base"), "")
    data = [one.id for one in catalog.datasets(reader.session) if one.purpose == "train" and one.state == "checked"]
    grades = dict.fromkeys(("importance", "urgency", "difficulty", "effect"), 3)
    params = {"base_version_id": base, "dataset_ids": data[-1:], "recipe": run.recipe, "parameters": {}}
    day = timedelta(days=1)
    goal = {"metric": "accuracy", "to_value": 0.0, "by": str(today + 30 * day), "recipe": run.recipe["id"], "slice": ""}
    return {
        "baseline_run_id": run.id,
        "goals": [goal],
        "guards": [{"metric": one.id} for one in reader.book.guards.guards if _is_metric(one.id)],
        "live_guards": [{"indicator": "success_ratio"}],
        "criteria": [""],
        "measures": [{"key": "lora", "kind": "algorithm", "method": "lora", "title": "", "params": params, **grades}],
        "tasks": [
            {
                "key": "t1",
                "title": "",
                "owner_id": found.owner_id,
                "start": str(today),
                "end": str(today + 7 * day),
                "depends_on": [],
                "check": "",
            }
        ],
        "budget": [{"kind": "person_days", "title": "", "unit": "d", "planned": 0}],
        "trade_off": dict.fromkeys(("performance", "security", "cost", "time", "reason"), ""),
    }


def _is_metric(name: str) -> bool:
    try:
        metric(name)
    except UnknownMetric:
        return False
    return True
