"""What a page handler needs: who reads, in which words, a session to read with, and what this person may do.

A handler takes `reader: ReaderDep` (a stranger is led to the sign-in page), guards itself with
`dependencies=[allow("clause.view")]`, and ends with `return reader.page("clauses.html", rows=rows)`. A button that the
person may not use is shown with `refused=reader.refusal("control.run")`, which is empty when they may.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from gnomon.console.deeds import DEEDS
from gnomon.console.labels import LABELS
from gnomon.console.render import Actor, Context, context_of, gettext, page
from gnomon.console.urls import View
from gnomon.control.people import queries as people
from gnomon.control.people.tables import Person
from gnomon.control.rulebook.rules import NotInRulebook, Rulebook, load
from gnomon.control.rulebook.schemas import Text
from gnomon.kit import work
from gnomon.kit.i18n import SOURCE
from gnomon.kit.web import ActorDep, ReadDep, platform_of, settings_of


@dataclass(frozen=True, slots=True)
class Reader:
    """One request of one signed-in person."""

    request: Request
    session: Session
    actor: work.Actor
    context: Context
    book: Rulebook
    now: datetime

    @property
    def zone(self) -> tzinfo:
        return self.context.zone

    @property
    def view(self) -> View:
        return self.context.view

    def page(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """The template as a response; it also knows `reader`."""
        return page(self.request, self.context, template, status=status, reader=self, **values)

    # ------------------------------------------------------------ rights

    def may(self, permission: str) -> bool:
        return people.may(self.session, self.actor, permission)

    def require(self, permission: str) -> None:
        """Raises Denied when this person may not."""
        people.authorise(self.session, self.actor, permission)

    def refusal(self, permission: str) -> str:
        """Why this person may not, and whom to ask; empty when they may."""
        if self.may(permission):
            return ""
        return refusal(self.context, self.book, permission, holders(self.session, permission))

    # ------------------------------------------------------------ words

    def say(self, text: Text) -> str:
        return said(text, self.context.locale)

    def post(self, id: str) -> str:
        return post_title(self.book, id, self.context.locale)

    def posts(self, ids: Iterable[str]) -> str:
        return self.context.gettext("、").join(self.post(id) for id in ids)

    def team(self, id: str) -> str:
        found = next((team.title for team in self.book.matrix.teams if team.id == id), None)
        return self.say(found) if found else id

    def permission(self, name: str) -> str:
        """A right or a deed of the platform in words; one without words stays as it is called."""
        return permission_title(self.book, name, self.context.locale)

    def name(self, id: str) -> str:
        """Who `id` is: a person's name, or the platform itself."""
        if id.startswith("system:"):
            return self.context.gettext("系统")
        found = self.session.get(Person, id)
        return found.name if found else id

    def names(self) -> dict[str, str]:
        """Name by person's id."""
        return people.names(self.session)

    def label(self, key: str) -> str:
        """The name of a fact in words; one without words stays as it is called."""
        return self.context.gettext(LABELS[key]) if key in LABELS else key


def reader_of(request: Request, actor: ActorDep, session: ReadDep) -> Reader:
    return Reader(
        request=request,
        session=session,
        actor=actor,
        context=context_for(request, actor),
        book=load(),
        now=platform_of(request).clock.now(),
    )


ReaderDep = Annotated[Reader, Depends(reader_of)]


def context_for(request: Request, actor: work.Actor | None = None) -> Context:
    """The context of a page in this installation's zone and environment; `actor` is absent before signing in."""
    settings = settings_of(request)
    known = {"environment": settings.environment, "zone": ZoneInfo(settings.timezone)}
    bare = context_of(request, **known)  # type: ignore[arg-type]
    if actor is None or actor.kind != "person":
        return bare
    posts = tuple(post_title(load(), id, bare.locale) for id in sorted(actor.posts))
    return context_of(request, actor=Actor(name=actor.name, posts=posts), **known)  # type: ignore[arg-type]


def holders(session: Session, permission: str) -> list[str]:
    """The posts that hold a right now."""
    return sorted(people.holders(session).get(permission, ()))


def refusal(context: Context, book: Rulebook, permission: str, posts: Iterable[str]) -> str:
    """Which right is missing and who holds it, in the reader's language."""
    names = [post_title(book, id, context.locale) for id in posts]
    right = permission_title(book, permission, context.locale)
    if not names:
        return context.gettext("需要「%(right)s」权限，目前没有岗位持有", right=right)
    asked = context.gettext("、").join(names)
    return context.gettext("需要「%(right)s」权限，可联系%(posts)s", right=right, posts=asked)


def said(text: Text, locale: str) -> str:
    return text.zh if locale == SOURCE else text.en


def post_title(book: Rulebook, id: str, locale: str) -> str:
    found = next((post.title for post in book.matrix.posts if post.id == id), None)
    return said(found, locale) if found else id


def permission_title(book: Rulebook, name: str, locale: str) -> str:
    try:
        return book.matrix.title(name)[locale]
    except NotInRulebook:
        return gettext(DEEDS[name], locale) if name in DEEDS else name
