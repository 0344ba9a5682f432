"""Make an installation: tables, the matrix and mask policies of the rulebook, the platform's own key, a first bundle.

Everything here may run again: what exists is left as it is, what is newer in the package is added.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.exc import OperationalError, ProgrammingError

import gnomon
from gnomon.control.access import actions as access
from gnomon.control.access import rules as access_rules
from gnomon.control.access.schemas import OWN_CALLER, NewKey
from gnomon.control.people import actions as people
from gnomon.control.people import queries as people_queries
from gnomon.control.people.schemas import NewPerson
from gnomon.control.privacy import actions as privacy
from gnomon.control.publishing import actions as publishing
from gnomon.control.rulebook import rules as rulebook
from gnomon.kit import services
from gnomon.kit.db import Database
from gnomon.kit.errors import NotFound
from gnomon.kit.settings import Settings
from gnomon.kit.work import Platform, system

if TYPE_CHECKING:
    from alembic.config import Config

FIRST = {
    "system_admin": NewPerson(login="admin", name="系统管理员", team="admin"),
    "security_admin": NewPerson(login="security", name="安全管理员", team="admin"),
}
"""By post: who comes by a link that `gnomon up` prints."""
MIGRATIONS = Path(gnomon.__file__).parent / "migrations"


def upgrade(url: str, revision: str = "head") -> None:
    """The database at `url` has the tables of `revision`."""
    if revision == "head" and _stored_revision(url) == _newest_revision():
        return
    from alembic import command  # a quarter of a second that a start without news need not spend

    command.upgrade(alembic_config(url), revision)


def alembic_config(url: str) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config


def _newest_revision() -> str:
    """Migrations are numbered (app/migration): the last file's number is the head."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def _stored_revision(url: str) -> str:
    database = Database(url)
    try:
        with database.read() as session:
            return str(session.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")
    except (OperationalError, ProgrammingError):  # no such table: nothing was ever migrated
        return ""
    finally:
        database.close()


def install(platform: Platform, settings: Settings) -> None:
    """Matrix, mask policies, own key and a first bundle are there."""
    book = rulebook.load()
    with platform.work(system("setup")) as work:
        try:
            people_queries.matrix(work.session)
        except NotFound:
            people.put_matrix(
                work,
                permissions=book.matrix.permissions,
                exclusive=[rule.posts for rule in book.matrix.separation],
                source=f"rulebook {book.version}",
            )
        for shape in book.masking:
            privacy.put_policy(work, shape.as_policy())
        if not services.platform_key():
            _make_platform_key(platform, settings)
        publishing.publish(work, "roster", book)
        publishing.publish(work, "policy", book)


def first_administrators(platform: Platform) -> dict[str, str]:
    """One-time tokens by login for the first administrators that are wanted; empty while each post has its holder.

    Two, because one invites people and the other says what they may do: nobody can make themselves everybody.
    """
    with platform.read() as session:
        wanted = people_queries.vacant(session, FIRST)
    return {FIRST[post].login: _first(platform, FIRST[post], post) for post in wanted}


def _first(platform: Platform, new: NewPerson, post: str) -> str:
    with platform.work(system("setup")) as work:
        waiting = people_queries.by_login(work.session, new.login)
        if waiting:
            return people.renew_first(work, waiting.id, post=post).token
        return people.invite_first(work, new, post=post).token


def _make_platform_key(platform: Platform, settings: Settings) -> None:
    fresh = access_rules.make_key("own")
    new = NewKey(caller=OWN_CALLER, team="platform", scopes=["chat", "evaluate"])
    with platform.work(system("setup")) as work:
        access.issue_own(work, new, fresh)
    path = settings.home / "keys" / "platform.key"
    draft = path.with_name(".platform.key.part")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(fresh.text)
    draft.rename(path)
    services.fill(platform_key=fresh.text)
