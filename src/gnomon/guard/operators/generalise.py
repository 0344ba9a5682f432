"""Less is said: an age band for an age, a month for a day, a city for an address, a net for an address in it, the first
three digits of a postcode.

What cannot be read as what it should be is redacted.
"""

import ipaddress
import re
from collections.abc import Callable

from gnomon.guard.normalise import digits, fold
from gnomon.guard.operators.base import Operator, Subject
from gnomon.guard.placeholders import placeholder

# Not the hour of 2015年 10:30.
_YEAR_FIRST = re.compile(r"([0-9]{4})\s?(?:年|[-/.])?\s?([0-9]{1,2})?(?![0-9]?\s?(?:[:：点时]|(?ai:[ap]\.?m)))")
_YEAR_LAST = re.compile(r"([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4})")
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = re.compile(rf"\b({'|'.join(_MONTHS)})", re.IGNORECASE)
_TENS = re.compile("十[一二]?(?=月)")
# No city or province stands behind a district, a road or a number: …区建国路88号超市 is a shop.
_SMALL = "区县路街巷弄村号0-9A-Za-z"
_CITY = re.compile(rf"(?:自治区|行政区|[^{_SMALL}]){{1,24}}?(?:自治州|地区|(?<![超夜菜早])市|盟)")
_PROVINCE = re.compile(rf"(?:中国)?(?:(?:北京|天津|上海|重庆)市?|[^市{_SMALL}]{{2,5}}?(?:省|自治区|特别行政区))")
_AGE = re.compile("[0-9]{1,3}|[一二两三四五六七八九十百零〇廿卅]+")


def _number(said: str) -> int:
    """三十五, 一百零二, 廿五, or digits."""
    if said.isdigit():
        return int(said)
    total = last = 0
    for char in said.replace("廿", "二十").replace("卅", "三十").replace("两", "二"):
        if char in "十百":
            total, last = total + (last or 1) * (10 if char == "十" else 100), 0
        else:
            last = int(digits(char))
    return total + last


def _date(value: str, format: str) -> str:
    plain = digits(_TENS.sub(lambda month: str(_number(month.group())), value))
    last, first, word = _YEAR_LAST.search(plain), _YEAR_FIRST.search(plain), _MONTH.search(plain)
    found = _YEAR.search(plain)
    if not found:
        return ""
    year = found.group()
    month = last[2] if last else (first[2] if first else None)  # day, month, year, as most of the world writes
    if word:
        month = str(_MONTHS.index(word[1].lower()) + 1)
    if format == "decade":
        return f"{year[:3]}0年代" if "年" in value else f"{year[:3]}0s"
    if format == "year" or not month or not 1 <= int(month) <= 12:
        return f"{year}年" if "年" in value else year
    return f"{year}年{int(month)}月" if "年" in value else f"{year}-{int(month):02}"


def _postcode(value: str, _format: str) -> str:
    """Stars for the rest: what is left is no postcode. Three digits are a district, letters before the space a town."""
    kept = min(3, len(value) - 2) if value[:1].isdigit() else value.find(" ")
    return value[:kept] + re.sub("[0-9A-Za-z]", "*", value[kept:]) if kept > 0 else ""


def _age(value: str, format: str) -> str:
    found = _AGE.search(value)
    if not found:
        return ""
    width = int(format or 10)
    low = _number(found.group()) // width * width
    return f"{value[: found.start()]}{low}-{low + width - 1}{value[found.end() :]}"


def _net(value: str, _format: str) -> str:
    """Stars and no /16: what looks like an address would be masked again. :: stands for zeros, which count too."""
    if ":" in value:
        try:
            whole = ipaddress.IPv6Address(value).packed
        except ValueError:
            return ""
        return ":".join(f"{whole[at] << 8 | whole[at + 1]:x}" for at in (0, 2, 4)) + ":*"
    return ".".join(value.split(".")[:2]) + ".*.*"


def _place(value: str, format: str) -> str:
    """One decimal is about eleven kilometres."""
    return re.sub(rf"(\.[0-9]{{{int(format or 1)}}})[0-9]+", r"\1", value)


def _address(value: str, format: str) -> str:
    found = (_PROVINCE if format == "province" else _CITY).match(value)
    return found.group() if found else ""


def _person(value: str, _format: str) -> str:
    """The year of birth that a resident identity number says."""
    number = "".join(filter(str.isalnum, digits(value)))
    return f"{number[6:10]}年生" if len(number) == 18 else ""


_WAYS: dict[str, tuple[Callable[[str, str], str], tuple[str, ...]]] = {
    "DOB": (_date, ("", "month", "year", "decade")),
    "DATE_TIME": (_date, ("", "month", "year", "decade")),
    "AGE": (_age, ("", "5", "10", "20")),
    "POSTCODE": (_postcode, ("",)),
    "IP": (_net, ("",)),
    "GEO": (_place, ("", "1", "2")),
    "ADDRESS": (_address, ("", "city", "province")),
    "CN_ID": (_person, ("", "year")),
}


def _replace(subject: Subject, format: str) -> str:
    way, _ = _WAYS[subject.entity]
    return way(fold(subject.value).text, format) or placeholder(subject.label)


def _wrong(entity: str, format: str) -> str:
    if entity not in _WAYS:
        return f"only these can be generalised: {', '.join(sorted(_WAYS))}"
    allowed = _WAYS[entity][1]
    return "" if format in allowed else f"it is one of: {', '.join(filter(None, allowed)) or 'none'}"


OPERATOR = Operator("generalise", _replace, _wrong)
