"""Every text in the control database, of every domain: walked by its tables, so that a new one cannot be forgotten."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from sqlalchemy import JSON, Column, RowMapping, String, Table, delete, select, update
from sqlalchemy.orm import Session

from gnomon.control.people.tables import Invitation, Person, SignIn, SignInFailure
from gnomon.control.privacy.subjects.holders.base import Erasure, Item, Kept, Place
from gnomon.control.privacy.subjects.persons import Wanted, strings
from gnomon.control.privacy.tables import PersonPlace, PersonScan, RightsRequest
from gnomon.control.rulebook import rules as rulebook
from gnomon.kit.canonical import digest_bytes
from gnomon.kit.db import Base
from gnomon.kit.outbox import ExecutorRow
from gnomon.kit.work import Work

# They hold tokens, keys' names or what is sealed.
_OWN: Final = frozenset(one.__tablename__ for one in (PersonPlace, PersonScan, RightsRequest, ExecutorRow))
_ACCOUNTS: Final = Person.__tablename__
_NO_TEXT: Final = ("sha256", "_hash", "_id", "sealed", "signature", "wrapped_key", "token")
_IN_USE: Final = {
    "zh-CN": "账号仍在使用：先停用，再删除",
    "en": "The account is in use: disable it, then erase",
}


class Texts:
    name = "texts"
    title: Final = {"zh-CN": "控制数据库中的文本", "en": "Texts in the control database"}
    keeps_scans = False

    def items(self, session: Session) -> Iterator[Item]:
        for table in Base.metadata.sorted_tables:
            columns = _columns(table)
            if table.name in _OWN or not columns:
                continue
            for row in session.execute(select(*_keys(table), *columns).execution_options(yield_per=500)).mappings():
                texts = [text for column in columns for text in strings(row[column.key])]
                whole = "\n".join(texts)
                extra = ((row["login"], "ACCOUNT"), (row["name"], "PERSON")) if table.name == _ACCOUNTS else ()
                version = digest_bytes(whole.encode("utf-8", "surrogatepass"))
                yield Item(_ref(table, row), version, lambda whole=whole: (whole,), extra)  # type: ignore[misc]

    def told(self, session: Session, refs: Iterable[str], who: Wanted) -> Iterator[Place]:
        for ref in refs:
            table, row = _row(session, ref)
            if row is None:
                continue
            said = {column.key: who.only_theirs(row[column.key]) for column in _columns(table) if row[column.key]}
            yield Place(ref, {"table": table.name} | said)

    def erase(self, work: Work, refs: Iterable[str], who: Wanted) -> Erasure:
        done, book = Erasure(), rulebook.load().persons
        for ref in refs:
            table, row = _row(work.session, ref)
            if row is None:
                continue
            kept = book.keeps(table.name)
            if kept is not None:
                done.kept.append(Kept(ref, kept.why.model_dump(by_alias=True)))
            elif table.name == _ACCOUNTS and row["active"]:
                done.kept.append(Kept(ref, dict(_IN_USE)))
            else:
                _erase_row(work, done, table, row, who)
        return done


def _erase_row(work: Work, done: Erasure, table: Table, row: RowMapping, who: Wanted) -> None:
    if table.name == _ACCOUNTS:
        changes: dict[str, Any] = _without_account(work, row)
        count = len(changes)
    else:
        redacted = {column.key: who.redacted_value(row[column.key]) for column in _columns(table)}
        changes = {name: value for name, (value, hits) in redacted.items() if hits}
        count = sum(hits for _, hits in redacted.values())
    if not changes:
        return
    work.session.execute(update(table).where(*(key == row[key.key] for key in _keys(table))).values(changes))
    work.session.expire_all()
    done.places += 1
    done.identifiers += count


def _without_account(work: Work, row: RowMapping) -> dict[str, Any]:
    """What the row of somebody who is erased says; their sign-ins go. The id stays: what they did points to it."""
    work.session.execute(delete(SignIn).where(SignIn.person_id == row["id"]))
    work.session.execute(delete(SignInFailure).where(SignInFailure.login == row["login"]))
    work.session.execute(delete(Invitation).where(Invitation.person_id == row["id"]))
    return {"login": f"erased-{row['id']}"[:60], "name": "已删除", "password_hash": ""}


def _columns(table: Table) -> list[Column[Any]]:
    """Columns that may hold words."""
    found = []
    for column in table.columns:
        is_text = isinstance(column.type, (String, JSON))
        if is_text and not column.primary_key and not column.key.endswith(_NO_TEXT):
            found.append(column)
    return found


def _keys(table: Table) -> list[Column[Any]]:
    more = [table.c.active] if table.name == _ACCOUNTS else []
    return [*table.primary_key.columns, *more]


def _ref(table: Table, row: RowMapping) -> str:
    return f"{table.name}:{json.dumps([row[key.key] for key in table.primary_key.columns], default=str)}"


def _row(session: Session, ref: str) -> tuple[Table, RowMapping | None]:
    name, _, keys = ref.partition(":")
    table = Base.metadata.tables[name]
    where = [column == value for column, value in zip(table.primary_key.columns, json.loads(keys), strict=True)]
    query = select(*_keys(table), *_columns(table)).where(*where)
    return table, session.execute(query).mappings().first()
