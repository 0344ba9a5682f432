"""手机、固话、国外电话 / mobile, landline and foreign telephone numbers."""

import re
from collections.abc import Iterator

from gnomon.guard.detectors.base import GAP, Detector, Words, keyed, matching, numbers, unbroken
from gnomon.guard.scan import BETWEEN, JOINTS, LONG_NUMBER, literal
from gnomon.guard.shapes import trigger
from gnomon.guard.view import Found, Number, View

_PREFIX = re.compile(r"(?:\+|(?<!\d)00|(?<![\d+]))\s?86[\s\-—)·.]{0,2}\Z|[(（]\+?86[)）]\s?\Z")
_MOBILE = re.compile(r"1[3-9]\d{9}")
_AREA = re.compile(r"0(?:10|2\d|[3-9]\d\d)")
_WORDS = ("电话", "固话", "座机", "热线", "传真", "tel", "telephone", "phone", "fax", "call")
NAMED = Words(_WORDS)
_is_named = NAMED.before


def _find_mobile(view: View) -> Iterator[Found]:
    for length in (11, 13):
        for number in view.numbers.get(length, ()):
            value = number.digits
            if length == 13 and not value.startswith("86"):
                continue
            is_phone = _MOBILE.fullmatch(value, length - 11) and _is_written_as_phone(number, unbroken(view, number))
            if is_phone and view.is_alone(number):
                yield Found(with_prefix(view, number.start), number.end, "CN_MOBILE")


def _is_written_as_phone(number: Number, gaps: tuple[str, ...]) -> bool:
    """In one piece, evenly separated, or with only the country code set off."""
    if len(number.digits) == 13 and len(gaps) > 1:
        gaps = gaps[1:]
    if not gaps:
        return True
    # Cells of a table, amounts and addresses are written with these too: only as 138.1234.5678.
    if gaps[0].isspace() and gaps[0] != " ":
        return False
    if gaps[0] in (".", "/", "_"):
        return number.sizes[-3:] == (3, 4, 4) and len(set(gaps)) == 1
    return len(set(gaps)) == 1


def with_prefix(view: View, start: int) -> int:
    """Where the number begins when +86 stands before it."""
    context = view.text[max(0, start - 8) : start]
    prefix = _PREFIX.search(context)
    if prefix:
        return start - len(context) + prefix.start()
    return start - 1 if context.endswith("+") else start


def _judge_landline(view: View, number: Number) -> float:
    value = number.digits
    if len(number.gaps) > 3 or (not number.gaps and _is_letter(view.text[number.start - 1 : number.start])):
        return 0.0  # in one piece, with a letter before it: a serial number
    if len(value) in (11, 12) and (area := _AREA.match(value)):
        local = value[area.end() :]
        if len(local) in (7, 8) and local[0] not in "01" and "." not in "".join(number.gaps):
            return 0.9
    is_local = len(value) in (7, 8) and value[0] not in "01" and number.is_even
    return 0.8 if is_local and _is_named(view, number.start) else 0.0


_BRACKET = rb"(?:\(|\xef\xbc\x88)0[0-9]{2,3}(?:\)|\xef\xbc\x89)"
BRACKETS = trigger(_BRACKET, "[(（]0[0-9]{2,3}[)）]")
_NUMBERED = numbers("CN_LANDLINE", (7, 8, 11, 12), _judge_landline)
_BRACKETED = matching(
    "CN_LANDLINE",
    r"(?<![(（])[(（]0(?:10|2\d|[3-9]\d\d)[)）][\s\-]{0,2}[2-9]\d{2,3}[\s\-]?\d{4}(?![\d])",
    first="[(（]",
)


def _is_letter(char: str) -> bool:
    return char.isascii() and char.isalpha()


def _find_landline(view: View) -> Iterator[Found]:
    yield from _NUMBERED(view)
    yield from find_bracketed(view)


def find_bracketed(view: View) -> Iterator[Found]:
    """Landlines with their area in brackets: (010) 6552 9988."""
    for found in _BRACKETED(view):
        yield Found(with_prefix(view, found.start), found.end, found.entity)


_FOREIGN = (
    r"(?<![A-Za-z0-9_+])(?P<v>(?:\+(?!86)[1-9]\d{0,2}[\s.\-]?(?:\(0?\d{1,4}\)[\s.\-]?)?\d{1,4}(?:[\s.\-]?\d{2,4}){1,4}"
    r"|(?:1[\s.\-])?\([2-9]\d\d\)[\s.\-]?[2-9]\d\d[\s.\-]\d{4}"
    r"|(?:1[\s.\-])?[2-9]\d\d([\s.\-])[2-9]\d\d\2\d{4})(?:\s?(?:x|ext\.?)\s?\d{1,5})?)(?![\d])"
)
_DEEDS = "call dial ring text phon fax desk ext answering reach contact available message messages sms texts voicemail"
_LOOSE_FOREIGN = (
    trigger(rb"\+[1-9][0-9]{0,2}" + BETWEEN + rb"?[0-9(]", rf"\+[1-9][0-9]{{0,2}}[{JOINTS}]?[0-9(]"),
    trigger(
        rb"[0-9]{3}\)?" + BETWEEN + rb"{0,2}[0-9]{3}" + BETWEEN + rb"[0-9]{4}",
        rf"[0-9]{{3}}\)?[{JOINTS}]{{0,2}}[0-9]{{3}}[{JOINTS}][0-9]{{4}}",
    ),
    trigger(rb"0[0-9]{1,4} [0-9]{2,4} [0-9]{2}", "0[0-9]{1,4} [0-9]{2,4} [0-9]{2}"),
    trigger(
        rb"(?:" + _DEEDS.replace(" ", "|").encode() + rb")[a-z ]{0,16}(?:[ \t\n\r:]|\\[nrt]){1,3}\(?[0-9]",
        *(rf"{deed}[a-z ]{{0,16}}[ \s:]{{1,3}}\(?[0-9]" for deed in _DEEDS.split()),
    ),
)

# Any way of writing a number, where the text calls it a telephone.
_CALLED = (
    "phone",
    "phone number",
    "telephone",
    "mobile",
    "cell",
    "tel",
    "fax",
    "whatsapp",
    "call me at",
    "call me on",
    "reach me at",
    "text me at",
    "call us at",
)
# An opening bracket belongs to the number when it closes behind its first group.
_TO_NUMBER = GAP.replace("(（", "").replace("|[是为叫]", "|[(（](?!\\+?[0-9]{1,5}[)）])|[是为叫]", 1)
_SPOKEN = keyed(
    "PHONE_NUMBER",
    _CALLED,
    r"\+?\(?[0-9]{1,5}\)?(?:[ .\-/]?\(?[0-9]{1,5}\)?){1,6}(?:\s?x\s?[0-9]{1,5})?(?![0-9A-Za-z])",
    gap=_TO_NUMBER,
)
# How people write of telephones in English: a deed, and where to. The number then has any shape but a sum of money.
_DEED = re.compile(
    r"(?<![A-Za-z])(?ai:(?:call(?:ing|ed)?|dial(?:l?ing|l?ed)?|ring|text(?:ing|ed)?|phon(?:e|ing|ed)|fax|desk|ext)"
    r"(?:\s(?:me|us|him|her|them|back))?(?:\s(?:at|on))?"
    r"|(?:answering|reach(?:ed|able)?|contact(?:ed)?|available)(?:\s(?:me|us|him|her|them))?\s(?:at|on|by\sphone:?)"
    r"|(?:messages?|sms|texts?|voicemail|calls?)\s(?:to|on|at|from))[\s:]{1,3}"
    r"(?P<v>\(?[0-9]{1,5}\)?(?:[ .\-]?[0-9]{2,10}){1,5})(?![0-9A-Za-z%]|\.[0-9]|\s?(?:USD|EUR|RMB))"
)
_TO_DIGIT = re.compile(r"[\s:]\(?[0-9]")  # what every deed has before its number, and a picture nowhere
# No quantity begins with a zero: 024 971 50 30.
_zero_first = matching(
    "PHONE_NUMBER",
    r"(?<![0-9A-Za-z.,+\-(])(?P<v>0[0-9]{1,4}(?:[ ][0-9]{2,4}){2,4})(?![0-9A-Za-z]|[.:/\-][0-9])",
    first="0",
)
_FEWEST = 7  # digits with the code of the country: Niue and Saint Helena; in base64 `/+3332` is nothing
_numbered_abroad = matching("PHONE_NUMBER", _FOREIGN, first="[+(1-9]")


def _find_foreign(view: View) -> Iterator[Found]:
    for found in _numbered_abroad(view):
        if _count(view, found) >= _FEWEST:
            yield found
    for found in _SPOKEN(view):
        if 7 <= _count(view, found) <= 16:
            yield found
    for match in _DEED.finditer(view.text) if _TO_DIGIT.search(view.text) else ():
        found = Found(match.start("v"), match.end("v"), "PHONE_NUMBER", 0.7)
        if 7 <= _count(view, found) <= 15:
            yield found
    for found in _zero_first(view):
        if 8 <= _count(view, found) <= 12:
            yield found


def _count(view: View, found: Found) -> int:
    return sum(char.isdigit() for char in view.text[found.start : found.end])


MOBILE = Detector("CN_MOBILE", "手机", LONG_NUMBER, _find_mobile, visible=(3, 4))
LANDLINE = Detector(
    "CN_LANDLINE", "电话", (*LONG_NUMBER, BRACKETS, *map(literal, _WORDS)), _find_landline, visible=(4, 2)
)
FOREIGN = Detector("PHONE_NUMBER", "国际电话", (*_LOOSE_FOREIGN, *map(literal, _CALLED)), _find_foreign, visible=(3, 2))
