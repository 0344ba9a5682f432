"""What goes in and out of people."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class SignInRequest(BaseModel):
    login: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=256)


class SignInAnswer(BaseModel):
    token: str
    person: str
    expires_at: datetime


class NewPerson(BaseModel):
    """Who is invited. Posts are another person's to give (`person.assign`), so a field for them is refused."""

    model_config = ConfigDict(extra="forbid")

    login: str = Field(min_length=2, max_length=64, pattern=r"^[a-z0-9][a-z0-9._-]*$")
    name: str = Field(min_length=1, max_length=64)
    team: str = Field(min_length=1, max_length=32)
    locale: str = "zh-CN"


class InvitationAnswer(BaseModel):
    person_id: str
    token: str
    expires_at: datetime


class AcceptInvitation(BaseModel):
    token: str
    password: str = Field(max_length=256)


class PersonOut(BaseModel):
    id: str
    login: str
    name: str
    team: str
    posts: list[str]
    locale: str
    active: bool


class PostsChange(BaseModel):
    posts: list[str] = Field(min_length=1)
    reason: str = Field(min_length=1, max_length=500)


class Why(BaseModel):
    reason: str = Field(min_length=1, max_length=500)
