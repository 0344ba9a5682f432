"""What a plan must hold before it is frozen: goals that can be judged, measures in order, a budget that adds up."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from gnomon.kit.errors import BadInput


class BadPlan(BadInput):
    code = "bad_plan"


@dataclass(frozen=True, slots=True)
class GoalSpec:
    """`metric` on the set of the baseline (in `slice`) goes from `from_value` to `to_value` `by` that day.

    `recipe` names how it is asked; a goal is only judged by a run with the same recipe.
    """

    metric: str
    to_value: float
    by: date
    recipe: str
    slice: str = ""
    from_value: float | None = None


@dataclass(frozen=True, slots=True)
class MeasureSpec:
    """Four estimates from 1 (little) to 5 (much)."""

    key: str
    importance: int
    urgency: int
    difficulty: int
    effect: int


@dataclass(frozen=True, slots=True)
class Ranked:
    key: str
    rank: int
    score: float


def check_goals(goals: Sequence[GoalSpec], *, today: date, recipe: str, measured: Mapping[str, float]) -> None:
    """Return when each goal can be judged.

    `recipe` is the baseline's and `measured` its values by metric. Raises BadPlan when there is no goal, a goal is due
    already, names another recipe, wants nothing, or starts from what was not measured.
    """
    if not goals:
        raise BadPlan("The plan has no goal.", next_step="Name metric, set, slice, target and day.")
    for goal in goals:
        wrong = _wrong(goal, today, recipe, measured)
        if wrong:
            raise BadPlan(f"The goal for {goal.metric} {wrong}.", next_step="Correct the goal.", metric=goal.metric)


def check_ambition(goal: GoalSpec, *, higher_is_better: bool) -> None:
    """Return when the goal wants better than what is. Raises BadPlan: one below the start is met by doing nothing."""
    start = goal.from_value
    if start is not None and (goal.to_value > start) != higher_is_better:
        raise BadPlan(
            f"The goal for {goal.metric} goes from {start} to {goal.to_value}, which is worse.",
            next_step="Name a better value.",
            metric=goal.metric,
        )


def _wrong(goal: GoalSpec, today: date, recipe: str, measured: Mapping[str, float]) -> str:
    if goal.by <= today:
        return f"is due on {goal.by}, which is not after today ({today})"
    if goal.recipe != recipe:
        return f"names the recipe {goal.recipe}, the baseline was asked by {recipe}"
    if goal.from_value is None:
        return "does not say from where"
    if goal.to_value == goal.from_value:
        return f"wants {goal.to_value}, which is where it starts"
    known = measured.get(goal.metric)
    if goal.slice == "" and (known is None or abs(known - goal.from_value) > 1e-9):
        return f"starts from {goal.from_value}, the baseline measured {known}"
    return ""


def goal_level(goals: int, *, alpha: float) -> float:
    """The confidence level for each of several goals, so that all together err with at most `alpha` (Bonferroni).

    Bonferroni and not Holm, because a level must be frozen before the order of the p values is known.
    """
    return 1.0 - alpha / goals


def rank(measures: Sequence[MeasureSpec]) -> list[Ranked]:
    """Most worthwhile first: importance x urgency x effect / difficulty; equal scores share their order by key.

    Raises BadPlan on an estimate outside 1 to 5 or a repeated key.
    """
    if len({measure.key for measure in measures}) != len(measures):
        raise BadPlan("Two measures have the same key.", next_step="Give each measure a key of its own.")
    for measure in measures:
        values = (measure.importance, measure.urgency, measure.difficulty, measure.effect)
        if not all(1 <= value <= 5 for value in values):
            raise BadPlan(
                f"The measure {measure.key} is estimated {values}; each is 1 to 5.", next_step="Estimate again."
            )
    scores = {m.key: m.importance * m.urgency * m.effect / m.difficulty for m in measures}
    order = sorted(scores, key=lambda key: (-scores[key], key))
    return [Ranked(key, place, round(scores[key], 4)) for place, key in enumerate(order, start=1)]


def totals_of(lines: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Planned, committed and actual by kind and unit, e.g. `compute (CPU min)`."""
    totals: dict[str, dict[str, float]] = {}
    for line in lines:
        name = f"{line['kind']} ({line['unit']})"
        held = totals.setdefault(name, {"planned": 0.0, "committed": 0.0, "actual": 0.0})
        for column in held:
            held[column] = round(held[column] + float(line[column]), 6)
    return totals


def budget_totals(lines: Iterable[Mapping[str, Any]], column: str) -> dict[str, float]:
    """One column of `totals_of`, by kind and unit."""
    return {name: held[column] for name, held in totals_of(lines).items()}
