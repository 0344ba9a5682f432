"""What remediation keeps of its own rules: goals first, registers that agree, budgets that add up, late work shown."""

from collections.abc import Callable, Collection
from datetime import datetime
from importlib.util import find_spec

from sqlalchemy.orm import Session

from gnomon.contract.verdicts import State
from gnomon.control.findings import queries as findings
from gnomon.control.people import queries as people
from gnomon.control.remediation import queries, rules
from gnomon.control.remediation.tables import Case
from gnomon.control.rulebook.checks import CheckContext, CheckResult, check, gate
from gnomon.control.rulebook.subjects import living
from gnomon.kit import services
from gnomon.kit.clock import iso

KINDS = ("data", "algorithm", "application", "security", "experience")
RUNNABLE: dict[str, tuple[str, Callable[[], bool]]] = {
    # method: (kind of measure, whether its engine is installed where this runs)
    "lora": ("algorithm", lambda: all(find_spec(name) is not None for name in ("torch", "transformers", "peft"))),
}


@check("remediation.four_aims_stated")
def four_aims_stated(context: CheckContext) -> CheckResult | None:
    """Every case that was assessed speaks of all four aims."""
    assessed = [case for case in queries.cases(context.session) if case.assessment]
    if not assessed:
        return None
    missing = {
        case.number: [aim for aim in rules.AIMS if not str(case.assessment["aims"].get(aim, "")).strip()]
        for case in assessed
    }
    silent = {number: aims for number, aims in missing.items() if aims}
    facts = {
        "document": "assessments",
        "version": context.rulebook.version,
        "required": list(rules.AIMS),
        "missing": silent,
    }
    return CheckResult(n=len(assessed), facts=facts, state=State.NOT_MET if silent else State.MET)


@check("remediation.ran_before_goal")
def ran_before_goal(context: CheckContext) -> CheckResult | None:
    examined, early = queries.ran_before_goal(context.session)
    return gate("no verification was requested before its goal was frozen", examined=examined, broken=early)


@check("remediation.dependent_supervisors")
def dependent_supervisors(context: CheckContext) -> CheckResult | None:
    examined, broken = 0, []
    for case in queries.cases(context.session):
        workers = queries.workers(context.session, case)
        examined += len(case.supervisions)
        broken += [f"{case.number} {entry['by']}" for entry in case.supervisions if entry["by"] in workers]
    return gate("whoever supervises a case has no hand in it", examined=examined, broken=broken)


@check("remediation.measures_runnable")
def measures_runnable(context: CheckContext) -> CheckResult | None:
    """Measures that the platform itself can carry out here, and the kinds that have none."""
    runnable = [method for method, (_, is_installed) in RUNNABLE.items() if is_installed()]
    served = {RUNNABLE[method][0] for method in runnable}
    facts = {
        "kinds": {kind: [method for method in runnable if RUNNABLE[method][0] == kind] for kind in KINDS},
        "measures": sorted(RUNNABLE),
        "runnable": runnable,
        "not_runnable": sorted(set(RUNNABLE) - set(runnable)),
    }
    state = State.MET if served == set(KINDS) else State.NOT_MET
    return CheckResult(n=len(KINDS), facts=facts, state=state, numerator=len(served), denominator=len(KINDS))


@check("remediation.overdue_listed")
def overdue_listed(context: CheckContext) -> CheckResult | None:
    """The late tasks of running cases; not met while one is late and nobody has said a word since its last day."""
    running = _running(context)
    tasks = [task for case in running for task in queries.tasks(context.session, case.id, case.rounds)]
    if not tasks:
        return None
    late = queries.overdue(context.session, today=services.today(context.now))
    silent = [task for task in late if task.updated_at is None or services.today(task.updated_at) <= task.end]
    facts = {
        "case": [case.number for case in running],
        "tasks": len(tasks),
        "owners": sorted({task.owner_id for task in tasks}),
        "dependencies": sum(len(task.depends_on) for task in tasks),
        "progress": round(sum(task.progress for task in tasks) / len(tasks) / 100, 4),
        "overdue": [{"case": task.case_id, "task": task.key, "end": task.end.isoformat()} for task in late],
        "silent": [f"{task.case_id} {task.key}" for task in silent],
    }
    state = State.NOT_MET if silent else State.MET
    return CheckResult(n=len(tasks), facts=facts, state=state, numerator=len(silent), denominator=len(tasks))


@check("remediation.leftovers_reconciled")
def leftovers_reconciled(context: CheckContext) -> CheckResult | None:
    """Findings that one register knows and the other does not: opened = closed + carried + rejected."""
    tally = findings.tally(context.session)
    raised = sum(tally.values())
    if raised == 0:
        return None
    lines = queries.unreconciled(context.session)
    facts = {"register": "findings and cases", "entries": raised, "incomplete": len(lines), "missing": lines[:20]}
    return CheckResult(n=raised, value=float(len(lines)), facts=facts | {"tally": tally}, numerator=len(lines))


@check("remediation.budget_reconciled")
def budget_reconciled(context: CheckContext) -> CheckResult | None:
    """Every amount is the sum of its entries, for all cases together."""
    lines = [line for case in queries.cases(context.session) for line in queries.budget(context.session, case.id)]
    if not lines:
        return None
    wrong = []
    for line in lines:
        for column, value in (("committed", line.committed), ("actual", line.actual)):
            entered = sum(float(entry["amount"]) for entry in line.entries if entry["column"] == column)
            if abs(entered - value) > 1e-6:
                wrong.append(f"{line.id} {column}")
    totals = rules.totals_of(
        {"kind": o.kind, "unit": o.unit, "planned": o.planned, "committed": o.committed, "actual": o.actual}
        for o in lines
    )
    facts = {
        "case": sorted({line.case_id for line in lines}),
        "currency": sorted({line.unit for line in lines if line.kind == "purchase"}),
        "planned": {name: held["planned"] for name, held in totals.items()},
        "committed": {name: held["committed"] for name, held in totals.items()},
        "actual": {name: held["actual"] for name, held in totals.items()},
        "unaccounted": wrong,
    }
    return CheckResult(n=len(lines), facts=facts, state=State.NOT_MET if wrong else State.MET, numerator=len(wrong))


@check("remediation.progress_checked")
def progress_checked(context: CheckContext) -> CheckResult | None:
    """Running cases that somebody independent has looked at within the window; a case younger than that is not due."""
    late = queries.overdue(context.session, today=context.now.date())
    looked = {case.id: _looks(case, context.since) for case in _running(context)}
    due = [case for case in _running(context) if looked[case.id] or case.opened_at <= context.since]
    if not due:
        return None
    names = people.names(context.session)
    conclusion = [
        {
            "case": case.number,
            "state": case.state,
            "owner": names.get(case.owner_id, case.owner_id),
            "round": case.rounds,
            "overdue": sum(task.case_id == case.id for task in late),
            "looked_at": looked[case.id],
        }
        for case in due
    ]
    unseen = [case.number for case in due if not looked[case.id]]
    reviewers = sorted({look["by"] for looks in looked.values() for look in looks})
    facts = {"decision": conclusion, "reviewers": reviewers, "unseen": unseen, "since": iso(context.since)}
    state = State.NOT_MET if unseen else State.MET
    return CheckResult(n=len(due), facts=facts, state=state, numerator=len(unseen), denominator=len(due))


def _looks(case: Case, since: datetime) -> list[dict[str, str]]:
    """Who looked at the case when, since then."""
    found = ({"by": str(one["by"]), "at": str(one["at"])} for one in case.supervisions)
    return [one for one in found if datetime.fromisoformat(one["at"]) >= since]


def _running(context: CheckContext) -> list[Case]:
    return [case for case in queries.cases(context.session) if case.state != "closed"]


@living("case")
def living_cases(session: Session, ids: Collection[str]) -> set[str]:
    return {case.id for case in queries.cases(session) if case.state != "closed"} & set(ids)
