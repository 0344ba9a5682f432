"""What goes in and out of deployments, and the facts that they tell.

Papers are loose here, so that a draft can be kept; `rules.papers` says what is missing when one is submitted.
"""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, field_validator

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


class BreakerIn(Shape):
    """See `contract.bundle.Breaker`."""

    unreachable: int = Field(3, ge=0)
    failure_ratio: float = Field(0.8, ge=0, le=1)
    min_requests: int = Field(20, ge=1)
    window_s: float = Field(10.0, gt=0)
    slow_ms: float = Field(0.0, ge=0)
    open_s: float = Field(5.0, gt=0)
    max_open_s: float = Field(60.0, gt=0)


class ArmIn(Shape):
    target: str
    share: float = Field(gt=0, le=1)


class ExperimentIn(Shape):
    id: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    arms: list[ArmIn] = Field(min_length=1)
    unit: Literal["caller", "user"] = "caller"


class ShadowIn(Shape):
    target: str
    share: float = Field(gt=0, le=1)
    max_in_flight: int = Field(4, ge=1, le=64)


class CascadeIn(Shape):
    small: str
    min_mean_logprob: float | None = Field(None, le=0)
    min_margin: float | None = Field(None, ge=0, le=1)
    escalate_on: list[str] = Field(default_factory=lambda: ["length", "content_filter"])


class CacheIn(Shape):
    ttl_s: float = Field(gt=0, le=86_400)
    max_bytes: int = Field(16_777_216, ge=65_536, le=1_073_741_824)


class TargetPrice(Shape):
    """Of a million tokens."""

    price_in: float = Field(0.0, ge=0)
    price_out: float = Field(0.0, ge=0)


class RouteOptions(Shape):
    """How a route asks its targets; see `contract.bundle.Route`. What is left out is as the bundle has it by default.

    `sticky` None: by the model's task. Times in seconds or, by name, milliseconds.
    """

    sticky: bool | None = None
    timeout_s: float | None = Field(None, gt=0, le=3600)
    total_s: float = Field(0.0, ge=0, le=86_400)
    first_byte_s: float = Field(0.0, ge=0)
    fallback: list[str] = Field(default_factory=list)
    retries: int = Field(0, ge=0, le=5)
    hedge_after_ms: float = Field(0.0, ge=0)
    keep_content: bool = True
    unscanned: list[Literal["image", "audio", "video", "file", "tokens"]] = Field(default_factory=list)
    breaker: BreakerIn | None = None
    experiment: ExperimentIn | None = None
    shadow: ShadowIn | None = None
    cascade: CascadeIn | None = None
    cache: CacheIn | None = None
    prices: dict[str, TargetPrice] = Field(default_factory=dict)  # by target
    content_policy: str = (
        ""  # of the rulebook, for attacks and unsafe matter; empty: its default; "none": not looked at
    )


class UpstreamChange(Shape):
    """How gateways reach a model server; see `contract.bundle.Upstream`. What is left out is as the server itself is.

    `secret`: left out it stays as it is, empty it is removed; it is never told again.
    """

    url: str = Field("", max_length=2_000)  # empty: the address under which the platform itself reaches it
    ca: str = ""  # PEM certificates; empty: those of the system
    server_name: str = ""
    http_host: str = ""
    connect_timeout_s: float = Field(2.0, ge=0.05, le=60)
    secret: SecretStr | None = None
    reason: str = Field(min_length=1, max_length=1000)

    @field_validator("url", "ca", "server_name", "http_host")
    @classmethod
    def _trimmed(cls, text: str) -> str:
        return text.strip()


class RouteChange(Shape):
    options: RouteOptions
    reason: str = Field(min_length=1, max_length=1000)


class Reason(Shape):
    reason: str = Field(min_length=1, max_length=1000)


@dataclass(frozen=True, slots=True)
class RoutesChanged(Event):
    """The policy part of the bundle must be published anew. `model`: whose route changed; empty: not a route."""

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
