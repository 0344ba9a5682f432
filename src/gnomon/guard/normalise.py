"""Shadow text: what a reader sees, whatever characters it was written with.

Folding works on one character at a time: `fold(a + b)` is `fold(a)` followed by `fold(b)`, which is what lets a stream
be cut anywhere. Characters that show nothing are dropped, full-width and other digits and letters become ASCII, rare
dashes become `-`. What ordinary Chinese text is full of stays, so that folding is seldom needed: ：，（） and the long
dash (detectors name them where they matter), spaces (`\\s` knows them all), and Chinese numerals, which detectors of
numbers read through `digits` (一 is mostly a word).
"""

import re
import unicodedata
from functools import cache

from msgspec import Struct

HANZI_DIGITS = dict(zip("〇零一二三四五六七八九幺壹贰叁肆伍陆柒捌玖", "0012345678911" + "23456789", strict=True))
DIGIT = "0-9" + "".join(HANZI_DIGITS)
_TO_ASCII = str.maketrans(HANZI_DIGITS)

INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
DASHES = "\u2010-\u2013\u2212\ufe58\ufe63\uff0d"
# Letters, digits and the signs that values contain; and the Kelvin sign, the one other character whose lower case is
# ASCII.
FULL_WIDTH = "\u212a\uff03\uff05\uff0b\uff0e-\uff19\uff1d\uff20-\uff3a\uff3f\uff41-\uff5a"


# Letters of other scripts that look like Latin ones (Unicode UTS 39, confusables), and two that look like digits.
_ALIKE = dict(
    zip(
        "АВЕЅІЈКМНОРСТУХаеіјорсухѕһԁԛԝЗбΑΒΕΖΗΙΚΜΝΟΡΤΥΧονρχ",
        "ABESIJKMHOPCTYXaeijopcyxshdqw36ABEZHIKMNOPTYXovpx",
        strict=True,
    )
)


@cache
def _other_digits() -> str:
    """Decimal digits of all other scripts, and the mathematical letters and digits, as a regex class."""
    ranges: list[str] = ["\U0001d400-\U0001d7ff\U0001fbf0-\U0001fbf9"]
    for point in range(0x80, 0x1E960):
        char = chr(point)
        if unicodedata.category(char) == "Nd" and unicodedata.digit(char) == 0 and not 0x1D400 <= point <= 0x1D7FF:
            ranges.append(f"{char}-{chr(point + 9)}")
    return "".join(ranges)


@cache
def _odd() -> re.Pattern[str]:
    """A run of characters that folding changes."""
    return re.compile(f"[{FULL_WIDTH}{rare_class()}]+")


@cache
def rare_class() -> str:
    """Every character that folding changes and that is not full-width, as the inside of a regex class."""
    return INVISIBLE + DASHES + "".join(_ALIKE) + _other_digits()


_INVISIBLE = re.compile(f"[{INVISIBLE}]")
_DASH = re.compile(f"[{DASHES}]")


@cache
def _fold_char(char: str) -> str:
    """Nothing, or exactly one character."""
    if _INVISIBLE.match(char):
        return ""
    if _DASH.match(char):
        return "-"
    if char in _ALIKE:
        return _ALIKE[char]
    if char.isdecimal():
        return str(unicodedata.digit(char))
    folded = unicodedata.normalize("NFKC", char)
    return folded if len(folded) == 1 and folded.isascii() else char


class Shadow(Struct, frozen=True):
    """`text` as read, and where each of its characters stands in the original (`None`: at the same place)."""

    text: str
    length: int  # of the original
    offsets: list[int] | None = None

    def start(self, index: int) -> int:
        """Where shadow character `index` stands in the original."""
        if self.offsets is None:
            return index
        return self.offsets[index] if index < len(self.offsets) else self.length

    def end(self, index: int) -> int:
        """One past the original of the character before `index`: invisible characters after it are left out."""
        if self.offsets is None or index == 0:
            return index
        return self.offsets[index - 1] + 1


def fold(text: str) -> Shadow:
    """The shadow of `text`. Linear in its length; any code points, lone surrogates too."""
    matches = list(_odd().finditer(text))
    if not matches:
        return Shadow(text, len(text))
    parts: list[str] = []
    offsets: list[int] = []
    at = 0
    for match in matches:
        parts.append(text[at : match.start()])
        offsets.extend(range(at, match.start()))
        for index in range(match.start(), match.end()):
            if folded := _fold_char(text[index]):
                parts.append(folded)
                offsets.append(index)
        at = match.end()
    parts.append(text[at:])
    offsets.extend(range(at, len(text)))
    return Shadow("".join(parts), len(text), offsets)


def digits(text: str) -> str:
    """Chinese numerals read as ASCII digits; everything else as it is."""
    return text.translate(_TO_ASCII)
