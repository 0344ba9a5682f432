"""手机、固话、国外电话 / mobile, landline and foreign telephone numbers."""

import re
from collections.abc import Iterator

from gnomon.guard.detectors.base import GAP, Detector, Words, keyed, matching, numbers, unbroken
from gnomon.guard.scan import BETWEEN, JOINTS, LONG_NUMBER, literal
from gnomon.guard.shapes import trigger
from gnomon.guard.view import Found, Number, View

_PREFIX = re.compile(r"(?:\+|(?<!\d)00|(?<![\d+]))\s?86[\s\-—)·.]{0,2}\Z|[(（]\+?86[)）]\s?\Z")
_MOBILE = re.compile(r"1[3-9]\d{9}")
_ABROAD = "PHONE_NUMBER"
_AMERICAN = (1, 3, 3, 4)  # digits of the groups; ITU-T E.164: no area and no exchange begins with 0 or 1
_AREA = re.compile(r"0(?:10|2\d|[3-9]\d\d)")
_WORDS = ("电话", "固话", "座机", "热线", "传真", "tel", "telephone", "phone", "fax", "call")
NAMED = Words(_WORDS)
_is_named = NAMED.before


def _find_mobile(view: View) -> Iterator[Found]:
    for length, code in ((11, ""), (13, "86"), (15, "0086")):
        for number in view.numbers.get(length, ()):
            if not number.digits.startswith(code) or not _MOBILE.fullmatch(number.digits, len(code)):
                continue
            if _is_written_as_phone(number, unbroken(view, number)) and view.is_alone(number):
                start = with_prefix(view, number.start)
                entity = _ABROAD if _is_american(view, number, start) else "CN_MOBILE"
                yield Found(start, number.end, entity)


def _is_american(view: View, number: Number, start: int) -> bool:
    """Whether its 1 is a country's code: directly behind a plus, or set off from area and exchange (1-415-555-0132)."""
    if len(number.digits) != 11:
        return False
    if start == number.start:
        return number.sizes == _AMERICAN and number.digits[4] > "1"
    return start == number.start - 1 and view.text[start] == "+"


def _is_written_as_phone(number: Number, gaps: tuple[str, ...]) -> bool:
    """In one piece, evenly separated, or with only the country code set off."""
    if len(number.digits) > 11 and len(gaps) > 1:
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


# With the code of China, the area mostly comes without its zero: +86 10 6552 9988.
CODED = trigger(
    rb"(?:\+|00|\(|\xef\xbc\x88)86|86-[0-9]{2,4}-", r"\+86", r"(?<![0-9])0086", "[(（]86", r"(?<![0-9])86-[0-9]{2,4}-"
)
_REGION = r"0?(?:10|2\d|[3-9]\d\d)"
_CODED = matching(
    "CN_LANDLINE",
    r"(?P<v>(?:(?<![\d+])\+86|(?<![\dA-Za-z+.\-])0086|[(（](?:\+|00)?86[)）]"
    rf"|(?<![\dA-Za-z+.\-])86(?=-{_REGION}-))[\s\-.]{{0,2}}"
    rf"(?:\({_REGION}\)|(?:\(0\)\s?)?{_REGION})[\s\-.]{{0,2}}[2-9]\d{{2,3}}[\s\-.]?\d{{4}})(?!\d|\.\d)",
    first="[+08(（]",
)


def _find_landline(view: View) -> Iterator[Found]:
    yield from _NUMBERED(view)
    yield from find_marked(view)


def find_marked(view: View) -> Iterator[Found]:
    """Landlines with their area in brackets, (010) 6552 9988, and those with the code of China."""
    for found in _BRACKETED(view):
        yield Found(with_prefix(view, found.start), found.end, found.entity)
    yield from _CODED(view)


_FOREIGN = (
    r"(?<![A-Za-z0-9_+])(?P<v>(?:\+(?!86)[1-9]\d{0,2}[\s.\-]?(?:\(0?\d{1,4}\)[\s.\-]?)?\d{1,4}(?:[\s.\-]?\d{2,4}){1,4}"
    r"|(?:1[\s.\-])?\([2-9]\d\d\)[\s.\-]?[2-9]\d\d[\s.\-]\d{4}"
    r"|(?:1[\s.\-])?[2-9]\d\d([\s.\-])[2-9]\d\d\2\d{4})(?:\s?(?:x|ext\.?)\s?\d{1,5})?)(?![\d])"
)
# ITU-T E.164: the codes that are assigned, but for China's.
_COUNTRY = (
    r"(?:1|2(?:[07]|[1-689]\d)|3(?:[0-469]|[578]\d)|4(?:[013-9]|2\d)|5(?:[1-8]|[09]\d)|6(?:[0-6]|[7-9]\d)|7"
    r"|8(?:[124]|[035789]\d)|9(?:[0-58]|[679]\d))"
)
_NATIONAL = r"(?:\(0?\d{1,4}\)[\s.\-]?)?\d{1,4}(?:[\s.\-]?\d{2,4}){1,4}"
_AMERICAN_NATIONAL = r"\(?[2-9]\d\d\)?[\s.\-]{0,2}[2-9]\d\d[\s.\-]?\d{4}"
# A code in brackets: (+44) 20 7946 0958; of Hong Kong, Macau and Taiwan mostly without a plus, (852) 2345 6789.
_code_bracketed = matching(
    _ABROAD,
    rf"(?P<v>[(（](?:(?:\+|00)(?:1[)）][\s.\-]{{0,2}}{_AMERICAN_NATIONAL}|(?!1){_COUNTRY}[)）][\s.\-]{{0,2}}{_NATIONAL})"
    rf"|(?:85[23]|886)[)）][\s.\-]{{0,2}}{_NATIONAL}))(?!\d)",
    first="[(（]",
)
# The 00 in the place of a plus. Files are numbered 0020-2023-0415: with hyphens, and in one piece, it takes a key word.
_code_zeroed = matching(
    _ABROAD,
    rf"(?<![A-Za-z0-9_+.,:/\-])(?P<v>00(?:1[\s.\-]{_AMERICAN_NATIONAL}|(?!1){_COUNTRY}\s{_NATIONAL}))(?!\d|[\s.\-]\d)",
    first="0",
)
_code_named = keyed(
    _ABROAD,
    (*_WORDS, "手机", "联系方式", "mobile", "whatsapp"),
    rf"(?:\+|00){_COUNTRY}[\s.\-/]?(?:\(0?\d{{1,4}}\)[\s.\-/]?)?\d{{1,5}}(?:[\s.\-/]?\d{{2,8}}){{1,4}}(?![\dA-Za-z])",
)
_FEWEST_ZEROED = 11  # digits, the 00 too
_DEEDS = "call dial ring text phon fax desk ext answering reach contact available message messages sms texts voicemail"
_LOOSE_FOREIGN = (
    trigger(rb"\+[1-9][0-9]{0,2}" + BETWEEN + rb"{0,3}[0-9(]", rf"\+[1-9][0-9]{{0,2}}[{JOINTS}]{{0,3}}[0-9(]"),
    trigger(
        rb"00[1-9](?:" + BETWEEN + rb"{0,3}[0-9]){%d}" % (_FEWEST_ZEROED - 3),
        "(?<![0-9])00[1-9]" + rf"[{JOINTS}]{{0,3}}[0-9]" * (_FEWEST_ZEROED - 3),
    ),
    trigger(rb"[+0][1-9][0-9]{0,2}\xef\xbc\x89", "[+0][1-9][0-9]{0,2}）"),
    trigger(rb"(?:\(|\xef\xbc\x88)8[58][236](?:\)|\xef\xbc\x89)", "[(（]8[58][236][)）]"),
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
    _ABROAD,
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
    _ABROAD,
    r"(?<![0-9A-Za-z.,+\-(])(?P<v>0[0-9]{1,4}(?:[ ][0-9]{2,4}){2,4})(?![0-9A-Za-z]|[.:/\-][0-9])",
    first="0",
)
_FEWEST = 7  # digits with the code of the country: Niue and Saint Helena; in base64 `/+3332` is nothing
_numbered_abroad = matching(_ABROAD, _FOREIGN, first="[+(1-9]")


def _find_foreign(view: View) -> Iterator[Found]:
    for found in _numbered_abroad(view):
        if _count(view, found) >= _FEWEST:
            yield found
    for find in (_code_bracketed, _code_zeroed, _code_named):
        for found in find(view):
            is_zeroed = view.text.startswith("00", found.start + (view.text[found.start] in "(（"))
            if _count(view, found) >= (_FEWEST_ZEROED if is_zeroed else _FEWEST):
                yield found
    for found in _SPOKEN(view):
        if 7 <= _count(view, found) <= 16:
            yield found
    for match in _DEED.finditer(view.text) if _TO_DIGIT.search(view.text) else ():
        found = Found(match.start("v"), match.end("v"), _ABROAD, 0.7)
        if 7 <= _count(view, found) <= 15:
            yield found
    for found in _zero_first(view):
        if 8 <= _count(view, found) <= 12:
            yield found


def _count(view: View, found: Found) -> int:
    return sum(char.isdigit() for char in view.text[found.start : found.end])


MOBILE = Detector("CN_MOBILE", "手机", LONG_NUMBER, _find_mobile, visible=(3, 4))
LANDLINE = Detector(
    "CN_LANDLINE", "电话", (*LONG_NUMBER, BRACKETS, CODED, *map(literal, _WORDS)), _find_landline, visible=(4, 2)
)
FOREIGN = Detector(_ABROAD, "国际电话", (*_LOOSE_FOREIGN, *map(literal, _CALLED)), _find_foreign, visible=(3, 2))
