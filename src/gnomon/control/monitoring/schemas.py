"""What goes in and out of monitoring, and the facts that it tells."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from gnomon.contract.verdicts import State
from gnomon.control.monitoring.rules import Diagnosis, Topic
from gnomon.kit.events import Event


class Acknowledgement(BaseModel):
    note: str = Field(min_length=1, max_length=1000)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One alert rule, evaluated for one model or one host."""

    rule: str
    topic: Topic
    severity: str
    state: State
    facts: dict[str, Any]
    model: str = ""
    host: str = ""
    diagnosis: Diagnosis | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """A judgement of an objective, not stored yet."""

    objective: str
    model: str
    judgement: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ServerUse:
    """A model server: `cpu` in cores, None where the process could not be read."""

    id: str
    pid: int | None
    cpu: float | None
    rss_bytes: int | None


@dataclass(frozen=True, slots=True)
class HostUse:
    """What a host is doing now: ratios in [0, 1]."""

    host: str
    cpu: float
    memory: float
    disk: float
    gpu: float | None = None
    gpu_memory: float | None = None
    servers: tuple[ServerUse, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class AlertOpened(Event):
    """A rule broke for a model or a host."""

    alert_id: str
    rule: str
    model: str
    host: str
    severity: str
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class AlertClosed(Event):
    alert_id: str
    rule: str
    model: str
    host: str
