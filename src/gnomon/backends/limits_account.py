"""What one subject has used of its limits, as pure arithmetic over plain numbers.

Rates are GCRA, the leaky bucket as a meter: one number, the theoretical arrival time, says how full the bucket is.
"""

from typing import Final

from gnomon.contract.ports import Entry, Meter, Refused, Room

DEBT_S: Final = 3600.0  # what an answer costs beyond what was reserved is owed, up to so much time
_EPSILON: Final = 1e-6  # seconds; a double of today's Unix time is exact to 2.4e-7


class Account:
    """`second`, `minute`, `tokens` are arrival times; `day` says whose `day_tokens` and `day_cost` these are."""

    __slots__ = ("day", "day_cost", "day_tokens", "minute", "second", "tokens")

    def __init__(self, second: float, minute: float, tokens: float, day: int, day_tokens: int, day_cost: int) -> None:
        self.second = second
        self.minute = minute
        self.tokens = tokens
        self.day = day
        self.day_tokens = day_tokens
        self.day_cost = day_cost

    def take(
        self, meter: Meter, number: int, *, tokens: int, cost: int, day: int, day_left: float, now: float
    ) -> Entry:
        """The account after `number` requests of `tokens` and `cost` in all; refused, it is not to be kept.

        `now` is of a clock that never jumps; the day, of which `day_left` seconds are left, is the wall clock's.
        """
        requests = spare = None
        if number and meter.per_second:
            self.second, requests, wait = _pour(self.second, 1.0, meter.per_second, number, now)
            if wait:
                return _refusal("requests", wait, meter, meter.per_second, requests=requests)
        if number and meter.per_minute:
            self.minute, room, wait = _pour(self.minute, 60.0, meter.per_minute, number, now)
            requests = room if requests is None or room.left <= requests.left else requests
            if wait:
                return _refusal("requests", wait, meter, meter.per_minute, requests=room)
        if meter.tokens_per_minute:
            self.tokens, spare, wait = _pour(self.tokens, 60.0, meter.tokens_per_minute, tokens, now, debt_s=DEBT_S)
            if wait:
                return _refusal("tokens", wait, meter, meter.tokens_per_minute, tokens=spare)
        if meter.tokens_per_day or meter.cost_per_day:
            self._begin(day)
            if meter.tokens_per_day and self.day_tokens + max(tokens, 1) > meter.tokens_per_day:
                return _refusal("day_tokens", day_left, meter, meter.tokens_per_day)
            if meter.cost_per_day and self.day_cost + max(cost, 1) > meter.cost_per_day:
                return _refusal("day_cost", day_left, meter, meter.cost_per_day)
            self.day_tokens += tokens
            self.day_cost += cost
        return Entry(requests=requests, tokens=spare)

    def mend(self, now: float) -> None:
        """Whatever stood in the file locks nobody out for longer than a full bucket, or the longest debt, takes."""
        self.second = min(self.second, now + 1.0)
        self.minute = min(self.minute, now + 60.0)
        self.tokens = min(self.tokens, now + DEBT_S)

    def settle(self, meter: Meter, *, tokens: int, cost: int, day: int, now: float) -> None:
        """What was used beyond what was taken counts too; what was not used is given back."""
        if meter.tokens_per_minute and tokens:
            arrival = min(max(self.tokens, now), now + DEBT_S)
            self.tokens = arrival + tokens * 60.0 / meter.tokens_per_minute
        if meter.tokens_per_day or meter.cost_per_day:
            self._begin(day)
            self.day_tokens = max(self.day_tokens + tokens, 0)
            self.day_cost = max(self.day_cost + cost, 0)

    def _begin(self, day: int) -> None:
        if self.day != day:
            self.day, self.day_tokens, self.day_cost = day, 0, 0


def _pour(
    arrival: float, period_s: float, limit: int, amount: int, now: float, *, debt_s: float = 0.0
) -> tuple[float, Room, float]:
    """(the arrival time afterwards, what is left, seconds to wait where it does not fit)."""
    base = min(max(arrival, now), now + max(period_s, debt_s))
    after = base + amount * period_s / limit
    wait = after - now - period_s
    if wait > _EPSILON:
        return base, Room(limit, max(_left(base, now, period_s, limit), 0), base - now), wait
    return after, Room(limit, _left(after, now, period_s, limit), after - now), 0.0


def _left(arrival: float, now: float, period_s: float, limit: int) -> int:
    return int((now + period_s - arrival) * limit / period_s + 1e-4)


def _refusal(
    why: Refused, wait: float, meter: Meter, limit: int, *, requests: Room | None = None, tokens: Room | None = None
) -> Entry:
    return Entry(why, max(wait, 0.001), meter.subject, limit, requests, tokens)
