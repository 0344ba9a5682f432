"""JSON values: every string is looked at wherever it stands, names of members too, and JSON inside strings."""

import json
from typing import Any

from gnomon.guard.carriers import Apply

LONG_NUMBER = 10_000_000_000
"""Eleven digits: the shortest number that is somebody's (a mobile number)."""
_DEEPEST = 8  # JSON in a string in JSON in a string ...


def applied(value: Any, apply: Apply, *, field: str = "", depth: int = 0) -> Any:
    """The value with every text replaced. A long number that is somebody's becomes text, any other stays a number.

    Raises RecursionError past some hundred levels.
    """
    if isinstance(value, str):
        return _text(value, apply, field, depth)
    if isinstance(value, list):
        return [applied(one, apply, field=field, depth=depth) for one in value]
    if isinstance(value, dict):
        return _members(value, apply, depth)
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= LONG_NUMBER:
        return _number(value, apply, field)
    return value


def _members(value: dict[str, Any], apply: Apply, depth: int) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, one in value.items():
        shown = apply(name, "").text
        while shown in out:  # two names that are told apart by what was masked only
            shown += "'"
        out[shown] = applied(one, apply, field=name, depth=depth)
    return out


def _text(text: str, apply: Apply, field: str, depth: int) -> str:
    inner = _json(text) if depth < _DEEPEST else None
    if inner is None:
        return apply(text, field).text
    seen = applied(inner, apply, field=field, depth=depth + 1)
    return text if seen == inner else json.dumps(seen, ensure_ascii=False)


def _json(text: str) -> dict[str, Any] | list[Any] | None:
    if text[:1] not in ("{", "["):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def _number(value: float, apply: Apply, field: str) -> Any:
    if isinstance(value, float) and not value.is_integer():
        return value
    plain = str(int(value))
    text = apply(plain, field).text
    return value if text == plain else text
