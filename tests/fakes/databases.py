"""Fixture `database_url`: the same test on SQLite (an empty URL, see `make_platform`) and on PostgreSQL.

PostgreSQL is reached by GNOMON_TEST_POSTGRES as a superuser; where none answers its half is skipped and says so. The
tests of one run share one database, which is emptied before each, because making one takes longer than most tests.
"""

import atexit
import os
import uuid
from collections.abc import Iterator
from functools import cache

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from gnomon.kit.db import Base, Database

POSTGRES = os.environ.get("GNOMON_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "sqlite":
        yield ""
        return
    url = _made()
    _empty(url)
    yield url


@cache
def _made() -> str:
    """A database of this run; dropped when the run ends."""
    name = f"gnomon_{uuid.uuid4().hex[:12]}"
    try:
        _say(POSTGRES, f"CREATE DATABASE {name}")
    except OperationalError:
        pytest.skip("no PostgreSQL answers (GNOMON_TEST_POSTGRES)")
    atexit.register(_say, POSTGRES, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    return POSTGRES.rsplit("/", 1)[0] + f"/{name}"


def _empty(url: str) -> None:
    """Every table that the code knows by now is there and empty, ids begin at 1."""
    database = Database(url)
    try:
        with database.engine.begin() as connection:
            Base.metadata.create_all(connection)
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")  # past the append-only triggers
            for table in reversed(Base.metadata.sorted_tables):
                connection.execute(table.delete())
            sequences = connection.scalars(text("SELECT quote_ident(sequencename) FROM pg_sequences")).all()
            for sequence in sequences:
                connection.exec_driver_sql(f"ALTER SEQUENCE {sequence} RESTART")
    finally:
        database.close()


def _say(url: str, statement: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()
