"""What goes in and out of remediation, and the facts that it tells."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gnomon.kit.events import Event
from gnomon.kit.numbers import GREATEST, Plain

KEY = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$"


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class NewCase(Shape):
    title: str = Field(min_length=1, max_length=200)
    level: Literal["general", "important", "critical"]
    model: str = Field(min_length=1, max_length=200)
    owner_id: str
    finding_ids: list[str] = Field(min_length=1, max_length=100)


class Assessment(Shape):
    """`aims`: the present state of accuracy, data_security, user_experience and trade_standards, each in words."""

    aims: dict[str, str]
    baseline_run_ids: list[str] = Field(min_length=1, max_length=20)


class Member(Shape):
    person_id: str
    team: str
    part: Literal["accountable", "responsible", "consulted", "informed"]
    duty: str = Field(min_length=1, max_length=300)


class Group(Shape):
    members: list[Member] = Field(min_length=2, max_length=50)


class GoalIn(Shape):
    """`from_value` may be left out where the baseline measured the metric over the whole set."""

    metric: str
    to_value: float
    by: date
    recipe: str
    slice: str = ""
    from_value: float | None = None
    min_n: int = Field(default=30, ge=1, le=GREATEST)


class Deviation(Shape):
    """Why a guard is looser than the rulebook, and the last day on which that counts."""

    reason: str = Field(min_length=1, max_length=500)
    until: date


class GuardIn(Shape):
    """A metric on the same items that must not get worse by `margin` or more. No margin: the rulebook's."""

    metric: str
    margin: float | None = Field(default=None, gt=0, lt=1)
    relative: bool | None = None
    slice: str = ""
    alpha: float | None = Field(default=None, gt=0, lt=0.5)
    deviation: Deviation | None = None


class LiveGuardIn(Shape):
    """Either a traffic indicator (success_ratio, latency_p95_ms) of the candidate's target, with the rulebook's limit
    unless a tighter one is given, or a looser one with its deviation; or, with `evidence_source`, the state of the
    newest evidence after the freeze from a source that measures this indicator."""

    indicator: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    evidence_source: str = ""
    limit: float | None = None
    min_n: int | None = Field(default=None, ge=1, le=GREATEST)
    deviation: Deviation | None = None


class MeasureIn(Shape):
    """`method` lora is carried out by the platform (`params`: a training); by_hand by people."""

    key: str = Field(pattern=KEY)
    kind: Literal["data", "algorithm", "application", "security", "experience"]
    method: Literal["lora", "by_hand"]
    title: str = Field(min_length=1, max_length=200)
    params: Plain = Field(default_factory=dict)
    importance: int = Field(ge=1, le=5)
    urgency: int = Field(ge=1, le=5)
    difficulty: int = Field(ge=1, le=5)
    effect: int = Field(ge=1, le=5)


class TaskIn(Shape):
    key: str = Field(pattern=KEY)
    title: str = Field(min_length=1, max_length=200)
    owner_id: str
    collaborators: list[str] = Field(default_factory=list, max_length=20)
    start: date
    end: date
    depends_on: list[str] = Field(default_factory=list, max_length=50)
    finding_id: str = ""
    check: str = Field(min_length=1, max_length=500)


class BudgetIn(Shape):
    kind: Literal["person_days", "compute", "purchase"]
    title: str = Field(min_length=1, max_length=200)
    unit: str = Field(min_length=1, max_length=20)
    planned: float = Field(ge=0)
    measure_key: str = ""


class TradeOff(Shape):
    performance: str = Field(min_length=1)
    security: str = Field(min_length=1)
    cost: str = Field(min_length=1)
    time: str = Field(min_length=1)
    reason: str = Field(min_length=1)


class Plan(Shape):
    baseline_run_id: str
    goals: list[GoalIn] = Field(min_length=1, max_length=20)
    guards: list[GuardIn] = Field(default_factory=list, max_length=20)
    live_guards: list[LiveGuardIn] = Field(default_factory=list, max_length=20)
    criteria: list[str] = Field(default_factory=list, max_length=50)
    measures: list[MeasureIn] = Field(min_length=1, max_length=50)
    tasks: list[TaskIn] = Field(min_length=1, max_length=200)
    budget: list[BudgetIn] = Field(min_length=1, max_length=100)
    trade_off: TradeOff


class TaskUpdate(Shape):
    progress: int = Field(ge=0, le=100)
    note: str = Field(default="", max_length=1000)


class MeasureResult(Shape):
    """What people did. Done is shown by at least one piece of evidence or data set from after the plan was frozen."""

    state: Literal["done", "failed"]
    candidate_version_id: str = ""
    note: str = Field(min_length=1, max_length=1000)
    evidence_ids: list[str] = Field(default_factory=list, max_length=50)
    dataset_ids: list[str] = Field(default_factory=list, max_length=50)


class Spend(Shape):
    column: Literal["committed", "actual"]
    amount: float
    what: str = Field(min_length=1, max_length=300)


class StartVerification(Shape):
    target_id: str
    concurrency: int = Field(default=4, ge=1, le=64)


class NextRound(Shape):
    reason: str = Field(min_length=1, max_length=1000)


class Closure(Shape):
    comment: str = Field(min_length=1, max_length=1000)


class Supervision(Shape):
    checked: str = Field(min_length=1, max_length=2000)
    finding_ids: list[str] = Field(default_factory=list, max_length=50)


@dataclass(frozen=True, slots=True)
class RoundVerified(Event):
    case_id: str
    round_id: str
    verdict: str
    evidence_id: str


@dataclass(frozen=True, slots=True)
class CaseClosed(Event):
    case_id: str
    evidence_id: str
