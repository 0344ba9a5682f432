"""Stored JSON made readable: named facts, small tables of equal records, times in the reader's zone, people by name.

`tree` turns a value into a `Node`; the macro `facts` of `_facts.html` draws it. Nothing is left out: what is long
stands in a fold, and a digest is shown short with the whole of it in its title.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from gnomon.console.reader import Reader
from gnomon.kit import i18n

PEOPLE: Final = frozenset(
    {"person", "owner", "owner_id", "author", "author_id", "executor", "reviewer", "decider", "collaborators"}
    | {"by", "confirmed_by", "checked_by", "supervisor", "person_id", "planned_by", "made_by"}
)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_LONG = 400  # characters; more stands in a fold
_WIDE = 8  # columns; a table with more would not be read
_SHORT = 60  # characters of a cell that stays on one line


@dataclass(frozen=True, slots=True)
class Node:
    """`kind`: empty, text, number, code, long, group (named nodes), list (nodes), table (header and rows of nodes)."""

    kind: str
    text: str = ""
    title: str = ""
    named: tuple[tuple[str, "Node"], ...] = ()
    nodes: tuple["Node", ...] = ()
    header: tuple[str, ...] = ()
    rows: tuple[tuple["Node", ...], ...] = ()

    @property
    def is_leaf(self) -> bool:
        return self.kind in ("empty", "text", "number", "code")

    @property
    def is_short(self) -> bool:
        return self.is_leaf and len(self.text) <= _SHORT


_NOTHING: Final = Node("empty", "–")


def tree(reader: Reader, value: Any, key: str = "") -> Node:
    """`value` (plain JSON) as the reader sees it; `key` is the name that it stands under."""
    if value is None or value in ("", [], {}):
        return _NOTHING
    if isinstance(value, Mapping):
        if value.keys() == set(i18n.LOCALES):  # one text in every language
            return Node("text", str(value[reader.context.locale]))
        return Node("group", named=tuple((reader.label(name), tree(reader, one, name)) for name, one in value.items()))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _several(reader, value, key)
    return _leaf(reader, value, key)


def _several(reader: Reader, values: Sequence[Any], key: str) -> Node:
    if all(isinstance(one, Mapping) for one in values):
        keys = list(dict.fromkeys(name for one in values for name in one))
        if len(keys) <= _WIDE:
            rows = tuple(tuple(tree(reader, one.get(name), name) for name in keys) for one in values)
            return Node("table", header=tuple(reader.label(name) for name in keys), rows=rows)
    nodes = tuple(tree(reader, one, key) for one in values)
    if all(node.is_short for node in nodes):
        return Node("text", reader.context.gettext("、").join(node.text for node in nodes))
    return Node("list", nodes=nodes)


def _leaf(reader: Reader, value: Any, key: str) -> Node:
    if isinstance(value, bool):
        return Node("text", reader.context.gettext("是") if value else reader.context.gettext("否"))
    if isinstance(value, int | float):
        return Node("number", _number(value))
    text = str(value)
    if key in PEOPLE:
        return Node("text", reader.name(text))
    if _DIGEST.fullmatch(text):
        return Node("code", text[:12], title=text)
    if _INSTANT.fullmatch(text):
        at = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return Node("text", i18n.moment(at, reader.context.locale, zone=reader.zone, seconds=True))
    if _DAY.fullmatch(text):
        return Node("text", i18n.day(datetime.fromisoformat(text).date(), reader.context.locale))
    return Node("long" if len(text) > _LONG else "text", text)


def _number(value: float) -> str:
    if isinstance(value, int) or value == int(value):
        return i18n.number(value)
    digits = 4 if abs(value) < 10 else 1
    return i18n.number(value, digits=digits).rstrip("0").rstrip(".")
