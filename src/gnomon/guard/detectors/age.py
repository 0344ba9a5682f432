"""年龄 / ages. Looked for only where a policy names them: a text without ages is of little use to a clinic."""

from collections.abc import Iterator

from gnomon.guard.detectors.base import Detector, keyed, matching
from gnomon.guard.scan import literal
from gnomon.guard.view import Found, View

_WORDS = ("年龄", "岁数", "年纪", "现年", "享年", "age", "aged")
_ONE = "[一二三四五六七八九]"
_HAN = rf"(?:一百(?:零?{_ONE}?十?{_ONE})?|[二三四五六七八九]?十{_ONE}?|[廿卅]{_ONE}?|[两一二三四五六七八九])"
_AGE = rf"(?:1[0-2][0-9]|[0-9]{{1,2}}|{_HAN})"
_LEFT = r"(?<![0-9A-Za-z.\-一二三四五六七八九十百千万几廿卅])"
_before_unit = matching(
    "AGE",
    rf"{_LEFT}(?P<v>{_AGE}\s?(?:周?岁|(?ai:[\s\-]?(?:years?|yrs?)[\s\-]old|\s?y/o|\s?yo))(?![A-Za-z]))",
    first="[0-9一二两三四五六七八九十廿卅]",
)
_after_word = keyed("AGE", _WORDS, rf"{_AGE}(?![0-9A-Za-z\-一二三四五六七八九十百]|\.[0-9]|年)")


def _find(view: View) -> Iterator[Found]:
    yield from _before_unit(view)
    yield from _after_word(view)


DETECTOR = Detector(
    "AGE",
    "年龄",
    (*map(literal, ("岁", "年龄", "年纪", "现年", "享年")), rb"age", rb"[0-9](?:[ -]|\\[nrt])?(?:year|yr|y/?o)"),
    _find,
    reach=16,
)
