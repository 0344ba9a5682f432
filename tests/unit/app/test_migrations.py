"""The migrations give the tables that the code has, on both databases, and go down again."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DBAPIError, OperationalError

from gnomon.app import setup
from gnomon.app.wiring import DOMAINS, load
from gnomon.kit import outbox  # noqa: F401 - its tables
from gnomon.kit.db import Base, Database

POSTGRES = os.environ.get("GNOMON_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'control.sqlite'}"
        return
    admin = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    name = f"gnomon_{uuid.uuid4().hex[:12]}"
    try:
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except OperationalError:
        pytest.skip("no PostgreSQL answers (GNOMON_TEST_POSTGRES)")
    try:
        yield POSTGRES.rsplit("/", 1)[0] + f"/{name}"
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


def test_the_migrated_tables_are_those_of_the_code(url: str) -> None:
    for domain in DOMAINS:
        load(domain, "tables")
    setup.upgrade(url)
    database = Database(url)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    database.close()


def test_the_database_refuses_to_change_the_trail(url: str) -> None:
    setup.upgrade(url)
    database = Database(url)
    with database.session() as session:
        session.execute(text("INSERT INTO audit_seal (seq, entry_id, prev, sha256) VALUES (1, 1, 'a', 'b')"))
        session.commit()
    for statement in ("UPDATE audit_seal SET sha256 = 'c'", "DELETE FROM audit_seal"):
        with database.session() as session, pytest.raises(DBAPIError, match="append-only"):
            session.execute(text(statement))
    database.close()


def test_down_leaves_nothing_and_up_again_works(url: str) -> None:
    setup.upgrade(url)
    command.downgrade(setup.alembic_config(url), "base")
    database = Database(url)
    assert set(inspect(database.engine).get_table_names()) == {"alembic_version"}
    database.close()
    setup.upgrade(url)
