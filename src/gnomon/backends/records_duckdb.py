"""Traffic records in one DuckDB file. Whoever opens it owns it: no second process can even read."""

import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from gnomon.backends import records_erasing as erasing
from gnomon.backends.records_erasing import Turns
from gnomon.backends.records_queries import QUERIES, bound
from gnomon.contract.ports import Row, Unstorable
from gnomon.contract.traffic import DefenceNotice, Feedback, TrafficRecord
from gnomon.kit.errors import BadInput, Unavailable

_MEMORY = "512MB"
_FINDINGS = (
    "STRUCT(category VARCHAR, direction VARCHAR, score DOUBLE, action VARCHAR, rule VARCHAR, book VARCHAR,"
    ' "start" INTEGER, "end" INTEGER)[]'
)
# Columns that came later, in files from before them too; what older records have there.
_LATER = {
    "role": "VARCHAR DEFAULT ''",
    "attempts": "SMALLINT DEFAULT 0",
    "cache": "VARCHAR DEFAULT ''",
    "arm": "VARCHAR DEFAULT ''",
    "escalated": "BOOLEAN DEFAULT false",
    "cost": "DOUBLE DEFAULT 0",
    "saved": "DOUBLE DEFAULT 0",
    "unscanned": "MAP(VARCHAR, INTEGER) DEFAULT MAP {}",
    "queue_ms": "DOUBLE",
    "per_token_ms": "DOUBLE",
    "tried": "VARCHAR DEFAULT ''",
    "content": f"{_FINDINGS} DEFAULT []",
}
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS records (
    id VARCHAR NOT NULL, "at" DOUBLE NOT NULL, outcome VARCHAR NOT NULL, status SMALLINT NOT NULL,
    guard_in_ms DOUBLE, connect_ms DOUBLE, first_token_ms DOUBLE, total_ms DOUBLE NOT NULL,
    policy VARCHAR NOT NULL, roster VARCHAR NOT NULL, endpoint VARCHAR NOT NULL, model VARCHAR NOT NULL,
    target VARCHAR NOT NULL, version VARCHAR NOT NULL, canary VARCHAR NOT NULL, key_id VARCHAR NOT NULL,
    caller VARCHAR NOT NULL, team VARCHAR NOT NULL, address VARCHAR NOT NULL, stream BOOLEAN NOT NULL,
    tokens_in BIGINT NOT NULL, tokens_out BIGINT NOT NULL, entities_in MAP(VARCHAR, INTEGER) NOT NULL,
    entities_out MAP(VARCHAR, INTEGER) NOT NULL, error VARCHAR NOT NULL, tags MAP(VARCHAR, VARCHAR) NOT NULL,
    {", ".join(f"{name} {kind}" for name, kind in _LATER.items())});
CREATE TABLE IF NOT EXISTS contents (id VARCHAR NOT NULL, "at" DOUBLE NOT NULL, request VARCHAR, reply VARCHAR);
ALTER TABLE contents ADD COLUMN IF NOT EXISTS sealed VARCHAR;
CREATE TABLE IF NOT EXISTS notices (
    id VARCHAR NOT NULL, "at" DOUBLE NOT NULL, kind VARCHAR NOT NULL, subject VARCHAR NOT NULL, reason VARCHAR NOT NULL,
    until DOUBLE NOT NULL, facts MAP(VARCHAR, DOUBLE) NOT NULL);
CREATE TABLE IF NOT EXISTS feedback (
    id VARCHAR NOT NULL, "at" DOUBLE NOT NULL, request VARCHAR NOT NULL, caller VARCHAR NOT NULL, team VARCHAR NOT NULL,
    key_id VARCHAR NOT NULL, rating TINYINT NOT NULL, comment VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS persons (token VARCHAR NOT NULL, id VARCHAR NOT NULL, "at" DOUBLE NOT NULL);
CREATE TABLE IF NOT EXISTS spools (name VARCHAR PRIMARY KEY, bytes BIGINT NOT NULL);
"""
_NONE = "MAP {}"
# What the data is to blame for; a full disk or too little memory is none of it.
_UNFIT = (duckdb.DataError, duckdb.IntegrityError, duckdb.ProgrammingError, OverflowError, TypeError, ValueError)
# DuckDB column of the JSON → column of the table and, where absent means something, what it means
_FIELDS: dict[str, tuple[str, str, str]] = {
    "id": ("VARCHAR", "id", ""),
    "at": ("DOUBLE", '"at"', ""),
    "outcome": ("VARCHAR", "outcome", ""),
    "status": ("SMALLINT", "status", ""),
    "policy": ("VARCHAR", "policy", "''"),
    "roster": ("VARCHAR", "roster", "''"),
    "endpoint": ("VARCHAR", "endpoint", "''"),
    "model": ("VARCHAR", "model", "''"),
    "target": ("VARCHAR", "target", "''"),
    "version": ("VARCHAR", "version", "''"),
    "canary": ("VARCHAR", "canary", "''"),
    "key_id": ("VARCHAR", "key_id", "''"),
    "caller": ("VARCHAR", "caller", "''"),
    "team": ("VARCHAR", "team", "''"),
    "address": ("VARCHAR", "address", "''"),
    "tried": ("VARCHAR", "tried", "''"),
    "stream": ("BOOLEAN", "stream", "false"),
    "tokens_in": ("BIGINT", "tokens_in", "0"),
    "tokens_out": ("BIGINT", "tokens_out", "0"),
    "entities_in": ("MAP(VARCHAR, INTEGER)", "entities_in", _NONE),
    "entities_out": ("MAP(VARCHAR, INTEGER)", "entities_out", _NONE),
    "error": ("VARCHAR", "error", "''"),
    "tags": ("MAP(VARCHAR, VARCHAR)", "tags", _NONE),
    "role": ("VARCHAR", "role", "''"),
    "attempts": ("SMALLINT", "attempts", "0"),
    "cache": ("VARCHAR", "cache", "''"),
    "arm": ("VARCHAR", "arm", "''"),
    "escalated": ("BOOLEAN", "escalated", "false"),
    "cost": ("DOUBLE", "cost", "0"),
    "saved": ("DOUBLE", "saved", "0"),
    "unscanned": ("MAP(VARCHAR, INTEGER)", "unscanned", _NONE),
    "content": (_FINDINGS, "content", "[]"),
}
_TIMINGS = {
    "guard_in": "guard_in_ms",
    "upstream_connect": "connect_ms",
    "first_token": "first_token_ms",
    "total": "total_ms",
    "queue": "queue_ms",
    "per_token": "per_token_ms",
}


def _record_columns() -> str:
    fields = ", ".join(f"'{name}': '{kind}'" for name, (kind, _, _) in _FIELDS.items())
    timings = ", ".join(f"{name} DOUBLE" for name in _TIMINGS)
    texts = "'request': 'VARCHAR', 'reply': 'VARCHAR', 'sealed': 'VARCHAR', 'persons': 'VARCHAR[]'"
    return f"{{{fields}, 'timings': 'STRUCT({timings})', {texts}}}"


def _insert_records() -> str:
    columns = [column for _, column, _ in _FIELDS.values()] + list(_TIMINGS.values())
    values = [f"coalesce(b.{c}, {absent})" if absent else f"b.{c}" for _, c, absent in _FIELDS.values()]
    values += [f"b.timings.{name}" for name in _TIMINGS]
    return f"INSERT INTO records ({', '.join(columns)}) SELECT {', '.join(values)} FROM batch b"  # noqa: S608


def _opened(path: Path) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(str(path), config={"memory_limit": _MEMORY, "threads": 2})
    except duckdb.IOException as error:
        raise Unavailable(
            f"{path} cannot be opened: {error}", next_step="Only one collector may run on a home folder."
        ) from error


class RecordsDuckDB:
    """Implements `contract.ports.RecordStore`; `append` from one thread, `query` from any."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = path.parent
        self._path = path
        self._writing = threading.Lock()
        self._turn = Turns()
        self._db = _opened(path)
        self._db.execute("BEGIN")  # one commit, not one for each table
        self._db.execute(_SCHEMA)
        self._widen()
        self._db.execute("COMMIT")

    def append(
        self,
        records: Sequence[TrafficRecord],
        notices: Sequence[DefenceNotice],
        *,
        offsets: Mapping[str, int],
        feedback: Sequence[Feedback] = (),
    ) -> int:
        with self._writing:
            self._db.execute("BEGIN")
            try:
                new = self._add_records(list({r.id: r for r in records}.values())) if records else 0
                for notice in notices:
                    self._add_notice(notice)
                for said in feedback:
                    self._add_feedback(said)
                for name, size in offsets.items():
                    self._db.execute("INSERT OR REPLACE INTO spools VALUES (?, ?)", [name, size])
                self._db.execute("COMMIT")
            except BaseException as error:
                self._db.execute("ROLLBACK")
                if isinstance(error, _UNFIT):
                    raise Unstorable(str(error)) from error
                raise
        return new

    def offsets(self) -> dict[str, int]:
        with self._turn.shared():
            return dict(self._db.cursor().execute("SELECT name, bytes FROM spools").fetchall())

    def forget(self, names: Sequence[str]) -> None:
        """These spools are gone; their offsets with them."""
        with self._writing:
            for name in names:
                self._db.execute("DELETE FROM spools WHERE name = ?", [name])

    def query(self, name: str, params: Mapping[str, Any]) -> list[Row]:
        """Raises KeyError (no such query) or BadInput (its parameters)."""
        with self._turn.shared():
            return self._answer(name, bound(name, params))

    def _answer(self, name: str, given: Mapping[str, Any]) -> list[Row]:
        cursor = self._db.cursor()
        try:
            found = cursor.execute(QUERIES[name].duckdb, given)
            columns = [column[0] for column in found.description or ()]
            return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
        except (duckdb.ConversionException, duckdb.InvalidInputException, duckdb.BinderException) as error:
            raise BadInput(f"{name}: {error}", next_step="Give numbers for times and limits.") from error
        finally:
            cursor.close()

    def drop_content(self, before: float) -> int:
        with self._writing:
            found = self._db.execute('DELETE FROM contents WHERE "at" < ?', [before]).fetchone()
            self._db.execute("""UPDATE feedback SET comment = '' WHERE "at" < ? AND comment <> ''""", [before])
            self._db.execute("""DELETE FROM persons WHERE "at" < ?""", [before])
        return int(found[0]) if found else 0

    def erase_persons(self, tokens: Sequence[str]) -> Row:
        """As the port says. The file is written anew, for what DuckDB deletes stays in it as free space."""
        with self._writing:
            self._db.execute("BEGIN")
            try:
                gone = erasing.erase(self._db, tokens)
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            with self._turn.alone():
                self._db = erasing.rewritten(self._db, self._path, _opened)
        return gone

    def close(self) -> None:
        self._db.close()

    def _widen(self) -> None:
        """An older file has all columns too, and tokens as BIGINT."""
        columns = {row[0]: row[1] for row in self._db.execute("DESCRIBE records").fetchall()}
        for name, kind in _LATER.items():
            if name not in columns:
                self._db.execute(f"ALTER TABLE records ADD COLUMN {name} {kind}")
        for name in ("tokens_in", "tokens_out"):
            if columns[name] != "BIGINT":
                self._db.execute(f"ALTER TABLE records ALTER {name} TYPE BIGINT")

    def _add_records(self, records: list[TrafficRecord]) -> int:
        # A file of JSON lines is the fastest way in: 26,000 records of 2 KB a second on one core, 36 times executemany.
        with tempfile.NamedTemporaryFile(dir=self._folder, prefix="batch-", suffix=".jsonl") as file:
            for record in records:
                file.write(msgspec.json.encode(record))
                file.write(b"\n")
            file.flush()
            source = f"read_json(?, format = 'newline_delimited', columns = {_record_columns()})"
            # The same id means the same time, so the search for known ids reads only that span of the table.
            self._db.execute(
                f"""CREATE OR REPLACE TEMP TABLE batch AS SELECT * FROM {source} b WHERE NOT EXISTS (
                        SELECT 1 FROM records r WHERE r.id = b.id AND r."at" BETWEEN ? AND ?)""",  # noqa: S608
                [file.name, min(r.at for r in records), max(r.at for r in records)],
            )
        self._db.execute(_insert_records())
        if any(r.request or r.reply for r in records):  # as in the file, where an empty text is left out
            self._db.execute(
                """INSERT INTO contents SELECT b.id, b."at", b.request, b.reply, b.sealed FROM batch b
                   WHERE b.request IS NOT NULL OR b.reply IS NOT NULL"""
            )
        if any(r.persons for r in records):
            self._db.execute("""INSERT INTO persons SELECT unnest(b.persons), b.id, b."at" FROM batch b""")
        found = self._db.execute("SELECT count(*) FROM batch").fetchone()
        self._db.execute("DROP TABLE batch")
        return int(found[0]) if found else 0

    def _add_notice(self, notice: DefenceNotice) -> None:
        self._db.execute(
            """INSERT INTO notices SELECT ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM notices WHERE id = ?)""",
            [
                notice.id,
                notice.at,
                notice.kind,
                notice.subject,
                notice.reason,
                notice.until,
                notice.facts,
                notice.id,
            ],
        )

    def _add_feedback(self, said: Feedback) -> None:
        known = self._db.execute("SELECT 1 FROM feedback WHERE id = ?", [said.id]).fetchone()
        if known is None:
            for token in said.persons:
                self._db.execute("INSERT INTO persons VALUES (?, ?, ?)", [token, said.id, said.at])
        self._db.execute(
            "INSERT INTO feedback SELECT ?, ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM feedback WHERE id = ?)",
            [said.id, said.at, said.request, said.caller, said.team, said.key_id, said.rating, said.comment, said.id],
        )
