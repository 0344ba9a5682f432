"""Finds slices whose error rate is above that of all other items.

Exploration, not proof: a slice found here is a lead to be confirmed on other items.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Literal

from gnomon.engine.slices.features import family, features_of
from gnomon.engine.stats import Answered, BadAnswers, Interval, benjamini_hochberg, fisher, two_sample_power, wilson
from gnomon.engine.stats.slice_table import MAX_Q, MIN_N, MIN_POWER

EFFECT = 0.10
"""A slice matters from this many more errors on: ten percentage points (a default; callers may pass another)."""

_EXAMPLES = 10

SliceFinding = Literal["weaker", "not_shown", "insufficient"]


@dataclass(frozen=True, slots=True)
class Slice:
    """The items in which all `features` hold. `rate` and `rest_rate` are error rates, unanswered items included.

    `finding`: "weaker" (q within the limit), "not_shown", or "insufficient" data, which is no pass. `p` is Fisher's
    exact, two-sided; `q` is None outside the family. `power` is the chance that so many items show the effect.
    """

    features: tuple[str, ...]
    finding: SliceFinding
    n: int
    errors: int
    rate: Interval
    rest_rate: float | None
    power: float
    p: float | None = None
    q: float | None = None
    examples: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return " & ".join(self.features)

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "features": list(self.features),
            "finding": self.finding,
            "n": self.n,
            "errors": self.errors,
            "rate": self.rate.as_dict(),
            "rest_rate": self.rest_rate,
            "power": self.power,
            "p": self.p,
            "q": self.q,
            "examples": list(self.examples),
        }


def discover(
    items: Mapping[str, str],
    answers: Sequence[Answered],
    *,
    features: Mapping[str, frozenset[str]] | None = None,
    min_n: int = MIN_N,
    min_power: float = MIN_POWER,
    max_q: float = MAX_Q,
    effect: float = EFFECT,
) -> list[Slice]:
    """Every slice with an item in it, the weakest shown first, then the rest by name.

    `items` maps item ids to texts; `features` adds further feature names by item id. Two names for the same items are
    one slice, under the shorter name. Raises BadAnswers when an answered item has no text or answers repeat.
    """
    wrong = _wrong(items, answers)
    members = _members(items, answers, features or {})
    found = [
        _look(names, ids, wrong, min_n=min_n, min_power=min_power, effect=effect)
        for names, ids in _candidates(members)
        if len(ids) < len(wrong)  # everything has no rest to be compared with
    ]
    tested = [index for index, part in enumerate(found) if part.p is not None]
    q_values = benjamini_hochberg([found[index].p or 0.0 for index in tested])
    for index, q in zip(tested, q_values, strict=True):
        found[index] = _judged(found[index], q=q, max_q=max_q)
    return sorted(found, key=lambda part: (part.finding != "weaker", part.q if part.q is not None else 2.0, part.name))


def _wrong(items: Mapping[str, str], answers: Sequence[Answered]) -> dict[str, bool]:
    wrong: dict[str, bool] = {}
    for answer in answers:
        if answer.item_id in wrong:
            raise BadAnswers(f"Item {answer.item_id} is answered twice.", next_step="Keep one answer an item.")
        if answer.item_id not in items:
            raise BadAnswers(f"Item {answer.item_id} has no text.", next_step="Give the set that was answered.")
        wrong[answer.item_id] = answer.predicted != answer.expected
    return wrong


def _members(
    items: Mapping[str, str], answers: Sequence[Answered], further: Mapping[str, frozenset[str]]
) -> dict[str, frozenset[str]]:
    members: dict[str, set[str]] = {}
    for answer in answers:
        held = features_of(items[answer.item_id], answer.expected) | further.get(answer.item_id, frozenset())
        for feature in held:
            members.setdefault(feature, set()).add(answer.item_id)
    return {feature: frozenset(ids) for feature, ids in members.items()}


def _candidates(members: Mapping[str, frozenset[str]]) -> list[tuple[tuple[str, ...], frozenset[str]]]:
    """Single features, then pairs that are not empty and not merely one of the features again."""
    seen: set[frozenset[str]] = set()
    chosen: list[tuple[tuple[str, ...], frozenset[str]]] = []
    singles = sorted(members)
    pairs = [(a, b) for a, b in combinations(singles, 2) if family(a) != family(b) or family(a) == "has"]
    for names in [*((name,) for name in singles), *pairs]:
        ids = frozenset.intersection(*(members[name] for name in names))
        if ids and ids not in seen:
            seen.add(ids)
            chosen.append((names, ids))
    return chosen


def _look(
    names: tuple[str, ...],
    ids: frozenset[str],
    wrong: Mapping[str, bool],
    *,
    min_n: int,
    min_power: float,
    effect: float,
) -> Slice:
    n, errors = len(ids), sum(wrong[item_id] for item_id in ids)
    rest_n, rest_errors = len(wrong) - n, sum(wrong.values()) - errors
    rest_rate = rest_errors / rest_n
    power = two_sample_power(n, rest_n, p1=min(1.0, rest_rate + effect), p2=rest_rate)
    part = Slice(
        features=names,
        finding="insufficient",
        n=n,
        errors=errors,
        rate=wilson(errors, n),
        rest_rate=rest_rate,
        power=power,
        examples=tuple(sorted(item_id for item_id in ids if wrong[item_id])[:_EXAMPLES]),
    )
    if n < min_n or power < min_power:
        return part
    return replace(part, p=fisher(errors, n - errors, rest_errors, rest_n - rest_errors))


def _judged(part: Slice, *, q: float, max_q: float) -> Slice:
    weaker = q <= max_q and part.rest_rate is not None and part.rate.estimate > part.rest_rate
    return replace(part, q=q, finding="weaker" if weaker else "not_shown")
