"""Who may do what: always by the matrix that stands in the database now."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete

from gnomon.control.people import actions, queries
from gnomon.control.people.tables import MatrixVersion
from gnomon.kit.errors import Denied, NotFound
from gnomon.kit.work import Platform
from tests.fakes.platform import actor, do, make_platform


@pytest.fixture
def platform(tmp_path: Path, database_url: str) -> Iterator[Platform]:
    made = make_platform(tmp_path, permissions={"case.open": ["engineer"]}, url=database_url)
    yield made
    made.database.close()


def may(platform: Platform, login: str) -> bool:
    with platform.read() as session:
        allowed = queries.may(session, actor(login), "case.open")
        try:
            queries.authorise(session, actor(login), "case.open")
        except Denied:
            assert not allowed
        else:
            assert allowed
    return allowed


def test_a_new_matrix_decides_the_next_question(platform: Platform) -> None:
    assert [may(platform, login) for login in ("wei", "lin")] == [True, False]
    do(platform, "system", actions.put_matrix, permissions={"case.open": ["technical_lead"]}, exclusive=[], source="t")
    assert [may(platform, login) for login in ("wei", "lin")] == [False, True]


def test_a_matrix_that_was_changed_where_it_stands_decides_as_it_stands(platform: Platform) -> None:
    assert may(platform, "wei")
    with platform.database.session() as session:
        session.get_one(MatrixVersion, 1).permissions = {"case.open": []}
        session.commit()
    assert not may(platform, "wei")


def test_without_a_matrix_nobody_may_do_anything(platform: Platform) -> None:
    with platform.database.session() as session:
        session.execute(delete(MatrixVersion))
        session.commit()
    with platform.read() as session, pytest.raises(NotFound):
        queries.authorise(session, actor("wei"), "case.open")


def test_what_is_known_of_the_matrix_cannot_be_changed_by_who_asks(platform: Platform) -> None:
    with platform.read() as session, pytest.raises(TypeError):
        queries.holders(session)["case.open"] = frozenset({"auditor"})  # type: ignore[index]
