"""Whether a clause is met, from the latest evidence of each of its controls.

A clause is met only when every control has fresh evidence that says so. Nothing that is missing, old, dated in the
future or too small a sample ever counts towards green.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gnomon.contract.verdicts import State
from gnomon.control.rulebook.schemas import Clause, Control, Language
from gnomon.kit.errors import BadInput

# Evidence may come from another host: this much ahead of our clock is skew, more is no evidence of the past.
CLOCK_SKEW = timedelta(minutes=1)


class ClauseVerdict(StrEnum):
    MET = "met"
    NOT_MET = "not_met"  # some control has fresh evidence against it
    PARTIAL = "partial"  # some controls are met, none speaks against, the others do not count
    EXPIRED = "expired"  # nothing fresh, and something that once was
    NOT_MEASURED = "not_measured"


class ControlVerdict(StrEnum):
    MET = "met"
    NOT_MET = "not_met"
    INSUFFICIENT = "insufficient"
    EXPIRED = "expired"
    NOT_MEASURED = "not_measured"


_REASONS = {
    "fresh_and_met": {"zh-CN": "证据有效且达标", "en": "Fresh evidence says that it is met."},
    "judged_not_met": {"zh-CN": "证据有效但未达标", "en": "Fresh evidence says that it is not met."},
    "too_few_observations": {"zh-CN": "样本不足，不能判定", "en": "Too few observations to tell."},
    "judged_not_measured": {"zh-CN": "证据中没有测量值", "en": "The evidence holds no measured value."},
    "no_evidence": {"zh-CN": "尚无证据", "en": "There is no evidence."},
    "too_old": {"zh-CN": "证据已过期", "en": "The evidence is older than allowed."},
    "in_the_future": {"zh-CN": "证据时间晚于当前时间", "en": "The evidence is dated in the future."},
}


@dataclass(frozen=True, slots=True)
class EvidenceFact:
    """What a decision needs to know of a piece of evidence; `made_at` is aware."""

    id: str
    made_at: datetime
    state: State


@dataclass(frozen=True, slots=True)
class ControlState:
    """`reason` is a stable code; `explain` says it in words. `evidence_id` is empty where there is none."""

    control_id: str
    state: ControlVerdict
    reason: str
    evidence_id: str = ""
    age: timedelta | None = None

    def explain(self, language: Language) -> str:
        return _REASONS[self.reason][language]


@dataclass(frozen=True, slots=True)
class ClauseState:
    clause_id: str
    state: ClauseVerdict
    controls: tuple[ControlState, ...]

    @property
    def reasons(self) -> tuple[ControlState, ...]:
        """The controls that keep the clause from being met."""
        return tuple(c for c in self.controls if c.state is not ControlVerdict.MET)


_FRESH = {
    State.MET: (ControlVerdict.MET, "fresh_and_met"),
    State.NOT_MET: (ControlVerdict.NOT_MET, "judged_not_met"),
    State.INSUFFICIENT: (ControlVerdict.INSUFFICIENT, "too_few_observations"),
    State.NOT_MEASURED: (ControlVerdict.NOT_MEASURED, "judged_not_measured"),
}


def control_state(control: Control, fact: EvidenceFact | None, now: datetime) -> ControlState:
    """What `fact` is worth for `control` at `now`. Raises BadInput on a time without a zone."""
    if fact is None:
        return ControlState(control.id, ControlVerdict.NOT_MEASURED, "no_evidence")
    if now.tzinfo is None or fact.made_at.tzinfo is None:
        raise BadInput(
            f"The time of evidence {fact.id!r} or the present has no time zone.", next_step="Give aware times (UTC)."
        )
    age = now - fact.made_at
    if age < -CLOCK_SKEW:
        return ControlState(control.id, ControlVerdict.NOT_MEASURED, "in_the_future", fact.id, age)
    if age > control.max_age:
        return ControlState(control.id, ControlVerdict.EXPIRED, "too_old", fact.id, age)
    state, reason = _FRESH[fact.state]
    return ControlState(control.id, state, reason, fact.id, age)


def clause_state(
    clause: Clause, controls: Sequence[Control], *, latest_evidence: Mapping[str, EvidenceFact], now: datetime
) -> ClauseState:
    """The state of `clause`, with that of each control. `latest_evidence` is by control id; others are ignored.

    `controls` are all controls of the clause (`Rulebook.controls_of`); one of another clause raises BadInput.
    """
    for control in controls:
        if clause.id not in control.clauses:
            raise BadInput(
                f"Control {control.id} belongs to {', '.join(control.clauses)}, not to {clause.id}.",
                next_step="Pass the controls that Rulebook.controls_of gives.",
            )
    states = tuple(control_state(control, latest_evidence.get(control.id), now) for control in controls)
    return ClauseState(clause.id, _verdict({s.state for s in states}), states)


def _verdict(seen: set[ControlVerdict]) -> ClauseVerdict:
    if ControlVerdict.NOT_MET in seen:
        return ClauseVerdict.NOT_MET
    if seen == {ControlVerdict.MET}:
        return ClauseVerdict.MET
    if ControlVerdict.MET in seen:
        return ClauseVerdict.PARTIAL
    if ControlVerdict.EXPIRED in seen:
        return ClauseVerdict.EXPIRED
    return ClauseVerdict.NOT_MEASURED
