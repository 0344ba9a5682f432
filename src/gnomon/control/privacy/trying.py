"""A mask policy on trial, on one text or many. Nothing of them is kept, and the pseudonyms link to nothing."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gnomon.contract.masking import MaskPolicy, Purpose
from gnomon.contract.verdicts import Masked, Span
from gnomon.control.privacy.schemas import Attempt, Speed
from gnomon.guard.policy import BadMaskPolicy, Masker, Way

MOST_PIECES = 100
"""Changed texts of a document that are shown; their number is always whole."""


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a text. `entity` is empty where nothing was found; `stands` is what comes out in its place."""

    text: str
    stands: str
    entity: str = ""
    operator: str = ""

    @property
    def is_changed(self) -> bool:
        return self.stands != self.text


@dataclass(frozen=True, slots=True)
class Seen:
    """A text after a policy, in parts. `blocked` names the entity that let nothing pass."""

    parts: tuple[Part, ...]
    field: str = ""
    blocked: str = ""

    @property
    def before(self) -> str:
        return "".join(part.text for part in self.parts)

    @property
    def after(self) -> str:
        return "".join(part.stands for part in self.parts)


@dataclass(slots=True)
class Trial:
    """What a policy did: to one text, or to the many of a document. `seconds` are of masking alone."""

    policy: MaskPolicy
    pieces: list[Seen] = field(default_factory=list)  # those in which something was found, at most MOST_PIECES
    texts: int = 0
    touched: int = 0
    characters: int = 0
    size: int = 0  # bytes of UTF-8
    seconds: float = 0.0
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)  # (entity, operator)
    blocked: str = ""

    @property
    def kb_per_s(self) -> float | None:
        return self.size / 1000 / self.seconds if self.seconds else None


class Bench:
    """A policy at one speed and purpose, ready to be tried. Raises BadMaskPolicy, NamesMissing."""

    def __init__(self, policy: MaskPolicy, *, direction: Way, purpose: Purpose = "gateway", speed: Speed = "") -> None:
        if speed:
            policy = msgspec.structs.replace(policy, speed=speed)
        self.direction: Way = direction
        self.tool = masker(policy, purpose)
        self.trial = Trial(policy)

    def apply(self, text: str, name: str = "") -> Masked:
        """`text` after the policy; what was seen is in the trial."""
        began = time.perf_counter()
        masked = self.tool.mask(text, self.direction, field=name)
        trial = self.trial
        trial.seconds += time.perf_counter() - began
        trial.texts += 1
        trial.characters += len(text)
        trial.size += len(text.encode("utf-8", "surrogatepass"))
        seen = self.seen(text, masked, name)
        found = [(part.entity, part.operator) for part in seen.parts if part.entity]
        trial.counts.update(found)
        trial.touched += bool(found)
        trial.blocked = trial.blocked or masked.blocked
        if found and len(trial.pieces) < MOST_PIECES:
            trial.pieces.append(seen)
        return masked

    def seen(self, text: str, masked: Masked, name: str = "") -> Seen:
        """The text in parts: what was acted upon, what was found and kept, and the rest."""
        stands = dict(zip(masked.spans, masked.replacements, strict=False))  # one that blocks has none
        parts: list[Part] = []
        at = 0
        for span in sorted((*masked.spans, *self._kept(text, masked, name)), key=lambda one: one.start):
            value = text[span.start : span.end]
            operator = self.tool.operator(span.entity, self.direction, name)
            if at < span.start:
                parts.append(Part(text[at : span.start], text[at : span.start]))
            shown = value if operator == "keep" else stands.get(span, "")
            parts.append(Part(value, shown, span.entity, operator))
            at = span.end
        rest = text[at:]
        if rest:
            parts.append(Part(rest, "" if masked.blocked else rest))
        return Seen(tuple(parts), name, masked.blocked)

    def _kept(self, text: str, masked: Masked, name: str) -> list[Span]:
        """What the policy finds and lets stand, outside of what it acted upon."""
        decisions = self.tool.decisions(self.direction, name)
        if not any(one.name == "keep" for entity, one in decisions.items() if entity != "FIELD"):
            return []
        end = masked.spans[-1].end if masked.blocked else len(text)
        return [
            span
            for span in self.tool.finder.spans(text)
            if decisions[span.entity].name == "keep"
            and span.end <= end
            and not any(span.start < one.end and one.start < span.end for one in masked.spans)
        ]


def masker(policy: MaskPolicy, purpose: Purpose = "gateway") -> Masker:
    """A masker for trying; its key is nobody's, so that its pseudonyms link to nothing. Raises BadMaskPolicy."""
    return Masker(policy, key=bytes(32), purpose=purpose)


def read(content: dict[str, Any]) -> MaskPolicy:
    """A policy from plain JSON. Raises BadMaskPolicy."""
    try:
        return msgspec.convert(content, MaskPolicy)
    except msgspec.ValidationError as error:
        raise BadMaskPolicy(f"This is no mask policy: {error}.", next_step="Correct what is named.") from error


def tried(policy: MaskPolicy, attempt: Attempt) -> dict[str, Any]:
    """What the policy would make of a text; neither is kept."""
    bench = Bench(policy, direction=attempt.direction, purpose=attempt.purpose, speed=attempt.speed)
    masked = bench.apply(attempt.text, attempt.field)
    spans = [
        {
            "start": span.start,
            "end": span.end,
            "entity": span.entity,
            "operator": bench.tool.operator(span.entity, attempt.direction, attempt.field),
        }
        for span in masked.spans
    ]
    return {
        "masked": masked.text,
        "spans": spans,
        "counts": masked.counts,
        "blocked": masked.blocked,
        "seconds": bench.trial.seconds,
    }
