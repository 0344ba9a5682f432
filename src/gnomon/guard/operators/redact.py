"""The value is gone for good; a word says what stood there. The format is another text to stand there."""

from typing import Final

from gnomon.guard.operators.base import Operator, Subject
from gnomon.guard.placeholders import placeholder

_LONGEST: Final = 32


def _replace(subject: Subject, format: str) -> str:
    return format or placeholder(subject.label)


def _wrong(entity: str, format: str) -> str:
    # A digit could make a number of what stands beside it.
    if len(format) > _LONGEST or any(char.isdigit() or not char.isprintable() for char in format):
        return f"a text to stand there has at most {_LONGEST} characters and no digits"
    return ""


OPERATOR: Final = Operator("redact", _replace, _wrong)
