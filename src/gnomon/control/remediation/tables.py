"""Cases, their rounds with what was frozen, measures, tasks and the budget."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Date
from sqlalchemy.orm import Mapped, mapped_column

from gnomon.kit.db import Base


class Case(Base):
    """A remediation case: one or more findings, an owner, rounds until they are put right."""

    __tablename__ = "remediation_case"
    id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)  # ZG-2026-001, as people say it
    title: Mapped[str]
    level: Mapped[str]  # general | important | critical
    model: Mapped[str] = mapped_column(index=True)
    owner_id: Mapped[str]
    finding_ids: Mapped[list[str]]
    state: Mapped[str] = mapped_column(index=True)  # rules.CASE_STATES
    rounds: Mapped[int] = mapped_column(default=0)
    assessment: Mapped[dict[str, Any]]  # {aims, baseline_run_ids, by, at}
    group: Mapped[list[dict[str, Any]]] = mapped_column("members")  # {person_id, team, part, duty}
    supervisions: Mapped[list[dict[str, Any]]]
    opened_by: Mapped[str]
    opened_at: Mapped[datetime]
    closed_by: Mapped[str] = mapped_column(default="")
    closed_at: Mapped[datetime | None]


class Round(Base):
    """One plan and its verification. `content` is exactly what was frozen and approved; it never changes."""

    __tablename__ = "remediation_round"
    id: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(index=True)
    n: Mapped[int]
    state: Mapped[str]  # frozen | approved | rejected | implementing | verified
    content: Mapped[dict[str, Any]]
    frozen_sha256: Mapped[str]
    frozen_at: Mapped[datetime]
    planned_by: Mapped[str]
    baseline_run_id: Mapped[str]
    approval_id: Mapped[str] = mapped_column(default="")
    verification_run_id: Mapped[str] = mapped_column(default="")
    verdict: Mapped[str] = mapped_column(default="")  # met | not_met | insufficient | invalid
    verification: Mapped[dict[str, Any]]
    verified_by: Mapped[str] = mapped_column(default="")
    verified_at: Mapped[datetime | None]
    leftovers: Mapped[list[dict[str, Any]]]  # what the next round carries on, with the reason


class Measure(Base):
    __tablename__ = "remediation_measure"
    id: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(index=True)
    round: Mapped[int]
    key: Mapped[str]
    kind: Mapped[str]  # data | algorithm | application | security | experience
    method: Mapped[str]  # lora | by_hand
    title: Mapped[str]
    params: Mapped[dict[str, Any]]
    importance: Mapped[int]
    urgency: Mapped[int]
    difficulty: Mapped[int]
    effect: Mapped[int]
    rank: Mapped[int]
    score: Mapped[float]
    state: Mapped[str]  # planned | running | done | failed
    training_id: Mapped[str] = mapped_column(default="", index=True)
    candidate_version_id: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")


class Task(Base):
    __tablename__ = "remediation_task"
    id: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(index=True)
    round: Mapped[int]
    key: Mapped[str]
    title: Mapped[str]
    owner_id: Mapped[str]
    collaborators: Mapped[list[str]]
    start: Mapped[date] = mapped_column(Date())
    end: Mapped[date] = mapped_column("last_day", Date())
    depends_on: Mapped[list[str]]  # keys of tasks of the same round
    progress: Mapped[int]  # percent
    finding_id: Mapped[str] = mapped_column(default="")
    check: Mapped[str] = mapped_column("check_text")  # how one sees that it is done
    note: Mapped[str] = mapped_column(default="")
    updated_at: Mapped[datetime | None]


class BudgetLine(Base):
    __tablename__ = "remediation_budget_line"
    id: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(index=True)
    round: Mapped[int]
    kind: Mapped[str]  # person_days | compute | purchase
    title: Mapped[str]
    unit: Mapped[str]  # d, CPU min, CNY …
    measure_key: Mapped[str] = mapped_column(default="")
    planned: Mapped[float]
    committed: Mapped[float] = mapped_column(default=0.0)
    actual: Mapped[float] = mapped_column(default=0.0)
    entries: Mapped[list[Any]] = mapped_column(JSON())  # {what, column, amount, by, at}: how actual came about
