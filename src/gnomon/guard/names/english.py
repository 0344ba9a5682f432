"""Names in Latin letters: a row of capitalised words that holds a known given name, or that its surroundings name."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from gnomon.guard.names.given import is_given
from gnomon.guard.view import Found

_LETTER: Final = "a-zß-öø-ÿĀ-žǎ-ȳ"
_WORD: Final = (
    rf"(?:(?:Ma?c|Le|La|De|Di|Van|Fitz)(?=[A-ZÀ-ÖØ-ÞĀ-Ž]))?[A-ZÀ-ÖØ-ÞĀ-Ž](?:[{_LETTER}]|['’](?!s\b)[A-Z]?)+"
    rf"(?:-[A-ZÀ-ÞĀ-Ž][{_LETTER}]+)?"
)
_LINK: Final = r"(?:van|von|de|der|den|da|di|del|la|le|bin|al|el|ten)"
_ROW: Final = re.compile(
    rf"(?<![\w@/.#-]){_WORD}(?: (?:{_LINK} ){{0,2}}(?:{_WORD}|[A-Z]\b\.?)){{0,3}}(?![\w@]|['’][a-rt-z])"
)
_SURE: Final = re.compile(
    r"(?:name is|name's|name:|named|called|calls? me|(?:change|correct) it to|it[’']s under|dear|attn:?|"
    r"(?:mr|mrs|ms|dr|prof)\.?)\s+\Z",
    re.IGNORECASE,
)
_NAMED_BY: Final = re.compile(
    r"(?:I am|I'm|I’m|this is|by|said|says?|asked?|told|with|from|to|for|hi|hello|starring|me|player|and|contact|"
    r"cc:?|regards,|sincerely,|thanks,|patient|founder|CEO|CFO|manager|director)\s+\Z",
    re.IGNORECASE,
)
_ACTS: Final = re.compile(
    r",? (?:said|says|told|asked|replied|wrote|was born|is an?|was an?|lives|listed|spent|works?|joined|writes)\b|"
    r"['’]s (?:wife|husband|son|daughter|mother|father|brother|sister|birthday|house|email)|\s*\("
)
_ORGANISED: Final = re.compile(
    r"\b(?:Inc|Ltd|LLC|Corp|Co|Company|Group|Bank|University|College|School|Hospital|Institute|Orchestra|Investments|Committee|Ministry|Department|"
    r"Street|St|Road|Rd|Avenue|Ave|Lane|Drive|Square|Park|City|County|River|Lake|Island|Airport|Station|Hotel|Museum|Force|Day|Journal|Times|Weekly|News|Show|Bridge|Way|Route|Turnpike|Village|Flat|Parks|Cliffs|Cove|Coves|Terrace|Court|Place|Boulevard|Highway|Building|Tower|"
    r"Solutions|Services|Systems|Partners|Associates|Capital|Holdings|Technologies|Industries)\b"
)


_HUMAN: Final = re.compile(
    r",? (?:lives|was born|got married|spent (?:a|his|her|the)|is from|passed away|grew up|turned [0-9])\b|"
    r"['’]s (?:wife|husband|son|daughter|mother|father|brother|sister|birthday|killers?|parents|widow)\b|"
    r", (?:can|could|may) I (?:please )?(?:speak|talk|see|have)\b"
)
"""What only people do, have, or are asked."""
_INITIAL: Final = re.compile(rf"{_WORD} [A-Z]\b\.? {_WORD}\Z")
_LOWER: Final = re.compile(
    r"\b(?:my|maiden|his|her) name(?: is|'s|:)\s+"
    r"([a-zß-ÿ]{2,20}(?: (?!(?:and|but|so|from|who|with|please|as|is)\b)[a-zß-ÿ]{2,20})?)(?![\w@])"
)
_NUMBERED: Final = re.compile(r"[0-9]\s\Z")
"""A street begins like this, not a name."""


@cache
def no_names() -> frozenset[str]:
    """Words that begin with a capital though they are no names."""
    return frozenset(Path(__file__).with_name("corpus").joinpath("capitals.txt").read_text(encoding="utf-8").split())


def find(text: str) -> Iterator[Found]:
    """The names of people in a sentence that has Latin letters in it."""
    if text.islower() or not any("A" <= char <= "Z" for char in text):
        return
    words = no_names()
    families: set[str] = set()
    unsure: list[tuple[int, int]] = []
    for row in _ROW.finditer(text):
        start, end = _bare(text, row.start(), row.end(), words)
        if start >= end:
            continue
        if not _is_name(text, start, end):
            unsure.append((start, end))
            continue
        families.update(text[start:end].split()[1:])
        yield Found(start, end, "PERSON", 0.8)
    for said in _LOWER.finditer(text):
        if is_given(said[1].split()[0].title()):
            yield Found(said.start(1), said.end(1), "PERSON", 0.7)
    for start, end in unsure:
        if text[start:end] in families:  # Ada Lovelace ... Lovelace
            yield Found(start, end, "PERSON", 0.8)


def _bare(text: str, start: int, end: int, words: frozenset[str]) -> tuple[int, int]:
    """The row without words at its two ends that are no names."""
    while start < end:
        word = text[start:end].split(" ", 1)[0]
        if word.strip(".'’") not in words:
            break
        start += len(word) + 1
    while start < end:
        word = text[start:end].rsplit(" ", 1)[-1]
        if word.strip(".'’") not in words:
            break
        end -= len(word) + 1
    return start, max(start, end)


def _is_name(text: str, start: int, end: int) -> bool:
    name, before = text[start:end], text[max(0, start - 24) : start]
    if _ORGANISED.search(name) or _ORGANISED.match(text[end : end + 14].lstrip(" ,&")):
        return False
    if before.endswith(("The ", "the ")) or _NUMBERED.search(before) or text[end + 1 : end + 2].isdigit():
        return False
    if _SURE.search(before):
        return True
    parts = re.split("[ -]", name)
    if is_given(parts[0]) or _HUMAN.match(text, end) or _INITIAL.match(name):
        return True
    is_led, acts = _NAMED_BY.search(before) is not None, _ACTS.match(text, end) is not None
    return (is_led and (acts or len(parts) > 1)) or (acts and len(parts) > 1)
