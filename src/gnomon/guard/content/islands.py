"""Text in another coding inside a text: Base64, hexadecimal, escapes, binary, Morse, characters that show nothing.

Each coding is a pattern that finds a run and a function that reads it. What is read counts up to its first character
that no text has, and only from `SHORTEST` characters on: most runs are names, hashes and numbers.
"""

import base64
import binascii
import html
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

SHORTEST = 8
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]")
_MORSE_SIGNS = """
.- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --..
----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----.
"""
_MORSE = dict(zip(_MORSE_SIGNS.split(), "abcdefghijklmnopqrstuvwxyz0123456789", strict=True))


class Island(NamedTuple):
    """`text` is what characters `start` to `end` say."""

    start: int
    end: int
    text: str


class Coding(NamedTuple):
    """`gate`: a byte pattern without which there is no such run."""

    gate: bytes
    run: re.Pattern[str]
    read: Callable[[str], str]


def _base64(run: str) -> str:
    plain = re.sub(r"\s", "", run).rstrip("=").replace("-", "+").replace("_", "/")
    best = ""
    for skip in range(4):  # the beginning may stand in the window before
        piece = plain[skip:]
        text = _decoded(base64.b64decode(piece[: len(piece) // 4 * 4]) + _tail(piece))
        best = max(best, text, key=len)
        if skip == 0 and len(text) >= SHORTEST:
            break
    return best


def _tail(piece: str) -> bytes:
    rest = piece[len(piece) // 4 * 4 :]
    return base64.b64decode(rest + "=" * (4 - len(rest))) if len(rest) > 1 else b""


def _base32(run: str) -> str:
    plain = run.rstrip("=").upper()
    whole = len(plain) * 5 // 8 * 8  # bits of whole bytes
    plain = plain[: -(-whole // 5)]
    return _decoded(base64.b32decode(plain + "=" * (-len(plain) % 8)))


def _base85(run: str) -> str:
    try:
        return _decoded(base64.a85decode(run.strip("<~>")))
    except (ValueError, binascii.Error):
        return ""


def _hex(run: str) -> str:
    digits = re.sub(r"(?i)\\x|0x|%|=|[^0-9a-f]", "", run)
    return _decoded(bytes.fromhex(digits[: len(digits) // 2 * 2]))


def _escapes(run: str) -> str:
    units = [int(code, 16) for code in re.findall("[uU]\\{?([0-9a-fA-F]{4,6})", run)]
    return _printable("".join(chr(unit) for unit in units if unit < 0x110000))


def _binary(run: str) -> str:
    bits = re.sub("[^01]", "", run)
    return _decoded(bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) - 7, 8)))


def _decimal(run: str) -> str:
    return _printable("".join(chr(int(code)) for code in re.findall("[0-9]{2,3}", run)))


def _morse(run: str) -> str:
    words = re.split(r"\s*/\s*|\s{2,}", run.strip())
    return " ".join("".join(_MORSE.get(sign, "") for sign in word.split()) for word in words)


def _tags(run: str) -> str:
    return _printable("".join(chr(ord(char) - 0xE0000) for char in run))


def _selectors(run: str) -> str:
    return _decoded(bytes(ord(char) - (0xFE00 if ord(char) < 0xFF00 else 0xE0100 - 16) for char in run))


def _decoded(data: bytes) -> str:
    return _printable(data.decode("utf-8", "replace"))


def _printable(text: str) -> str:
    end = _UNPRINTABLE.search(text)
    return text[: end.start()] if end else text


CODINGS = (
    Coding(rb"[A-Za-z0-9+/_-]{16}", re.compile(r"[A-Za-z0-9+/_-]{16,}(?:\r?\n[A-Za-z0-9+/_-]{4,})*={0,2}"), _base64),
    Coding(rb"[A-Z2-7]{24}", re.compile("[A-Z2-7]{24,}|[a-z2-7]{24,}"), _base32),
    Coding(rb"<~[!-u]{8}", re.compile("<~[!-uz\\s]{8,}"), _base85),
    Coding(
        rb"(?:[0-9a-f]{2}[ :,]?){8}|(?:(?:\\x|0x|%|=)[0-9a-f]{2}[ ,]{0,2}){3}",
        re.compile(
            r"(?:[0-9a-fA-F]{2}[ :,]?){8,}|(?:(?:\\x|0x|%|=)[0-9a-fA-F]{2}(?:[ ,]{0,2}|[A-Za-z ]{0,8}?(?=%))){3,}"
        ),
        _hex,
    ),
    Coding(rb"\\u[0-9a-f{]", re.compile(r"(?:\\[uU]\{?[0-9a-fA-F]{4,6}\}? ?){3,}"), _escapes),
    Coding(rb"&#", re.compile(r"(?:&#x?[0-9a-fA-F]{2,6};? ?){3,}"), html.unescape),
    Coding(rb"[01]{8}[ ,]?[01]{8}", re.compile("(?:[01]{8}[ ,]?){4,}"), _binary),
    Coding(rb"(?:[0-9]{2,3}[ ,]{1,2}){8}", re.compile(r"(?:[0-9]{2,3}[ ,]{1,2}){8,}[0-9]{2,3}"), _decimal),
    Coding(rb"[.-]{1,5}[ /][.-]{1,5}[ /][.-]{1,5}[ /]", re.compile(r"(?:[.-]{1,5}(?:[ /]{1,3})){6,}[.-]{0,5}"), _morse),
    Coding(rb"(?:\xf3\xa0[\x80\x81][\x80-\xbf]){4}", re.compile("[\U000e0020-\U000e007e]{4,}"), _tags),
    Coding(
        rb"(?:\xf3\xa0[\x84-\x87][\x80-\xbf]|\xef\xb8[\x80-\x8f]){4}",
        re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}"),
        _selectors,
    ),
)


def islands(text: str, numbers: set[int]) -> Iterator[Island]:
    """What the codings `numbers` (of CODINGS) hide in `text`."""
    for number in sorted(numbers):
        coding = CODINGS[number]
        for match in coding.run.finditer(text):
            said = coding.read(match.group())
            if len(said) >= SHORTEST:
                yield Island(match.start(), match.end(), said)
