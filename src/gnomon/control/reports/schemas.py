"""What goes in and out of reports, and the facts that they tell."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gnomon.control.reports.rules import Kind
from gnomon.kit.events import Event

Language = Literal["zh-CN", "en"]


class NewReport(BaseModel):
    """`subject_id`: a deployment, a case; nothing for the registers of everything."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    subject_id: str = ""
    languages: list[Language] = Field(default=["zh-CN", "en"], min_length=1, max_length=2)


@dataclass(frozen=True, slots=True)
class ReportIssued(Event):
    """All files of an issue in one language are there, and their evidence."""

    issue_id: str
    kind: str
    subject_id: str
    language: str
    evidence_id: str
