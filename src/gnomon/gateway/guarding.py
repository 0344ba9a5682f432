"""Guards every string of a JSON value, wherever it stands: unknown fields, tool arguments, keys, long numbers too."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

import msgspec

from gnomon.contract.bundle import MaskPolicy
from gnomon.contract.content import ContentPolicy
from gnomon.contract.verdicts import Masked
from gnomon.gateway.quoting import quoted
from gnomon.gateway.refusal import Refusal

Side = Literal["input", "output"]
Place = tuple[int, int, Any, str | None]
"""See `gnomon.guard.view`."""
Lent = tuple[Callable[[str], Any], Callable[[str, int], int], Callable[[str, int], int], str, str, int]
"""See `gnomon.guard.finding`."""

PROTOCOL: Final = frozenset(
    """
    role content messages model stream temperature top_p max_tokens max_completion_tokens n stop user
    assistant system developer tool tools tool_calls tool_call_id function arguments name description
    parameters type text object id choices index message finish_reason usage created prompt_tokens
    completion_tokens total_tokens delta logprobs properties required string number integer boolean array
    input prompt embedding data list chat.completion chat.completion.chunk text_completion refusal token bytes
    top_logprobs logprob items enum additionalProperties
    """.split()  # noqa: SIM905 - sixty lines of one word each would tell nobody more
)
DEEPEST: Final = 400
"""Levels of a JSON value that is walked: compiled code would not notice the end of its stack."""
_LONG_NUMBER: Final = 10_000_000_000  # eleven digits: the shortest number that is somebody's (a mobile number)
_SHORT_NUMBER: Final = 1000  # four digits: the shortest that a company's own pattern may take
NUMERIC: Final = frozenset(("seed", "created"))
_NUMERIC_FIELD: Final = re.compile(rb'[{,]\s*"(?:seed|created)"\s*:\s*\Z')
_NAME_ENDS: Final = (b":", b" ", b"\n", b"\t", b"\r")  # what may stand behind a name
_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode


class Masker(Protocol):
    """See `gnomon.guard.policy`."""

    @property
    def fields(self) -> frozenset[str]: ...

    @property
    def short_numbers(self) -> bool: ...

    def is_whole(self, field: str, direction: Side) -> bool: ...

    def mask(self, text: str, direction: Side, vault: Any, *, field: str = "", fired: Any = None) -> Masked: ...

    def places(self, data: bytes) -> list[Place] | None: ...

    def hits(self, data: bytes) -> bool: ...

    @property
    def is_quick(self) -> bool: ...


class StreamMasker(Protocol):
    """See `gnomon.guard.stream`."""

    @property
    def counts(self) -> dict[str, int]: ...

    @property
    def pending(self) -> str: ...

    @property
    def blocked(self) -> str: ...

    def feed(self, text: str) -> str: ...

    def lend(self) -> Lent | None: ...

    def take_back(self, passed: int, context: str, pending: str) -> None: ...

    def flush(self) -> str: ...


class StreamRestorer(Protocol):
    """See `gateway.restoring`."""

    def feed(self, text: str) -> str: ...

    def flush(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Guard:
    """How to make the parts of the guard; bound in `app/gateway`."""

    masker: Callable[[MaskPolicy, bytes], Masker]
    stream: Callable[[Any, Side, Any, str], StreamMasker]  # of the text of a field, "" for none
    vault: Callable[[str], Any]  # of a conversation, or "" for this request alone
    restorer: Callable[[Any], StreamRestorer]
    content: Callable[[ContentPolicy], Any] | None = None  # → gateway.judging.ContentGuard; None: nothing can judge


def blocked(entity: str, side: Side) -> Refusal:
    return Refusal(
        "blocked",
        400 if side == "input" else 502,
        message=(
            f"{'请求' if side == 'input' else '回复'}中含有策略禁止传递的内容（{entity}），已被拦截。 "
            f"The {'request' if side == 'input' else 'reply'} holds content that the policy forbids to pass ({entity})."
        ),
        code="content_blocked",
    )


class TreeGuard:
    """Rewrites JSON values and counts what it masked. Raises Refusal("blocked") where the policy says block."""

    __slots__ = ("_least", "_mask", "_side", "_vault", "counts")

    def __init__(self, masker: Masker, side: Side, vault: Any) -> None:
        self._mask = masker.mask
        self._least = _SHORT_NUMBER if masker.short_numbers else _LONG_NUMBER
        self._side: Side = side
        self._vault = vault
        self.counts: dict[str, int] = {}

    def text(self, text: str, fired: Any = None, *, field: str = "") -> str:
        """The guarded text. `fired`: what its place said of it; `field`: the name of what holds it."""
        if "\\u" in text and text[:1] in "{[":
            text, fired = _unescaped(text), None
        masked = self._mask(text, self._side, self._vault, field=field, fired=fired)
        if masked.blocked:
            raise blocked(masked.blocked, self._side)
        if masked.counts:
            for entity, count in masked.counts.items():
                self.counts[entity] = self.counts.get(entity, 0) + count
        return masked.text

    def value(self, value: Any, depth: int = 0) -> Any:
        """The guarded value. Raises RecursionError past some hundred levels, which callers answer as a bad request."""
        kind = type(value)
        if depth > DEEPEST:
            raise RecursionError
        if kind is dict:
            return self._object(value, depth + 1)
        if kind is list:
            return [self.value(one, depth + 1) for one in value]
        if kind is str:
            return value if value in PROTOCOL else self.text(value)
        return self.number(value) if kind is int or kind is float else value

    def _object(self, members: dict[str, Any], depth: int) -> dict[str, Any]:
        """In one loop: a call for each member would cost more than the look at it."""
        out = {}
        for name, value in members.items():
            kind = type(value)
            if kind is str:
                if value not in PROTOCOL:
                    value = self.text(value)
            elif kind is dict or kind is list:
                value = self.value(value, depth)
            elif (kind is int or kind is float) and name not in NUMERIC:
                value = self.number(value, is_ours=name in PROTOCOL)
            out[name if name in PROTOCOL else self.text(name)] = value
        return out

    def places(self, raw: bytes, places: list[Place]) -> bytes | None:
        """JSON with what stands at these places guarded, and every other byte as it is.

        None where a name has changed or a place cannot be read alone: the whole value has to be walked.
        """
        parts: list[bytes] = []
        at = 0
        for start, end, fired, text in places:
            value: Any = _decode(raw[start:end]) if text is None else text
            guarded: Any  # a number may stay one
            if type(value) is str:
                guarded = value if value in PROTOCOL else self.text(value, fired)
            else:
                guarded = value if _NUMERIC_FIELD.search(raw, max(0, start - 64), start) else self.number(value)
            if guarded == value:
                continue
            if type(value) is str and raw[end : end + 1] in _NAME_ENDS:
                return None
            parts += (raw[at:start], _encode(guarded) if text is None else quoted(guarded) or _encode(guarded))
            at = end
        return b"".join((*parts, raw[at:])) if parts else raw

    def number(self, value: Any, *, is_ours: bool = False) -> Any:
        """A number that is somebody's becomes the masked text; any other stays a number.

        `is_ours`: the protocol's own, as `max_tokens`, which is looked at only where it is long. A `value: float` would
        make a float of every whole number in compiled code.
        """
        least = _LONG_NUMBER if is_ours else self._least
        if -least < value < least:
            return value
        if isinstance(value, float) and not value.is_integer():
            return value
        plain = str(int(value))
        masked = self.text(plain)
        return value if masked == plain else masked


def _unescaped(text: str) -> str:
    """JSON inside a string (tool arguments) without the `\\u` escapes that would hide what it says."""
    try:
        return msgspec.json.encode(msgspec.json.decode(text)).decode()
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return text
