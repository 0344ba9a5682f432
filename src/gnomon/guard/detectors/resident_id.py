"""居民身份证 / resident identity number, 18 characters (GB 11643) and the old 15."""

import re
from collections.abc import Iterator

from gnomon.guard.checksums import resident_id
from gnomon.guard.detectors.base import Detector, Words, numbers
from gnomon.guard.scan import LONG_NUMBER
from gnomon.guard.view import Found, Number, View

WORDS = ("身份证", "身份证件", "公民身份", "证件号", "居住证", "id card", "identity card", "resident id")
_PROVINCES = {
    *range(11, 16),
    *range(21, 24),
    *range(31, 38),
    *range(41, 47),
    *range(50, 55),
    *range(61, 66),
    71,
    81,
    82,
}
NAMED = Words(WORDS)
_is_named = NAMED.before


def _judge(view: View, number: Number) -> float:
    return _judge_18(view, number) if len(number.digits) == 18 else _judge_15(view, number)


def _judge_18(view: View, number: Number) -> float:
    # The area code is not judged: numbers keep codes that were abolished long ago. Month and day cannot be wrong.
    value = number.digits
    if value[0] != "0" and _is_day(value[10:12], value[12:14]) and resident_id(value):
        return 1.0
    return 0.9 if _is_named(view, number.start) else 0.0


def _judge_15(view: View, number: Number) -> float:
    value = number.digits
    if not number.is_even:
        return 0.0
    if int(value[:2]) in _PROVINCES and _is_day(value[8:10], value[10:12]):
        return 0.8
    return 0.9 if _is_named(view, number.start) else 0.0


def _is_day(month: str, day: str) -> bool:
    return "01" <= month <= "12" and "01" <= day <= "31"


_X_ALONE = re.compile(r"[0-9][ \t\r-]{0,2}\n[^\S\n]{0,2}[Xx](?![A-Za-z0-9])")
_numbered = numbers("CN_ID", (15, 18), _judge)


def broken(view: View) -> Iterator[Found]:
    """Numbers whose X alone stands in the next line."""
    for match in _X_ALONE.finditer(view.text):
        for number in view.numbers.get(17, ()):
            if number.end != match.start() + 1 or not view.is_alone(number):
                continue
            whole = number._replace(digits=number.digits + "X")
            if score := _judge_18(view, whole):
                yield Found(number.start, match.end(), "CN_ID", score)


def _find(view: View) -> Iterator[Found]:
    yield from _numbered(view)
    yield from broken(view)


DETECTOR = Detector("CN_ID", "身份证", LONG_NUMBER, _find, visible=(3, 4))
