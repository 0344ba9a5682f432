"""Raise a finding, hand it to a case, settle it."""

from collections.abc import Sequence

from gnomon.control.evidence import queries as evidence
from gnomon.control.findings import queries, rules
from gnomon.control.findings.schemas import FindingRaised, FindingSettledNow, NewFinding
from gnomon.control.findings.tables import Finding
from gnomon.kit import services
from gnomon.kit.ids import new_id
from gnomon.kit.work import Work, action


@action("finding.raise")
def raise_finding(work: Work, new: NewFinding) -> Finding:
    """The finding is in the register. A program that sees the same thing again adds its evidence to the open one."""
    rules.check_evidence(f"The finding {new.title!r}", new.evidence_ids)
    for id in new.evidence_ids:
        evidence.artefact(work.session, id)
    known = queries.unsettled_about(work.session, source=new.source, subject_id=new.subject_id)
    if known is not None and new.source != "people":
        known.evidence_ids = list(dict.fromkeys([*known.evidence_ids, *new.evidence_ids]))
        work.about("finding", known.id, number=known.number, evidence=new.evidence_ids, seen_again=True)
        return known
    year = services.today(work.now).year
    finding = Finding(
        id=new_id("finding"),
        number=rules.next_number(year, queries.numbers(work.session, year)),
        state="open",
        raised_by=work.actor.id,
        raised_at=work.now,
        **new.model_dump(),
    )
    work.session.add(finding)
    work.session.flush()
    work.about("finding", finding.id, number=finding.number, severity=finding.severity, evidence=new.evidence_ids)
    work.emit(FindingRaised(finding.id, finding.severity))
    return finding


@action("finding.triage")
def link_to_case(work: Work, finding_id: str, *, case_id: str) -> Finding:
    """The case works on the finding. Raises FindingSettled when another does, or when it is settled."""
    finding = queries.finding(work.session, finding_id)
    work.about("finding", finding.id, number=finding.number, case=case_id)
    finding.state = rules.advance(finding.number, finding.state, "in_case")
    finding.case_id = case_id
    return finding


@action("finding.close")
def close_finding(
    work: Work, finding_id: str, *, reason: str, evidence_ids: Sequence[str], by_case: str = ""
) -> Finding:
    """The finding is closed, with what proves it. `by_case` is given by the case that worked on it, when it closes."""
    finding = queries.finding(work.session, finding_id)
    work.about("finding", finding.id, number=finding.number, evidence=list(evidence_ids), case=by_case)
    rules.check_evidence(f"The end of finding {finding.number}", evidence_ids)
    for id in evidence_ids:
        evidence.artefact(work.session, id)
    _settle(work, finding, to="closed", reason=reason, by_case=by_case)
    finding.evidence_ids = list(dict.fromkeys([*finding.evidence_ids, *evidence_ids]))
    return finding


@action("finding.reject")
def reject_finding(work: Work, finding_id: str, *, reason: str) -> Finding:
    """The finding was none; the reason stays with it."""
    finding = queries.finding(work.session, finding_id)
    work.about("finding", finding.id, number=finding.number)
    _settle(work, finding, to="rejected", reason=reason, by_case="")
    return finding


def _settle(work: Work, finding: Finding, *, to: str, reason: str, by_case: str) -> None:
    state = rules.advance(finding.number, finding.state, to)
    rules.check_settling(
        number=finding.number,
        state=finding.state,
        case_id=finding.case_id,
        by_case=by_case,
        raised_by=finding.raised_by,
        actor_id=work.actor.id,
    )
    finding.state, finding.reason = state, reason
    finding.settled_by, finding.settled_at = work.actor.id, work.now
    work.emit(FindingSettledNow(finding.id, state))
