"""Organisations in Latin letters: words that end in a legal form or a kind of body, or are spoken of as one."""

import re
from collections.abc import Iterator
from typing import Final

from gnomon.guard.names.english import no_names
from gnomon.guard.names.given import is_given
from gnomon.guard.view import Found

ENTITY: Final = "ORGANIZATION"

_WORD = r"[A-ZÀ-ÖØ-ÞĀ-Ž][\w'’&]*(?:-[A-ZÀ-ÖØ-ÞĀ-Ž]\w*)*"
_ROW = rf"{_WORD}(?: (?:(?:of|and|&|for|the) ){{0,2}}{_WORD}){{0,4}}"
_NAME = rf"(?:{_WORD}, {_WORD},? (?:and|&) {_WORD}|{_ROW})"
_FORM = (
    r"(?:Inc|Incorporated|L\.?L\.?C|L\.?L\.?P|Ltd|Limited|Corp|Corporation|Co|Company|P\.?L\.?C|GmbH|AG|SE|S\.A|"
    r"B\.V|N\.V|Pty|Oy|AB|ApS|"
    r"S\.r\.l|S\.p\.A|KG|Holdings?|Group)\b\.?"
)
_BODY = (
    "University|College|School|Academy|Institute|Hospital|Clinic|Bank|Insurance|Airlines|Airways|Motors|"
    "Pharmaceuticals|Laboratories|"
    "Partners|Associates|Ventures|Investments|Capital|Securities|Solutions|Systems|Technologies|Software|"
    "Studios|Agency|Foundation|"
    "Association|Society|Committee|Council|Commission|Ministry|Department|Federation|Union|Orchestra"
)
_LEGAL: Final = re.compile(rf"(?<![\w@.-])(?:[0-9]{{1,4}} )?{_NAME},? {_FORM}(?!\w)")
_KIND: Final = re.compile(
    rf"(?<![\w@.-])(?:{_WORD} (?:(?:and|&) )?){{1,4}}(?:{_BODY})(?: (?:of|for) {_ROW})?(?![\w-])|"
    rf"(?<![\w@.-])(?:University|Ministry|Department|Bank|Institute|College|Academy|Council) (?:of|for) {_ROW}"
)
_LEAD: Final = re.compile(
    r"\b(?:work(?:s|ed|ing)? (?:for|at)|employ(?:ed|ee|ees) (?:by|at|of)|hired by|acquired by|founded by|"
    r"customers? of|invoice from|"
    r"(?:CEO|CFO|CTO|founder|co-founder|chairman|president|spokes\w+|shareholders?|subsidiary|headquarters|"
    r"branch) (?:of|at)|"
    r"(?:year|years|months|internship|job|career|position) (?:at|with)|(?:company|firm|start-?up|"
    r"employer)(?: is| called| named|,)?|"
    r"later became|merged with) "
)
_LED: Final = re.compile(rf"(?:the )?({_NAME})(?![\w-])")
_SPOKEN: Final = re.compile(
    rf"(?<![\w@.-])({_NAME})(?:['’]s)? (?:offices? (?:is|are|in|at)|headquarters|employees|shareholders|shares|"
    rf"stock|subsidiary|"
    r"(?:was|were) founded|is (?:an?|the) (?:[\w-]+ ){0,3}(?:company|firm|agency|bank|start-?up|provider|"
    r"manufacturer|retailer|"
    r"brainchild|subsidiary|insurer|vendor|non-?profit|organi[sz]ation)|announced|acquired|"
    r"filed for bankruptcy)(?!\w)"
)
_SMALL: Final = re.compile(r"\A(?:The|A|An|And|But|In|At|Our|Your|My|This|That|For|From|When|If) ")


def find(text: str) -> Iterator[Found]:
    """The organisations of a sentence that has Latin letters in it."""
    if text.islower() or text.isupper():
        return
    for pattern in (_LEGAL, _KIND):
        for match in pattern.finditer(text):
            yield from _found(text, match.start(), match.end())
    for match in _SPOKEN.finditer(text):
        yield from _found(text, match.start(1), match.end(1), sure=False)
    for lead in _LEAD.finditer(text):
        if led := _LED.match(text, lead.end()):
            yield from _found(text, led.start(1), led.end(1), sure=False)


def _found(text: str, start: int, end: int, *, sure: bool = True) -> Iterator[Found]:
    """The name without an article. What is not sure is none where a given name or a word of no name begins it."""
    while article := _SMALL.match(text[start:end]):
        start += article.end()
    first = text[start:end].split(" ", 1)[0].strip(",")
    if start < end and (sure or not (is_given(first) or first in no_names())):
        yield Found(start, end, ENTITY, 0.8 if sure else 0.7)
