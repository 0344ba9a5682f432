"""What was measured of the service, which rules broke and when they were last looked at, the state of the hosts."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from gnomon.kit.db import Base


class SloPoint(Base):
    """One judgement of one objective for one model over its window; keeps the threshold and the inputs it used."""

    __tablename__ = "monitoring_slo_point"
    id: Mapped[str] = mapped_column(primary_key=True)
    objective: Mapped[str] = mapped_column(index=True)
    model: Mapped[str] = mapped_column(index=True)
    at: Mapped[datetime] = mapped_column(index=True)
    state: Mapped[str]
    value: Mapped[float | None]
    n: Mapped[int]
    judgement: Mapped[dict[str, Any]]


class Budget(Base):
    """What is left of an objective's error budget over its period; counted afresh every few minutes."""

    __tablename__ = "monitoring_budget"
    objective: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    facts: Mapped[dict[str, Any]]


class RuleRun(Base):
    """The last time an alert rule was evaluated for one model or host, and with what result."""

    __tablename__ = "monitoring_rule_run"
    rule: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)  # empty for a rule about hosts
    host: Mapped[str] = mapped_column(primary_key=True)  # empty for a rule about a model
    topic: Mapped[str] = mapped_column(index=True)  # latency | success | exhaustion
    at: Mapped[datetime]
    state: Mapped[str]
    facts: Mapped[dict[str, Any]]


class Alert(Base):
    """Open from the first broken judgement to the first met one; one open alert per rule, model and host."""

    __tablename__ = "monitoring_alert"
    id: Mapped[str] = mapped_column(primary_key=True)
    rule: Mapped[str] = mapped_column(index=True)
    model: Mapped[str] = mapped_column(index=True)  # empty where it is about a host
    host: Mapped[str] = mapped_column(default="")
    topic: Mapped[str] = mapped_column(default="")
    severity: Mapped[str]  # page | ticket
    facts: Mapped[dict[str, Any]]
    diagnosis: Mapped[dict[str, Any]]  # rules.Diagnosis; empty where none can be made
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str] = mapped_column(default="")
    acknowledged_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(default="")
    case_id: Mapped[str] = mapped_column(default="")


class HostSample(Base):
    """Utilisation of one host: ratios in [0, 1]; None where it cannot be read (no GPU).

    `servers` are the model servers on it: [{id, pid, cpu, rss_bytes}], cpu in cores; figures are None for a dead one.
    """

    __tablename__ = "monitoring_host_sample"
    id: Mapped[str] = mapped_column(primary_key=True)
    host: Mapped[str] = mapped_column(index=True)
    at: Mapped[datetime] = mapped_column(index=True)
    cpu: Mapped[float]
    memory: Mapped[float]
    disk: Mapped[float]
    gpu: Mapped[float | None]
    gpu_memory: Mapped[float | None]
    servers: Mapped[list[dict[str, Any]]]
