"""The masked copy of a suite's items, and both sides of it put to one model server under the same conditions.

A vault an item: the same value has the same placeholder inside one, and a name that stood there is found again.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gnomon.engine.runs import RunItem
from gnomon.engine.scoring.answers import Answer
from gnomon.guard.placeholders import Vault
from gnomon.guard.policy import Masker
from gnomon.guard.surrogates import MAKERS

Side = Literal["raw", "masked"]
SIDES: tuple[Side, ...] = ("raw", "masked")
FIELD_NAME = "text"
"""The name of the field that is masked, for rules that name fields."""
LOST = frozenset({"timeout", "upstream_error", "internal", "upstream_unreachable"})
"""Outcomes of an outage; a blocked item is not among them, for that is an effect of masking."""


@dataclass(frozen=True, slots=True)
class MaskedCopy:
    """`items` as they are asked; `changed`: id → entities masked in it; `blocked`: ids that may not pass.

    `surrogates`: values for which something stands that looks real, and `surrogate_items`: items that have such, so
    that nobody takes the copy for what it is not.
    """

    items: tuple[RunItem, ...]
    changed: Mapping[str, tuple[str, ...]]
    blocked: frozenset[str]
    counts: Mapping[str, int]
    surrogates: int = 0
    surrogate_items: int = 0

    def refused(self) -> list[Answer]:
        """The answers of the blocked items: none, which is wrong."""
        return [
            Answer(item.item_id, item.expected, None, None, "blocked")
            for item in self.items
            if item.item_id in self.blocked
        ]

    @property
    def asked(self) -> list[RunItem]:
        return [item for item in self.items if item.item_id not in self.blocked]


def masked_copy(
    items: Iterable[RunItem], masker: Masker, *, told: Callable[[int], None] = lambda done: None
) -> MaskedCopy:
    """Every item's text after the policy, as on its way into a model. Raises whatever the masker raises.

    With surrogates the items are gone through twice, so that none of them is a value that stands anywhere in the set.
    """
    items = list(items)
    decided = masker.decisions("input", FIELD_NAME)
    like_real = {entity for entity in MAKERS if entity in decided and decided[entity].name == "surrogate"}
    real = _values(items, masker) if like_real else frozenset()
    copies: list[RunItem] = []
    changed: dict[str, tuple[str, ...]] = {}
    blocked: set[str] = set()
    counts: Counter[str] = Counter()
    for number, item in enumerate(items, start=1):
        masked = masker.mask(item.text, "input", Vault(item.item_id, real=real), field=FIELD_NAME)
        copies.append(RunItem(item.item_id, masked.text, item.expected))
        if masked.text != item.text or masked.blocked:
            # a rule about the whole field has no entity of its own in the counts of some operators
            changed[item.item_id] = tuple(sorted(masked.counts)) or (masked.blocked or "FIELD",)
            counts.update(masked.counts)
        if masked.blocked:
            blocked.add(item.item_id)
        if number % 100 == 0:
            told(number)
    return MaskedCopy(
        tuple(copies),
        changed,
        frozenset(blocked),
        dict(sorted(counts.items())),
        surrogates=sum(count for entity, count in counts.items() if entity in like_real),
        surrogate_items=sum(not like_real.isdisjoint(entities) for entities in changed.values()),
    )


def _values(items: Iterable[RunItem], masker: Masker) -> frozenset[str]:
    """Every value that masking replaces somewhere in the set."""
    found: set[str] = set()
    for item in items:
        masked = masker.mask(item.text, "input", Vault(item.item_id), field=FIELD_NAME)
        found.update(item.text[span.start : span.end] for span in masked.spans)
    return frozenset(found)


def lost(*sides: Collection[Answer]) -> frozenset[str]:
    """Items that an outage left without an answer on any side."""
    return frozenset(answer.item_id for side in sides for answer in side if answer.outcome in LOST)


def items_of(rows: Iterable[Mapping[str, Any]]) -> list[RunItem]:
    """Rows of {"id", "text", "label"} as items."""
    return [RunItem(str(row["id"]), str(row["text"]), str(row["label"])) for row in rows]
