"""Nationalities and web addresses: another people of the same kind, a page under a domain of nobody (RFC 2606)."""

import re
from typing import Final

from gnomon.guard.surrogates.dice import Dice
from gnomon.guard.surrogates.people import latin_word

_COUNTRIES: Final = (
    "法国",
    "巴西",
    "埃及",
    "越南",
    "希腊",
    "荷兰",
    "瑞典",
    "波兰",
    "印度",
    "肯尼亚",
    "墨西哥",
    "新西兰",
)
_PEOPLES: Final = ("回", "苗", "彝", "壮", "侗", "瑶", "白", "傣", "黎", "土家", "哈尼", "布依", "纳西")
_OTHERS: Final = ("基督徒", "佛教徒", "道教徒", "穆斯林", "共青团员", "民盟盟员", "农工党党员", "无党派人士")
_ADJECTIVES: Final = (
    "Danish", "Chilean", "Kenyan", "Peruvian", "Norwegian", "Greek", "Vietnamese", "Moroccan", "Latvian", "Nepalese",
    "Brazilian", "Portuguese", "Ghanaian", "Finnish",
)  # fmt: skip
_CHINESE: Final = re.compile("[\u3400-\u9fff]")
_KIND: Final = re.compile("(?:国籍|公民|裔|籍|人)$")
_SCHEME: Final = re.compile(r"[a-z]+://", re.IGNORECASE)
_PATH: Final = re.compile(r"[^/?]+[/?].")


def nationality(value: str, dice: Dice) -> str:
    """Another country, ethnic group, or belief or party, in the script and case of the value."""
    if not _CHINESE.search(value):
        made = dice.choice(_ADJECTIVES)
        return made.lower() if value.islower() else made.upper() if value.isupper() else made
    if value.endswith("族"):
        return dice.choice(_PEOPLES) + "族"
    if (kind := _KIND.search(value)) and value not in _OTHERS and value != "犹太人":
        return dice.choice(_COUNTRIES) + kind[0]
    return dice.choice(_OTHERS)


def web_address(value: str, dice: Dice) -> str:
    """With a scheme, `www.` and a path where the value has them."""
    scheme = _SCHEME.match(value)
    rest = value[scheme.end() :] if scheme else value
    host = f"{latin_word(dice)}.example.{dice.choice(('com', 'org', 'net'))}".lower()
    path = f"/{latin_word(dice)}{dice.below(90) + 10}".lower() if _PATH.match(rest) else "/" if rest[-1:] == "/" else ""
    return f"{scheme[0] if scheme else ''}{'www.' if rest[:4].lower() == 'www.' else ''}{host}{path}"
