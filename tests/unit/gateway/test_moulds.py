"""Where the text of an event stands is proved, or nothing is learnt from the event."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gnomon.gateway.moulds import mould

WORDS = st.sampled_from(["content", "delta", '"content":"x"', "a\\", "好", 'content": "', "}", ","])
VALUES = st.recursive(WORDS | st.none() | st.integers(0, 9), lambda inner: st.dictionaries(WORDS, inner, max_size=2))


@given(
    text=WORDS,
    beside=st.dictionaries(WORDS.filter(lambda name: name != "delta"), VALUES, max_size=3),
    envelope=st.dictionaries(WORDS, VALUES, max_size=3),
    separators=st.sampled_from([(",", ":"), (", ", ": "), (",", " : ")]),
    ascii_only=st.booleans(),
)
def test_another_text_in_its_place_changes_that_text_and_nothing_else(
    text: str, beside: dict[str, Any], envelope: dict[str, Any], separators: tuple[str, str], ascii_only: bool
) -> None:
    choice = {**beside, "index": 0, "delta": {"content": text}, "finish_reason": None}
    event = {**envelope, "choices": [choice]}
    made = mould(json.dumps(event, separators=separators, ensure_ascii=ascii_only).encode(), envelope, choice)
    if made is not None:
        before, after = made.parts[0].removeprefix(b"data: "), made.parts[1]
        other = json.loads(before + b'"another"' + after)
        assert other == {**event, "choices": [{**choice, "delta": {"content": "another"}}]}


def test_the_usual_event_is_learnt_from() -> None:
    choice = {"index": 0, "delta": {"content": "好"}, "finish_reason": None}
    envelope = {"id": "c", "object": "chat.completion.chunk"}
    for separators in ((",", ":"), (", ", ": ")):
        event = json.dumps({**envelope, "choices": [choice]}, separators=separators).encode()
        made = mould(event, envelope, choice)
        assert made is not None
        assert made.text(event) == "好"
