"""What a look at a text or at a number can say."""

from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct


class State(StrEnum):
    """Of a control, an indicator, a criterion. `NOT_MEASURED` is never green."""

    MET = "met"
    NOT_MET = "not_met"
    INSUFFICIENT = "insufficient"
    NOT_MEASURED = "not_measured"


class Span(Struct, frozen=True):
    """`text[start:end]` (Python code points) is an `entity`, with a score in [0, 1]."""

    start: int
    end: int
    entity: str
    score: float = 1.0


class Masked(Struct, frozen=True):
    """A text after the policy was applied. `blocked` names the entity that forbids the text to pass at all.

    `replacements[i]` stands where `spans[i]` stood; a span that blocked has none.
    """

    text: str
    spans: tuple[Span, ...] = ()
    counts: dict[str, int] = {}
    blocked: str = ""
    replacements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContentVerdict:
    """`text[start:end]` is evidence of a `category` of attack or unsafe matter, with a score in [0, 1], by `rule`."""

    category: str
    score: float
    start: int
    end: int
    rule: str
