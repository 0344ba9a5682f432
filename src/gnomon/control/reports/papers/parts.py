"""What a paper is before it has a number: its title, its facts, its sections, its signatures, and perhaps sheets."""

from dataclasses import dataclass

from gnomon.control.reports.papers.context import Context
from gnomon.control.reports.rules import KINDS
from gnomon.engine.documents import Section, Sheet, Signature


@dataclass(frozen=True, slots=True)
class Paper:
    """`sections` make the document, `sheets` the spreadsheet; a kind may have both."""

    title: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...] = ()
    signatures: tuple[Signature, ...] = ()
    sheets: tuple[Sheet, ...] = ()


def head(context: Context, kind: str, about: str = "") -> str:
    """«评论分类：部署方案», «Deployment plan: reviews»."""
    title = context.say.pick(KINDS[kind].title)
    if not about:
        return title
    return context.say(f"{about}：{title}", f"{title}: {about}")
