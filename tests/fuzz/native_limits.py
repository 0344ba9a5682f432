"""The limits in C beside those in Python, with any meters and amounts; and in C with anything at all."""

import contextlib
import random
from pathlib import Path
from typing import Any

from gnomon.backends import limits_local
from gnomon.backends.limits_local import LimitsLocal
from gnomon.contract.ports import Day, Meter

_SUBJECTS = ("key:a", "key:b", "team:x", "model:m")
_NUMBERS = (0, 0, 1, 3, 60, 5000, 10**12, 2**62, -1, -(2**63))


class Pair:
    """Both, on files of their own and one clock."""

    def __init__(self, folder: Path, rng: random.Random) -> None:
        self._rng, self._now = rng, 1000.0
        self._quick = limits_local._quick
        self._fast, self._slow = (
            LimitsLocal(folder / f"limits-{name}", ticks=lambda: self._now, boot="same") for name in ("c", "python")
        )
        for limits in (self._fast, self._slow):
            limits.clock._offset = 0.0

    def step(self) -> None:
        """Somebody comes or goes. Raises SystemExit where the two differ."""
        rng = self._rng
        self._now += rng.choice((0.0, 0.001, 0.5, 70.0, 90_000.0))
        day = Day(100.0)
        first, second = ([self._meter() for _ in range(rng.randrange(4))] for _ in range(2))
        tokens, cost, entering = rng.choice((0, 1, 400, 10**9)), rng.choice((0, 1, 10**9)), rng.random() < 0.6

        def told(limits: LimitsLocal) -> Any:
            if entering:
                return limits.enter(first, inside=second, tokens=tokens, cost=cost, day=day, now=5.0)
            return limits.leave(first, tokens=tokens, cost=-cost, day=day, now=5.0)

        limits_local._quick = self._quick
        one = told(self._fast)
        limits_local._quick = None
        other = told(self._slow)
        limits_local._quick = self._quick
        if one != other:
            raise SystemExit(f"limits: {first} {second} {tokens} {cost} {entering}: {one!r} in C, {other!r} in Python")
        self._anything()

    def _meter(self) -> Meter:
        pick = self._rng.choice
        few = (0, 0, 1, 3, 60)
        return Meter(
            pick(_SUBJECTS),
            per_second=pick(few),
            per_minute=pick(few),
            concurrency=pick(few),
            tokens_per_minute=pick((0, 0, 100, 5000)),
            tokens_per_day=pick((0, 0, 1000, 10**12)),
            cost_per_day=pick((0, 0, 500, 10**15)),
        )

    def _anything(self) -> None:
        """Plans, tables and numbers that nobody made: refused or answered, and nothing out of bounds."""
        rng, fd = self._rng, self._fast._fd
        table = bytearray(rng.randbytes(64) * rng.choice((1, 1, 1, 1, 1000, 1000, 1000, 110_000)))
        plans = [rng.randbytes(rng.choice((0, 7, 56, 112, 560))) for _ in range(2)]
        amounts = [rng.choice(_NUMBERS) for _ in range(3)]
        now = rng.choice((0.0, -1.0, 1e300, float("inf"), float("nan"), 5.0))
        call = rng.choice((self._quick.enter, self._quick.leave))
        with contextlib.suppress(ValueError, OverflowError):
            call(table, fd, *plans, *amounts, now, rng.choice((-1, 0, 1, 16, 17, 2**40 + 3)))
        with contextlib.suppress(ValueError, OverflowError):
            self._quick.find(table, *(rng.choice(_NUMBERS) for _ in range(3)), rng.choice((0, 5, 2**64 - 1)))
