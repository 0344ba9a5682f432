"""Who there is, how they sign in, and the permission matrix in all its versions."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from gnomon.kit.db import Base


class Person(Base):
    __tablename__ = "people_person"
    id: Mapped[str] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    team: Mapped[str]
    posts: Mapped[list[str]]
    locale: Mapped[str]
    password_hash: Mapped[str] = mapped_column(default="")  # Argon2id; empty until an invitation is accepted
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]


class SignIn(Base):
    """A signed-in session: the token itself is only with the person."""

    __tablename__ = "people_sign_in"
    id: Mapped[str] = mapped_column(primary_key=True)
    token_sha256: Mapped[str] = mapped_column(unique=True)
    person_id: Mapped[str] = mapped_column(index=True)
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime]
    address: Mapped[str] = mapped_column(default="")


class SignInFailure(Base):
    __tablename__ = "people_sign_in_failure"
    id: Mapped[str] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(index=True)  # as queries.shown_login tells it
    address: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime] = mapped_column(index=True)


class Invitation(Base):
    """A one-time link to set a first password."""

    __tablename__ = "people_invitation"
    token_sha256: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class MatrixVersion(Base):
    """permission -> posts that hold it. The highest version is the one in force."""

    __tablename__ = "people_matrix"
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    permissions: Mapped[dict[str, Any]]
    exclusive: Mapped[list[Any]]  # lists of posts of which a person may hold at most one
    made_at: Mapped[datetime]
    made_by: Mapped[str]
    source: Mapped[str]  # the rulebook version or the approval that it comes from
