"""A console on a real platform whose rights are the rulebook's own, for tests of pages."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from gnomon.console import site
from gnomon.control.people import actions as people
from gnomon.control.people import queries
from gnomon.control.people.tables import Invitation, MatrixVersion, Person
from gnomon.control.rulebook import rules as rulebook
from gnomon.kit import services
from gnomon.kit.blobs import Blobs
from gnomon.kit.clock import SystemClock
from gnomon.kit.settings import Settings
from gnomon.kit.web import COOKIE, tell_errors
from gnomon.kit.work import NOBODY, Platform
from tests.fakes.platform import CAST, make_platform

PASSWORD = "correct horse battery"


def make_console(folder: Path) -> tuple[FastAPI, Platform]:
    """The pages of the console on a platform in `folder`; the clock is the real one, as browsers keep cookies by it."""
    site.routers()  # every page's domains are imported, so that their tables exist
    book = rulebook.load()
    permissions = {name: sorted(posts) for name, posts in book.matrix.permissions.items()}
    platform = make_platform(folder, permissions=permissions)
    platform.clock = SystemClock()
    with platform.database.session() as session:
        # Two more administrators, as the separation of duties wants them.
        for login, name, post in (("an", "安管", "security_admin"), ("shi", "石审管", "audit_admin")):
            at = platform.clock.now()
            held = [post]
            person = Person(id=login, login=login, name=name, team="admin", posts=held, locale="zh-CN", created_at=at)
            session.add(person)
        session.get_one(MatrixVersion, 1).exclusive = [list(rule.posts) for rule in book.matrix.separation]
        session.commit()
    services.fill(settings=Settings(home=folder), blobs=Blobs(f"file://{folder / 'store'}"))
    app = FastAPI()
    app.state.platform = platform
    app.state.settings = Settings(home=folder, environment="demo")
    app.state.identify = queries.identify
    app.state.audit_key = Ed25519PrivateKey.generate().public_key()
    tell_errors(app)
    site.mount(app)
    return app, platform


def invite(platform: Platform, login: str) -> str:
    """A one-time token for one of the cast."""
    import secrets
    from datetime import timedelta

    token = secrets.token_urlsafe(16)
    with platform.database.session() as session:
        until = platform.clock.now() + timedelta(hours=1)
        session.merge(Invitation(token_sha256=queries.token_digest(token), person_id=login, expires_at=until))
        session.commit()
    return token


def cookie(platform: Platform, login: str) -> dict[str, str]:
    """The session cookie of one of the cast who just chose a password."""
    assert login in CAST or login in ("an", "shi")
    with platform.work(NOBODY) as work:
        answer = people.accept_invitation(work, token=invite(platform, login), password=PASSWORD)
    return {COOKIE: answer.token}
