"""What a look at a text or at a number can say."""

from dataclasses import dataclass, field
from enum import StrEnum


class State(StrEnum):
    """Of a control, an indicator, a criterion. `NOT_MEASURED` is never green."""

    MET = "met"
    NOT_MET = "not_met"
    INSUFFICIENT = "insufficient"
    NOT_MEASURED = "not_measured"


@dataclass(frozen=True, slots=True)
class Span:
    """`text[start:end]` (Python code points) is an `entity`, with a score in [0, 1]."""

    start: int
    end: int
    entity: str
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class Masked:
    """A text after the policy was applied. `blocked` names the entity that forbids the text to pass at all."""

    text: str
    spans: tuple[Span, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    blocked: str = ""
