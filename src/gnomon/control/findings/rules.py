"""What may happen to a finding, as pure functions."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from gnomon.kit.errors import BadInput, Conflict, Denied

FindingState = Literal["open", "in_case", "closed", "rejected"]
Severity = Literal["low", "medium", "high", "critical"]

STATES: Final[tuple[str, ...]] = get_args(FindingState)
TRANSITIONS: Final[Mapping[str, frozenset[str]]] = {
    "open": frozenset({"in_case", "closed", "rejected"}),
    "in_case": frozenset({"closed"}),
    "closed": frozenset(),
    "rejected": frozenset(),
}


class FindingSettled(Conflict):
    """The finding's state does not allow this."""

    code = "finding_state"


class FindingInCase(Conflict):
    """A finding that a case works on ends with that case."""

    code = "finding_in_case"


class OwnFinding(Denied):
    """Who raised a finding does not settle it."""

    code = "own_finding"


class NoEvidence(BadInput):
    """A finding, and its end, must be proved."""

    code = "finding_without_evidence"


@dataclass(frozen=True, slots=True)
class Standing:
    """What reconciliation needs to know of a finding."""

    id: str
    state: str
    case_id: str


def advance(number: str, state: str, to: str) -> str:
    """`to`, where a finding in `state` may become that. Raises FindingSettled."""
    if to not in TRANSITIONS[state]:
        raise FindingSettled(
            f"The finding {number} is {state}; it cannot become {to}.",
            next_step="Raise a new finding." if not TRANSITIONS[state] else "Close the case that works on it.",
            state=state,
        )
    return to


def check_settling(*, number: str, state: str, case_id: str, by_case: str, raised_by: str, actor_id: str) -> None:
    """Return when this person (or the case `by_case`) may end the finding."""
    if state == "in_case" and by_case != case_id:
        raise FindingInCase(f"The case {case_id} works on finding {number}.", next_step="Close the case.", case=case_id)
    if not by_case and raised_by == actor_id:
        raise OwnFinding(f"You raised finding {number} yourself.", next_step="Somebody else must settle it.")


def check_evidence(number: str, evidence_ids: Collection[str]) -> None:
    if not evidence_ids:
        raise NoEvidence(
            f"{number} names no evidence.", next_step="Record what was measured or seen, and name it here."
        )


def next_number(year: int, taken: Iterable[str]) -> str:
    """The first free `F-<year>-<4 digits>` after the highest in `taken`."""
    prefix = f"F-{year}-"
    last = max((int(number.removeprefix(prefix)) for number in taken if number.startswith(prefix)), default=0)
    return f"{prefix}{last + 1:04d}"


def tally(states: Iterable[str]) -> dict[str, int]:
    """How many findings are in each state, every state named; the values add up to what was raised."""
    counted = Counter(states)
    return {state: counted.pop(state, 0) for state in STATES} | dict(counted)


def reconcile(findings: Iterable[Standing], cases: Mapping[str, Collection[str]]) -> list[str]:
    """What findings and cases say differently of each other; empty when the two registers agree.

    `cases` maps case ids to the ids of their findings. A finding is in one case at most, says which, and no case
    names a finding that does not exist.
    """
    wrong = []
    known = {finding.id: finding for finding in findings}
    claims: dict[str, list[str]] = {}
    for case_id, ids in cases.items():
        for id in ids:
            claims.setdefault(id, []).append(case_id)
    for id, claimed_by in sorted(claims.items()):
        if id not in known:
            wrong.append(f"{', '.join(claimed_by)} names finding {id}, which does not exist")
        elif len(claimed_by) > 1:
            wrong.append(f"finding {id} is in several cases: {', '.join(sorted(claimed_by))}")
        elif known[id].case_id != claimed_by[0]:
            wrong.append(f"{claimed_by[0]} names finding {id}, which says {known[id].case_id or 'no case'}")
    for id, finding in sorted(known.items()):
        if finding.case_id and id not in claims:
            wrong.append(f"finding {id} says case {finding.case_id}, which does not name it")
        if finding.state == "in_case" and not finding.case_id:
            wrong.append(f"finding {id} is in_case and names no case")
    return wrong
