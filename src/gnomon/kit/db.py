"""The control database: SQLite or PostgreSQL by URL, one declarative base, the same migrations.

Writing transactions take turns on both: what one has read is still true when it commits. SQLite's BEGIN IMMEDIATE does
that; on PostgreSQL, whose READ COMMITTED would let two read the same state and lose an update, an advisory lock does.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, Engine, MetaData, String, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator

from gnomon.kit.errors import BadInput

_WRITERS_LOCK = int.from_bytes(b"gnomon")  # any number that nobody else locks in this database
_WAIT_S = 30  # seconds that a writer waits for its turn, on both databases


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, stored in UTC. SQLite loses the zone, so a naive value is refused on the way in."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: give it a zone")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Rows of all domains. Names of constraints are fixed so that migrations can alter them on both databases."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own protocol
        datetime: UtcDateTime(),
        dict[str, Any]: JSON(),
        list[str]: JSON(),
        list[Any]: JSON(),
        list[dict[str, Any]]: JSON(),
        str: String(),
    }


class Database:
    """An engine and its sessions. Share one per process."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _engine(url)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    def session(self) -> Session:
        return self._sessions()

    @contextmanager
    def aside(self) -> Iterator[Session]:
        """A session that does not wait for the other writers where the database can do without (PostgreSQL).

        For rows of one's own and for updates that are right whatever others write: beats, progress, claims, seals.
        """
        with self._sessions() as session:
            session.connection(execution_options={"gnomon_aside": True})
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for queries; whatever was written in it is rolled back."""
        with self._sessions() as session:
            session.connection(execution_options={"gnomon_read": True})
            yield session  # closing rolls back on the connection and, unlike rollback(), keeps what was read readable

    def compact(self) -> None:
        """What was deleted or overwritten leaves no bytes in the database's files. Waits for readers; takes its time.

        Backups and, on PostgreSQL, the write-ahead log have lives of their own.
        """
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT", gnomon_read=True) as connection:
            if self.engine.dialect.name == "sqlite":
                connection.exec_driver_sql("COMMIT")  # our own BEGIN: VACUUM stands outside any transaction
                connection.exec_driver_sql("VACUUM")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.exec_driver_sql("BEGIN")
            else:
                connection.exec_driver_sql("VACUUM FULL")

    def close(self) -> None:
        self.engine.dispose()


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        # hide_parameters: an error of the database is logged and shown; what was being stored is neither.
        engine = create_engine(
            parsed,
            connect_args={"timeout": _WAIT_S, "check_same_thread": False},
            hide_parameters=True,
            json_serializer=_json,
        )
        event.listen(engine, "connect", _sqlite_connect)
        event.listen(engine, "begin", _sqlite_begin)
        return engine
    if parsed.get_backend_name() == "postgresql":
        engine = create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_size=8,
            max_overflow=16,
            pool_pre_ping=True,
            hide_parameters=True,
            json_serializer=_json,
        )
        event.listen(engine, "begin", _postgres_begin)
        return engine
    raise BadInput(
        f"The database {parsed.render_as_string()} is not known.",
        next_step="Use sqlite:///path or postgresql://user@host/name.",
    )


def _json(value: Any) -> str:
    """JSON as it is stored: characters as they are, so that whoever searches the stored bytes finds them."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair is no character that can be stored
        return json.dumps(value)
    return text


def _sqlite_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves; the driver's own BEGIN comes too late
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_WAIT_S * 1000}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _sqlite_begin(connection: Any) -> None:
    # A transaction that begins by reading and then writes fails when another wrote in between; one that
    # takes the write lock first waits instead. Readers ask for a plain BEGIN.
    connection.exec_driver_sql("BEGIN" if _is_read(connection) else "BEGIN IMMEDIATE")


def _postgres_begin(connection: Any) -> None:
    if _is_read(connection) or connection.get_execution_options().get("gnomon_aside", False):
        return
    # One round trip; the lock and its timeout end with the transaction, whichever way that ends.
    connection.exec_driver_sql(
        f"SELECT set_config('lock_timeout', '{_WAIT_S}s', true), pg_advisory_xact_lock({_WRITERS_LOCK})"
    )


def _is_read(connection: Any) -> bool:
    return bool(connection.get_execution_options().get("gnomon_read", False))
