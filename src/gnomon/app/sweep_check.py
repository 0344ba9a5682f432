"""The sweep as a control's check: the worker runs it in its own process, against the matrix that is in force."""

from sqlalchemy.orm import Session

from gnomon.app.control import create_app
from gnomon.app.hooks import ControlHooks
from gnomon.app.sweep import dry, sweep
from gnomon.console import site as console
from gnomon.control.people import queries as people
from gnomon.control.rulebook.checks import CheckContext, CheckResult, check
from gnomon.kit.db import Database
from gnomon.kit.settings import Settings
from gnomon.kit.work import Actor, Platform


def register() -> None:
    """After all other checks, for it takes longest: a round asks in the order of registration."""
    check("people.matrix_swept", costly=True)(matrix_swept)


def matrix_swept(ctx: CheckContext) -> CheckResult | None:
    """Every changing route of API and console, called as every post of the rulebook; the CLI is a client of the API."""
    settings: Settings = ctx.service("settings")
    matrix = people.matrix(ctx.session).permissions
    posts = {post.id: post.id for post in ctx.rulebook.matrix.posts}
    database = Database(settings.database_url)
    try:
        app = create_app(dry(Platform(database, hooks=ControlHooks())), settings)
        app.state.identify = _holder
        return sweep(app, matrix, posts, pages=console.routers()).as_check()
    finally:
        database.close()


def _holder(_session: Session, post: str) -> Actor:
    """Somebody who holds this post and no other; they exist only in this application."""
    return Actor(id=f"sweep:{post}", name=post, posts=frozenset({post}))
