"""A real platform on a real database (a SQLite file, or PostgreSQL by URL), a clock that tests move, a small cast."""

import atexit
import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import argon2
from sqlalchemy import event

from gnomon.app.hooks import ControlHooks
from gnomon.control.evaluation.queries import sealed_text_hashes
from gnomon.control.people import actions as people
from gnomon.control.people.tables import MatrixVersion, Person
from gnomon.kit import services
from gnomon.kit.clock import FakeClock
from gnomon.kit.db import Base, Database
from gnomon.kit.work import ACTIONS, Actor, Bus, Platform, system
from tests.fakes.databases import opened

R = TypeVar("R")
_TEMPLATES: dict[tuple[int, str], Path] = {}  # tables known and rights given: a database with them
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

# A password costs a test next to nothing; what it costs whoever guesses is a test of its own.
REAL_HASHER, people._hasher = people._hasher, argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

CAST = {  # login: (name, team, posts)
    "lin": ("林工", "technical", ["technical_lead"]),
    "wei": ("魏工", "technical", ["engineer"]),
    "bai": ("白经理", "business", ["business_lead"]),
    "rong": ("荣主任", "risk", ["risk_lead"]),
    "ren": ("任专员", "risk", ["risk_officer"]),
    "guo": ("郭总", "management", ["management"]),
    "shen": ("沈审计", "audit", ["auditor"]),
    "admin": ("管理员", "admin", ["system_admin"]),
}


def make_platform(
    folder: Path, *, permissions: dict[str, list[str]] | None = None, bus: Bus | None = None, url: str = ""
) -> Platform:
    """Tables made, the cast hired. Without `permissions` every post holds every right (tests of other things).

    `url` names an empty database that has the tables (see `tests.fakes.databases`); else a SQLite file is made.
    """
    posts = sorted({post for _, _, held in CAST.values() for post in held})
    rights = permissions or dict.fromkeys(ACTIONS, posts)
    database = opened(url) if url else _copied(folder / "control.sqlite", rights)
    if url:
        _hire(database, rights)
    services.fill(held_out=sealed_text_hashes)  # as wiring does
    return Platform(database, hooks=ControlHooks(), bus=bus, clock=FakeClock(MONDAY))


def _hire(database: Database, permissions: dict[str, list[str]]) -> None:
    with database.session() as session:
        session.add(
            MatrixVersion(
                version=1,
                permissions=permissions,
                exclusive=[["system_admin", "security_admin", "audit_admin"]],
                made_at=MONDAY,
                made_by="test",
                source="test",
            )
        )
        for login, (name, team, held) in CAST.items():
            session.add(
                Person(id=login, login=login, name=name, team=team, posts=held, locale="zh-CN", created_at=MONDAY)
            )
        session.commit()


def open_platform(folder: Path, *, bus: Bus | None = None) -> Platform:
    """The platform whose closed database was copied into `folder`; its clock stands at MONDAY again."""
    services.fill(held_out=sealed_text_hashes)
    return Platform(_hasty(folder / "control.sqlite"), hooks=ControlHooks(), bus=bus, clock=FakeClock(MONDAY))


def _copied(path: Path, permissions: dict[str, list[str]]) -> Database:
    """A database with all tables known by now and the cast: a copy, for making one takes longer than most tests."""
    key = len(Base.metadata.tables), json.dumps(permissions)
    if key not in _TEMPLATES:
        template = Path(tempfile.mkdtemp(prefix="gnomon-template-")) / "hired.sqlite"
        atexit.register(shutil.rmtree, template.parent, ignore_errors=True)
        made = _hasty(template)
        Base.metadata.create_all(made.engine)
        _hire(made, permissions)
        with made.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN")
        made.close()
        _TEMPLATES[key] = template
    shutil.copyfile(_TEMPLATES[key], path)
    return _hasty(path)


def _hasty(path: Path) -> Database:
    """A database that does not wait for the disk: a test's power never fails."""
    database = opened(f"sqlite:///{path}")
    event.listen(database.engine, "connect", lambda connection, _record: connection.execute("PRAGMA synchronous=OFF"))
    return database


def actor(login: str) -> Actor:
    """One of the cast, or `system`."""
    if login == "system":
        return system("test")
    name, team, posts = CAST[login]
    return Actor(id=login, name=name, team=team, posts=frozenset(posts))


def do(platform: Platform, login: str, act: Callable[..., R], *args: Any, **kwargs: Any) -> R:
    """Run one action as `login`, in a transaction of its own."""
    with platform.work(actor(login)) as work:
        return act(work, *args, **kwargs)


def run_jobs(platform: Platform, names: Sequence[str] | None = None) -> list[str]:
    """Run what is queued, in this thread and without the job engine; returns the names that ran."""
    from sqlalchemy import select

    from gnomon.kit.jobs import JOBS, JobContext
    from gnomon.kit.outbox import JobRow

    class Direct(JobContext):
        def step(self, name: str, do: Callable[[], R]) -> R:
            return do()

    ran: list[str] = []
    while True:
        with platform.read() as session:
            query = select(JobRow).where(JobRow.state == "queued").order_by(JobRow.created_at, JobRow.id)
            row = next((row for row in session.scalars(query) if names is None or row.name in names), None)
            if row is None:
                return ran
            session.expunge(row)
        with platform.database.session() as session:
            session.get_one(JobRow, row.id).state = "running"
            session.commit()
        JOBS[row.name].run(Direct(platform, row))
        with platform.database.session() as session:
            session.get_one(JobRow, row.id).state = "succeeded"
            session.commit()
        ran.append(row.name)
