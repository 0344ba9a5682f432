"""Facts inside the program: a lower domain speaks upward by emitting one; wiring says who listens."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events; a subclass is a frozen dataclass, named in the past tense, in its domain's `schemas.py`."""
