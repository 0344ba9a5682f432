"""日期与时间 / dates and times of day, Chinese and English. Looked for only where a policy names them: a text without
its dates is of little use to a clinic or a court, and the date of birth is found in any case.

A date is one by its form. A year alone needs a word before it that leads to a year. What is said from today (明天, next
week) tells nobody when it was, and stays.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache

from gnomon.guard.detectors.base import Detector, matching
from gnomon.guard.detectors.birth import MONTHS
from gnomon.guard.normalise import DIGIT
from gnomon.guard.scan import SPACE, literal
from gnomon.guard.view import Found, View

ENTITY = "DATE_TIME"
_D = "(?:3[01]|[12][0-9]|0?[1-9])"
_M = "(?:1[0-2]|0?[1-9])"
_Y = "(?:1[5-9][0-9]{2}|20[0-9]{2})"
_ZONE = r"(?:\s?(?:UTC|GMT|[CEMP][SD]T|BST|CES?T|JST|IST|Z)\b)?(?:\s?[+\-][01][0-9]:?[0-5][0-9](?![0-9]))?"
_CLOCK = r"(?:[01]?[0-9]|2[0-3])[:：][0-5][0-9](?:[:：][0-5][0-9](?:[.,][0-9]{1,6})?)?(?![0-9:：])"
_HALF = r"(?:\s?(?:[AaPp][Mm]\b|[AaPp]\.[Mm]\.?))"
_TIME = rf"(?:{_CLOCK}{_HALF}?{_ZONE}|(?:1[0-2]|0?[1-9]){_HALF}{_ZONE}|(?:1[0-2]|[1-9])\so['’]clock)"
_N = f"[{DIGIT}十廿卅]"
_OF_DAY = "凌晨|清晨|清早|早晨|早上|上午|正午|中午|午后|下午|傍晚|晚上|晚间|夜里|夜间|深夜|半夜"
_POINT = (
    rf"(?:(?:{_OF_DAY})\s?{_N}{{1,3}}\s?(?:[点时](?:{_N}{{1,3}}分(?:{_N}{{1,3}}秒)?|[半整钟]|[一三]刻)?|[:：][0-5][0-9])"
    rf"|{_N}{{1,3}}\s?点(?:{_N}{{2,3}}分(?:{_N}{{1,3}}秒)?|[半整钟]|[一三]刻)|{_N}{{1,3}}\s?时{_N}{{1,3}}分(?:{_N}{{1,3}}秒)?)"
)
_WEEK = (
    r"(?:星期|礼拜|(?<![一二三四五六七八九十两几半多每0-9])周|(?<=每)周(?=[二三四五六日天]))[一二三四五六日天]"
    r"(?![次个天名元万千百人位家年岁])"
)
_HAN_CLOCK = rf"(?:[\s,，]{{0,2}}(?:{_POINT}|(?:{_OF_DAY})?\s?{_CLOCK}|{_OF_DAY}))?"
_HAN_TIME = rf"(?:[\s,，]{{0,2}}[（(]?{_WEEK}[）)]?)?{_HAN_CLOCK}"
_HAN_YEAR = rf"(?:{_Y}\s?[-—至到~]\s?)?(?:{_Y}|[一二][{DIGIT[3:]}]{{3}})\s?年"
_HAN_DAY = rf"(?:{_N}{{1,2}}|{_M})\s?月份?(?:\s?{_N}{{1,3}}\s?[日号](?![楼栋幢室院线门]))?"
_HAN_DATE = (
    rf"(?:{_HAN_YEAR}(?:\s?(?:{_HAN_DAY}|第?[一二三四1-4]季度|[上下]半年)|代)?|[12]?[0-9]0\s?年代"
    rf"|{_N}{{1,2}}\s?月\s?{_N}{{1,3}}\s?[日号](?![楼栋幢室院线门])){_HAN_TIME}"
)
_LEFT = r"(?<![0-9A-Za-z_./:\-])"
_AND = rf"(?:(?:T|,?\s(?:at\s)?){_TIME})?"
_NUMBERS = (
    rf"(?:{_Y}(?P<s>[-/.]){_M}(?P=s){_D}|{_M}(?P<t>[-/.]){_D}(?P=t){_Y}|{_D}(?P<u>[-/.]){_M}(?P=u){_Y}"
    rf"|{_M}/{_D}/[0-9]{{2}}|{_D}/{_M}/[0-9]{{2}})(?![0-9]|[-/.][0-9]){_AND}(?:{_HAN_TIME})"
)
_SOLID = r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?![0-9A-Za-z_\-]|\.[0-9])"
_DAY_NAME = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_SHORT_DAY = r"(?:Mon|Tue|Tues|Wed|Thu|Thur|Thurs|Fri|Sat|Sun)\b\.?"
_TH = "(?:st|nd|rd|th)?"
_TO = r"(?:\s?-\s?|\s(?:to|and)\s)"
_WRITTEN = (
    rf"(?:{MONTHS}\b\.?\s{_D}{_TH}(?:{_TO}{_D}{_TH})?\b(?![:.][0-9])(?:,?\s{_Y}\b)?"
    rf"|(?:{_D}{_TH}{_TO})?{_D}{_TH}\s(?:of\s)?{MONTHS}\b\.?(?:,?\s{_Y}\b)?"
    rf"|{_D}-{MONTHS}-(?:{_Y}|[0-9]{{2}})\b|{MONTHS}\b\.?,?\s(?:of\s)?{_Y}\b|Q[1-4]\s{_Y}\b)"
)
_SAID = (
    rf"(?:(?ai:(?:(?:{_DAY_NAME}|{_SHORT_DAY}),?\s(?:the\s)?)?{_WRITTEN}){_AND}"
    rf"|(?:{_DAY_NAME}s?\b)(?:,?\s(?:at\s)?{_TIME})?)"
)
_YEAR = re.compile(
    rf"(?<![\w.,/$€£¥#:\-])(?:the )?(?P<v>{_Y}(?:s\b|(?:-|–|—| to )(?:{_Y})\b)?)(?![\w/%°]|[.,:][0-9]|-)"
)
_MONTH = re.compile(rf"(?<![\w.\-]){MONTHS}(?![\w.\-])")
_LEADS = re.compile(
    r"(?:\b(?:in|since|until|till|by|from|of|during|before|after|circa|around|early|mid|late|year|years|summer|winter|"
    r"spring|autumn|fall|a|the|and|or|to|through|between|born|founded|established|est\.|copyright|dated?:?|FY|on)|©)"
    r"\s?\Z",
    re.IGNORECASE,
)
_COUNTED = re.compile(
    r"\s?(?:people|persons|users|customers|clients|employees|workers|students|members|guests|units|items|pieces|words|"
    r"characters|tokens|pages|files|rows|records|lines|requests|times|points|votes|dollars?|euros?|pounds?|yuan|RMB|"
    r"USD|EUR|GBP|CNY|miles?|meters?|metres?|feet|ft|km|kg|cm|mm|[mgKMGT]?[gmlbBWV]\b|cal\w*|kcal|watts?|mAh|[kMG]?Hz|"
    r"seconds?|minutes?|hours?|days?|weeks?|months?|years?|degrees?|steps?|copies|shares|percent|元|人|个|次|名|万|亿)"
)
_NO_MONTH = re.compile(r"\b(?:may|march|mar|dec|sun|sat|wed)\b")
"""Plain words, where they are written small."""
_IN_MONTH = re.compile(r"\b(?:in|since|until|till|by|of|during|last|next|this|early|mid|late)\s\Z", re.IGNORECASE)
_NAMED = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "day", "clock")
_LEAD = 14
REACH = 96
"""Longest of them, with what may stand behind."""


@cache
def _patterns() -> tuple[Callable[[View], Iterator[Found]], ...]:
    """Made when first asked for: most policies never do."""
    return (
        matching(ENTITY, rf"{_LEFT}(?P<v>{_NUMBERS})", first="[0-9]"),
        matching(ENTITY, rf"{_LEFT}(?P<v>{_SOLID})", first="[0-9]"),
        matching(ENTITY, rf"{_LEFT}(?P<v>{_SAID})", first="[0-9A-Za-z]"),
        matching(ENTITY, rf"{_LEFT}(?P<v>{_TIME})", first="[0-9]"),
        matching(ENTITY, rf"(?<![0-9.])(?P<v>{_HAN_DATE})", first=_N),
        matching(ENTITY, rf"(?<![0-9.])(?P<v>{_POINT})", first=f"[{DIGIT}十廿卅凌清早上正中午下傍晚夜深半]"),
        matching(ENTITY, rf"(?P<v>{_WEEK}{_HAN_CLOCK})", first="[星礼周]"),
    )


def _find(view: View) -> Iterator[Found]:
    text = view.text
    for find in _patterns():
        yield from (item for item in find(view) if not _NO_MONTH.search(text, item.start, item.end))
    for year in _YEAR.finditer(text):
        before = text[max(0, year.start() - _LEAD) : year.start("v")]
        is_led = _LEADS.search(before) or (before.endswith("(") and text.startswith(")", year.end()))
        if is_led and not _COUNTED.match(text, year.end()):
            yield Found(year.start("v"), year.end(), ENTITY, 0.7)
    for month in _MONTH.finditer(text):
        if text[month.start()].isupper() and _IN_MONTH.search(text[max(0, month.start() - _LEAD) : month.start()]):
            yield Found(*month.span(), ENTITY, 0.7)


DETECTOR = Detector(
    ENTITY,
    "日期",
    (
        *map(literal, ("年", "月", "点", "时", "星期", "礼拜", "周", *_OF_DAY.split("|"))),
        *(word.encode() for word in _NAMED),
        rb"[0-9]{4}",
        rb"[0-9](?:[-/.:]|\xef\xbc\x9a)[0-9]",
        rb"[0-9]" + SPACE + rb"?[AaPp]\.?[Mm]",
    ),
    _find,
    reach=REACH,
)
