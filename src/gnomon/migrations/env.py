"""Alembic's entry: the same migrations on SQLite and PostgreSQL."""

from alembic import context

from gnomon.app.wiring import DOMAINS, _load
from gnomon.kit import outbox  # noqa: F401 - its tables
from gnomon.kit.db import Base, Database

for name in DOMAINS:
    _load(name, "tables")

database = Database(context.config.attributes["url"])
with database.engine.connect() as connection:
    context.configure(
        connection=connection, target_metadata=Base.metadata, render_as_batch=True, compare_type=True
    )
    with context.begin_transaction():
        context.run_migrations()
database.close()
