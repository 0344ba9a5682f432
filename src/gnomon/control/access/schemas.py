"""What goes in and out of access, and the facts that it tells."""

from dataclasses import dataclass
from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field

from gnomon.kit.events import Event

QuotaKind = Literal["key", "team", "model"]
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


class NewQuota(BaseModel):
    """0 is no limit; with nothing but zeros the subject has no quota any more."""

    requests_per_second: int = Field(default=0, ge=0, le=1_000_000)
    requests_per_minute: int = Field(default=0, ge=0, le=10_000_000)
    tokens_per_minute: int = Field(default=0, ge=0, le=2_000_000_000)
    concurrency: int = Field(default=0, ge=0, le=65_535)
    tokens_per_day: int = Field(default=0, ge=0, le=2_000_000_000)
    cost_per_day: float = Field(default=0.0, ge=0, le=1_000_000_000, allow_inf_nan=False)
    reason: str = Field(min_length=1, max_length=500)

    def limits(self) -> dict[str, int | float]:
        return self.model_dump(exclude={"reason"})


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


class Decision(BaseModel):
    grant: bool
    reason: str = Field(min_length=1, max_length=500)


@dataclass(frozen=True, slots=True)
class RosterChanged(Event):
    """Keys, bans or quotas are different from now on."""
