"""Stars, with some characters left at the ends: the entity's own shape, or as the format says (`3*4`)."""

import re

from gnomon.guard.operators.base import Operator, Subject

_FORMAT = re.compile(r"([0-9]{1,2})\*([0-9]{1,2})")


def _replace(subject: Subject, format: str) -> str:
    value = subject.value
    if subject.entity == "EMAIL" and not format and "@" in value:
        return value[:1] + "***" + value[value.rindex("@") :]
    head, tail = _ends(format) or subject.visible
    if 3 * (head + tail) > 2 * len(value):  # never more than two thirds are shown
        head, tail = 0, 0
    return value[:head] + "*" * (len(value) - head - tail) + value[len(value) - tail :]


def _ends(format: str) -> tuple[int, int] | None:
    shape = _FORMAT.fullmatch(format)
    return (int(shape[1]), int(shape[2])) if shape else None


def _wrong(entity: str, format: str) -> str:
    return "" if not format or _ends(format) else "it is <head>*<tail>, for example 3*4"


OPERATOR = Operator("mask", _replace, _wrong)
