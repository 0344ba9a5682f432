"""Writers take turns, readers and what is written aside do not wait for them, and errors quote no values."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from gnomon.engine.byte_search import search_apart
from gnomon.kit.db import Base, Database
from gnomon.kit.outbox import ExecutorRow

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> Iterator[Database]:
    made = Database(database_url or f"sqlite:///{tmp_path / 'control.sqlite'}")
    Base.metadata.create_all(made.engine)
    yield made
    made.close()


def beat(database: Database, done: threading.Event) -> None:
    with database.session() as session:
        session.add(ExecutorRow(id="second", beat_at=NOW))
        session.commit()
    done.set()


def seen(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(ExecutorRow.id).order_by(ExecutorRow.id)))


def test_the_second_writer_waits_for_the_first_and_readers_for_nobody(database: Database) -> None:
    done = threading.Event()
    with database.session() as first:
        first.execute(text("SELECT 1"))  # it has begun by reading; what it reads stays true until it commits
        second = threading.Thread(target=beat, args=(database, done))
        second.start()
        assert not done.wait(0.2)
        assert seen(database) == []
        first.add(ExecutorRow(id="first", beat_at=NOW))
        first.commit()
    second.join(10)
    assert done.is_set()
    assert seen(database) == ["first", "second"]


def test_what_is_written_aside_does_not_wait_where_the_database_can_do_without(database: Database) -> None:
    if database.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    with database.session() as first:
        first.execute(text("SELECT 1"))
        with database.aside() as session:
            session.add(ExecutorRow(id="aside", beat_at=NOW))
            session.commit()
    assert seen(database) == ["aside"]


def test_an_error_of_the_database_does_not_quote_what_was_being_stored(database: Database) -> None:
    with pytest.raises(DBAPIError) as raised, database.session() as session:
        session.execute(text("INSERT INTO nowhere VALUES (:content)"), {"content": "what the user wrote"})
    assert "what the user wrote" not in str(raised.value)


def test_what_was_deleted_leaves_no_byte_once_the_database_is_compacted(database: Database, tmp_path: Path) -> None:
    with database.session() as session:
        session.add(ExecutorRow(id="kept", beat_at=NOW))
        session.add_all(ExecutorRow(id=f"gone-13812345678-{n}", beat_at=NOW) for n in range(200))
        session.commit()
        session.execute(text("DELETE FROM kit_executor WHERE id LIKE 'gone-%'"))
        session.commit()
    database.compact()
    assert search_apart(tmp_path, ["13812345678"]).hits == {}
    with database.session() as session:
        assert session.scalars(select(ExecutorRow.id)).all() == ["kept"]
        session.add(ExecutorRow(id="later", beat_at=NOW))
        session.commit()
