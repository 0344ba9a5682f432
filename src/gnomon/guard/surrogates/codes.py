"""Numbers and codes that look like the real ones and are nobody's, where that can be had.

Digits become digits, letters letters, separators stay. Where a number has a check digit, the surrogate's is wrong;
where a standard keeps a range for examples, it comes from there: RFC 2606 (mail), RFC 2544 and 3849 (addresses), NANP
555-01xx, social security numbers from 666, MAC addresses that are locally administered. Mobiles come from 142, 143 and
154, in which no network has numbers (decision 0022). Others (a landline, a student's) may be somebody's elsewhere.
"""

import re
import string
from collections.abc import Callable, Mapping
from typing import Final

from gnomon.guard import checksums
from gnomon.guard.normalise import digits, fold
from gnomon.guard.surrogates.dice import Dice
from gnomon.guard.surrogates.people import GIVEN, latin_word

Maker = Callable[[str, Dice], str]
"""(value as read, dice) → what may stand for it; empty: nothing this time."""

_HANZI: Final = re.compile(r"[\u3400-\u9fff]")
_STRUCTURE: Final = frozenset(
    "年月日生号字第省市区军警学领使港澳京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼挂试超东西南北经纬度分秒岁周"
)
_NUMBER: Final = re.compile(r"[0-9]+")
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_AREAS: Final = ("11", "12", "13", "14", "21", "31", "32", "33", "34", "35", "36", "37", "41", "42", "43", "44", "51")
_CHECKS: Final[Mapping[str, tuple[Callable[[str], bool], ...]]] = {
    "CN_ID": (checksums.resident_id,),
    "BANK_CARD": (checksums.luhn,),
    "USCC": (checksums.social_credit_code,),
    "IMEI": (checksums.luhn,),
    "VIN": (checksums.vehicle_id,),
    "IBAN": (checksums.iban,),
    "UK_NHS": (checksums.nhs,),
    "EU_NATIONAL_ID": (
        checksums.fiscal_code, checksums.french_insee, checksums.belgian_register, checksums.spanish_nif,
        checksums.german_tax_id, checksums.pesel, checksums.dutch_bsn,
    ),
}  # fmt: skip


def read(value: str) -> str:
    """The value as detectors read it: folded, Chinese numerals as digits."""
    return digits(fold(value).text)


def shaped(value: str, dice: Dice) -> str:
    """Every letter and digit replaced by one of its kind; Chinese characters stay only where they say what it is."""
    return "".join(_alike(char, dice) for char in value)


def _alike(char: str, dice: Dice) -> str:
    for alphabet in (string.digits, string.ascii_uppercase, string.ascii_lowercase):
        if char in alphabet:
            return dice.choice(alphabet)
    if char in _STRUCTURE or not char.isalnum():
        return char
    return dice.choice(GIVEN) if _HANZI.match(char) else dice.choice(string.ascii_lowercase)


def refilled(value: str, made: str) -> str:
    """`made` in place of the ASCII letters and digits of `value`, as many, among its separators."""
    left = iter(made)
    return "".join(next(left) if char.isascii() and char.isalnum() else char for char in value)


def bare(value: str) -> str:
    return "".join(char for char in value if char.isascii() and char.isalnum())


def _unchecked(entity: str) -> Maker:
    """Whatever is made for the entity has a wrong check digit."""

    def make(value: str, dice: Dice) -> str:
        made = _BODIES.get(entity, shaped)(value, dice)
        for _ in range(10):
            plain = bare(made).upper()
            if not any(_passes(check, plain) for check in _CHECKS[entity]):
                return made
            made = _next_digit(made)
        return ""

    return make


def _passes(check: Callable[[str], bool], plain: str) -> bool:
    try:
        return check(plain)
    except (ValueError, IndexError, KeyError):
        return False  # another shape than that check is about


def _next_digit(made: str) -> str:
    """The last digit one higher."""
    at = max((place for place, char in enumerate(made) if char.isascii() and char.isdigit()), default=-1)
    if at < 0:
        return made
    return f"{made[:at]}{(int(made[at]) + 1) % 10}{made[at + 1 :]}"


def _resident_id(value: str, dice: Dice) -> str:
    plain = bare(value)
    if len(plain) not in (15, 18):
        return shaped(value, dice)
    born = f"{1940 + dice.below(66)}{1 + dice.below(12):02}{1 + dice.below(28):02}"[0 if len(plain) == 18 else 2 :]
    made = dice.choice(_AREAS) + dice.text(string.digits, 4) + born
    return refilled(value, made + dice.text(string.digits, len(plain) - len(made)))


def _card(value: str, dice: Dice) -> str:
    plain = bare(value)
    return refilled(value, plain[:2] + dice.text(string.digits, len(plain) - 2))  # 62: of which network it is


def _mobile(value: str, dice: Dice) -> str:
    plain = bare(value)
    if len(plain) < 11:
        return ""
    made = dice.choice(("142", "143", "154")) + dice.text(string.digits, 8)
    return refilled(value, plain[:-11] + made)


def _email(value: str, dice: Dice) -> str:
    number = dice.below(90) + 10 if any(char.isdigit() for char in value.partition("@")[0]) else ""
    return f"{latin_word(dice)}.{latin_word(dice)}{number}@example.{dice.choice(('com', 'org', 'net'))}".lower()


def _ip(value: str, dice: Dice) -> str:
    if ":" in value:
        return f"2001:db8::{dice.below(1 << 16):x}:{dice.below(1 << 16):x}"
    return f"198.{18 + dice.below(2)}.{dice.below(256)}.{1 + dice.below(254)}"


def _mac(value: str, dice: Dice) -> str:
    is_upper = value == value.upper()
    made = dice.text("0123456789abcdef", 1) + dice.choice("26ae") + dice.text("0123456789abcdef", len(bare(value)) - 2)
    return refilled(value, made.upper() if is_upper else made)


def _place(value: str, dice: Dice) -> str:
    """Whole degrees stay: about a hundred kilometres."""

    def other(match: re.Match[str]) -> str:
        is_whole = value[match.end() : match.end() + 1] in (".", "°", "度")
        return match[0] if is_whole else dice.text(string.digits, len(match[0]))

    return _NUMBER.sub(other, value)


def _date(value: str, dice: Dice) -> str:
    """Another day, of a year at most three away; both other numbers are months, so that any order is a date."""
    words = set(re.findall(r"[A-Za-z]{3,}", value))
    if unknown := [word for word in words if not any(month.startswith(word.title()) for month in _MONTHS)]:
        return "" if unknown else value

    def other(match: re.Match[str]) -> str:
        said = match[0]
        year = str(int(said[:4]) - 3 + dice.below(7)) if len(said) in (4, 6, 8) else ""
        rest = len(said) - len(year)
        if rest > 2:
            return year + "".join(f"{1 + dice.below(12):02}" for _ in range(rest // 2))
        return year + (f"{1 + dice.below(12):02}" if rest == 2 else str(1 + dice.below(9)) if rest else "")

    made = _NUMBER.sub(other, value)
    for word in words:
        made = made.replace(word, dice.choice(_MONTHS)[: len(word) if len(word) == 3 else None])
    return made


def _age(value: str, dice: Dice) -> str:
    steps = (-3, -2, -1, 1, 2, 3)
    return _NUMBER.sub(lambda match: str(max(1, int(match[0]) + dice.choice(steps))), value, count=1)


def _ssn(value: str, dice: Dice) -> str:
    return refilled(value, "666" + dice.text(string.digits, len(bare(value)) - 3))


def _phone(value: str, dice: Dice) -> str:
    plain = bare(value)
    if plain.isdigit() and len(plain) in (10, 11):
        return refilled(value, plain[:-7] + "55501" + dice.text(string.digits, 2))
    lead = 2 if value.startswith("00") else int(value.startswith("+"))
    return value[:lead] + shaped(value[lead:], dice)


def _uuid(value: str, dice: Dice) -> str:
    made = refilled(value, dice.text("0123456789abcdef", len(bare(value))))
    return made.upper() if value == value.upper() else made


def _plate(value: str, dice: Dice) -> str:
    """No authority issues the letter I."""
    return refilled(value, "I" + shaped(bare(value)[1:], dice))


_BODIES: Final[Mapping[str, Maker]] = {"CN_ID": _resident_id, "BANK_CARD": _card}
CODES: Final[Mapping[str, Maker]] = {
    **{entity: _unchecked(entity) for entity in _CHECKS},
    "CN_MOBILE": _mobile,
    "EMAIL": _email,
    "IP": _ip,
    "MAC": _mac,
    "GEO": _place,
    "DOB": _date,
    "AGE": _age,
    "DATE_TIME": _date,
    "US_SSN": _ssn,
    "PHONE_NUMBER": _phone,
    "PLATE": _plate,
    "UUID": _uuid,
    **dict.fromkeys(
        (
            "CN_LANDLINE", "PASSPORT", "HMT_PERMIT", "DRIVER_LICENCE", "OFFICER_ID", "MRN", "INSURANCE_NO",
            "STUDENT_NO", "POSTCODE", "BANK_ACCOUNT", "MEDICAL_LICENCE", "SOCIAL_HANDLE", "WALLET", "WECHAT", "QQ",
            "UK_NINO", "US_TAX_ID", "EU_VAT",
        ),
        shaped,
    ),
}  # fmt: skip
"""Entity → how its surrogate is made."""
