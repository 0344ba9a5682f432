"""A name that stands twice is found whatever it is hidden by, and nothing else is taken for one."""

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.gateway.names_once import repeated

NAMES = st.text(st.sampled_from('ab":\\ z\u4f60'), max_size=4)
VALUES = st.recursive(
    st.none() | st.integers(-9, 9) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
SPACES = st.sampled_from(["", " ", "\n", "\t "])


def _written(value: Any, draw: Any, repeat: bool) -> tuple[str, bool]:
    """JSON with arbitrary spaces and escapes; when `repeat`, some object may name a field twice."""
    if isinstance(value, dict):
        members, again = [], False
        for name, inner in value.items():
            text, deeper = _written(inner, draw, repeat)
            again = again or deeper
            members.append(f"{_name(name, draw)}{draw(SPACES)}:{draw(SPACES)}{text}")
            if repeat and draw(st.booleans()):
                members.append(f"{_name(name, draw)}{draw(SPACES)}:0")
                again = True
        return "{" + ",".join(members) + "}", again
    if isinstance(value, list):
        parts = [_written(inner, draw, repeat) for inner in value]
        return "[" + ",".join(text for text, _ in parts) + "]", any(again for _, again in parts)
    return _name(value, draw) if isinstance(value, str) else json.dumps(value), False


def _name(text: str, draw: Any) -> str:
    if draw(st.booleans()):
        return json.dumps(text, ensure_ascii=draw(st.booleans()))
    return '"' + "".join(f"\\u{ord(letter):04x}" for letter in text) + '"'


@given(value=VALUES, repeat=st.booleans(), data=st.data())
@settings(max_examples=150, deadline=None)
def test_repeated_names_are_found_and_only_they(value: Any, repeat: bool, data: st.DataObject) -> None:
    text, again = _written(value, data.draw, repeat)
    raw = text.encode()
    assert (repeated(raw, msgspec.json.decode(raw)) is not None) == again
