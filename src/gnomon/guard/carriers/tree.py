"""JSON values: every string is looked at wherever it stands, names of members too, and JSON inside strings.

A number is looked at as its text; it becomes text where something stands for it, and else stays a number. Of a field
that a policy takes whole, whatever its value holds belongs to it: numbers, lists, and the members of an object.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gnomon.guard.carriers import Apply

_DEEPEST = 8  # JSON in a string in JSON in a string ...


def applied(value: Any, apply: Apply, *, is_whole: Callable[[str], bool]) -> Any:
    """The value with every text replaced. `is_whole`: whether the policy takes all that a field of that name holds.

    Raises RecursionError past some hundred levels.
    """
    return _Walk(apply, is_whole).value(value, "", 0)


@dataclass(frozen=True, slots=True)
class _Walk:
    apply: Apply
    is_whole: Callable[[str], bool]

    def value(self, value: Any, field: str, depth: int) -> Any:
        if isinstance(value, str):
            return self._text(value, field, depth)
        if isinstance(value, list):
            return [self.value(one, field, depth) for one in value]
        if isinstance(value, dict):
            return self._members(value, field, depth)
        return value if value is None else self._plain(value, field)

    def _members(self, value: dict[str, Any], field: str, depth: int) -> dict[str, Any]:
        out: dict[str, Any] = {}
        outer = field if field and self.is_whole(field) else ""
        for name, one in value.items():
            shown = self.apply(name, "").text
            while shown in out:  # two names that are told apart by what was masked only
                shown += "'"
            out[shown] = self.value(one, outer or name, depth)
        return out

    def _text(self, text: str, field: str, depth: int) -> str:
        is_whole = field != "" and self.is_whole(field)
        inner = _json(text) if depth < _DEEPEST and not is_whole else None
        if inner is None:
            return self.apply(text, field).text
        seen = self.value(inner, field, depth + 1)
        return text if seen == inner else json.dumps(seen, ensure_ascii=False)

    def _plain(self, value: float, field: str) -> Any:
        """A number, true or false."""
        if field and self.is_whole(field):
            return self.apply(json.dumps(value), field).text
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            return value
        plain = str(int(value))
        text = self.apply(plain, field).text
        return value if text == plain else text


def _json(text: str) -> dict[str, Any] | list[Any] | None:
    if text[:1] not in ("{", "["):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None
