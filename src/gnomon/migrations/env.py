"""Alembic's entry: the same migrations on SQLite and PostgreSQL."""

from typing import Any, Literal

from alembic import context

from gnomon.app.wiring import DOMAINS, load
from gnomon.kit import outbox  # noqa: F401 - its tables
from gnomon.kit.db import Base, Database, UtcDateTime


def _render(kind: str, thing: Any, _context: Any) -> str | Literal[False]:
    return "UtcDateTime()" if kind == "type" and isinstance(thing, UtcDateTime) else False


for name in DOMAINS:
    load(name, "tables")

database = Database(context.config.attributes["url"])
with database.engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_type=True,
        render_item=_render,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
database.close()
