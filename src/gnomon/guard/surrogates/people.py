"""Names that are put together from our own lists: as long as the real one, and of no gender where that can be had."""

import re
from typing import Final

from gnomon.guard.names.inventing import read_words
from gnomon.guard.names.surnames import COMPOUND, SURNAMES
from gnomon.guard.surrogates.dice import Dice

GIVEN: Final = (
    "文宁晨安清佳瑞嘉乐言思远知行以亦若一可星辰雨林江川云山禾青白月明朗书墨景和平悦然初元子希晓新成齐允哲予向南夏秋春阳"
)
"""Characters that are given to girls and boys alike."""
_COMMON: Final = SURNAMES[:100]
_HANZI: Final = re.compile(r"[\u3400-\u9fff]")
_LATIN: Final = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ]+")
_FIRST_TEXT: Final = (
    "Alex Robin Jordan Taylor Casey Morgan Jamie Riley Avery Quinn Rowan Sage Drew Reese Skyler Hayden Emerson Finley "
    "Parker Remy Blake Charlie Dakota Elliot Frankie Harper Jesse Kendall Lane Marley Noel Oakley Payton River Sidney"
)
_FIRST: Final = _FIRST_TEXT.split()
_LAST_TEXT: Final = (
    "Ashford Birch Calder Dunmore Eastley Fenwick Garland Holloway Ingram Kestrel Langley Marsden Norwood Oakes "
    "Penrose Quimby Redfern Stanwick Thornby Underhill Vance Westbrook Yarrow Ellwood Farrow Hadleigh Lockhart Merrow"
)
_LAST: Final = _LAST_TEXT.split()
_WELL_KNOWN: Final = ("欧阳", "司马", "上官", "诸葛", "慕容", "司徒", "夏侯", "皇甫", "尉迟", "令狐", "南宫")
_WORDS: Final = read_words()
SYLLABLES: Final = _WORDS["syllables"]
AREAS: Final = _WORDS["areas"]


def latin_word(dice: Dice) -> str:
    return dice.choice(_FIRST if dice.below(2) else _LAST)


def person(value: str, dice: Dice) -> str:
    """A name in the same script, of as many characters or words."""
    if _LATIN.search(value):
        return _latin(value, dice)
    parts = re.split(r"([·•・．.\s]+)", value)
    if len(parts) > 1:
        return "".join(_sound(part, dice) if _HANZI.match(part) else part for part in parts)
    return _chinese(value, dice)


def _chinese(value: str, dice: Dice) -> str:
    length = len(value)
    if length > 4 or (value[:1] not in SURNAMES and value[:2] not in COMPOUND):
        return _sound(value, dice)
    if length == 4 or value[:2] in COMPOUND:
        return dice.choice(_WELL_KNOWN) + dice.text(GIVEN, max(0, length - 2))
    return dice.choice(_COMMON) + dice.text(GIVEN, length - 1)


def _sound(value: str, dice: Dice) -> str:
    """As many characters as foreign names are written with."""
    return dice.text(SYLLABLES, len(value))


def _latin(value: str, dice: Dice) -> str:
    words = list(_LATIN.finditer(value))

    def other(match: re.Match[str]) -> str:
        said = match[0]
        if len(said) == 1:
            return dice.choice("ABCDEFGHJKLMNPRSTVW")  # an initial
        made = dice.choice(_LAST if match.start() == words[-1].start() and len(words) > 1 else _FIRST)
        return made.upper() if said.isupper() else made.lower() if said.islower() else made

    return "".join(char if not _HANZI.match(char) else dice.choice(GIVEN) for char in _LATIN.sub(other, value))
