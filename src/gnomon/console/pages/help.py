"""A short help: what each area is for, who does what, how to use a key, and where the words come from."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from gnomon.console import navigation
from gnomon.console.reader import ReaderDep
from gnomon.kit.web import SettingsDep

router = APIRouter(include_in_schema=False)


@router.get("/help")
def help_page(reader: ReaderDep, settings: SettingsDep) -> HTMLResponse:
    """The pages that exist, the posts with their teams, and the gateway's address."""
    posts = reader.book.matrix.posts
    teams = [
        (reader.say(team.title), reader.posts(post.id for post in posts if post.team == team.id))
        for team in reader.book.matrix.teams
    ]
    return reader.page(
        "help.html",
        areas=navigation.visible(reader.context.paths),
        teams=teams,
        gateway=settings.gateway_url,
        policies=[(one.prefix, reader.say(one.title), one.clauses) for one in reader.book.edition.policies],
    )
