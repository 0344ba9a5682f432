"""出生日期 / dates of birth. A bare date is no birth date: a key word must stand before it, or 出生 after it."""

from collections.abc import Iterator

from gnomon.guard.detectors.base import GAP, Detector, keyed, matching
from gnomon.guard.normalise import DIGIT
from gnomon.guard.scan import SPACE, literal
from gnomon.guard.shapes import trigger
from gnomon.guard.view import Found, View

_WORDS = (
    "出生日期",
    "出生年月日",
    "出生年月",
    "出生于",
    "出生时间",
    "生日",
    "生于",
    "诞生于",
    "出生",
    "生辰",
    "dob",
    "date of birth",
    "birth date",
    "birthdate",
    "birthday",
    "born",
    "born on",
    "born in",
)
_TRIGGERS = ("出生", "生日", "生于", "生辰", "dob", "birth", "born")
_BORN = trigger(
    b"(?:[0-9]|" + b"|".join(map(literal, "年月日号")) + b")" + SPACE + rb"?(?:\(|\xef\xbc\x88)?" + literal("生"),
    r"[0-9年月日号]\s?[(（]?生",
)
MONTHS = (
    "(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|"
    "Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)
_N = f"[{DIGIT}十廿]"
NUMERIC = (
    rf"(?:[0-9]{{4}}\s?[-/.]\s?[0-9]{{1,2}}\s?[-/.]\s?[0-9]{{1,2}}|[0-9]{{1,2}}[-/.][0-9]{{1,2}}[-/.][0-9]{{4}}"
    rf"|{_N}{{2,4}}\s?年(?:\s?{_N}{{1,3}}\s?月(?:\s?{_N}{{1,3}}\s?[日号])?)?|(?:19|20)[0-9]{{2}}[01][0-9][0-3][0-9])(?![0-9])"
)
_WRITTEN = (
    rf"(?ai:{MONTHS}\.?\s[0-9]{{1,2}}(?:st|nd|rd|th)?,?\s[0-9]{{4}}"
    rf"|[0-9]{{1,2}}(?:st|nd|rd|th)?\s{MONTHS}\.?,?\s[0-9]{{4}})(?![0-9])"
)
_after_word = keyed("DOB", _WORDS, f"(?:{NUMERIC}|{_WRITTEN})", gap=GAP)
_before_word = matching("DOB", rf"(?<![0-9\-/.])(?P<v>{NUMERIC})\s?[（(]?(?:出生|生人|生(?=[，,。；;）)\s]))", first=_N)


def _find(view: View) -> Iterator[Found]:
    yield from _after_word(view)
    yield from _before_word(view)


DETECTOR = Detector("DOB", "出生日期", (*map(literal, _TRIGGERS), _BORN), _find, visible=(4, 0))
