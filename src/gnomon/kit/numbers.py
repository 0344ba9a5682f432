"""Numbers that come in over HTTP: finite, and small enough that every reader of JSON reads the same one."""

import math
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field

GREATEST: Final = 2**53 - 1
"""The greatest whole number that JSON carries unchanged everywhere (RFC 8785, IEEE 754 doubles)."""

Whole = Annotated[int, Field(ge=-GREATEST, le=GREATEST)]
Real = Annotated[float, Field(allow_inf_nan=False)]


def check_numbers(value: Any) -> Any:
    """`value` as it is. Raises ValueError for a number anywhere in it that is not finite, or past 2**53 - 1."""
    pending = [value]
    while pending:  # not by recursion: how deep it goes is the sender's choice
        one = pending.pop()
        if isinstance(one, dict):
            pending.extend(one.values())
        elif isinstance(one, list):
            pending.extend(one)
        elif isinstance(one, float) and not math.isfinite(one):
            raise ValueError(f"{one} is no number that can be stored")
        elif isinstance(one, int) and abs(one) > GREATEST:
            raise ValueError("a whole number is past 2**53 - 1")
    return value


Plain = Annotated[dict[str, Any], AfterValidator(check_numbers)]
"""A JSON object of any shape, its numbers storable."""
