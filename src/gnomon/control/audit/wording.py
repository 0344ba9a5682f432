"""What the trail says is kept for years and never changed: identifiers of persons in its words are masked first.

Only those that are unmistakable; what the trail is about (ids, addresses, keys' names) stays.
"""

from functools import cache
from typing import Any, Final

from gnomon.guard.detectors import DETECTORS
from gnomon.guard.finding import Finder
from gnomon.guard.placeholders import placeholder

ENTITIES: Final = frozenset(
    (
        *("CN_ID", "BANK_CARD", "CN_MOBILE", "EMAIL", "PASSPORT", "HMT_PERMIT", "DRIVER_LICENCE", "OFFICER_ID"),
        *("MRN", "INSURANCE_NO", "STUDENT_NO", "US_SSN", "UK_NINO", "IBAN"),
    )
)


@cache
def _finder() -> tuple[Finder, dict[str, str]]:
    chosen = [one for one in DETECTORS if one.entity in ENTITIES]
    return Finder(chosen), {one.entity: one.label for one in chosen}


def cleaned(value: Any) -> Any:
    """The same JSON value with such identifiers replaced for good, in every text of it."""
    if isinstance(value, str):
        return _cleaned(value)
    if isinstance(value, dict):
        return {name: cleaned(inner) for name, inner in value.items()}
    return [cleaned(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _cleaned(text: str) -> str:
    if len(text) < 6:
        return text
    finder, labels = _finder()
    spans = finder.spans(text)
    if not spans:
        return text
    parts, at = list[str](), 0
    for span in spans:
        parts += [text[at : span.start], placeholder(labels[span.entity])]
        at = span.end
    return "".join((*parts, text[at:]))
