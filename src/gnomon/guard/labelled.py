"""Labelled texts to measure masking on, as JSONL: {"text", "spans": [{"start", "end", "label", "variant"?}]} a line.

Offsets are code points. A text without spans is a negative: what is found in it is over-masking.
"""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from gnomon.guard.measure import Labelled, Measurement
from gnomon.guard.policy import Masker
from gnomon.kit.errors import BadInput

NOT_NAMES: Final = "LOCATION POSITION SCENE TITLE"
STRUCTURED_ONLY: Final = f"PERSON ADDRESS ORGANIZATION {NOT_NAMES}"
"""Labels that are not judged: at the speed `structured` nobody looks for names of people, organisations, places."""


class BadLine(BadInput):
    code = "bad_line"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was measured; `size` is bytes of UTF-8, `cpu_s` the processor time of the whole process meanwhile."""

    result: Measurement
    cpu_s: float
    size: int

    @property
    def kb_per_s(self) -> float:
        return self.size / 1000 / self.cpu_s if self.cpu_s else 0.0


def measured(masker: Masker, documents: Iterable[tuple[str, list[Labelled]]], *, skipped: frozenset[str]) -> Outcome:
    """How well the masker masks the documents on their way in; labels in `skipped` are not judged."""
    known = list(documents)
    result = Measurement(frozenset({span.entity for _, true in known for span in true} - skipped))
    began = time.process_time()
    found = [masker.mask(text, "input").spans for text, _ in known]
    cpu_s = time.process_time() - began
    for (text, true), spans in zip(known, found, strict=True):
        result.add(text, true, spans)
    return Outcome(result, cpu_s, sum(len(text.encode("utf-8", "surrogatepass")) for text, _ in known))


def unjudged(speed: str) -> str:
    """The labels, by spaces, that a policy of this speed is not judged by."""
    return STRUCTURED_ONLY if speed == "structured" else NOT_NAMES


def documents(lines: Iterable[str]) -> Iterator[tuple[str, list[Labelled]]]:
    """Each text with its true spans. Raises BadLine with the line that is none."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        fields = object_of(line, number)
        try:
            true = [
                Labelled(int(span["start"]), int(span["end"]), str(span["label"]), str(span.get("variant", "")))
                for span in fields.get("spans", [])
            ]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BadLine(
                f"Line {number} has a span without start, end and label: {error}.", next_step="Correct the data."
            ) from error
        text = text_of(fields, number)
        for span in true:
            if not 0 <= span.start < span.end <= len(text):
                raise BadLine(
                    f"Line {number} has a span from {span.start} to {span.end} in a text of {len(text)} characters.",
                    next_step="Count places in code points from 0; the end is the place behind the last one.",
                )
        yield text, true


def object_of(line: str, number: int) -> dict[str, Any]:
    """The JSON object in a line. Raises BadLine for anything else."""
    try:
        fields = json.loads(line.removeprefix("\ufeff") if number == 1 else line)  # some write a mark before it
    except (ValueError, RecursionError) as error:
        raise BadLine(f"Line {number} is not JSON: {error}.", next_step="Use --text for plain lines.") from error
    if not isinstance(fields, dict):
        raise BadLine(f"Line {number} is no JSON object.", next_step="Give an object in each line.")
    return fields


def text_of(fields: dict[str, Any], number: int) -> str:
    """Its "text". Raises BadLine when there is none."""
    text = fields.get("text")
    if not isinstance(text, str):
        raise BadLine(f'Line {number} has no "text" of type string.', next_step='Give {"id", "text"} in each line.')
    return text
