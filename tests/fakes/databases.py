"""Fixture `database_url`: the same test on SQLite (an empty URL, see `make_platform`) and on PostgreSQL.

PostgreSQL is reached by GNOMON_TEST_POSTGRES as a superuser; where none answers its half is skipped and says so. The
tests of one run share one database, which is emptied before each, because making one takes longer than most tests.
"""

import atexit
import os
import uuid
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from gnomon.kit.db import Base, Database

POSTGRES = os.environ.get("GNOMON_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")

_DIALECTS: dict[str, tuple[Any, Any]] = {}  # name of a dialect: it, and the statements compiled for it
_MADE: set[tuple[str, ...]] = set()  # tables that the run's database has


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


def opened(url: str) -> Database:
    """A database as the product opens it, on what the first of its kind has learned.

    SQLAlchemy keeps with the dialect into what it has compiled each statement. A platform for every test would compile
    them all again, which takes longer than running them.
    """
    database = Database(url)
    engine = database.engine
    if (known := _DIALECTS.get(engine.dialect.name)) is None:
        engine.connect().close()  # only now the dialect knows its server
        engine.dispose()
        _DIALECTS[engine.dialect.name] = engine.dialect, engine._compiled_cache
    else:
        engine.dialect, engine._compiled_cache = known
        engine.pool._dialect = engine.dialect
    return database


def _empty(url: str) -> None:
    """Every table that the code knows by now is there and empty, ids begin at 1."""
    tables = tuple(Base.metadata.tables)
    database = opened(url)
    try:
        with database.engine.begin() as connection:
            if tables not in _MADE:
                Base.metadata.create_all(connection)
            statements = ["SET LOCAL session_replication_role = replica"]  # past the append-only triggers
            statements += [f"DELETE FROM {table.name}" for table in reversed(Base.metadata.sorted_tables)]
            sequences = connection.scalars(text("SELECT quote_ident(sequencename) FROM pg_sequences"))
            statements += [f"ALTER SEQUENCE {sequence} RESTART" for sequence in sequences]
            connection.exec_driver_sql("; ".join(statements))
        _MADE.add(tables)
    finally:
        database.close()


def _say(url: str, statement: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()
