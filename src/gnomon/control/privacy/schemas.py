"""What goes in and out of privacy, and the facts that it tells."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gnomon.kit.events import Event

SHOWN = 20  # places named in evidence; their number is always whole
Value = Annotated[str, StringConstraints(min_length=6, max_length=500)]


class NewSearch(BaseModel):
    """`each`: how many values of every structured entity the platform plants. `model`: a served one, else the first.

    `values` are looked for as well: what others sent and must stand nowhere. They are no part of the sample.
    """

    model_config = ConfigDict(extra="forbid")
    each: int = Field(default=4, ge=1, le=100)
    model: str = Field(default="", max_length=200)
    values: list[Value] = Field(default_factory=list, max_length=10_000)


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
