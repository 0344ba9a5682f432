"""Organisations in Latin letters: words that end in a legal form or a kind of body, or are spoken of as one."""

import re
from collections.abc import Iterator
from typing import Final

from gnomon.guard.names.english_places import places
from gnomon.guard.names.given import is_given, is_plain, no_names
from gnomon.guard.view import Found

ENTITY: Final = "ORGANIZATION"

_WORD = r"(?:(?:St\. )?[A-ZÀ-ÖØ-ÞĀ-Ž][\w'’&]*(?:-[A-ZÀ-ÖØ-ÞĀ-Ž]\w*)*|(?:[A-Z]\.){2,5})"
_ROW = rf"{_WORD}(?: (?:(?:of|and|&|for|the) ){{0,2}}{_WORD}){{0,4}}"
_PARTNERS = rf"{_WORD}, {_WORD},? (?:and|&) {_WORD}"
_NAME = rf"(?:{_PARTNERS}|{_ROW})"
_FORM = (
    r"(?:Inc|Incorporated|L\.?L\.?C|L\.?L\.?P|Ltd|Limited|Corp|Corporation|Co|Company|P\.?L\.?C|GmbH|AG|SE|S\.A|"
    r"B\.V|N\.V|Pty|Oy|AB|ApS|"
    r"S\.r\.l|S\.p\.A|KG|Holdings?|Group)\b\.?"
)
_STRONG = (
    "University|College|School|Academy|Institute|Hospital|Clinic|Bank|Insurance|Airlines|Airways|Motors|"
    "Pharmaceuticals|Laboratories|Investments|Securities|Foundation|Commission|Ministry|Department|Orchestra|"
    "Pharmacy|Bakery|Museum|Theat(?:re|er)|Church|Telecom|Robotics|Brothers|Logistics|Consulting|Movers"
)
_BODY = (
    rf"{_STRONG}|Partners|Associates|Ventures|Capital|Solutions|Systems|Technologies|Software|"
    "Studios|Agency|Association|Society|Committee|Council|Federation|Union|Labs|Media|Health|Energy|Foods|"
    "Services|Industries|Networks|Analytics|Records|Press|Trust|Authority|Hotels?"
)
_LEGAL: Final = re.compile(rf"(?<![\w@.-])(?:(?!(?:19|20)[0-9]{{2}} )[0-9]{{1,4}} )?{_NAME},? {_FORM}(?!\w)")
_KIND: Final = re.compile(
    rf"(?<![\w@.-])(?:{_WORD}, {_WORD},? (?:and|&) {_WORD}|{_WORD}(?: (?:(?:and|&) )?{_WORD}){{0,3}}?) (?:{_BODY})"
    rf"(?: (?:of|for) {_ROW})?(?![\w-])|"
    rf"(?<![\w@.-])(?:University|Ministry|Department|Bank|Institute|College|Academy|Council) (?:of|for) {_ROW}"
)
_ONLY_STRONG: Final = re.compile(rf"\b(?:{_STRONG}|Inc|L\.?L\.?C|Ltd|Corp|GmbH)\b|[&]")
_LEAD: Final = re.compile(
    r"\b(?:(?:work(?:s|ed|ing)? (?:for|at)|employ(?:ed|ee|ees) (?:by|at|of)|hired by|acquired by|founded by|"
    r"banks? with|customers? of|invoice from|spent (?:a|one|two|three|some) (?:year|month|summer|week)s? at|"
    r"(?:CEO|CFO|CTO|founder|co-founder|chairman|president|spokes\w+|shareholders?|subsidiary|headquarters|"
    r"branch) (?:of|at)|"
    r"(?:year|years|months|internship|job|career|position|interview(?:ed)?|engineer|manager|analyst|director|"
    r"intern|nurse|teacher|consultant|account) (?:at|with)|(?:company|firm|start-?up|"
    r"employer)(?: is| called| named|,)?|resign(?:ed|ation) from|laid off (?:by|from)|graduated from|"
    r"enrolled (?:at|in)|"
    r"later became|merged with|joined) |"
    r"(?:[Cc]ompany|[Ee]mployer|[Oo]rgani[sz]ation|[Ff]irm|[Ii]nstitution|[Ww]orkplace|[Ii]nsurer|[Vv]endor|"
    r"[Ss]upplier)"
    r"(?: [Nn]ame)?: )",
    re.IGNORECASE,
)
_LED: Final = re.compile(rf"(?:the )?({_NAME})(?![\w-])")
_SPOKEN: Final = re.compile(
    rf"(?<![\w@.-])({_NAME})(?:['’]s)? (?:offices? (?:is|are|in|at)|headquarters|employees|shareholders|shares|"
    rf"stock|subsidiary|"
    r"(?:was|were) founded|is (?:an?|the) (?:[\w-]+ ){0,3}(?:company|firm|agency|bank|start-?up|provider|"
    r"manufacturer|retailer|"
    r"brainchild|subsidiary|insurer|vendor|non-?profit|organi[sz]ation)|announced|acquired|"
    r"filed for bankruptcy|songwriter|spokes(?:man|woman|person)|co-?founders?|executives?)(?!\w)"
)
_THEIRS: Final = re.compile(
    rf"\b(?:my|his|her|their) ({_NAME}) (?:resignation|badge|salary|paycheck|pension|internship|offer letter)(?!\w)"
)
_BEFORE_STREET: Final = re.compile(rf"\bat ({_NAME}), (?=[0-9]{{1,6}} )")
_FROM: Final = re.compile(rf"\b(?:is|am|are|was) from ({_WORD}(?: {_WORD}){{0,2}})(?=[.,!?]|\s*\Z)")
_PARTED: Final = re.compile(rf"(?:\bat|[Tt]he) {_WORD},(?: {_WORD},)?\s*\Z")
_REST: Final = re.compile(rf"\s*((?:{_WORD},? )?(?:and|&) {_WORD}(?: (?:{_BODY}))?)(?![\w-])")
_LINE: Final = re.compile(rf"\W*({_ROW})\s*\Z")
_SMALL_FORM: Final = re.compile(
    r"(?:(?<=\A)|(?<=[ ,:(\n]))(?:(?!(?:from|at|is|are|was|for|by|with|the|an?|of|to|in|and|or|our|my|called|"
    r"named)\b)"
    r"[a-z0-9][\w&'’-]* ){1,3}(?:inc|llc|ltd|gmbh|corp|plc)\b\.?"
)
_SMALL: Final = re.compile(
    r"\A(?:(?:The|A|An|And|But|In|At|Our|Your|My|This|That|For|From|When|If) |[A-Z][a-z]+ (?:of |for )?the )"
)
_SHORT: Final = re.compile(r"(?:\b(?:Inc|Ltd|Corp|Co|Pty)|\.\w)\.\Z")
"""A full stop that belongs to the name."""


def find(text: str) -> Iterator[Found]:
    """The organisations of a sentence that has Latin letters in it."""
    if text.islower():
        for form in _SMALL_FORM.finditer(text):
            yield Found(form.start(), form.end(), ENTITY, 0.7)
    if text.islower() or text.isupper():
        return
    for pattern in (_LEGAL, _KIND):
        for match in pattern.finditer(text):
            if _is_kind(match.group()):
                yield from _found(text, match.start(), match.end())
    for pattern in (_SPOKEN, _THEIRS, _BEFORE_STREET):
        for match in pattern.finditer(text):
            yield from _found(text, match.start(1), match.end(1), sure=", " in match[1])
    for match in _FROM.finditer(text):
        known = places()
        if match[1].lower() not in known.sure | known.doubtful:
            yield from _found(text, match.start(1), match.end(1), sure=False)
    for lead in _LEAD.finditer(text):
        if led := _LED.match(text, lead.end()):
            yield from _found(text, led.start(1), led.end(1), sure=False, is_there=lead.group().endswith("at "))


def further(text: str, before: str, *, is_person: bool) -> Iterator[Found]:
    """What a sentence begins with of a firm that the one before it ended in, or all of it where the line before it
    was a person (`is_person`) and this one is words that say nothing by themselves."""
    if _PARTED.search(before) and (rest := _REST.match(text)):
        yield Found(rest.start(1), rest.end(1), ENTITY, 0.6)
    elif is_person and (line := _LINE.match(text)):
        words = [word.strip(".'’") for word in line[1].split()]
        known = places()
        if len(words) < 5 and line[1].lower() not in known.sure | known.doubtful:
            unknown = [word for word in words if word[:1].isupper() and not is_plain(word) and word not in no_names()]
            if unknown and not any(map(is_given, words)):
                yield Found(line.start(1), line.end(1), ENTITY, 0.6)


def _is_kind(name: str) -> bool:
    """Whether a word of it is a name, or its kind is one that nothing else is: Operating Systems is none."""
    return _ONLY_STRONG.search(name) is not None or not all(map(is_plain, re.findall(r"[\w'’-]+", name)))


def _found(text: str, start: int, end: int, *, sure: bool = True, is_there: bool = False) -> Iterator[Found]:
    """The name without an article. What is not sure is none where a word of no name begins it, or a given name unless
    somebody works there (`is_there`)."""
    while article := _SMALL.match(text[start:end]):
        start += article.end()
    if text[start:end].endswith(".") and not _SHORT.search(text[start:end]):
        end -= 1
    first = text[start:end].split(" ", 1)[0].strip(",")
    if start < end and (
        sure or not ((is_given(first) and not is_there) or first in no_names() or is_plain(text[start:end]))
    ):
        yield Found(start, end, ENTITY, 0.8 if sure else 0.7)
