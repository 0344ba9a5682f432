"""Strings of JSON, social credit codes and tokens of persons: what C and Python say of each text."""

import random

from gnomon import native
from gnomon.gateway.quoting import is_utf8_slowly, quoted_slowly
from gnomon.guard.checksums import social_credit_code
from gnomon.guard.detectors.social_credit import CHECKED
from gnomon.guard.persons import PersonIndex
from gnomon.guard.view import Found, View

_USED = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def compare_strings(rng: random.Random, text: str) -> None:
    """Raises SystemExit where the two differ: of the text, of its UTF-8, and of that with a few bytes changed."""
    made = native.load("strings")
    data = bytearray(text.encode("utf-8", "surrogatepass"))
    for _ in range(rng.choice((0, 0, 1, 3)) if data else 0):
        data[rng.randrange(len(data))] = rng.randrange(256)
    cut = bytes(data[rng.randrange(4) : len(data) - rng.randrange(4)])
    for given in (text, bytes(data), cut):
        _same("quoted", given, made.quoted(given), quoted_slowly(given))
    for given in (bytes(data), cut):
        _same("is_utf8", given, made.is_utf8(given), is_utf8_slowly(given))


def compare_codes(rng: random.Random, text: str) -> None:
    """The same for social credit codes, of which one stands in the text."""
    at = rng.randrange(len(text) + 1)
    told = text[:at] + rng.choice(("", " ", "码")) + _code(rng) + rng.choice(("", " ", "_", "1")) + text[at:]
    for given in (text, told):
        found = native.load("codes").codes(given, Found, CHECKED.entity)
        _same("codes", given, found, list(CHECKED.find(View(given))))


def compare_tokens(rng: random.Random, text: str) -> None:
    """The same for the tokens of what may be identifiers."""
    index = PersonIndex([rng.randbytes(rng.randrange(1, 65))])
    number = "".join(rng.choice("0123456789") for _ in range(rng.randrange(9, 12)))
    dialled = rng.choice(("0086", "+86", "86", "(+86) ", "")) + "1" + rng.choice(("-", "", " ")) + number
    given = [text, text[:600], "".join(map(chr, filter((127).__gt__, map(ord, text)))), dialled, text[:3] + "@" + text]
    _same("tokens", given, index.tokens_of(given), index.tokens_slowly(given))


def _code(rng: random.Random) -> str:
    """One whose check character is right more often than chance would have it, in either case."""
    digits = "".join(rng.choice("0123456789") for _ in range(6))
    begin = rng.choice(_USED) + rng.choice(_USED) + digits + "".join(rng.choice(_USED) for _ in range(9))
    made = next(begin + last for last in _USED if social_credit_code(begin + last))
    return rng.choice((made, made, made.lower(), made[:-1] + rng.choice(_USED)))


def _same(what: str, given: object, one: object, other: object) -> None:
    if one != other:
        raise SystemExit(f"{what}: {given!r}: {one!r} in C, {other!r} in Python")
