"""The guard of JSON whose policy speaks of fields: what a member of a name holds, and JSON inside strings.

A field is a member that the caller, a tool or the model has named: in what is no part of the protocol (`metadata`), in
`user`, and in JSON that stands in a string, as a tool's arguments do. The protocol's own names are none, or a rule
about `name` would change which function is called; nor are those of a schema, which name fields and hold none.
"""

from typing import Any, Final

import msgspec

from gnomon.gateway.guarding import DEEPEST, NUMERIC, PROTOCOL, Guard, Lent, Masker, Side, StreamMasker, TreeGuard
from gnomon.gateway.streaming import Garbage

_OURS: Final = PROTOCOL - {"user"}
_SCHEMAS: Final = frozenset(("parameters", "schema", "input_schema"))
_MOST_HELD: Final = 16 << 20  # characters of a text that is guarded as a whole
_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode


def tree_guard(masker: Masker, side: Side, vault: Any) -> TreeGuard:
    """What guards JSON by this masker's policy."""
    return FieldGuard(masker, side, vault) if masker.fields else TreeGuard(masker, side, vault)


def stream_guard(guard: Guard, masker: Masker, vault: Any, name: str) -> StreamMasker:
    """What guards a text that runs in a stream under this name (`deltas`)."""
    if not masker.fields:
        return guard.stream(masker, "output", vault, "")
    tree = FieldGuard(masker, "output", vault)
    field = _field_of(tree, name)
    return FieldStream(guard.stream(masker, "output", vault, field), tree, field)


class FieldGuard(TreeGuard):
    """Rewrites JSON values by rules that name fields, and by the others. Raises Refusal("blocked")."""

    __slots__ = ("_fields", "_is_whole", "_plain")

    def __init__(self, masker: Masker, side: Side, vault: Any) -> None:
        super().__init__(masker, side, vault)
        self._plain = TreeGuard(masker, side, vault)
        self._plain.counts = self.counts
        self._fields = masker.fields
        self._is_whole = masker.is_whole

    def value(self, value: Any, depth: int = 0) -> Any:
        return self._of(value, "", True, depth)

    def whole(self, field: str) -> bool:
        """Whether all that such a field holds is one value to the policy."""
        return field != "" and self._is_whole(field, self._side)

    def held(self, text: str, field: str) -> str:
        """The guarded text of a field, be it JSON or not."""
        return self._string(text, field, 0)

    def field(self, name: str, *, is_ours: bool) -> str:
        """The name as rules may speak of it; nothing where it is no field, or none that a rule names."""
        return "" if name not in self._fields or (is_ours and name in _OURS) else name

    def _of(self, value: Any, field: str, is_ours: bool, depth: int) -> Any:
        if depth > DEEPEST:
            raise RecursionError
        kind = type(value)
        if kind is str:
            return self._string(value, field, depth)
        if kind is list:
            return [self._of(one, field, is_ours, depth + 1) for one in value]
        if kind is dict:
            return self._members(value, field, is_ours, depth + 1)
        if value is None:
            return None
        if self.whole(field):
            return self.text(_encode(value).decode(), field=field)
        return value if kind is bool else self.number(value, is_ours=is_ours)

    def _members(self, members: dict[str, Any], field: str, is_ours: bool, depth: int) -> dict[str, Any]:
        outer = field if self.whole(field) else ""
        out: dict[str, Any] = {}
        for name, value in members.items():
            is_known = name in PROTOCOL
            shown = name if is_known else self.text(name)
            if is_ours and name in _SCHEMAS and type(value) is dict:
                out[shown] = self._plain.value(value, depth)
            elif is_ours and name in NUMERIC and type(value) is int:
                out[shown] = value
            else:
                inner = outer or self.field(name, is_ours=is_ours)
                out[shown] = self._of(value, inner, is_ours and is_known and name != "user", depth)
        return out

    def _string(self, text: str, field: str, depth: int) -> str:
        if self.whole(field):
            return self.text(text, field=field)
        inner = _json(text)
        if inner is None:
            return text if text in PROTOCOL else self.text(text, field=field)
        before = _encode(inner)
        after = _encode(self._of(inner, field, False, depth + 1))
        return text if before == after else after.decode()


class FieldStream:
    """Text that runs in a stream by such a policy: JSON, and what is one value to it, waits for its end."""

    __slots__ = ("_field", "_parts", "_size", "_stream", "_tree", "_waits")

    def __init__(self, stream: StreamMasker, tree: FieldGuard, field: str) -> None:
        self._stream = stream
        self._tree = tree
        self._field = field
        self._waits: bool | None = True if tree.whole(field) else None  # None: nothing has come yet
        self._parts: list[str] = []
        self._size = 0

    @property
    def counts(self) -> dict[str, int]:
        """How many of each entity were acted upon so far."""
        return self._tree.counts if self._waits else self._stream.counts

    @property
    def pending(self) -> str:
        """The text that is held back now."""
        return "".join(self._parts) if self._waits else self._stream.pending

    @property
    def blocked(self) -> str:
        """The entity that forbids the stream to go on, or nothing."""
        return self._stream.blocked

    def feed(self, text: str) -> str:
        """What may go out now. Raises Garbage."""
        if self._waits is None and text:
            self._waits = text[:1] in "{["
        if not self._waits:
            return self._stream.feed(text) if text else ""
        self._size += len(text)
        if self._size > _MOST_HELD:
            raise Garbage(f"a text that has to be guarded as a whole is longer than {_MOST_HELD} characters")
        self._parts.append(text)
        return ""

    def lend(self) -> Lent | None:
        """See `gnomon.guard.stream`."""
        return None if self._waits is not False else self._stream.lend()

    def take_back(self, passed: int, context: str, pending: str) -> None:
        """See `gnomon.guard.stream`."""
        self._stream.take_back(passed, context, pending)

    def flush(self) -> str:
        """The rest, at the end of the stream; nothing the second time. Raises Refusal("blocked")."""
        if not self._waits:
            return self._stream.flush()
        text = "".join(self._parts)
        self._parts = []
        return self._tree.held(text, self._field) if text else ""


def _field_of(tree: FieldGuard, name: str) -> str:
    """The field, as rules may speak of it, that a text runs in."""
    is_ours, found = True, ""
    for step in name.removeprefix("in ").split("\0"):
        if step.isdigit() or not step or step.startswith("tool "):
            continue
        if not tree.whole(found):
            found = tree.field(step, is_ours=is_ours)
        is_ours = is_ours and step in _OURS
    return found


def _json(text: str) -> dict[str, Any] | list[Any] | None:
    if text[:1] not in ("{", "["):
        return None
    try:
        value = _decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return value if isinstance(value, (dict, list)) else None
