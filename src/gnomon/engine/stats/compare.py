"""The same items before and after a measure: the effect, and whether the goal was met and the guards held.

Refuses to compare what differs in anything but the model. Pure: the same answers give the same comparison, bit for bit.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from gnomon.contract.verdicts import State
from gnomon.engine.stats.goals import Goal, Guard
from gnomon.engine.stats.interval import BadFigures, Interval, wilson
from gnomon.engine.stats.margins import Margin, non_inferior, non_inferior_by_interval
from gnomon.engine.stats.metrics import CannotMeasure, Metric, metric
from gnomon.engine.stats.paired import Flips, McNemar, mcnemar, paired_difference
from gnomon.engine.stats.pairs import Pair, absolute, flips_of, relative, resampled
from gnomon.engine.stats.power import paired_n
from gnomon.engine.stats.sentences import verdict_sentence
from gnomon.engine.stats.sheet import Answered, Sheet, sheet_of
from gnomon.engine.stats.slice_table import SliceRow, slice_table
from gnomon.kit.errors import Conflict

COMPARABLE_KEYS = ("item_set", "recipe", "decoding", "mask_policy", "hardware")
"""What must be stated on both sides and be equal; further keys may be added and must be equal too."""


class NotComparable(Conflict):
    """Before and after differ in more than the model. `facts["differs"]` lists each key with both values."""

    code: ClassVar[str] = "not_comparable"


@dataclass(frozen=True, slots=True)
class GuardResult:
    """A guard with what was measured; `claim` is None, and the state NOT_MEASURED, where nothing could be."""

    guard: Guard
    state: State
    before: float | None
    after: float | None
    claim: Margin | None
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "guard": self.guard.as_dict(),
            "state": self.state.value,
            "before": self.before,
            "after": self.after,
            "claim": self.claim.as_dict() if self.claim else None,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """`state` is MET only when the goal is met and every guard holds. `effect` is after minus before.

    `flips` and `test` count the goal metric's hits where it is a share over fixed items, else right answers.
    `needed_n`: paired items that would decide an INSUFFICIENT goal if the effect stays what it is; None if unknown.
    """

    goal: Goal
    state: State
    goal_state: State
    before: Interval
    after: Interval
    effect: Interval
    flips: Flips
    test: McNemar
    guards: tuple[GuardResult, ...]
    slices: tuple[SliceRow, ...]
    fixed_ids: tuple[str, ...]
    broken_ids: tuple[str, ...]
    needed_n: int | None
    comparable: Mapping[str, Any]
    sentence: Mapping[str, str]

    @property
    def n(self) -> int:
        return self.effect.n

    def as_dict(self) -> dict[str, Any]:
        return {
            "goal": self.goal.as_dict(),
            "state": self.state.value,
            "goal_state": self.goal_state.value,
            "n": self.n,
            "before": self.before.as_dict(),
            "after": self.after.as_dict(),
            "effect": self.effect.as_dict(),
            "flips": self.flips.as_dict(),
            "test": self.test.as_dict(),
            "guards": [guard.as_dict() for guard in self.guards],
            "slices": [row.as_dict() for row in self.slices],
            "fixed_ids": list(self.fixed_ids),
            "broken_ids": list(self.broken_ids),
            "needed_n": self.needed_n,
            "comparable": dict(self.comparable),
            "sentence": dict(self.sentence),
        }


def compare(
    before: Sequence[Answered],
    after: Sequence[Answered],
    *,
    goal: Goal,
    guards: Sequence[Guard] = (),
    comparable_before: Mapping[str, Any],
    comparable_after: Mapping[str, Any],
    slices: Mapping[str, Collection[str]] | None = None,
    positive: str | None = None,
) -> Comparison:
    """The paired comparison and its verdict.

    `slices` maps names to item ids; `label=<label>` slices are always there. Raises NotComparable when the two sides
    differ in items or in anything stated in `comparable_…`, UnknownMetric or BadFigures for a goal that names no
    metric, slice or class that exists, CannotMeasure when the goal's metric has nothing to be computed from.
    """
    _refuse_if_different(before, after, comparable_before, comparable_after)
    labels = sorted({answer.expected for answer in before})
    whole = Pair(sheet_of(before, labels, positive=positive), sheet_of(after, labels, positive=positive))
    named = _slices(whole.before, slices or {})
    wanted = metric(goal.metric)
    pair = _in_slice(whole, goal.slice, named)
    flips, fixed_ids, broken_ids = flips_of(pair, wanted)
    test = mcnemar(flips.fixed, flips.broken)
    value_before, value_after, effect = _effect(pair, wanted, level=goal.level)
    goal_state = _goal_state(goal, wanted, value_after, effect, test)
    results = tuple(_guard(whole, guard, named) for guard in guards)
    state = overall([goal_state, *(result.state for result in results)])
    needed = _needed_n(goal, wanted, value_after, flips) if goal_state is State.INSUFFICIENT else None
    return Comparison(
        goal=goal,
        state=state,
        goal_state=goal_state,
        before=value_before,
        after=value_after,
        effect=effect,
        flips=flips,
        test=test,
        guards=results,
        slices=slice_table(whole.before, whole.after, named, effect=_effect_of_interest(goal, wanted, effect)),
        fixed_ids=fixed_ids,
        broken_ids=broken_ids,
        needed_n=needed,
        comparable=dict(comparable_before),
        sentence=verdict_sentence(
            goal=goal,
            metric=wanted,
            state=state,
            goal_state=goal_state,
            before=value_before,
            after=value_after,
            effect=effect,
            test=test,
            guards=[(result.guard, result.state) for result in results],
            needed_n=needed,
        ),
    )


def overall(states: Sequence[State]) -> State:
    """Met when all are met; not met when any is shown not to be; otherwise the data do not suffice."""
    if State.NOT_MET in states:
        return State.NOT_MET
    return State.MET if states and all(state is State.MET for state in states) else State.INSUFFICIENT


def _refuse_if_different(
    before: Sequence[Answered],
    after: Sequence[Answered],
    stated_before: Mapping[str, Any],
    stated_after: Mapping[str, Any],
) -> None:
    differs: dict[str, Any] = {}
    for key in sorted({*COMPARABLE_KEYS, *stated_before, *stated_after}):
        one, other = stated_before.get(key), stated_after.get(key)
        # Not stated is not the same: nobody knows then whether the runs can be compared.
        if one is None or other is None or one != other:
            differs[key] = {"before": one, "after": other}
    expected_before = {answer.item_id: answer.expected for answer in before}
    expected_after = {answer.item_id: answer.expected for answer in after}
    if expected_before != expected_after:
        uncommon = expected_before.items() ^ expected_after.items()
        differs["items"] = {
            "before": len(expected_before),
            "after": len(expected_after),
            "examples": sorted({item_id for item_id, _ in uncommon})[:10],
        }
    if differs:
        raise NotComparable(
            f"The two runs differ in {', '.join(differs)}; a difference would not be the measure's effect.",
            next_step="Run both with the same items, recipe, decoding, masking policy and hardware.",
            differs=differs,
        )


def _slices(sheet: Sheet, given: Mapping[str, Collection[str]]) -> dict[str, frozenset[str]]:
    named: dict[str, set[str]] = {}
    for item_id, code in zip(sheet.ids, sheet.expected, strict=True):
        named.setdefault(f"label={sheet.labels[code]}", set()).add(item_id)
    return {name: frozenset(ids) for name, ids in named.items()} | {name: frozenset(ids) for name, ids in given.items()}


def _in_slice(pair: Pair, name: str, named: Mapping[str, frozenset[str]]) -> Pair:
    if not name:
        return pair
    part = pair.only(named.get(name, ()))
    if not part.n:
        raise BadFigures(
            f"There is no slice {name!r} with items in this set.",
            next_step=f"Use one of: {', '.join(sorted(named))}.",
            slice=name,
        )
    return part


def _effect(pair: Pair, wanted: Metric, *, level: float) -> tuple[Interval, Interval, Interval]:
    if wanted.hits:
        flips, _, _ = flips_of(pair, wanted)
        return (
            wilson(flips.before, flips.n, level),
            wilson(flips.after, flips.n, level),
            paired_difference(flips, level),
        )
    found = resampled(pair, wanted, absolute, level=level)
    return found[0], found[1], found[2]


def _goal_state(goal: Goal, wanted: Metric, after: Interval, effect: Interval, test: McNemar) -> State:
    sign = 1.0 if wanted.higher_is_better else -1.0
    if after.n < goal.min_n:
        return State.INSUFFICIENT
    if sign * after.estimate < sign * goal.to_value:
        return State.NOT_MET
    promised = goal.from_value is not None and sign * goal.to_value > sign * goal.from_value
    if promised and max(sign * effect.low, sign * effect.high) < 0:
        return State.NOT_MET  # high enough, yet worse than before: the measure did the opposite
    reached = min(sign * after.low, sign * after.high) >= sign * goal.to_value
    if wanted.hits:
        improved = test.fixed > test.broken and test.p < 1 - goal.level
    else:
        improved = min(sign * effect.low, sign * effect.high) > 0
    return State.MET if reached and (improved or not promised) else State.INSUFFICIENT


def _needed_n(goal: Goal, wanted: Metric, after: Interval, flips: Flips) -> int | None:
    """Items that would bring the interval clear of the goal, and the test to power .8, at the effect seen."""
    if not wanted.hits or after.estimate <= goal.to_value:
        return None
    n = goal.min_n
    while wilson(round(after.estimate * n), n, goal.level).low < goal.to_value and n < 10_000_000:
        n = n * 21 // 20 + 1  # steps of 5 %: nobody plans a test set closer than that
    difference = (flips.fixed - flips.broken) / flips.n
    if difference <= 0:
        return n
    discordant = (flips.fixed + flips.broken) / flips.n
    return max(n, paired_n(discordant=discordant, effect=difference, alpha=1 - goal.level))


def _effect_of_interest(goal: Goal, wanted: Metric, effect: Interval) -> float:
    """The size of change in right answers that a slice should be able to show: the goal's own where it names one."""
    if wanted.unit == "share" and goal.from_value is not None and goal.to_value != goal.from_value:
        return abs(goal.to_value - goal.from_value)
    return abs(effect.estimate) if wanted.unit == "share" else 0.0


def _guard(whole: Pair, guard: Guard, named: Mapping[str, frozenset[str]]) -> GuardResult:
    wanted = metric(guard.metric)
    pair = _in_slice(whole, guard.slice, named)
    try:
        one, other, claim = _claim(pair, guard, wanted)
    except CannotMeasure as error:
        return GuardResult(guard, State.NOT_MEASURED, None, None, None, error.message)
    return GuardResult(guard, claim.state, one, other, claim)


def _claim(pair: Pair, guard: Guard, wanted: Metric) -> tuple[float, float, Margin]:
    if wanted.hits and not guard.relative:
        flips, _, _ = flips_of(pair, wanted)
        claim = non_inferior(flips, margin=guard.margin, alpha=guard.alpha)
        return flips.before / flips.n, flips.after / flips.n, claim
    change = relative if guard.relative else absolute
    before, after, difference = resampled(pair, wanted, change, level=1 - 2 * guard.alpha)
    claim = non_inferior_by_interval(
        difference, margin=guard.margin, higher_is_better=wanted.higher_is_better, alpha=guard.alpha
    )
    return before.estimate, after.estimate, claim
