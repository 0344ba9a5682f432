"""Open a case, form its group, assess the present state, supervise."""

from gnomon.contract.verdicts import State
from gnomon.control.evaluation import queries as evaluation
from gnomon.control.evaluation import rules as evaluation_rules
from gnomon.control.evidence import actions as evidence
from gnomon.control.findings import actions as findings
from gnomon.control.findings import queries as finding_queries
from gnomon.control.people import queries as people
from gnomon.control.remediation import queries, rules
from gnomon.control.remediation.schemas import Assessment, Group, NewCase, Supervision
from gnomon.control.remediation.tables import Case
from gnomon.kit import services
from gnomon.kit.clock import iso
from gnomon.kit.errors import BadInput
from gnomon.kit.ids import new_id
from gnomon.kit.work import Work, action


@action("case.open")
def open_case(work: Work, new: NewCase) -> Case:
    """The case is open and its findings are in it. Raises FindingSettled for one that is elsewhere or settled."""
    people.person(work.session, new.owner_id)
    year = services.today(work.now).year
    ids = list(dict.fromkeys(finding_queries.finding(work.session, id).id for id in new.finding_ids))
    case = Case(
        id=new_id("case"),
        number=rules.next_number(year, queries.numbers(work.session, year)),
        finding_ids=ids,
        state="open",
        rounds=0,
        assessment={},
        group=[],
        supervisions=[],
        opened_by=work.actor.id,
        opened_at=work.now,
        **new.model_dump(exclude={"finding_ids"}),
    )
    work.session.add(case)
    work.session.flush()
    work.about("case", case.id, number=case.number, findings=ids, owner=case.owner_id)
    for id in ids:
        findings.link_to_case(work, id, case_id=case.id)
    return case


@action("case.open")
def form_group(work: Work, case_id: str, group: Group) -> Case:
    """The group that works on the case, across teams, with one person accountable."""
    case = queries.case(work.session, case_id)
    work.about("case", case.id, members=len(group.members))
    rules.check_group([(member.person_id, member.team, member.part) for member in group.members])
    for member in group.members:
        found = people.person(work.session, member.person_id)
        if found.team != member.team:
            raise BadInput(
                f"{found.name} is in the team {found.team}, not {member.team}.", next_step="Correct the team."
            )
    case.group = [member.model_dump() for member in group.members]
    evidence.record(
        work,
        source="remediation.group_formed",
        kind="responsibility_matrix",
        subject=("case", case.id),
        state=State.MET,
        facts={
            "case": case.number,
            "members": [member.person_id for member in group.members],
            "teams": sorted({member.team for member in group.members}),
            "assignments": case.group,
        },
    )
    return case


@action("case.assess")
def assess(work: Work, case_id: str, assessment: Assessment) -> Case:
    """The present state is stated for all four aims and measured by completed runs of the case's model."""
    case = queries.case(work.session, case_id)
    work.about("case", case.id, baseline_runs=assessment.baseline_run_ids)
    state = rules.advance(case.number, case.state, "assessed")
    rules.check_aims(assessment.aims)
    for id in assessment.baseline_run_ids:
        run = evaluation.run(work.session, id)
        evaluation_rules.require_completed(run.id, run.state)
        if run.model != case.model:
            raise BadInput(
                f"The run {id} is of {run.model}, the case is about {case.model}.", next_step="Name another run."
            )
    case.state = state
    case.assessment = assessment.model_dump() | {"by": work.actor.id, "at": iso(work.now)}
    evidence.record(
        work,
        source="remediation.assessed",
        kind="document_check",
        subject=("case", case.id),
        state=State.MET,
        facts={
            "document": "assessment",
            "version": f"{case.number}/{case.rounds + 1}",
            "required": list(rules.AIMS),
            "missing": [],
            "baseline_runs": assessment.baseline_run_ids,
        },
    )
    return case


@action("case.supervise")
def supervise(work: Work, case_id: str, supervision: Supervision) -> Case:
    """Somebody independent has looked at the case. Raises OwnCase for a person with a hand in it."""
    case = queries.case(work.session, case_id)
    work.about("case", case.id, findings=supervision.finding_ids)
    workers = queries.workers(work.session, case)
    rules.check_supervisor(work.actor.id, workers=workers)
    for id in supervision.finding_ids:
        finding_queries.finding(work.session, id)
    entry = supervision.model_dump() | {"by": work.actor.id, "at": iso(work.now)}
    case.supervisions = [*case.supervisions, entry]
    evidence.record(
        work,
        source="remediation.supervision_recorded",
        kind="supervision",
        subject=("case", case.id),
        state=State.MET,
        facts={
            "case": case.number,
            "supervisor": work.actor.id,
            "independent_of": sorted(workers),
            "checked": supervision.checked,
            "findings": supervision.finding_ids,
        },
    )
    return case
