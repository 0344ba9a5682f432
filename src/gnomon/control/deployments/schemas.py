"""What goes in and out of deployments, and the facts that they tell.

Papers are loose here, so that a draft can be kept; `rules.papers` says what is missing when one is submitted.
"""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from gnomon.kit.events import Event


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewDeployment(Shape):
    model: str
    version_id: str
    title: str = Field(min_length=1, max_length=200)
    mask_policy: str = "default"


class Requirement(Shape):
    """One requirement: its acceptance criterion and the test cases or metric rules that check it."""

    id: str = ""
    text: str = ""
    criterion: str = ""
    tests: list[str] = Field(default_factory=list)


class Requirements(Shape):
    sections: dict[str, str] = Field(default_factory=dict)
    items: list[Requirement] = Field(default_factory=list)


class Gpu(Shape):
    count: int = Field(ge=1)
    model: str = ""  # part of the name, as nvidia-smi gives it
    memory_gb: float = 0.0


class Environment(Shape):
    """What the model needs; what is left out is not asked. Sizes in GiB."""

    os: str = ""
    python: str = ""
    cpu_cores: int = 0
    cpu_flags: list[str] = Field(default_factory=list)
    memory_gb: float = 0.0
    disk_gb: float = 0.0
    ports: list[int] = Field(default_factory=list)
    packages: dict[str, str] = Field(default_factory=dict)  # the pinned list: distribution name to version
    fonts: list[str] = Field(default_factory=list)
    containers: list[str] = Field(default_factory=list)  # any one of them
    gpu: Gpu | None = None


class PlanStep(Shape):
    title: str = ""
    owner: str = ""  # person id
    start: AwareDatetime | None = None
    end: AwareDatetime | None = None
    verification: str = ""


class Resource(Shape):
    name: str = ""
    amount: str = ""


class Rollback(Shape):
    trigger: str = ""
    decider: str = ""  # person id
    steps: list[str] = Field(default_factory=list)
    limit_minutes: float = 0.0


class Plan(Shape):
    start: AwareDatetime | None = None
    end: AwareDatetime | None = None
    executor: str = ""  # person id
    steps: list[PlanStep] = Field(default_factory=list)
    resources: list[Resource] = Field(default_factory=list)
    rollback: Rollback = Field(default_factory=Rollback)
    accepted_mismatches: list[str] = Field(default_factory=list)  # items of the probe that the plan lives with
    ready_within_s: float = Field(300.0, gt=0, le=3600)


class NormalCase(Shape):
    text: str = Field(min_length=1)
    covers: str = ""  # the label or scenario


class FunctionalTest(Shape):
    """How the functional test asks. With `labels` an answer must be one of them; without, any text is one."""

    labels: list[str] = Field(default_factory=list)
    prompt: str = "{text}"
    normal: list[NormalCase] = Field(default_factory=list)
    request: dict[str, Any] = Field(default_factory=dict)  # further fields of the request, e.g. structured_outputs
    long_characters: int = Field(20_000, ge=1000, le=500_000)
    timeout_s: float = Field(60.0, gt=0, le=600)


class RetreatRuleIn(Shape):
    indicator: Literal["error_ratio", "latency_ratio_over"]
    limit: float = Field(ge=0, le=1)
    latency_ms: float = Field(0.0, ge=0)
    min_requests: int = Field(20, ge=1)


class ReleaseRequest(Shape):
    """`evidence_id` shows that the target is worth it; both arms must see `min_requests` within the watch window."""

    model: str
    to_target: str
    evidence_id: str
    share: float = Field(gt=0, lt=1)
    watch_s: float = Field(gt=0, le=14 * 86_400)
    min_requests: int = Field(ge=1)
    rules: list[RetreatRuleIn] = Field(min_length=1)


class NewCandidate(Shape):
    version_id: str


class Reason(Shape):
    reason: str = Field(min_length=1, max_length=1000)


@dataclass(frozen=True, slots=True)
class RoutesChanged(Event):
    """The policy part of the bundle must be published anew."""

    model: str


@dataclass(frozen=True, slots=True)
class FunctionalTestFailed(Event):
    """The roll-out of a deployment or candidate stopped by itself. `failures` name the cases, never contents."""

    subject_kind: str
    subject_id: str
    model: str
    failures: tuple[str, ...]
    evidence_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CanaryEnded(Event):
    """A release left its canary: state is full, retreated or aborted."""

    release_id: str
    model: str
    state: str
