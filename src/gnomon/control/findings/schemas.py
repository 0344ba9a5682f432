"""What goes in and out of findings, and the facts that they tell."""

from dataclasses import dataclass

from pydantic import BaseModel, Field

from gnomon.control.findings.rules import Severity
from gnomon.kit.events import Event


class NewFinding(BaseModel):
    title: str = Field(min_length=1, max_length=200)
    detail: str = Field("", max_length=5000)
    severity: Severity
    clauses: list[str] = Field(default_factory=list, max_length=20)
    source: str = Field("people", pattern=r"^[a-z_]+(\.[a-z_]+)?$")
    subject_kind: str = Field(min_length=1, max_length=60)
    subject_id: str = Field(min_length=1, max_length=120)
    evidence_ids: list[str] = Field(min_length=1, max_length=50)


class Settlement(BaseModel):
    reason: str = Field(min_length=1, max_length=1000)
    evidence_ids: list[str] = Field(default_factory=list, max_length=50)


@dataclass(frozen=True, slots=True)
class FindingRaised(Event):
    finding_id: str
    severity: str


@dataclass(frozen=True, slots=True)
class FindingSettledNow(Event):
    """`state` is closed or rejected."""

    finding_id: str
    state: str
