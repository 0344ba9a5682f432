"""Most events of a stream differ in their text only: what stands around it is judged once and then recognised.

A mould is made from a whole event that was taken apart. Another payload fits when it has the same bytes around exactly
one JSON string: putting another string into valid JSON changes that string and nothing else.
"""

import re
from functools import lru_cache
from itertools import islice
from typing import Any, Final

import msgspec

_decode: Final = msgspec.json.Decoder().decode
_decode_text: Final = msgspec.json.Decoder(str).decode
_encode: Final = msgspec.json.Encoder().encode
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_MOST_PLACES: Final = 4  # where a member of that name is looked for in a payload
_ROLES: Final = ("assistant", "tool", "user", "system")
RUNNING: Final = frozenset(("content", "refusal", "reasoning", "reasoning_content"))
"""Members of a delta whose texts run."""
CALM: Final = frozenset((("index", "delta", "finish_reason"), ("index", "delta", "logprobs", "finish_reason")))
"""The members of a choice beside which no server has put any of its own."""
KNOWN: Final = RUNNING | {"role", "tool_calls", "function_call"}
"""Members of a delta that may be null."""
_LF: Final = 0x0A  # numbers, see `events`
_BACKSLASH: Final = 0x5C


class Mould:
    """Events of one choice with one running text. `place` names the text, `around` is all that else goes out."""

    __slots__ = (
        "_after", "_before", "_head", "_least", "_tail", "around", "envelope", "is_plain", "parts", "place", "tells"
    )  # fmt: skip

    def __init__(
        self, place: tuple[int, str], came: tuple[bytes, bytes], goes: tuple[bytes, bytes], *, tells: bool
    ) -> None:
        self.place = place
        self.envelope: dict[str, Any] = {}
        self.is_plain = False  # whether nothing but its envelope can hold what is somebody's
        self.tells = tells  # whether it goes out even when all of its text is held back
        self.around = b"".join(goes)
        self._before, self._after = came
        self._least = len(self._before) + len(self._after)
        self._head = b"data: " + goes[0]
        self._tail = goes[1] + b"\n\n"
        # For `native/events.c`: an event as most servers write it, and as it goes on.
        self.parts = (b"data: " + self._before, self._after + b"\n\n", self._head, self._tail, tells)

    def text(self, payload: bytes) -> str:
        """The text of an event that fits; empty when it does not, or has none."""
        if not payload.startswith(self._before) or not payload.endswith(self._after) or len(payload) < self._least:
            return ""
        try:
            return _decode_text(payload[len(self._before) : len(payload) - len(self._after)])
        except (msgspec.DecodeError, UnicodeDecodeError):
            return ""

    def event(self, text: str) -> bytes:
        return b"%b%b%b" % (self._head, _encode(text), self._tail)


def mould(payload: bytes, envelope: dict[str, Any], choice: Any) -> Mould | None:
    """The mould of an event with one choice in which one text runs and nothing ends; None for any other event."""
    delta = choice.get("delta") if isinstance(choice, dict) else None
    if not isinstance(delta, dict) or choice.get("finish_reason") is not None or choice.get("logprobs") is not None:
        return None
    running = [name for name, value in delta.items() if name != "role" and value is not None]
    index = choice.get("index", 0)
    if len(running) != 1 or type(index) is not int or not isinstance(delta[running[0]], str) or "text" in choice:
        return None
    name = running[0]
    if _LF in payload or not delta[name] or delta.get("role", "user") not in _ROLES:
        return None
    empty = {**choice, "delta": {**delta, name: ""}}
    came = _around_only(payload, name) or _around(payload, name, {**envelope, "choices": [empty]})
    if came is None:
        return None
    made = Mould((index, name), came, _event(envelope, empty, name), tells="role" in delta)
    made.envelope = envelope
    made.is_plain = tuple(choice) in CALM and delta.keys() <= KNOWN
    return made


@lru_cache(64)
def _place(name: str) -> re.Pattern[bytes]:
    """Where a string stands that is a member of this name."""
    return re.compile(rb"%b:\s*(?=\")" % re.escape(_encode(name)))


def _around_only(payload: bytes, name: str) -> tuple[bytes, bytes] | None:
    """What stands before and after the text, where it is plain to see: without a backslash every quote begins or ends
    a string, and a string that stands there once, before a colon, is the name of the member that is known to be there.
    """
    quoted = _encode(name)
    at = payload.find(quoted)
    if at < 0 or _BACKSLASH in payload or payload.count(quoted) != 1:
        return None
    place = at + len(quoted)
    if payload[place : place + 1] != b":":
        return None
    start = place + (2 if payload[place + 1 : place + 2] == b" " else 1)
    if payload[start : start + 1] != b'"':
        return None
    return payload[:start], payload[payload.index(b'"', start + 1) + 1 :]


def _around(payload: bytes, name: str, expected: dict[str, Any]) -> tuple[bytes, bytes] | None:
    """The same of any payload, proved by putting an empty text there."""
    for place in islice(_place(name).finditer(payload), _MOST_PLACES):
        string = _STRING.match(payload, place.end())
        if string is None:
            continue
        before, after = payload[: string.start()], payload[string.end() :]
        found = _decode(before + b'""' + after)
        if {key: value for key, value in found.items() if key != "usage"} == expected:
            return before, after
    return None


def _event(envelope: dict[str, Any], empty: dict[str, Any], name: str) -> tuple[bytes, bytes]:
    """The event that goes on, without its text: the choice last, in it the delta, in that the text."""
    rest = {key: value for key, value in empty.items() if key != "delta"}
    others = {key: value for key, value in empty["delta"].items() if key != name}
    whole: bytes = _encode({**envelope, "choices": [{**rest, "delta": {**others, name: ""}}]})
    after = b"}}]}"
    return whole[: -len(b'""' + after)], after
