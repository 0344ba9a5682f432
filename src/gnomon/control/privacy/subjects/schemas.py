"""What goes in and out of the rights of persons."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Entity = Annotated[str, StringConstraints(min_length=2, max_length=40)]


class Identifier(BaseModel):
    """One thing that tells the person: `entity` as the detectors call it, or ACCOUNT for a log-in of this platform."""

    model_config = ConfigDict(extra="forbid")
    entity: Entity
    value: Annotated[str, StringConstraints(min_length=2, max_length=200, strip_whitespace=True)]


class NewRightsRequest(BaseModel):
    """`contact`: where the answer goes. It is sealed with the identifiers and never stands in plain."""

    model_config = ConfigDict(extra="forbid")
    wants: Literal["find", "export", "erase"]
    asked_by: Literal["person", "representative"] = "person"
    identifiers: Annotated[list[Identifier], Field(min_length=1, max_length=50)]
    contact: str = Field(default="", max_length=200)


class IdentityCheck(BaseModel):
    """How somebody has made sure that it is the person, or that the representative may act."""

    model_config = ConfigDict(extra="forbid")
    how: Literal["in_person", "document", "account", "authorisation"]


class Refusal(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=4, max_length=1000)


class Found(BaseModel):
    """What a search saw. `kept`: how much of it an erasure would leave, by holder or table.

    `unread`: what could not be looked into, as {holder, ref, why}; where there is any, the search is not whole.
    """

    places: list[dict[str, Any]]
    by_holder: dict[str, int]
    possible: dict[str, int]
    kept: dict[str, int]
    unread: list[dict[str, str]] = []


class Erased(BaseModel):
    """What an erasure did: by holder how many places, digests before and after, what was kept and why, what is left."""

    by_holder: dict[str, int]
    counts: dict[str, int]
    objects: list[dict[str, str]]
    kept: list[dict[str, Any]]
    learnt: list[str]
    searched: dict[str, int]
    left: list[str]
    chain: dict[str, Any]
    found_again: int
    unread: list[dict[str, str]] = []
