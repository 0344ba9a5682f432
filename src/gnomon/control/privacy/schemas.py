"""What goes in and out of privacy, and the facts that it tells."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gnomon.contract.masking import Purpose
from gnomon.kit.events import Event

SHOWN = 20  # places named in evidence; their number is always whole
Speed = Literal["", "structured", "names", "deep"]
"""Empty: the policy's own."""
Value = Annotated[str, StringConstraints(min_length=6, max_length=500)]


class NewSearch(BaseModel):
    """`each`: how many values of every structured entity the platform plants. `model`: a served one, else the first.

    `values` are looked for as well: what others sent and must stand nowhere. They are no part of the sample.
    """

    model_config = ConfigDict(extra="forbid")
    each: int = Field(default=4, ge=1, le=100)
    model: str = Field(default="", max_length=200)
    values: list[Value] = Field(default_factory=list, max_length=10_000)


class NewMaskPolicy(BaseModel):
    """`content` is a `contract.masking.MaskPolicy` as plain JSON; `reason` is what the approvers read."""

    model_config = ConfigDict(extra="forbid")
    content: dict[str, Any]
    reason: str = Field(min_length=4, max_length=1000)


class Attempt(BaseModel):
    """A text to try a policy on: the one in force of that id, or `content`, which is not in force yet."""

    model_config = ConfigDict(extra="forbid")
    text: str = Field(max_length=20_000)
    policy: str = "default"
    content: dict[str, Any] | None = None
    direction: Literal["input", "output"] = "input"
    field: str = Field(default="", max_length=100)
    purpose: Purpose = "gateway"
    speed: Speed = ""


class NewComparison(BaseModel):
    """`content` is the policy that is not in force yet; `texts` are looked at besides the platform's own samples."""

    model_config = ConfigDict(extra="forbid")
    content: dict[str, Any]
    texts: list[Annotated[str, StringConstraints(max_length=20_000)]] = Field(default_factory=list, max_length=100)


class NewRestoration(BaseModel):
    """`ticket`: the matter it is for; `reason`: why what was masked must be seen."""

    model_config = ConfigDict(extra="forbid")
    record_id: str = Field(min_length=1, max_length=80)
    ticket: str = Field(min_length=1, max_length=80)
    reason: str = Field(min_length=4, max_length=1000)


@dataclass(frozen=True, slots=True)
class Searched:
    """What a search saw. `confirmed`: planted values whose requests were answered and whose records are stored."""

    planted: int
    confirmed: int
    found: int
    extra: int
    extra_found: int
    entities: tuple[str, ...]
    found_entities: tuple[str, ...]
    requests: int
    recorded: int
    streamed: int
    statuses: dict[str, int]
    places: int
    bytes: int
    where: tuple[str, ...]
    control_found: bool
    model: str = ""
    unread: tuple[str, ...] = field(default=())

    def as_facts(self) -> dict[str, Any]:
        return {
            "values_planted": self.planted,
            "values_sent": self.confirmed,
            "values_found": self.found,
            "extra_values": self.extra,
            "extra_found": self.extra_found,
            "entities": list(self.entities),
            "found_entities": list(self.found_entities),
            "requests": self.requests,
            "requests_recorded": self.recorded,
            "requests_streamed": self.streamed,
            "statuses": self.statuses,
            "model": self.model,
            "places": self.places,
            "bytes": self.bytes,
            "where": list(self.where[:SHOWN]),
            "control_found": self.control_found,
            "unread": len(self.unread),
            "unread_places": list(self.unread[:SHOWN]),
        }


@dataclass(frozen=True, slots=True)
class MaskPolicyChanged(Event):
    policy_id: str
