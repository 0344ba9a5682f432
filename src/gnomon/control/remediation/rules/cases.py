"""The life of a case, and who may end it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from gnomon.kit.errors import BadInput, Conflict, Denied, NotReady

CaseState = Literal[
    "open", "assessed", "planned", "approved", "implementing", "verifying", "verified", "closed", "next_round"
]
CASE_STATES: Final[tuple[str, ...]] = get_args(CaseState)
TRANSITIONS: Final[Mapping[str, frozenset[str]]] = {
    "open": frozenset({"assessed"}),
    "assessed": frozenset({"assessed", "planned"}),
    "planned": frozenset({"approved", "assessed", "next_round"}),  # the last two: the plan was rejected
    "approved": frozenset({"implementing"}),
    "implementing": frozenset({"verifying", "next_round"}),  # next_round: the round is given up
    "verifying": frozenset({"verifying", "verified", "next_round"}),  # verifying again: a run that failed goes on
    "verified": frozenset({"closed", "next_round"}),
    "next_round": frozenset({"assessed", "planned"}),
    "closed": frozenset(),
}
CLOSABLE: Final = frozenset({"verified"})
AIMS: Final = ("accuracy", "data_security", "user_experience", "trade_standards")
"""The four aims of the remediation policy; the present state of each is told in the assessment (REM-0.1)."""

Part = Literal["accountable", "responsible", "consulted", "informed"]


class CaseStateConflict(Conflict):
    """The case's state does not allow this."""

    code = "case_state"


class PlanFrozen(Conflict):
    """Goals, criteria, guards and dates stand as they were frozen."""

    code = "plan_frozen"


class OwnCase(Denied):
    """Whoever owns or verified a case does not close it, and whoever works on it does not supervise it."""

    code = "own_case"


class SecondLook(Conflict):
    """A round looks at its sealed set once: whoever may look again until it fits proves nothing."""

    code = "second_look"


class NotMet(NotReady):
    """A case closes on a verdict that is met, on nothing else."""

    code = "verdict_not_met"
    status = 409


class NotLive(NotReady):
    """What was verified must be what is served."""

    code = "release_not_live"
    status = 409


@dataclass(frozen=True, slots=True)
class Closing:
    """What decides whether this person may close the case now. `serves`: the verified version has all the traffic.

    `hands`: whoever owns the case, planned its round or verified it.
    """

    number: str
    state: str
    verdict: str
    hands: frozenset[str]
    actor_id: str
    serves: bool


def advance(number: str, state: str, to: str) -> str:
    """`to`, where a case in `state` may become that. Raises CaseStateConflict."""
    if to not in TRANSITIONS[state]:
        allowed = ", ".join(sorted(TRANSITIONS[state])) or "nothing: it is closed"
        raise CaseStateConflict(
            f"The case {number} is {state}; it cannot become {to}.",
            next_step=f"From here it can become {allowed}.",
            state=state,
            wanted=to,
        )
    return to


def check_closing(closing: Closing) -> None:
    """Return when the case may be closed now, by this person. Raises in the order in which one would put it right."""
    if closing.state not in CLOSABLE:
        raise CaseStateConflict(
            f"The case {closing.number} is {closing.state}, not verified.",
            next_step="Verify the round first.",
            state=closing.state,
        )
    if closing.verdict != "met":
        raise NotMet(
            f"The verdict of case {closing.number} is {closing.verdict or 'open'}; only met closes a case.",
            next_step="Open the next round.",
            verdict=closing.verdict,
        )
    if closing.actor_id in closing.hands:
        raise OwnCase(
            f"You own, planned or verified case {closing.number}.",
            next_step="A person who did none of that must close it.",
        )
    if not closing.serves:
        raise NotLive(
            f"What case {closing.number} verified does not have the traffic yet.", next_step="Release it fully first."
        )


def check_change(number: str, *, frozen_sha256: str, content_sha256: str) -> None:
    """Return while the plan is what was frozen. Raises PlanFrozen otherwise."""
    if frozen_sha256 and content_sha256 != frozen_sha256:
        raise PlanFrozen(
            f"The plan of case {number} differs from what was frozen ({frozen_sha256[:12]}).",
            next_step="Keep to the frozen plan, or open the next round.",
            frozen=frozen_sha256,
            now=content_sha256,
        )


def check_aims(aims: Mapping[str, str]) -> None:
    """Return when each of the four aims has a statement."""
    silent = [aim for aim in AIMS if not aims.get(aim, "").strip()]
    unknown = sorted(set(aims) - set(AIMS))
    if silent or unknown:
        raise BadInput(
            f"The assessment says nothing about {', '.join(silent)}." if silent else f"{unknown[0]} is no aim.",
            next_step=f"State the present state of each of: {', '.join(AIMS)}.",
            missing=silent,
        )


def check_group(assignments: Iterable[tuple[str, str, str]]) -> None:
    """Return when the group (person, team, part) crosses teams and exactly one person is accountable (REM-5.1)."""
    members = list(assignments)
    accountable = [person for person, _, part in members if part == "accountable"]
    teams = {team for _, team, _ in members}
    if len(accountable) != 1:
        raise BadInput(f"{len(accountable)} members are accountable; it must be one.", next_step="Name exactly one.")
    if len(teams) < 2:
        raise BadInput("The group is of one team only.", next_step="Add members of other teams.", teams=sorted(teams))


def check_supervisor(supervisor_id: str, *, workers: Collection[str]) -> None:
    """Return when the supervisor has no hand in the work."""
    if supervisor_id in workers:
        raise OwnCase("You have a part in this case.", next_step="Somebody independent must supervise it.")


def next_number(year: int, taken: Iterable[str]) -> str:
    """The first free `ZG-<year>-<3 digits>` after the highest in `taken`."""
    prefix = f"ZG-{year}-"
    last = max((int(number.removeprefix(prefix)) for number in taken if number.startswith(prefix)), default=0)
    return f"{prefix}{last + 1:03d}"
