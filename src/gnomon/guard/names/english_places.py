"""Bare names of places in Latin letters: countries, regions and cities that are known, and towns that their
surroundings tell. Only a policy that asks for LOCATION has them looked for.

A name that is also a person's or a plain word (Georgia, Nice) needs a word before it that leads to a place, or the name
of a place behind it. A town nobody listed needs the same from a stronger word: who moved to it, or was born there.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from gnomon.guard.names.given import is_given, no_names
from gnomon.guard.names.surroundings import PLACED
from gnomon.guard.view import Found

ENTITY: Final = "LOCATION"
_FILE: Final = Path(__file__).with_name("corpus") / "english_places.txt"
SURE: Final = 0.9
"""Of a name that is a place's and nobody's: what else finds the same and no more gives way."""
_MOST: Final = 5
"""Words of a name that is known."""
_REACH: Final = 48
"""Characters before a name that may lead to it."""

_UPPER: Final = "A-ZÀ-ÖØ-ÞĀ-ŽΑ-ΩŠŽČ"
_WORD: Final = re.compile(r"(?:[^\W\d_]\.){2,4}|[^\W\d_]+(?:['’-][^\W\d_]+)*\.?")
_PIECE: Final = re.compile(r"['’.-]")
_TAIL: Final = re.compile(r"(?:'s|-[a-z]+)?\.?\Z")
"""What may hang on a name: Berlin's, London-based."""
_CAP: Final = rf"[{_UPPER}][\w'’-]*"
_TOWN: Final = re.compile(
    rf"(?:{_CAP}|St\.)(?: (?:(?:de|del|da|do|dos|di|la|le|les|las|los|am|an der|im|ob|nad|pod|u|v|sur|sous|upon|on|"
    rf"under|of|og|i|na|the|bei|auf|ved|van|den|aan) ){{0,2}}(?:{_CAP}|[0-9](?![\w.,])))"
    r"{0,3}(?![\w@])"
)
_GO: Final = (
    r"(?:travel\w*|go|goes|going|went|gone|fl(?:y|ies|ew|ying|own)|driv(?:e|es|ing|en)|drove|mov(?:e|es|ed|ing)|"
    r"return(?:s|ed|ing)?|relocat\w+|head(?:s|ed|ing)?|sail\w*|trips?|visits?|flights?|trains?|journeys?|tours?|"
    r"emigrat\w+|immigrat\w+|commut\w+|deport\w+|transferred|welcome|arriv\w+|shipped|came|comes?|coming|hails?|"
    r"originally|all the way)"
)
_STAY: Final = (
    r"(?:liv(?:e|es|ed|ing)|born|raised|grew up|based|located|resid\w+|stay(?:s|ed|ing)?|landed|settled|situated|"
    r"headquartered|died|buried|offices?|branch|hospital|hotel|apartment|house|factory|plant|campus|restaurants?|"
    r"streets?|road|conference|meeting|summit|studied|work(?:s|ed|ing)?|married|inc\.?|ltd\.?|llc|corp\.?|gmbh|"
    r"(?:I'?m|am|is|are|was|were) (?:now )?)"
)
_STRONG: Final = re.compile(
    rf"(?:\b{_GO}(?: (?:back|here|home|away|over|out|there|up|down|this \w+|last \w+))?,? (?:to|from|through|via|"
    rf"into)"
    rf"|\b(?:arriv\w+) (?:at|in)|\b{_STAY} ?(?:here )?in"
    r"|\b(?:visit(?:ed|ing)?|leaving|left for|near|outside of|citizens? of|natives? of|capital of|mayor of|"
    r"(?:cit(?:y|ies)|towns?|villages?|count(?:y|ies)|provinces?|districts?|ports?|republic|islands?|suburbs?|"
    r"outskirts|banks|municipality|people|streets?) of|(?:north|south|east|west|miles|km) of)"
    r"|\b(?:[Nn]orth|[Ss]outh|[Ee]ast|[Ww]est)(?:ern|-?east(?:ern)?|-?west(?:ern)?)"
    r") \Z",
    re.IGNORECASE,
)
"""What leads to a town that nobody listed."""
_LAST: Final = re.compile(
    r"\b(?:to|from|through|via|into|at|in|of|for|near|leaving|visit(?:ed|ing)?|(?:north|south|east|west)\S*) \Z",
    re.IGNORECASE,
)
"""The last word of it: most towns have another before them."""
_LEAD: Final = re.compile(
    r"(?:\b(?:in|from|to|at|near|of|through|via|into|around|across|outside|visit(?:s|ed|ing)?|leaving|toward|"
    r"towards|"
    r"between|(?:[Nn]orth|[Ss]outh|[Ee]ast|[Ww]est|[Cc]entral|downtown|greater)(?:ern)?)|, ?) ?\Z",
    re.IGNORECASE,
)
"""What leads to one that is known but doubtful."""
_KIND: Final = re.compile(
    rf"(?<![\w@.-])(?:{_CAP} ){{1,3}}(?:City|County|Province|Prefecture|Islands?|Valley|Bay|Beach|Village|Township|"
    r"Peninsula|Mountains|Desert|Oblast|Heights|Springs|Falls|Harbou?r|Shire)(?![\w-])|"
    rf"(?<![\w@.-])(?:Lake|Mount|Mt\.|Port|Fort|Cape|San|Santa|Sankt|São|Los|Las|Saint|St\.|Ste\.|Bad|Nizhny|Ust) "
    rf"(?!Claus){_CAP}(?: {_CAP})?(?![\w-])|"
    rf"(?<![\w@.-])(?:City|Province|Kingdom|Gulf|Isle|Isles|Strait|Lake|Cape|Bay|Sea) of {_CAP}(?![\w-])"
)
_KINDS: Final = re.compile(
    r"\b(?:City|County|Province|Prefecture|Isl(?:ands?|es?)|Valley|Ba[yd]|Beach|Village|Township|Peninsula|"
    r"Mountains|Desert|"
    r"Oblast|Heights|Springs|Falls|Harbou?r|Shire|Lake|M(?:oun)?t|[PF]ort|Cape|San(?:ta|kt)?|São|Los|Las|Saint|"
    r"Ste?|Nizhny|"
    r"Ust|Kingdom|Gulf|Strait|Sea)\b"
)
"""A word of those, without which there is none of them."""
_PLACED: Final = re.compile(
    r" (?:bridge|airport|harbou?r|railway station|train station|suburbs?|city cent(?:er|re)|metro area|downtown|"
    r"city council)\b"
)
"""What only places have."""
_BODY: Final = re.compile(
    r"['’]?s? (?:Times|Post|Journal|Herald|Tribune|Daily|Review|Gazette|Airlines|Airways|Bank|University|College|"
    r"School|Hospital|Institute|Company|Corp|Inc|Ltd|LLC|Group|Railway|Telecom|Mobile|Motors|Stock|Street|St|Road|"
    r"Rd|Avenue|"
    r"Ave|Drive|Lane|Court|Way)\b"
)
_LETTERS: Final = re.compile(r"[A-Za-z]{3}")


class Places(NamedTuple):
    """Names in lower case, by how sure it is that they name a place: `plain` may be written so too, `short`
    ones only in capitals. `firsts`: the first word of each, or what stands before a sign in it."""

    plain: frozenset[str]
    sure: frozenset[str]
    doubtful: frozenset[str]
    short: frozenset[str]
    firsts: frozenset[str]


@cache
def places() -> Places:
    """The names that are known, read once a process."""
    parts: dict[str, set[str]] = {}
    names: set[str] = set()
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            names = parts.setdefault(line.strip("[]"), set())
        elif not line.startswith("#"):
            names |= {name.strip().lower() for name in line.split(",") if name.strip()}
    doubtful = frozenset(parts["doubtful"])
    plain = frozenset(name for name in parts["countries"] if len(name) > 4) - doubtful
    known = frozenset().union(*parts.values())
    return Places(
        plain,
        known - doubtful,
        doubtful,
        frozenset(parts["short"]),
        frozenset(_PIECE.split(name.split()[0])[0] for name in known),
    )


def find(text: str) -> Iterator[Found]:
    """The places of a sentence that has Latin letters in it; they may overlap."""
    if not _LETTERS.search(text):
        return
    yield from _known(text)
    if text.islower() or not any("A" <= char <= "Z" or char > "À" for char in text):
        return
    yield from _towns(text)


def _known(text: str) -> Iterator[Found]:
    words = [match.span() for match in _WORD.finditer(text)]
    known = places()
    at = 0
    while at < len(words):
        taken = _at(text, words, at, known)
        if taken:
            yield Found(words[at][0], taken[1], ENTITY, taken[2])
        at += taken[0] if taken else 1


def _at(text: str, words: list[tuple[int, int]], at: int, known: Places) -> tuple[int, int, float] | None:
    """How many words from there are a place that stands for itself, where it ends and how sure that is."""
    start, end = words[at]
    if _PIECE.split(text[start:end].lower(), maxsplit=1)[0] not in known.firsts:
        return None
    for count in range(min(_MOST, len(words) - at), 0, -1):
        end = words[at + count - 1][1]
        if end - start > _REACH:
            continue
        name = text[start:end].lower().replace("’", "'")
        if name not in known.sure and name not in known.doubtful:
            name = name[: len(name) - len(_TAIL.search(name)[0])]  # type: ignore[index]
            end = start + len(name)
        if name not in known.sure and name not in known.doubtful:
            continue
        score = SURE if name in known.sure else 0.8
        return (count, end, score) if _stands(text, start, end, name, known) else None
    return None


def _stands(text: str, start: int, end: int, name: str, known: Places) -> bool:
    if text[start - 1 : start] in ("@", "/", ".", "-", "_") or text[end : end + 1] in ("@", "_"):
        return False
    before = text[max(0, start - _REACH) : start]
    if name in known.short and not text[start:end].isupper():
        return False
    if not text[start].isupper():
        return name in known.plain and _LEAD.search(before) is not None
    if _BODY.match(text, end):
        return False
    if name in known.sure:
        return True
    if re.match(r",? [A-Z]", text[end : end + 3]) and not _place_follows(text, end, known):
        return False
    return _LEAD.search(before) is not None or _place_follows(text, end, known)


def _place_follows(text: str, end: int, known: Places) -> bool:
    """Whether `, France` stands behind."""
    more = _TOWN.match(text, end + 2) if text[end : end + 2] == ", " else None
    return more is not None and more.group().lower().replace("’", "'") in known.sure | known.doubtful


def _towns(text: str) -> Iterator[Found]:
    """Places that nobody listed."""
    for kind in _KIND.finditer(text) if _KINDS.search(text) else ():
        start = _begin(text, kind.start(), kind.end())
        if start < kind.end() - 8 and not _BODY.match(text, kind.end()):
            yield Found(start, kind.end(), ENTITY, 0.6)
    known = places()
    for town in _TOWN.finditer(text):
        start, end = town.span()
        name = town.group()
        if len(name) < 3 or (name.isupper() and len(name) < 5 and text.endswith(" of ", 0, start)):  # east of UTC
            continue
        if name.split()[0].strip(".'’") in no_names() or text[start - 1 : start] in ("@", "/", ".", "-", "_"):
            continue
        if _PLACED.match(text, end):
            yield Found(start, end, ENTITY, 0.6)
            continue
        before = text[max(0, start - _REACH) : start]
        is_led = _LAST.search(before[-12:]) is not None and _STRONG.search(before) is not None
        is_settled = is_led and (PLACED.search(before) is not None or not is_given(name.split()[0]))
        if is_settled or (_place_follows(text, end, known) and not is_given(name)):
            yield Found(start, end, ENTITY, 0.7 if is_led else 0.6)


def _begin(text: str, start: int, end: int) -> int:
    """Without words before the name that only begin a sentence."""
    while (word := text[start:end].split(" ", 1)[0]) in no_names() and word not in ("New", "North", "South"):
        start += len(word) + 1
        if start >= end:
            return end
    return start
