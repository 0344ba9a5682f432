"""Names of people in Latin letters: a row of capitalised words that holds a known name, or that its surroundings name.

A given name speaks for itself unless it is a plain word too (Mark, Grace); a family name wants another name before it,
a title, or words that only people have after them. Names in small or in capital letters must be known twice.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from gnomon.guard.names.english_places import places
from gnomon.guard.names.given import is_family, is_given, is_plain, no_names
from gnomon.guard.names.surroundings import (
    ACTS,
    ASKED,
    BODY_LEAD,
    BODY_TAIL,
    HUMAN,
    LED,
    LISTED,
    LOWER,
    NAMED_BY,
    NUMBERED,
    ORGANISED,
    OWN,
    PLACED,
    SAID_BY,
    SPEAKS,
    SURE,
    TOWARDS,
)
from gnomon.guard.view import Found

_UPPER: Final = "A-ZÀ-ÖØ-ÞĀ-ŽḀ-ỿƠƯ"
_LETTER: Final = "a-zß-öø-ÿĀ-žơưǎ-ȳḁ-ỿ"
WORD: Final = (
    rf"(?:(?:Ma?c|Le|La|De|Di|Van|Fitz|Du|Da|Al|El|Ben|Abd)(?=[{_UPPER}]))?[{_UPPER}](?:[{_LETTER}]|"
    rf"['’](?!s\b)[A-Z]?)+"
    rf"(?:-[{_UPPER}]?[{_LETTER}]+){{0,2}}"
)
_LINK: Final = (
    r"(?:van|von|zu|zum|de|der|den|da|das|do|dos|di|del|della|la|le|du|bin|bint|ibn|al|el|ten|ter|af|av|y|e|i)"
)
_ROW: Final = re.compile(
    rf"(?<![\w@/.#-])(?:[A-Z]\. (?:[A-Z]\. )?)?{WORD}(?: (?:{_LINK} ){{0,2}}(?:{WORD}|[A-Z]\b\.?)){{0,4}}"
    r"(?![\w@]|['’][a-rt-z])"
)
_PART: Final = re.compile(r"\S+")
_INITIAL: Final = re.compile(rf"(?:{WORD} [A-Z]\b\.? {WORD}|(?:[A-Z]\. ){{1,2}}{WORD})\Z")
_SHOUTED: Final = re.compile(
    rf"(?<![\w@/.#-])[{_UPPER}]{{2,}}(?:-[{_UPPER}]{{2,}})?,?(?: [A-Z]\b\.?)?"
    rf"(?:,? [{_UPPER}][{_UPPER}'’-]+){{1,3}}(?![\w@])"
)
_SMALL: Final = re.compile(
    rf"(?<![\w@/.#-])[{_LETTER}]{{2,20}}(?= (?:[a-z]\.? |{_LINK} (?:{_LINK} )?)?([{_LETTER}'’-]{{2,20}})(?![\w@/-]|"
    rf"\.\w))"
)
_SHAPE: Final = re.compile(
    r"(?:[a-z](?:ovi[cč]h?|evi[cč]h?|ovna|evna|[oe]v|[oe]va|sson|sdotti?r|sdótti?r|dóttir|enko|escu|[aeiou]?nyan|"
    r"oglu|oğlu|"
    r"sk[iy]|ská|ska|czyk|wicz|vi[cć]|ová|shvili|adze|opoulos|akis|inen|onen|quist|qvist|zadeh|strøm|ström|gaard|"
    r"feld|stein|mann|heim|baum|berger)|\A(?:M[a]?c|O['’])[A-Z][a-z]{2,}|\AFitz[A-Z]?[a-z]{3,})\Z"
)
"""What family names end in, or begin with."""
_SYLLABLE: Final = (
    r"(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?(?:[iu]?ang|[iu]?an|i?ong|[iu]?eng|[iu]en|[iu]ng|i?ao|iu|ui|uo|ua|ue|ie|"
    r"ia|"
    r"ai|ei|ou|en|in|un|[aeiouü])"
)
_CHINESE: Final = re.compile(rf"{_SYLLABLE}(?:['’-]?{_SYLLABLE})?\Z", re.IGNORECASE)
_LIST: Final = re.compile(rf"(?: ?(?:{WORD}|[A-Z]\.|,|;|and|&|{_LINK}\b))+")
_REVERSED: Final = re.compile(rf", ({WORD})(?![\w@])")
_HUNDRED_TEXT: Final = (
    "wang li zhang liu chen yang huang zhao wu zhou xu sun ma zhu hu guo he lin gao luo zheng liang xie song tang han "
    "feng deng cao peng zeng xiao tian dong pan yuan cai jiang yu du ye cheng wei su lu ding ren shen yao lv jin cui "
    "fan fang shi tan liao zou xiong meng qin yan xue lei bai long duan hao kong shao mao chang wan gu lai qian dai mo "
    "xiang tao ouyang situ chan wong cheung leung chow kwok tsang ng"
)
_HUNDRED: Final = frozenset(_HUNDRED_TEXT.split())
"""Family names of China, without their tones."""
_FIRM: Final = re.compile(
    rf"(?:{BODY_LEAD.pattern[:-2]}|\b[Tt]he ){WORD}, {WORD},? (?:and|&) {WORD}|"
    rf"{WORD}, {WORD},? (?:and|&) {WORD}(?=(?:['’]s)? (?:offices?|songwriter|employees|shares)\b|"
    rf",? {ORGANISED.pattern[2:]})"
)
"""Several family names that are one firm."""
_BOTH: Final = frozenset(("Hill", "Day", "Lake", "Church", "Court", "Lane", "Park", "Bridge", "Street", "Bank", "Case"))
"""Family names that are kinds of places too."""
_PARTICLES_TEXT: Final = "Al El Van Von Den Der De La Le Di Da Du Dos Del Della Bin Ibn Abu Ben Ní Mac Ter Ten"
_PARTICLES: Final = frozenset(_PARTICLES_TEXT.split())
"""Words of a name that say nothing of it."""
_PLACES_TEXT: Final = (
    "San Santa Santo São Saint St Ste Fort Port Mount Mt Lake Los Las Cape Rio Puerto Bad New El Le La"
)
_PLACES: Final = frozenset(_PLACES_TEXT.split())
"""What no person's name begins with when more follows that is a given name: San Juan, Fort Wayne."""


class Row(NamedTuple):
    """Words that stand together, each with a capital but for those that link them."""

    start: int
    end: int
    parts: tuple[str, ...]


def find(text: str) -> Iterator[Found]:
    """The names of people in a sentence that has Latin letters in it."""
    if text.islower():
        yield from _small(text)
        return
    families: set[str] = set()
    unsure: list[Row] = []
    listed, firms = _listed(text), [match.span() for match in _FIRM.finditer(text)]
    for match in _ROW.finditer(text):
        for row in _rows(text, match):
            if any(start <= row.start < end for start, end in firms):
                continue
            if _is_name(text, row) or (listed[0] <= row.start < listed[1] and _may_be(row)):
                families.update(row.parts[1:])
                yield Found(row.start, row.end, "PERSON", 0.8)
            else:
                unsure.append(row)
    for row in unsure:
        if text[row.start : row.end] in families:  # Ada Lovelace ... Lovelace
            yield Found(row.start, row.end, "PERSON", 0.8)
    yield from _shouted(text)
    for said in LOWER.finditer(text):
        if _is_called(said[1]):
            yield Found(said.start(1), said.end(1), "PERSON", 0.7)


def further(text: str, asked: str) -> list[Found]:
    """The names that a sentence begins with where the one before it `asked` for them."""
    if not asked:
        return []
    start = len(text) - len(text.lstrip())
    end = len(text)
    if asked == "many":
        listed = _LIST.match(text, start)
        end = listed.end() if listed else start
    found: list[Found] = []
    for match in _ROW.finditer(text, start, end):
        if asked == "one" and match.start() != start:
            break
        rows = (row for row in _rows(text, match) if _may_be(row) and not _is_body(text, row, ""))
        found += [Found(row.start, row.end, "PERSON", 0.7) for row in rows]
    return found


def asks(text: str) -> str:
    """Whether who reads on may expect `one` name, or `many`; else nothing."""
    if ASKED.search(text):
        return "one"
    _, end = _listed(text)
    return "many" if end and not text[end:].strip() and text.rstrip()[-1:] in (":", ",") else ""


def family_of(name: str) -> str:
    """The last of several names, when it can stand alone for the person; else nothing."""
    first, _, last = name.rpartition(" ")
    if not first or len(last) < 4 or is_plain(last) or last in no_names() or not name[0].isupper():
        return ""
    known = is_given(first.split()[0]) or is_family(last) or _SHAPE.search(last) is not None
    return last if known else ""


def _rows(text: str, match: re.Match[str]) -> Iterator[Row]:
    """The match in pieces, parted by words that are no names, and without plain words at their two ends."""
    words = [at.span() for at in _PART.finditer(match.group())]
    piece: list[tuple[int, int, str]] = []
    for start, end in words:
        word = text[match.start() + start : match.start() + end]
        bare = word.strip(".'’")
        if (
            len(bare) > 1
            and bare in no_names()
            and not (piece and (is_given(bare) or is_family(bare)) and is_plain(bare))
        ):
            yield from _trimmed(piece)
            piece = []
        else:
            piece.append((match.start() + start, match.start() + end, word))
    yield from _trimmed(piece)


def _trimmed(piece: list[tuple[int, int, str]]) -> Iterator[Row]:
    first, last = 0, len(piece)
    while last - first > 1 and (_is_idle(piece[first][2]) or piece[first][2].islower()):
        if is_family(piece[first][2]) and _is_sure(piece[first + 1][2]):
            break  # Park Ji-woo
        first += 1
    while last - first > 1 and (
        (_is_idle(piece[last - 1][2]) and not is_family(piece[last - 1][2]))
        or piece[last - 1][2].islower()
        or len(piece[last - 1][2]) == 1
    ):
        last -= 1
    if first < last:
        words = [word for _, _, word in piece[first:last]]
        yield Row(piece[first][0], piece[last - 1][1], tuple(word for word in words if not word.islower()))


def _is_idle(word: str) -> bool:
    """Whether it says something by itself and is nobody's given name."""
    return is_plain(word) and not is_given(word) and word.lower() not in _HUNDRED


def _is_sure(word: str) -> bool:
    """A given name and nothing else."""
    return len(word) > 2 and not is_plain(word) and any(is_given(part) for part in (word, word.split("-")[0]))


def _is_known(word: str) -> bool:
    """A family name and nothing else."""
    if is_plain(word) or len(word) < 2:
        return False
    return any(map(is_family, (word, *word.split("-")))) or _SHAPE.search(word) is not None


def _is_name(text: str, row: Row) -> bool:
    start, end, parts = row
    name, before = text[start:end], text[max(0, start - 32) : start]
    if _is_body(text, row, before) or NUMBERED.search(before) or text[end + 1 : end + 2].isdigit():
        return False
    if before.endswith(("The ", "the ")):
        return False
    if SURE.search(before) and (not all(map(is_plain, parts)) or OWN.search(before)):
        return True
    if len(parts) > 1 and (parts[0] in _PLACES or name.lower() in places().sure):
        return False
    if len(parts) == 1:
        return _is_alone(text, row, before)
    if any(_is_idle(part) and not is_family(part) and part not in _PARTICLES for part in parts):
        return False
    if _are_names(parts) or (_INITIAL.match(name) and not is_plain(parts[0])) or HUMAN.match(text, end):
        return True
    return NAMED_BY.search(before) is not None or ACTS.match(text, end) is not None


def _is_alone(text: str, row: Row, before: str) -> bool:
    """Whether one word is a person: a given name by itself, any other by what is said of it."""
    word = row.parts[0]
    if PLACED.search(before):
        return False
    if _is_sure(word):
        return True
    if SPEAKS.match(text, row.end) and (is_given(word) or is_family(word)) and not text[: row.start].strip():
        return True
    if is_plain(word):
        return is_given(word) and HUMAN.match(text, row.end) is not None
    if _is_known(word) and (more := _REVERSED.match(text, row.end)) and _is_sure(more[1]):
        return True  # Lovelace, Ada
    if SAID_BY.search(before) and _is_known(word):
        return word.lower() not in places().sure | places().doubtful
    led, acts = NAMED_BY.search(before) is not None, ACTS.match(text, row.end) is not None
    return HUMAN.match(text, row.end) is not None or (led and acts) or (_is_known(word) and acts)


def _are_names(parts: tuple[str, ...]) -> bool:
    """Whether two words or more are the names of one person."""
    first, last = parts[0], parts[-1]
    if _is_sure(first) or _is_known(last):
        return not (is_plain(first) and not is_given(first))
    if is_given(first):  # Mark Zorn
        return not is_plain(last) or is_family(last)
    if _is_sure(last):  # as in Hungary, or in a register
        return not is_plain(first)
    return len(parts) == 2 and _are_chinese(first, last)


def _are_chinese(first: str, last: str) -> bool:
    """Zhang Wei, and Wei Zhang."""
    for family, given in ((first, last), (last, first)):
        if family.lower() in _HUNDRED and not is_plain(given) and _CHINESE.match(given):
            return True
    return False


def _may_be(row: Row) -> bool:
    """Whether it may be a name where one is expected."""
    return len(row.parts) < 5 and any(not is_plain(part) or is_given(part) or is_family(part) for part in row.parts)


def _is_body(text: str, row: Row, before: str) -> bool:
    """Whether it is rather an organisation, a street or a thing."""
    name = text[row.start : row.end]
    if len(row.parts) == 1 and ORGANISED.fullmatch(name):
        return True
    if _ends_body(text, row):
        return True
    if ORGANISED.search(name, len(row.parts[0])):
        return not (
            row.parts[-1] in _BOTH and _is_sure(row.parts[0]) and (SURE.search(before) or HUMAN.match(text, row.end))
        )
    return BODY_LEAD.search(before) is not None and not (len(row.parts) > 1 and is_given(row.parts[0]))


def _ends_body(text: str, row: Row) -> bool:
    return ORGANISED.match(text[row.end : row.end + 16].lstrip(" ,&")) is not None or (
        BODY_TAIL.match(text, row.end) is not None
    )


def _listed(text: str) -> tuple[int, int]:
    """Where names follow one another behind a word for people."""
    match = LISTED.search(text)
    if not match:
        return (0, 0)
    listed = _LIST.match(text, match.end())
    return (match.end(), listed.end() if listed else match.end())


def _shouted(text: str) -> Iterator[Found]:
    for match in _SHOUTED.finditer(text):
        parts = [part.strip(",.").title() for part in match.group().split() if len(part.strip(",.")) > 1]
        if len(parts) < 2 or ORGANISED.search(" ".join(parts)) or any(map(is_plain, parts)):
            continue
        known = [is_given(part) or is_family(part) for part in (parts[0], parts[-1])]
        is_begun = not text[: match.start()].strip() or text[: match.start()].endswith(": ")
        if parts[0] not in _PLACES and (all(known) or (is_begun and any(known) and no_names().isdisjoint(parts))):
            yield Found(match.start(), match.end(), "PERSON", 0.7)


def _small(text: str) -> Iterator[Found]:
    """Names in a sentence without a capital."""
    for said in LOWER.finditer(text):
        if _is_called(said[1]):
            yield Found(said.start(1), said.end(1), "PERSON", 0.7)
    for match in _SMALL.finditer(text):
        last = match[1].rstrip(".'’")
        led = LED.search(text, max(0, match.start() - 8), match.start()) is not None
        if _are_small_names(match.group(), last, led=led):
            yield Found(match.start(), match.start(1) + len(last), "PERSON", 0.7)
    for match in TOWARDS.finditer(text):
        word = match[1] or match[2]
        if len(word) > 3 and not is_plain(word) and is_given(word.title()):
            at = match.start(1) if match[1] else match.start(2)
            yield Found(at, at + len(word), "PERSON", 0.6)


def _are_small_names(first: str, last: str, *, led: bool) -> bool:
    """Whether both are names and nothing else, in whichever order; behind `of` and such one given name is enough."""
    if len(first) < 3 or is_plain(first) or is_plain(last):
        return False
    if is_given(first.title()):
        return _is_known(last) or (len(last) > 2 and is_given(last.title())) or (led and min(len(first), len(last)) > 4)
    return is_family(first) and len(last) > 2 and is_given(last.title())


def _is_called(name: str) -> bool:
    return any(not is_plain(word) and (is_given(word.title()) or is_family(word)) for word in name.split())
