"""How well something masks, from labelled texts: leak, precision, recall, F1, each with its n and its interval.

*Leak*: the share of true spans of which at least one character is not covered by any finding, whatever it is called.
*Precision, recall, F1*: of findings with the same entity and exactly the same place as a true span.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gnomon.contract.verdicts import Span

Z = 1.959963984540054  # two-sided 95 %


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a proportion (Wilson 1927); (0, 1) when nothing was seen."""
    if n == 0:
        return 0.0, 1.0
    share, spread = hits / n, Z * Z / n
    centre = (share + spread / 2) / (1 + spread)
    half = Z * math.sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(frozen=True, slots=True)
class Labelled:
    """A labelled span. `variant` says how it was written, where the data tell."""

    start: int
    end: int
    entity: str
    variant: str = ""


@dataclass
class Tally:
    """Counts of one entity, or of one way of writing."""

    true: int = 0
    leaked: int = 0
    exact: int = 0  # true spans found in place and by name
    found: int = 0  # findings of this entity

    @property
    def precision(self) -> float | None:
        """None: nothing was found, so nothing can be said."""
        return self.exact / self.found if self.found else None

    @property
    def recall(self) -> float | None:
        return self.exact / self.true if self.true else None

    @property
    def f1(self) -> float | None:
        return 2 * self.exact / (self.found + self.true) if self.found + self.true else None

    @property
    def leak(self) -> float | None:
        return self.leaked / self.true if self.true else None

    def as_dict(self) -> dict[str, object]:
        return {
            "n": self.true,
            "leaked": self.leaked,
            "leak": self.leak,
            "leak_95": wilson(self.leaked, self.true),
            "found": self.found,
            "exact": self.exact,
            "precision": self.precision,
            "precision_95": wilson(self.exact, self.found),
            "recall": self.recall,
            "recall_95": wilson(self.exact, self.true),
            "f1": self.f1,
        }


@dataclass
class Measurement:
    """What was seen so far. `labels`: the entities to judge; true spans of others are out of scope, and a finding
    that touches one of them is not called wrong."""

    labels: frozenset[str]
    documents: int = 0
    characters: int = 0
    touched: int = 0  # documents without true spans in which something was found
    negatives: int = 0  # documents without true spans
    overall: Tally = field(default_factory=Tally)
    entities: dict[str, Tally] = field(default_factory=dict)
    variants: dict[str, Tally] = field(default_factory=dict)  # "ENTITY variant" and "* variant"
    missed: list[tuple[str, str]] = field(default_factory=list)  # (entity, variant), never the values

    def add(self, text: str, true: Sequence[Labelled], found: Iterable[Span]) -> None:
        """One document."""
        found = list(found)
        self.documents += 1
        self.characters += len(text)
        if not true:
            self.negatives += 1
            self.touched += bool(found)
        inside = [span for span in true if span.entity in self.labels]
        places = {(span.start, span.end, span.entity) for span in found}
        for span in inside:
            self._add_true(span, found, is_exact=(span.start, span.end, span.entity) in places)
        others = [span for span in true if span.entity not in self.labels]
        for item in found:
            if not any(item.start < span.end and span.start < item.end for span in others):
                self.overall.found += 1
                self._entity(item.entity).found += 1

    def _add_true(self, span: Labelled, found: Sequence[Span], *, is_exact: bool) -> None:
        leaked = not _covers(span, found)
        tallies = [self.overall, self._entity(span.entity)]
        if span.variant:
            tallies += [self._variant(f"* {span.variant}"), self._variant(f"{span.entity} {span.variant}")]
        for tally in tallies:
            tally.true += 1
            tally.leaked += leaked
            tally.exact += is_exact
        if leaked:
            self.missed.append((span.entity, span.variant))

    def _entity(self, name: str) -> Tally:
        return self.entities.setdefault(name, Tally())

    def _variant(self, name: str) -> Tally:
        return self.variants.setdefault(name, Tally())

    def as_dict(self) -> dict[str, object]:
        return {
            "documents": self.documents,
            "characters": self.characters,
            "negatives": self.negatives,
            "negatives_touched": self.touched,
            "overall": self.overall.as_dict(),
            "entities": _dicts(self.entities),
            "variants": _dicts(self.variants),
        }


def _covers(span: Labelled, found: Sequence[Span]) -> bool:
    at = span.start
    for item in sorted(found, key=lambda one: one.start):
        if item.start <= at < item.end:
            at = item.end
    return at >= span.end


def _dicts(tallies: Mapping[str, Tally]) -> dict[str, object]:
    return {name: tallies[name].as_dict() for name in sorted(tallies)}
