"""What stands in the delta of an event besides its plain texts, and deltas put together.

Text also runs inside structures: the arguments of a function call, the words of a spoken answer, parts of reasoning. It
is cut anywhere as plain text is, so each such text runs for itself, known by where it stands. What labels a structure
(its type, its id) is whole in every event, or looked at behind what stood there before (`asides`).
"""

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from gnomon.gateway.guarding import DEEPEST

Path = tuple[str | int, ...]
OURS: Final = ("tool ", "in ", "by ")
"""How fields begin that are no members of the delta: a tool call's arguments, a text in a structure or beside it."""
CALLS: Final = ("tool ", "in \0tool_calls", "in \0function_call")
_LABELS: Final = frozenset(
    """
    type id name role format status signature data title url mime_type language object finish_reason
    """.split()  # noqa: SIM905 - a line for each word would tell nobody more
)
ENDS: Final = frozenset(
    """
    stop length tool_calls content_filter function_call eos eos_token stop_sequence end_turn max_tokens tool_use
    model_length error abort
    """.split()  # noqa: SIM905 - a line for each word would tell nobody more
)
"""What is said of a choice that has ended. Anything else may stand in every event, and nothing held goes on for it."""
_BLOBS: Final = frozenset(("data", "b64_json", "file_data"))
_HOLDERS: Final = frozenset("audio input_audio audio_url image images image_url video videos video_url file".split())  # noqa: SIM905
_SHORT_BLOB: Final = 64  # characters: what is shorter may be a number that was cut
_base64: Final = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_data_url: Final = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)
_ONCE: Final = frozenset(("type", "index"))  # of the labels, what clients take as it stands and do not add up


class Place(NamedTuple):
    """Where a text runs: a delta of which nothing but that is left, and the way in it."""

    shape: dict[str, Any]
    path: Path


class Inside(NamedTuple):
    """A text inside a structure: the field it runs in, the way to it, what this event has of it, and what it may be."""

    name: str
    path: Path
    text: str
    is_label: bool


def inside(value: Any, name: str, path: Path) -> Iterator[Inside]:
    """Each text that stands in this member of a delta; in `value` nothing is left of it. Raises RecursionError.

    What is no text, as the data of a picture, stays.
    """
    if len(path) > DEEPEST:
        raise RecursionError
    for key, one in list(value.items() if isinstance(value, dict) else enumerate(value)):
        here = (*path, key)
        if isinstance(one, (dict, list)):
            number = one.get("index") if isinstance(one, dict) and isinstance(value, list) else None
            yield from inside(one, f"{name}\0{key if number is None else number}", here)
        elif isinstance(one, str) and one and not _is_blob(one, here):
            value[key] = ""
            yield Inside(f"{name}\0{key}", here, one, key in _LABELS)


def _is_blob(text: str, path: Path) -> bool:
    """Whether this is a piece of speech, a picture or a file, which is no text and guarded as it stands (`media`)."""
    if path[-1] in _BLOBS and len(text) >= _SHORT_BLOB and not _HOLDERS.isdisjoint(path):
        return _base64.fullmatch(text) is not None
    return text[:5] == "data:" and _data_url.match(text) is not None


def is_added_up(one: Inside) -> bool:
    """Whether clients put this behind what stood there before, and do not take it as it stands."""
    return one.path[-1] not in _ONCE


def shape(value: Any) -> Any:
    """A copy without anything but empty texts, and what tells one structure from another."""
    if isinstance(value, dict):
        return {
            key: shape(one) for key, one in value.items() if isinstance(one, (dict, list)) or one == "" or key in _ONCE
        }
    return [shape(one) for one in value] if isinstance(value, list) else value


def put(value: Any, path: Path, text: str) -> None:
    """`text` stands at the end of this way. Raises LookupError or TypeError where there is no such way."""
    for step in path[:-1]:
        value = value[step]
    if value[path[-1]] != "":
        raise LookupError
    value[path[-1]] = text


def joined(one: Any, other: Any, name: str | int = "") -> Any:
    """Two deltas of one choice as one: texts in order."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {**one, **{key: joined(one[key], more, key) if key in one else more for key, more in other.items()}}
    if isinstance(one, list) and isinstance(other, list):
        return _items(one, other)
    return one + other if isinstance(one, str) and isinstance(other, str) and name not in _ONCE else other


def _items(one: list[Any], other: list[Any]) -> list[Any]:
    """By the index that items have, or else one by one."""
    if not any(isinstance(item, dict) and "index" in item for item in (*one, *other)):
        both = [joined(first, second) for first, second in zip(one, other, strict=False)]
        return both + (one if len(one) > len(other) else other)[len(both) :]
    items = list(one)
    for more in other:
        same = [n for n, item in enumerate(items) if _index(item) == _index(more) is not None]
        if same:
            items[same[-1]] = joined(items[same[-1]], more)
        else:
            items.append(more)
    return items


def _index(item: Any) -> Any:
    return item.get("index") if isinstance(item, dict) else None


def told(name: str, text: str, place: Place | None) -> dict[str, Any]:
    """The text of a field as a choice says it."""
    if name == "text":
        return {"text": text}
    if place is not None:
        said: dict[str, Any] = shape(place.shape)
        put(said, place.path, text)
        return said if name.startswith("by ") else {"delta": said}
    if name.startswith("tool "):
        return {"delta": {"tool_calls": [{"index": int(name[5:]), "function": {"arguments": text}}]}}
    return {"delta": {name: text}}


def message(texts: dict[str, str], places: dict[str, Place]) -> dict[str, Any]:
    """All that fields say, as the answer would have been told whole."""
    said: dict[str, Any] = {}
    for name, text in texts.items():
        said = joined(said, told(name, text, places.get(name)).get("delta", {"content": text}))
    return {"role": "assistant", **said}


def number(value: Any) -> int:
    """The place of a tool call as it was said, or the first."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
