r"""Stretches that say something else than they show: %31%33, \u0031, base64, hexadecimal, letters for digits.

Each is read where it stands and what it says is looked at like any text, twice at most (base64 of %31). A finding in
escapes is as long as its escapes; of base64 and hexadecimal the whole island is reported, for no part of it means
anything alone. An island lies within one token (see `cutting`), so a stream holds it whole; what stands before it only
speaks for it.
"""

import base64
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain
from typing import NamedTuple

from gnomon.guard.cutting import TOKEN
from gnomon.guard.normalise import Shadow
from gnomon.guard.scan import Scanner
from gnomon.guard.shapes import trigger
from gnomon.guard.view import LEFT, Found, View

DEEPEST = 2
LONGEST = 4000
"""Characters of base64 or hexadecimal that are one island (3 KB of content): a stream holds 4,096.

Of a longer run a stream only ever has a part, and does not know where it began: it is read at each place where it may
have begun, and a finding is as long as the signs that say it. Only stretches of text are looked at, so that a picture
costs its decoding.
"""

# The second: three digits that base64 encodes begin at every third byte, so five digits in a row hold such three.
TRIGGERS = (
    trigger(rb"%[0-9a-f]{2}|\\[ux][0-9a-f]{2}", "%[0-9a-f]{2}", r"\\[ux][0-9a-f]{2}"),
    trigger(rb"(?-i:[MNO][DTjz][AEIMQUYcgk][wxyz0-5])", "[MNO][DTjz][AEIMQUYcgk][wxyz0-5]", caseless=False),
    trigger(
        rb"(?-i:[A-Za-z0-9+/]{20}|[A-Za-z0-9+/]{10}=)",
        "(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{20}",
        "(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{10,19}=",
    ),
    trigger(
        rb"(?-i:[OoIlSBZ](?:-?[0-9]){3}|(?:[0-9]-?){3}[OoIlSBZ]|[0-9]-?[OoIlSBZ]-?[0-9])",
        "[OoIlSBZ]-?[0-9]-?[0-9]-?[0-9]",
        "[0-9]-?[0-9]-?[0-9]-?[OoIlSBZ]",
        "[0-9]-?[OoIlSBZ]-?[0-9]",
        caseless=False,
    ),
)
_token = re.compile(rf"[{TOKEN}]{{3,}}")
_ESCAPE = re.compile(r"(?:%[0-9A-Fa-f]{2})+|\\{1,8}(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[/\"\\])")
_CODED = re.compile(r"[A-Za-z0-9+/_\-]{15,}={0,2}")
_WORD = re.compile(r"[A-Za-z0-9]{15,}={0,2}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){11,}")
_ALIKE = re.compile(r"(?<![A-Za-z0-9])[+\-]?[0-9OoIlSBZ](?:-?[0-9OoIlSBZ]){10,20}X?(?![A-Za-z0-9])")
_TO_DIGITS = str.maketrans("OoIlSBZ", "0011582")
_MOST_ALIKE = 4  # letters among the digits: more of them is a part number
_PRINTABLE = re.compile(r"[^\x00-\x08\x0e-\x1f\x7f-\x9f\ufffe\uffff]*")

# At least so much text in UTF-8; of 16 random bytes one in two million are.
_CHARACTER = rb"(?:[\t\n\r\x20-\x7e]|[\xc2-\xdf][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})"
_STRETCH = re.compile(_CHARACTER + b"{16,}+")
_HEX_RUN = re.compile(r"[0-9A-Fa-f]{32,}")
_TO_BASE64 = str.maketrans("-_", "+/")

_GAP = 12  # characters between a key word in escapes and its value
_WORD_REACH = LEFT - _GAP
_BEHIND = 160
_SOMETHING = re.compile(r"[A-Za-z0-9]{4}")

Look = Callable[[str, str, int], tuple[Shadow, list[Found]]]
"""(folded left context, text, depth) → its shadow, and what is in it."""


class Reading(NamedTuple):
    """What an island says, and where each character of it begins and ends in the view; no places: all or nothing."""

    start: int
    end: int
    text: str
    places: list[tuple[int, int]] | None = None


def found(view: View, look: Look, depth: int) -> Iterator[Found]:
    """What is said in the islands of the view, at its places there. `depth`: how many islands the view is in."""
    start = view.start if depth else 0
    for reading in chain(readings(view.text, start), _alike(view.text, start)):
        if depth == 0 and reading.places is not None:
            yield from _spoken_for(view, reading, look)
        if reading.end <= view.start:
            continue
        shadow, items = look(view.text[max(0, reading.start - LEFT) : reading.start], reading.text, depth + 1)
        if not items:
            continue
        if reading.places is None:
            best = max(items, key=lambda item: item.end - item.start)
            yield Found(reading.start, reading.end, best.entity, best.score)
            continue
        for item in items:
            first, last = shadow.start(item.start), shadow.end(item.end) - 1
            yield Found(reading.places[first][0], reading.places[last][1], item.entity, item.score)


def _spoken_for(view: View, reading: Reading, look: Look) -> Iterator[Found]:
    """What stands as it is, behind a key word in escapes, which must be near enough for a stream to remember it."""
    end, behind = reading.end, view.text[reading.end : reading.end + _BEHIND]
    said = "".join(one.text for one in _unescaped(view.text[max(reading.start, end - _WORD_REACH) : end], 0))
    if not said or not _SOMETHING.search(behind):
        return
    shadow, items = look("", said + behind, DEEPEST)  # islands in what is behind are read in their turn
    for item in items:
        start, stop = shadow.start(item.start) - len(said), shadow.end(item.end) - len(said)
        if 0 <= start <= _GAP and (stop < len(behind) or end + stop == len(view.text)):
            yield Found(end + start, end + stop, item.entity, item.score)


def readings(text: str, start: int = 0) -> Iterator[Reading]:
    """What escapes say, token by token, and then base64 and hexadecimal."""
    if "%" in text or "\\" in text:
        for token in _token.finditer(text, start):
            if "%" in token.group() or "\\" in token.group():
                yield from _unescaped(token.group(), token.start())
    for run in _CODED.finditer(text, start):
        long = run.end() - run.start() > LONGEST
        yield from (_stretches if long else _decoded)(run.group(), run.start())


def _alike(text: str, start: int) -> Iterator[Reading]:
    """Numbers with letters for some of their digits."""
    for run in _ALIKE.finditer(text, start):
        letters = sum(char.isalpha() for char in run.group().removesuffix("X"))
        if 0 < letters <= _MOST_ALIKE:
            places = [(at, at + 1) for at in range(run.start(), run.end())]
            yield Reading(run.start(), run.end(), run.group().translate(_TO_DIGITS), places)


def _unescaped(token: str, start: int) -> Iterator[Reading]:
    parts: list[str] = []
    places: list[tuple[int, int]] = []
    at = 0
    for match in _ESCAPE.finditer(token):
        said = _said(match.group())
        if said is None:
            continue
        parts.append(token[at : match.start()])
        places += [(start + place, start + place + 1) for place in range(at, match.start())]
        parts.append(said)
        stands = start + match.start()
        for width in _widths(match[0], said):
            places.append((stands, stands + width))
            stands += width
        at = match.end()
    if parts:
        parts.append(token[at:])
        places += [(start + place, start + place + 1) for place in range(at, len(token))]
        yield Reading(start, start + len(token), "".join(parts), places)


def _widths(escape: str, said: str) -> list[int]:
    """How long each character that is said stands escaped: several bytes of UTF-8 make one."""
    if escape[0] != "%":
        return [len(escape)]
    if len(said) * 3 == len(escape):
        return [3] * len(said)
    return [3 * len(char.encode()) for char in said]


def _said(escape: str) -> str | None:
    if escape[0] == "%":
        data = bytes.fromhex(escape.replace("%", ""))
        try:
            return data.decode()
        except UnicodeDecodeError:
            return data.decode("latin-1")
    escape = escape.lstrip("\\") or "\\"  # each string that holds the string doubles them
    return chr(int(escape[1:], 16)) if escape[0] in "ux" else escape


def _decoded(run: str, start: int) -> Iterator[Reading]:
    """What base64 or hexadecimal says, of the whole run, or of a word in it that a sign was taken to belong to."""
    for word in (run, *(match.group() for match in _WORD.finditer(run) if match.group() != run)):
        at = start + run.index(word)
        for decode in (_from_hex, _from_base64):
            text = decode(word)
            if text and _PRINTABLE.fullmatch(text):
                yield Reading(at, at + len(word), text)
                break


def _stretches(run: str, start: int) -> Iterator[Reading]:
    """What is text in a run that is too long to be held whole, in hexadecimal or in base64 that began anywhere."""
    for digits in _HEX_RUN.finditer(run):
        for shift in range(2):
            whole = digits.group()[shift : shift + (len(digits.group()) - shift) // 2 * 2]
            yield from _texts(bytes.fromhex(whole), start + digits.start() + shift, bits=4)
    bare = run.rstrip("=").translate(_TO_BASE64)
    for shift in range(4):
        whole = bare[shift : shift + (len(bare) - shift) // 4 * 4]
        yield from _texts(base64.b64decode(whole), start + shift, bits=6)


def _texts(data: bytes, start: int, *, bits: int) -> Iterator[Reading]:
    """The stretches of text in bytes of which the first is said at `start`, by signs of so many bits."""
    if not _text_scanner().any(data):
        return
    for stretch in _STRETCH.finditer(data):
        try:
            text = stretch.group().decode()
        except UnicodeDecodeError:
            continue  # half a surrogate pair
        places, at = [], stretch.start()
        for char in text:
            end = at + len(char.encode())
            places.append((start + at * 8 // bits, start - (-end * 8 // bits)))
            at = end
        yield Reading(places[0][0], places[-1][1], text, places)


@cache
def _text_scanner() -> Scanner:
    """Says of bytes whether they hold a stretch at all, ten times as fast as looking for one: a picture has none."""
    return Scanner([[_CHARACTER + b"{16}"]])


def _from_hex(word: str) -> str:
    if not _HEX.fullmatch(word):
        return ""
    try:
        return bytes.fromhex(word).decode()
    except ValueError:
        return ""


def _from_base64(word: str) -> str:
    bare = word.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True).decode()
    except ValueError:
        return ""
