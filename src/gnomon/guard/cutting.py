"""Where a text that is still growing may be cut: what can no longer change, and what may still become a value.

A value lies within one *token* (characters that values are made of), or spans several that whitespace joins, and then
is at most `view.SPACED` long, or begins with one of the few shapes of `_BEGUN`. Ordinary Chinese text is no token.
"""

import re
from typing import Any, Final

from gnomon import native
from gnomon.guard.detectors.birth import MONTHS
from gnomon.guard.detectors.documents import SIGNS
from gnomon.guard.detectors.email import BROKEN_EMAIL
from gnomon.guard.detectors.plate import PROVINCES
from gnomon.guard.normalise import DIGIT, HANZI_DIGITS
from gnomon.guard.view import SPACED

LONGEST: Final = 4096
"""Longest stretch without a break that is held back before something has been found in it."""

# Signs that no value contains break a token, so that code and JSON flow.
TOKEN: Final = rf"!#$%&()*+\-./0-9:=?@A-Z\[\]\\^_a-z~{DIGIT[3:]}"
_JOINT: Final = r"\s,，、·•—―°"
_token: Final = re.compile(f"[{TOKEN}]*")
_joint: Final = re.compile(f"[{_JOINT}]{{1,6}}")
_left_of_joint: Final = re.compile(rf"[\-./_]{{0,2}}[A-Z)）{DIGIT}]")  # read backwards
_COMMA: Final = re.compile("[,，、]")
_left_of_comma: Final = re.compile(r"[NSEW]?\s?°?\s?[0-9]{4,12}\.")  # read backwards: only coordinates have commas
_right_of_joint: Final = re.compile(rf"[A-Z(（+\-./_{DIGIT}]")
_N: Final = f"[{DIGIT}十廿]"
_BEGUN: Final = re.compile(
    rf"(?:[{PROVINCES}](?:[\s·•.\-]?(?:[A-HJ-Z][\s·•.\-]?[A-Z0-9]{{0,7}})?)?"
    rf"|[{SIGNS}](?:字(?:第\s?)?)?"
    rf"|[{SIGNS}]字第\s?[0-9]{{1,10}}\s?"
    rf"|{_N}{{2,4}}\s?(?:年\s?(?:{_N}{{1,3}}\s?(?:月\s?(?:{_N}{{1,3}}\s?(?:[日号]\s?)?)?)?)?)?[（(]?(?:出|生)?"
    r"|[0-9]{4}\s?[-/.]\s?(?:[0-9]{1,2}\s?(?:[-/.]\s?(?:[0-9]{1,2}\s?)?)?)?[（(]?(?:出|生)?"
    r"|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{4}\s?[（(]?(?:出|生)?"
    r"|(?:19|20)[0-9]{6}\s?[（(]?(?:出|生)?"
    r"|(?ai:[0-9]{1,2}(?:st|nd|rd|th)?\s(?:[a-z]{1,9}\.?,?(?:\s[0-9]{0,4})?)?)"  # a month may be cut
    rf"|(?ai:{MONTHS}\.?\s(?:[0-9]{{1,2}}(?:st?|nd?|rd?|th?)?,?(?:\s[0-9]{{0,4}})?)?)"
    r"|[(（]\+?[0-9]{0,5}(?:[)）][0-9()\s\-—·.]{0,20})?"
    r"|-----BEGIN[A-Z0-9 ]{0,52}"
    r")\Z"
)
_BEGUN_WINDOW: Final = 80
# A telephone's extension, without which it may be too short to be one.
_EXTENDED: Final = re.compile(r"[+(（]{0,2}[0-9][0-9()（）\s.\-/]{0,48}\s?(?:ex?|(?:x|ext\.?)\s?[0-9]{0,5})\Z")
_EXTENSION_WINDOW: Final = 9  # xt. 12345
_broken: Final = re.compile(BROKEN_EMAIL)
_BROKEN_WINDOW: Final = 208
# How most Chinese text ends: a character with which nothing above goes on, and perhaps a comma.
_SETTLED: Final = re.compile(rf"[^{TOKEN}{_JOINT}{DIGIT}{PROVINCES}{SIGNS}十廿字第年月日号（(）)出生·•.\-][，、]?\Z")


def undecided(text: str, start: int) -> int:
    """The first place at or after `start` from which more text could still make or change a value."""
    if undecided_quickly is None:
        return undecided_slowly(text, start)
    place: int = undecided_quickly(text, start)
    return place if place >= 0 else min(-1 - place, _opened(text, start))


def undecided_slowly(text: str, start: int) -> int:
    """The same without C."""
    if _SETTLED.match(text, max(start, len(text) - 1)) or _SETTLED.match(text, max(start, len(text) - 2)):
        return len(text)
    return _unsettled(text, start)


def _opened(text: str, start: int) -> int:
    """Where something begins that is no token and may become a value."""
    begun = _BEGUN.search(text, max(start, len(text) - _BEGUN_WINDOW))
    at = begun.start() if begun else len(text)
    if text.endswith("e") or text.find("x", max(0, len(text) - _EXTENSION_WINDOW)) >= 0:
        extended = _EXTENDED.search(text, max(start, len(text) - _BEGUN_WINDOW))
        at = min(at, extended.start()) if extended else at
    if text.find("\n", max(start, len(text) - _BROKEN_WINDOW)) >= 0 or text.endswith("\r"):
        broken = _broken.search(text, max(start, len(text) - _BROKEN_WINDOW))
        at = min(at, broken.start()) if broken else at
    return at


def _unsettled(text: str, start: int) -> int:
    backwards = text[max(start, len(text) - LONGEST) :][::-1]
    token = _token.match(backwards)
    token_length = token.end() if token else 0
    joined = _joined(backwards[: SPACED + 1], token_length)
    return min(_opened(text, start), len(text) - token_length, len(text) - joined)


def _joined(backwards: str, length: int) -> int:
    """How much of the end may belong to one value with spaces in it; `length` of it is the last token."""
    while length < len(backwards):
        joint = _joint.match(backwards, length)
        if not joint:
            break
        left = _left_of_comma if _COMMA.search(joint.group()) else _left_of_joint
        if not left.match(backwards, joint.end()):
            break
        if length and not _right_of_joint.match(backwards, length - 1):
            break
        token = _token.match(backwards, joint.end())
        length = max(token.end() if token else 0, joint.end() + 1)
    return min(length, SPACED)


def _configured() -> Any:
    """What `native/cutting.c` says of the last token, -1 - that where `_opened` has to be asked; None without it."""
    made = native.load("cutting")
    if made is None:
        return None
    made.configure(
        "".join(char for char in sorted({*map(chr, range(128)), *HANZI_DIGITS}) if _token.fullmatch(char)), _SIGNED
    )
    return made.undecided


_SIGNED: Final = "".join(sorted({*PROVINCES, *SIGNS}))
undecided_quickly: Final = _configured()
"""The place, or -1 - a place where the shapes that values begin with have to be asked; None without C."""
