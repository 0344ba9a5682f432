"""Whether every object of a JSON text names each field once. Two readers may take different ones of two."""

import json
import re
from typing import Any, Final

import msgspec

_encode: Final = msgspec.json.Encoder().encode
_BACKSLASH: Final = ord("\\")
# How a name's end and its colon may be written otherwise than `":`: then only a full look tells.
_HINTS: Final = (b"\\u00", b'" ', b'"\n', b'"\t', b'"\r')  # each found in a fraction of what the pattern takes
_SPACE_HINTS: Final = (
    b"\n",
    b"\t",
    b"\r",
    b" :",
)  # enough where nothing is escaped: looking for one byte costs next to nothing
_OTHERWISE: Final = re.compile(rb'"[ \t\r\n]+:|\\u00(?:22|3[aA])')


def repeated(raw: bytes, value: Any) -> str | None:
    """A name that an object of `raw`, which reads as `value`, holds twice; None when there is none.

    Written anew a repeated name is gone. So bytes that are the same again tell at once, which those of most clients
    are; the number of `":` tells in microseconds what a full look takes tens of.
    """
    again = _encode(value)
    if again == raw:
        return None
    hints = _HINTS if _BACKSLASH in raw else _SPACE_HINTS
    # `in` would take bytes for a number first, and make an error of each, which costs ten times the look.
    plain = all(raw.find(hint) < 0 for hint in hints) or _OTHERWISE.search(raw) is None
    if plain and raw.count(b'":') == again.count(b'":'):
        return None
    found: list[str] = []
    json.loads(raw, object_pairs_hook=lambda pairs: _note(pairs, found), parse_int=len, parse_float=len)
    return found[0] if found else None


def _note(pairs: list[tuple[str, Any]], found: list[str]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        found.extend(name for name in names if names.count(name) > 1)
