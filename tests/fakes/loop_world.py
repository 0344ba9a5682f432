"""The company of `tests.fakes.loop`: its platform, and the console over it."""

from dataclasses import dataclass, field
from pathlib import Path

from fastapi import FastAPI

from gnomon.console import site
from gnomon.control.people import queries as people
from gnomon.control.people.tables import MatrixVersion, Person
from gnomon.control.rulebook import rules as rulebook
from gnomon.kit import services
from gnomon.kit.clock import SystemClock
from gnomon.kit.settings import Settings
from gnomon.kit.web import tell_errors
from gnomon.kit.work import Platform
from tests.fakes.records import StoredRecords


@dataclass
class World:
    """The platform, the console over it, and the ids that its story left."""

    app: FastAPI
    platform: Platform
    records: StoredRecords
    ids: dict[str, str] = field(default_factory=dict)

    def close(self) -> None:
        self.records.close()
        self.platform.database.close()


def open_console(world: World, folder: Path) -> None:
    platform, app = world.platform, world.app
    platform.clock = SystemClock()
    permissions = {name: sorted(posts) for name, posts in rulebook.load().matrix.permissions.items()}
    with platform.database.session() as session:
        made = platform.clock.now()
        session.add(
            MatrixVersion(version=2, permissions=permissions, exclusive=[], made_at=made, made_by="test", source="test")
        )
        extra = Person(
            id="shang",
            login="shang",
            name="商分析",
            team="business",
            posts=["business_user"],
            locale="zh-CN",
            created_at=made,
        )
        session.add(extra)
        session.commit()
    app.state.platform = platform
    app.state.settings = Settings(home=folder, environment="demo")
    app.state.identify = people.identify
    app.state.audit_key = services.get("audit_key").public_key()
    tell_errors(app)
    site.mount(app)
