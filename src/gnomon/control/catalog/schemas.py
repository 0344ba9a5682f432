"""What goes in and out of the catalogue."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gnomon.kit.events import Event
from gnomon.kit.numbers import GREATEST, Plain

NAME = r"^[a-z0-9][a-z0-9._-]{0,62}$"
SHA256 = r"^[0-9a-f]{64}$"

Task = Literal["classification", "extraction", "question_answering", "chat", "generation"]
Purpose = Literal["train", "validation", "test", "feedback"]


class NewModel(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(pattern=NAME)
    title: str = Field(min_length=1, max_length=200)
    task: Task
    owner_id: str = Field(min_length=1)


class StageChange(BaseModel):
    stage: Literal["development", "deployment", "use", "maintenance"]
    reason: str = Field(min_length=1, max_length=1000)


class Reason(BaseModel):
    reason: str = Field(min_length=1, max_length=1000)


class NewVersion(BaseModel):
    model_config = ConfigDict(extra="forbid")
    label: str = Field(pattern=NAME)
    kind: Literal["base", "adapter"] = "base"
    base_id: str | None = None
    source: str = Field(min_length=1, max_length=1000)
    licence: str = Field(min_length=1, max_length=200)


class FileEntry(BaseModel):
    """A file of a version whose bytes are stored already. `size` in bytes."""

    model_config = ConfigDict(extra="forbid")
    path: str = Field(min_length=1, max_length=300)
    sha256: str = Field(pattern=SHA256)
    size: int = Field(ge=0, le=GREATEST)


class NewDataset(BaseModel):
    """Rows are objects with a `text` and, for labelled data, a `label`; other fields are kept.

    They are compared with every sealed suite of the platform; while there is none the leak check is "not measured".
    """

    model_config = ConfigDict(extra="forbid")
    name: str = Field(pattern=NAME)
    label: str = Field(pattern=NAME)
    purpose: Purpose
    source: str = Field(min_length=1, max_length=1000)
    licence: str = Field(min_length=1, max_length=200)
    rows: list[Plain] = Field(min_length=1, max_length=500_000)
    prepare: list[Literal["drop_duplicates", "drop_contradictions", "drop_leaks"]] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class VersionChecked(Event):
    """A version was found good (`state` checked) or was refused."""

    version_id: str
    model: str
    state: str
