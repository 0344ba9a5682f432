"""When a requirements report and a deployment plan are complete. Each problem names what is missing."""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from gnomon.kit.errors import BadInput

# The eleven sections of the report, in the order of the document.
SECTIONS = (
    "background",
    "business_goal",
    "task_type",
    "scenarios",
    "users",
    "functions",
    "metrics",
    "performance",
    "data",
    "security",
    "acceptance",
)
TASKS = frozenset({"classification", "extraction", "question_answering", "chat", "generation"})


class Incomplete(BadInput):
    code = "incomplete"


def requirements_problems(report: Mapping[str, Any]) -> list[str]:
    """What keeps the report from being submitted, as `place: what`; empty when nothing does."""
    sections: Mapping[str, str] = report.get("sections", {})
    problems = [f"sections.{name}: empty" for name in SECTIONS if not sections.get(name, "").strip()]
    problems += [f"sections.{name}: unknown" for name in sections if name not in SECTIONS]
    task = sections.get("task_type", "").strip()
    if task and task not in TASKS:
        problems.append(f"sections.task_type: not one of {', '.join(sorted(TASKS))}")
    items: list[Mapping[str, Any]] = report.get("items", [])
    if not items:
        problems.append("items: empty")
    for place, item in enumerate(items):
        problems += [
            f"items.{place}.{name}: empty" for name in ("id", "text", "criterion") if not item.get(name, "").strip()
        ]
        if not any(test.strip() for test in item.get("tests", [])):
            problems.append(f"items.{place}.tests: none is linked")
    twice = [id for id, n in Counter(item.get("id", "") for item in items).items() if id and n > 1]
    return problems + [f"items: the id {id} stands twice" for id in twice]


def plan_problems(plan: Mapping[str, Any], *, people: Collection[str]) -> list[str]:
    """What keeps the plan from being submitted; `people`: ids of those who can own a step. Times are ISO 8601."""
    start, end = _time(plan.get("start")), _time(plan.get("end"))
    problems = _span_problems("timetable", start, end)
    problems += _person_problems("executor", plan.get("executor", ""), people)
    steps: list[Mapping[str, Any]] = plan.get("steps", [])
    if not steps:
        problems.append("steps: empty")
    for place, step in enumerate(steps):
        where = f"steps.{place}"
        problems += [f"{where}.{name}: empty" for name in ("title", "verification") if not step.get(name, "").strip()]
        problems += _person_problems(f"{where}.owner", step.get("owner", ""), people)
        begin, finish = _time(step.get("start")), _time(step.get("end"))
        problems += _span_problems(where, begin, finish)
        if start and end and begin and finish and not start <= begin <= finish <= end:
            problems.append(f"{where}: outside the timetable")
    resources: list[Mapping[str, Any]] = plan.get("resources", [])
    if not resources or not all(r.get("name", "").strip() and r.get("amount", "").strip() for r in resources):
        problems.append("resources: each needs a name and an amount")
    return problems + _rollback_problems(plan.get("rollback", {}), people)


def _rollback_problems(rollback: Mapping[str, Any], people: Collection[str]) -> list[str]:
    problems = [] if rollback.get("trigger", "").strip() else ["rollback.trigger: empty"]
    problems += _person_problems("rollback.decider", rollback.get("decider", ""), people)
    if not any(step.strip() for step in rollback.get("steps", [])):
        problems.append("rollback.steps: empty")
    if not rollback.get("limit_minutes", 0) > 0:
        problems.append("rollback.limit_minutes: no time limit")
    return problems


def _person_problems(where: str, person: str, people: Collection[str]) -> list[str]:
    if not person:
        return [f"{where}: nobody is named"]
    return [] if person in people else [f"{where}: there is no person {person}"]


def _span_problems(where: str, start: datetime | None, end: datetime | None) -> list[str]:
    if start is None or end is None:
        return [f"{where}: start or end is missing"]
    return [] if start < end else [f"{where}: ends before it starts"]


def _time(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if value else None
