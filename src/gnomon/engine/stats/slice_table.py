"""Before and after within each slice, with a state that never takes few items for good news."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from gnomon.engine.stats.families import benjamini_hochberg
from gnomon.engine.stats.interval import Interval, wilson
from gnomon.engine.stats.paired import Flips, McNemar, mcnemar, paired_difference
from gnomon.engine.stats.power import paired_power
from gnomon.engine.stats.sheet import Sheet

MIN_N = 30
MIN_POWER = 0.5
MAX_Q = 0.10
"""Limits of exploration over slices (the defaults of this house; callers may pass others)."""

SliceState = Literal["better", "worse", "no_change_shown", "insufficient"]


@dataclass(frozen=True, slots=True)
class SliceRow:
    """Right answers in a slice. `power`: the chance that so many items show the effect of interest."""

    name: str
    state: SliceState
    before: Interval
    after: Interval
    effect: Interval
    test: McNemar
    power: float
    q: float | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "state": self.state,
            "n": self.effect.n,
            "before": self.before.as_dict(),
            "after": self.after.as_dict(),
            "effect": self.effect.as_dict(),
            "test": self.test.as_dict(),
            "power": self.power,
            "q": self.q,
        }


def slice_table(
    before: Sheet,
    after: Sheet,
    slices: Mapping[str, Collection[str]],
    *,
    effect: float,
    min_n: int = MIN_N,
    min_power: float = MIN_POWER,
    max_q: float = MAX_Q,
) -> tuple[SliceRow, ...]:
    """A row a slice, by name; slices without items are left out.

    `effect` is the change in the share of right answers that matters; with fewer items than `min_n`, or less than
    `min_power` to show it at the share of flips seen over all items, the row is "insufficient" and joins no family.
    """
    flipping = float((before.right != after.right).mean())
    rows = []
    for name in sorted(slices):
        ids = slices[name]
        one, other = before.only(ids), after.only(ids)
        if one.n:
            rows.append(_row(name, one, other, effect=abs(effect), flipping=flipping))
    enough = [row.effect.n >= min_n and row.power >= min_power for row in rows]
    q_values = iter(benjamini_hochberg([row.test.p for row, is_enough in zip(rows, enough, strict=True) if is_enough]))
    return tuple(
        _judged(row, q=next(q_values), max_q=max_q) if is_enough else row
        for row, is_enough in zip(rows, enough, strict=True)
    )


def _row(name: str, before: Sheet, after: Sheet, *, effect: float, flipping: float) -> SliceRow:
    one, other = before.right, after.right
    flips = Flips(
        both=int((one & other).sum()),
        broken=int((one & ~other).sum()),
        fixed=int((~one & other).sum()),
        neither=int((~one & ~other).sum()),
    )
    power = paired_power(flips.n, discordant=min(1.0, max(flipping, effect)), effect=effect) if 0 < effect <= 1 else 0.0
    return SliceRow(
        name=name,
        state="insufficient",
        before=wilson(flips.before, flips.n),
        after=wilson(flips.after, flips.n),
        effect=paired_difference(flips),
        test=mcnemar(flips.fixed, flips.broken),
        power=power,
    )


def _judged(row: SliceRow, *, q: float, max_q: float) -> SliceRow:
    if q > max_q or row.test.fixed == row.test.broken:
        return replace(row, state="no_change_shown", q=q)
    return replace(row, state="better" if row.test.fixed > row.test.broken else "worse", q=q)
