"""What goes in and out of access, and the facts that it tells."""

from dataclasses import dataclass
from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field

from gnomon.kit.events import Event

Scope = Literal["chat", "evaluate", "restore"]
OWN_CALLER = "gnomon"  # the platform's own requests, which no service objective counts


class NewKey(BaseModel):
    caller: str = Field(min_length=1, max_length=64)
    team: str = Field(min_length=1, max_length=32)
    models: list[str] = Field(default=["*"], min_length=1)
    scopes: list[Scope] = Field(default=["chat"], min_length=1)
    expires_at: AwareDatetime | None = None
    requests_per_minute: int = Field(default=0, ge=0)
    concurrency: int = Field(default=0, ge=0)


class KeyAnswer(BaseModel):
    id: str
    secret: str  # the whole key; shown this once


class NewBan(BaseModel):
    kind: Literal["key", "address"]
    value: str = Field(min_length=1, max_length=128)
    reason: str = Field(min_length=1, max_length=500)
    minutes: float = Field(gt=0, le=60 * 24 * 365)


class Reason(BaseModel):
    reason: str = Field(min_length=1, max_length=500)


@dataclass(frozen=True, slots=True)
class RosterChanged(Event):
    """Keys or bans are different from now on."""
