"""The callers of a made-up company: three weeks of hours, and a day of requests, with all that looks like an attack
and is none: outages and the rush after them, batch jobs at night, overtime, launches, offices behind one address,
servers with a stale key, new callers, new hires who mistype.

Everything is drawn from the seed. Nothing here knows the detectors or their limits.
"""

import math
from dataclasses import dataclass, field, replace

import numpy as np

HOUR = 3600.0
DAY = 24 * HOUR
HISTORY_DAYS = 21
WEEK_H = 168
KINDS = {"office": 0.50, "product": 0.20, "batch": 0.12, "monitor": 0.04, "pipeline": 0.08, "new": 0.06}
CALLERS = 260


@dataclass(frozen=True, slots=True)
class Event:
    """A request as the gateway will record it; `text` stands for its content."""

    at: float
    ms: float
    outcome: str
    caller: str = ""
    key: str = ""
    address: str = ""
    tried: str = ""
    text: str = ""
    illegal: bool = False


@dataclass(slots=True)
class Caller:
    """`shape` is the mean number of requests in each hour of the week, counted from Thursday 00:00 UTC."""

    name: str
    kind: str
    keys: list[str]
    addresses: list[str]
    shape: np.ndarray
    noise: float  # coefficient of variation of an hour
    prompts: int  # how many different prompts; 0: each is new
    since_day: float  # before the day of the replay
    moves: bool = False  # comes from another address every hour
    history: dict[int, float] = field(default_factory=dict)

    @property
    def homes(self) -> frozenset[str]:
        """The addresses of the past fortnight."""
        if not self.moves:
            return frozenset(self.addresses if self.history else ())
        return frozenset(f"{self.name}.h{hour}" for hour, n in self.history.items() if n)

    @property
    def busiest(self) -> float:
        return float(self.shape.max())


@dataclass(slots=True)
class Company:
    callers: list[Caller]
    start: float  # first second of the day
    rng: np.random.Generator
    events: list[Event] = field(default_factory=list)
    prompt: int = 0

    def fresh_prompt(self) -> str:
        self.prompt += 1
        return f"请说明第{self.prompt}号问题"


def company(seed: int) -> Company:
    """Callers with their history, and the requests of a day in `events` (not yet in order)."""
    rng = np.random.default_rng(seed)
    start = (20_500 + int(rng.integers(0, 7))) * DAY
    kinds = rng.choice(list(KINDS), size=CALLERS, p=list(KINDS.values()))
    offices = [f"nat{n}" for n in range(4)]
    made = Company([_caller(rng, n, str(kind), offices) for n, kind in enumerate(kinds)], start, rng)
    for caller in made.callers:
        caller.history = _history(rng, caller, start)
    _requests(made)
    _stale_keys(made)
    _rollout_with_a_stale_key(made)
    _mistyped(made)
    _illegal_now_and_then(made)
    _redeploys(made)
    _goes_live(made, np.random.default_rng((seed, 1)))
    return made


def _caller(rng: np.random.Generator, n: int, kind: str, offices: list[str]) -> Caller:
    hours = np.arange(WEEK_H)
    day, hour = (hours // 24 + 3) % 7, hours % 24  # 0 is Monday; the epoch was a Thursday
    shape = _shape(rng, kind, day, hour)
    if kind == "office" and rng.random() < 0.4:
        addresses = [str(rng.choice(offices))]
    else:
        addresses = [f"a{n}.{i}" for i in range(int(rng.integers(1, 5)))]
    return Caller(
        name=f"caller{n}",
        kind=kind,
        keys=[f"k{n}.{i}" for i in range(int(rng.integers(1, 4)))],
        addresses=addresses,
        shape=shape,
        noise=float(rng.uniform(0.15, 0.5)),
        prompts={"monitor": 1, "pipeline": int(rng.integers(20, 400))}.get(kind, 0 if rng.random() < 0.6 else 200),
        since_day=float(rng.uniform(0.0, 3.0)) if kind == "new" else HISTORY_DAYS,
        moves=bool(rng.random() < 0.08),
    )


def _shape(rng: np.random.Generator, kind: str, day: np.ndarray, hour: np.ndarray) -> np.ndarray:
    workday, working = day < 5, (hour >= 1) & (hour < 10)  # 09:00 to 18:00 in China
    if kind == "new" and rng.random() < 0.1:  # begins with all that has piled up
        begin = int(rng.integers(0, 22))
        return np.where((hour >= begin) & (hour < begin + 3), rng.lognormal(np.log(500), 0.6), 1.0)
    if kind in ("office", "new"):
        lunch = np.where((hour == 4) | (hour == 5), 0.4, 1.0)
        return rng.lognormal(np.log(50), 0.9) * np.where(workday & working, lunch, 0.03 * workday)
    if kind == "product":
        wave = 0.55 + 0.45 * np.sin((hour - rng.uniform(0, 8)) / 24 * 2 * np.pi)
        return rng.lognormal(np.log(120), 0.9) * wave * np.where(workday, 1.0, rng.uniform(0.5, 1.3))
    if kind == "batch":
        begin, length = int(rng.integers(12, 22)), int(rng.integers(1, 4))
        days = (day == rng.integers(0, 7)) if rng.random() < 0.25 else np.ones(WEEK_H, bool)
        running = (hour >= begin) & (hour < begin + length) & days
        return np.where(running, rng.lognormal(np.log(1200), 0.7), 3.0)
    if kind == "monitor":
        return np.full(WEEK_H, float(rng.choice([60, 120, 360])))
    return np.where(workday & working, rng.lognormal(np.log(80), 0.7), 6.0)  # pipeline: comes in bursts


def _means(rng: np.random.Generator, caller: Caller, first_hour: int, hours: int) -> np.ndarray:
    """Requests of each hour with the caller's noise, one-off launches and nights that a job begins an hour off."""
    at = (np.arange(hours) + first_hour) % WEEK_H
    if caller.kind == "batch":
        shifts = np.repeat(rng.choice([-1, 0, 0, 0, 0, 1], size=hours // 24 + 1), 24)[:hours]
        at = (at + shifts) % WEEK_H
    mean = caller.shape[at].astype(float)
    if caller.kind != "monitor":
        mean = mean * rng.gamma(1 / caller.noise**2, caller.noise**2, size=hours)
    if caller.kind in ("office", "product") and rng.random() < 0.02 * hours / 24:  # a launch
        begin, length = int(rng.integers(0, hours)), int(rng.integers(1, 4))
        mean[begin : begin + length] *= rng.uniform(1.5, 2.5)
    if caller.kind == "office" and rng.random() < 0.03 * hours / 24:  # overtime
        begin = int(rng.integers(0, hours))
        mean[begin : begin + int(rng.integers(1, 5))] += caller.busiest * rng.uniform(0.4, 0.9)
    return mean


def _history(rng: np.random.Generator, caller: Caller, start: float) -> dict[int, float]:
    last = int(start // HOUR)
    hours = min(int(caller.since_day * 24), HISTORY_DAYS * 24)
    counts = rng.poisson(_means(rng, caller, last - hours, hours)) if hours else np.zeros(0)
    return {last - hours + i: float(n) for i, n in enumerate(counts) if n}


def _requests(made: Company) -> None:
    rng = made.rng
    outage = made.start + rng.uniform(0, DAY - HOUR), rng.uniform(240, 1200), rng.random() < 0.7
    for caller in made.callers:
        affected = outage[2] and rng.random() < 0.5
        means = _means(rng, caller, int(made.start // HOUR), 24)
        for hour, n in enumerate(rng.poisson(means)):
            for at in made.start + hour * HOUR + _times(rng, caller.kind, int(n)):
                down = affected and outage[0] <= at < outage[0] + outage[1]
                request(made, caller, at, down_until=outage[0] + outage[1] if down else 0.0)


def _times(rng: np.random.Generator, kind: str, n: int) -> np.ndarray:
    """Seconds within the hour: even, in a stretch (batch jobs), or in bursts (pipelines)."""
    if kind == "batch" and n > 100:
        return rng.uniform(0, HOUR * rng.uniform(0.6, 1.0), size=n)
    if kind == "pipeline" and n > 10:
        centres = rng.uniform(0, HOUR - 120, size=max(1, n // 25))
        return rng.choice(centres, size=n) + rng.exponential(20, size=n)
    return rng.uniform(0, HOUR, size=n)


def request(
    made: Company,
    caller: Caller,
    at: float,
    *,
    down_until: float = 0.0,
    address: str = "",
    text: str = "",
    key: str = "",
) -> None:
    """One request; while the model server is down it fails, is tried again, and made up for afterwards."""
    rng = made.rng
    address = address or (
        f"{caller.name}.h{int(at // HOUR)}"
        if caller.moves
        else caller.addresses[int(rng.integers(len(caller.addresses)))]
    )
    text = text or (f"{caller.name}:{int(rng.zipf(1.3)) % caller.prompts}" if caller.prompts else made.fresh_prompt())
    key = key or caller.keys[0 if rng.random() < 0.7 else int(rng.integers(len(caller.keys)))]

    def say(when: float, outcome: str, ms: float) -> None:
        made.events.append(Event(when, ms, outcome, caller.name, key, address, text=text))

    if not down_until:
        say(at, "ok" if rng.random() < 0.995 else "upstream_error", float(rng.lognormal(6.5, 0.7)))
        return
    pause = float(rng.uniform(1, 20))
    for attempt in range(int(rng.integers(1, 6))):
        if at + attempt * pause < down_until:
            say(at + attempt * pause, "upstream_error", 50.0)
    if rng.random() < 0.7:
        say(down_until + float(rng.exponential(120)), "ok", 800.0)


def _wrong(made: Company, at: float, address: str, tried: str) -> None:
    made.events.append(Event(at, 1.0, "unauthorised", address=address, tried=tried))


def wrong_key(rng: np.random.Generator) -> str:
    return f"{int(rng.integers(65_536)):04x}"


def _redeploys(made: Company) -> None:
    """Servers that come up again, or more of them, at addresses that nobody saw before, and go on as ever."""
    rng = made.rng
    moved: dict[str, tuple[float, float, int]] = {}
    for caller in made.callers:
        if rng.random() < 0.05:
            share = 1.0 if rng.random() < 0.5 else float(rng.uniform(0.2, 0.7))
            moved[caller.name] = (made.start + float(rng.uniform(0, DAY)), share, int(rng.integers(1, 4)))
    for i, e in enumerate(made.events):
        begin, share, pods = moved.get(e.caller, (math.inf, 0.0, 1))
        if e.at >= begin and rng.random() < share:
            made.events[i] = replace(e, address=f"{e.caller}.new{int(rng.integers(pods))}")


def _goes_live(made: Company, rng: np.random.Generator) -> None:
    """A newcomer is put into service: beside those who tried it out, servers that nobody saw ask several times as much.

    It has a generator of its own, so that the days are otherwise those that were measured before there was any.
    """
    for caller in (one for one in made.callers if one.kind == "new"):
        if rng.random() < 0.1:
            pods, times, hour = int(rng.integers(1, 5)), float(rng.uniform(2, 8)), int(rng.integers(0, 23))
            shape = caller.shape[(np.arange(hour, 24) + int(made.start // HOUR)) % WEEK_H]
            for offset, n in enumerate(rng.poisson(np.maximum(shape, 0.3 * caller.busiest) * times)):
                for at in made.start + (hour + offset + rng.random(int(n))) * HOUR:
                    address, key = f"{caller.name}.live{int(rng.integers(pods))}", caller.keys[0]
                    text = f"{caller.name}:live{int(rng.zipf(1.3))}"
                    made.events.append(Event(float(at), 700.0, "ok", caller.name, key, address, text=text))


def _stale_keys(made: Company) -> None:
    """Servers that go on with a key that was revoked, for hours."""
    rng = made.rng
    for number in range(int(rng.integers(1, 5))):
        tried, pause = wrong_key(rng), float(rng.choice([2, 5, 10, 30, 60, 300]))
        begin, length = rng.uniform(0, DAY / 2), rng.uniform(HOUR, 12 * HOUR)
        for at in np.arange(begin, begin + length, pause):
            _wrong(made, made.start + float(at), f"stale{number}", tried)


def _rollout_with_a_stale_key(made: Company) -> None:
    """Twenty fresh pods come up with a key that is no longer valid."""
    rng = made.rng
    if rng.random() < 0.3:
        tried, begin = wrong_key(rng), made.start + rng.uniform(0, DAY - HOUR)
        for pod in range(int(rng.integers(10, 40))):
            for at in begin + np.cumsum(rng.exponential(15, size=20)):
                _wrong(made, float(at), f"pod{pod}", tried)


def _mistyped(made: Company) -> None:
    """People paste half a key, then the right one; more of them on a day with new hires, some behind an office."""
    rng = made.rng
    people = int(rng.poisson(18))
    times = list(rng.uniform(0, DAY, size=people))
    if rng.random() < 0.25:
        times += list(rng.uniform(1 * HOUR, 3 * HOUR, size=int(rng.integers(4, 9))))
    for number, at in enumerate(times):
        caller = made.callers[int(rng.integers(len(made.callers)))]
        address = f"person{number}" if rng.random() < 0.5 else caller.addresses[0]
        when = made.start + float(at)
        tried = wrong_key(rng)
        for _ in range(int(rng.integers(1, 6))):
            _wrong(made, when, address, tried)
            when += float(rng.exponential(20))
            tried = wrong_key(rng) if rng.random() < 0.5 else tried
        request(made, caller, when, address=address)


def _illegal_now_and_then(made: Company) -> None:
    rng = made.rng
    for caller in made.callers:
        if rng.random() > 0.06:
            continue
        for at in rng.uniform(0, DAY, size=int(rng.integers(1, 4))):
            blocked(made, caller, caller.keys[0], made.start + float(at), answered_after=True)


def blocked(made: Company, caller: Caller, key: str, at: float, *, answered_after: bool) -> None:
    """An input that the guard refuses as unsafe; `answered_after`, the next one of the same key is harmless."""
    made.events.append(Event(at, 3.0, "blocked", caller.name, key, caller.addresses[0], illegal=True))
    if answered_after:
        request(made, caller, at + 5.0, key=key)
