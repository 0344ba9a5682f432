"""Attackers of thirteen families, each drawn from ranges wide enough that nobody could tune to them.

An attack is *established* with the request that makes it what its family's name says; the sizes below are definitions
of this file and not the detectors' limits. Whoever asks too much in a caller's name is *evident* with the first
request after that with which the past hour holds more than BEYOND times the busiest hour that the caller ever had: an
attack that is smaller than that hides in what the caller does, whoever watches. HELD_OUT families were written after
the detectors had been settled, and nothing was changed for them; but relay, ramp, pulses and team had been seen when
the cumulative sums were thought of, for which drip and crew were written afterwards.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from callers import DAY, HOUR, Caller, Company, Event, blocked, request, wrong_key

GUESSES = 30  # different keys that one address tried in vain
ADDRESSES = 20  # addresses that took part in trying keys
FLOOD = 200  # requests of a flood
EXTRACTED = 500  # different answers taken
BEYOND = 1.5  # times the busiest hour of a caller's history
EXCESS = 3.0  # times the requests of the caller's own busiest hour, at least 150
EACH = 5  # attackers of a family on a day; campaigns, which keep everybody busy, are fewer
CAMPAIGNS = 2


@dataclass(slots=True)
class Attack:
    """`subjects` are the keys and addresses whose accusation is right; `whole` also the installation's warning."""

    family: str
    number: int
    first: float
    established: float
    last: float
    subjects: frozenset[str]
    whole: bool = False
    victim: Caller | None = None
    evident: float | None = None


def attacks(made: Company) -> list[Attack]:
    """Their requests are among the company's events from now on. At most one attack uses a caller's keys."""
    rng = made.rng
    victims = [made.callers[i] for i in rng.permutation(len(made.callers))]
    found = []
    for family, make in FAMILIES.items():
        for number in range(CAMPAIGNS if family in ("stuffing", "drip") else EACH):
            before = len(made.events)
            found.append(make(made, f"{family}{number}", victims))
            found[-1].family = family
            own = made.events[before:]
            found[-1].number = number
            found[-1].first = min(event.at for event in own)
            found[-1].last = max(event.at for event in own)
    _evidence(made, [one for one in found if one.victim and one.victim.history])
    return found


def _evidence(made: Company, found: list[Attack], beyond: float = BEYOND) -> None:
    """When each becomes evident, of those that do."""
    names = {one.victim.name for one in found if one.victim}
    asked: dict[str, list[float]] = {name: [] for name in names}
    for event in made.events:
        if event.caller in names and event.outcome != "upstream_error":
            asked[event.caller].append(event.at)
    for one in found:
        assert one.victim is not None
        times = np.sort(asked[one.victim.name])
        within = np.arange(1, len(times) + 1) - np.searchsorted(times, times - HOUR, side="right")
        over = times[(within > beyond * max(one.victim.history.values())) & (times >= one.established)]
        one.evident = float(over[0]) if len(over) and over[0] <= one.last else None


def _begin(made: Company, length: float) -> float:
    return made.start + float(made.rng.uniform(0, max(DAY - length, 1.0)))


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _paced(rng: np.random.Generator, n: int, mean_gap: float, regularity: float) -> np.ndarray:
    """Offsets of n requests: from clockwork (regularity large) to bursts (below 1)."""
    return np.cumsum(rng.gamma(regularity, mean_gap / regularity, size=n))


def guessing(made: Company, name: str, _victims: list[Caller]) -> Attack:
    """One address, a different key each time."""
    rng = made.rng
    gap = _log_uniform(rng, 0.1, 120.0)
    n = int(min(_log_uniform(rng, 40, 3000), 40 + 12 * HOUR / gap))
    times = _begin(made, n * gap) + _paced(rng, n, gap, float(rng.uniform(0.4, 8)))
    for at in times:
        made.events.append(Event(float(at), 1.0, "unauthorised", address=name, tried=wrong_key(rng)))
    return Attack("guessing", 0, 0, float(times[GUESSES - 1]), 0, frozenset({f"address:{name}"}))


def stuffing(made: Company, name: str, victims: list[Caller]) -> Attack:
    """A few leaked keys from each of many addresses; in a third of the campaigns one of them still fits."""
    rng = made.rng
    addresses, length = int(_log_uniform(rng, 40, 1500)), _log_uniform(rng, 180, 3 * HOUR)
    begin = _begin(made, length)
    joined = np.sort(rng.uniform(0, length, size=addresses))
    subjects = set()
    for i, offset in enumerate(joined):
        address = f"{name}.{i}"
        subjects.add(f"address:{address}")
        at = begin + float(offset)
        for _ in range(int(rng.integers(1, 5))):
            made.events.append(Event(at, 1.0, "unauthorised", address=address, tried=wrong_key(rng)))
            at += float(rng.exponential(10))
        if i == addresses * 2 // 3 and rng.random() < 0.33:
            caller = victims[int(rng.integers(len(victims)))]
            request(made, caller, at, address=address, key=caller.keys[0])
            subjects.add(f"key:{caller.keys[0]}")
    return Attack("stuffing", 0, 0, begin + float(joined[ADDRESSES - 1]), 0, frozenset(subjects), whole=True)


def flood(made: Company, name: str, victims: list[Caller]) -> Attack:
    """As many requests as go in: with a key, from one or many addresses; or without any."""
    rng = made.rng
    rate, length = _log_uniform(rng, 15, 200), _log_uniform(rng, 20, 180)
    n = int(max(FLOOD * 1.3, min(rate * length, 12_000)))
    times = _begin(made, n / rate) + _paced(rng, n, 1 / rate, float(rng.uniform(0.5, 4)))
    addresses = [f"{name}.{i}" for i in range(int(_log_uniform(rng, 1, 50)))]
    keyed = rng.random() < 0.6
    caller = victims.pop() if keyed else None
    for at in times:
        address = addresses[int(rng.integers(len(addresses)))]
        if caller:
            request(made, caller, float(at), address=address, key=caller.keys[0], text=f"{name}{int(rng.integers(50))}")
        else:
            made.events.append(Event(float(at), 1.0, "unauthorised", address=address))
    subjects = {f"address:{one}" for one in addresses} | ({f"key:{caller.keys[0]}"} if caller else set())
    return Attack("flood", 0, 0, float(times[FLOOD - 1]), 0, frozenset(subjects), whole=not keyed)


def scraping(made: Company, name: str, victims: list[Caller]) -> Attack:
    """Thousands of different questions for hours, with a stolen key or by the caller itself, with or without pauses."""
    rng = made.rng
    caller = victims.pop()
    gap, wanted = 60 / _log_uniform(rng, 4, 90), int(_log_uniform(rng, 800, 5000))
    n = int(min(wanted, 10 * HOUR / gap))
    times = _begin(made, n * gap * 1.4) + _paced(rng, n, gap, float(rng.uniform(0.3, 6)))
    if rng.random() < 0.3:
        times = times + np.cumsum(rng.random(n) < 0.005) * rng.uniform(60, 900)
    times = times[times < made.start + 1.2 * DAY]
    inside = rng.random() < 0.4
    repeats = float(rng.uniform(0, 0.1))
    for at in times:
        text = f"{name}重复" if rng.random() < repeats else made.fresh_prompt()
        request(made, caller, float(at), address="" if inside else name, key=caller.keys[0], text=text)
    at = times[min(EXTRACTED, len(times)) - 1]
    return Attack(
        "scraping", 0, 0, float(at), 0, frozenset({f"key:{caller.keys[0]}", f"address:{name}"}), victim=caller
    )


def abnormal(made: Company, name: str, victims: list[Caller]) -> Attack:
    """A caller's key does many times what the caller ever does."""
    rng = made.rng
    caller = victims.pop()
    usual = max(caller.busiest, 50.0)
    rate = min(usual * _log_uniform(rng, 4, 40), 20_000) / HOUR
    n = int(max(rate * rng.uniform(600, 5400), EXCESS * usual * 1.5))
    times = _begin(made, n / rate) + _paced(rng, n, 1 / rate, float(rng.uniform(0.3, 6)))
    texts = int(_log_uniform(rng, 2, 2000))
    for at in times:
        request(made, caller, float(at), address=name, key=caller.keys[0], text=f"{name}{int(rng.integers(texts))}")
    at = times[int(EXCESS * usual) - 1]
    return Attack(
        "abnormal", 0, 0, float(at), 0, frozenset({f"key:{caller.keys[0]}", f"address:{name}"}), victim=caller
    )


def stolen_at_night(made: Company, name: str, victims: list[Caller]) -> Attack:
    """A key of an office caller works through the night at several times its pace by day."""
    rng = made.rng
    caller = next(one for one in victims if one.kind == "office")
    victims.remove(caller)
    usual = max(caller.busiest, 50.0)
    rate = usual * rng.uniform(4, 12) / HOUR
    n = int(max(rate * rng.uniform(1, 4) * HOUR, EXCESS * usual * 1.5))
    times = made.start + rng.uniform(12, 14) * HOUR + _paced(rng, n, 1 / rate, float(rng.uniform(0.5, 4)))
    for at in times:
        request(made, caller, float(at), address=name, key=caller.keys[0])
    at = times[int(EXCESS * usual) - 1]
    return Attack("night", 0, 0, float(at), 0, frozenset({f"key:{caller.keys[0]}", f"address:{name}"}), victim=caller)


def illegal(made: Company, name: str, victims: list[Caller]) -> Attack:
    """Unsafe inputs: three or more in a row, or five and more over the day with harmless ones between."""
    rng = made.rng
    caller = victims.pop()
    key = f"{caller.keys[0]}.{name}"  # a user of its own
    in_a_row = rng.random() < 0.5
    n = int(rng.integers(3, 9)) if in_a_row else int(rng.integers(5, 13))
    if in_a_row:
        times = _begin(made, HOUR) + np.cumsum(rng.exponential(60, size=n))
    else:
        times = made.start + np.sort(rng.uniform(0, DAY, size=n))
    for at in times:
        blocked(made, caller, key, float(at), answered_after=not in_a_row)
    return Attack("illegal", 0, 0, float(times[2 if in_a_row else 4]), 0, frozenset({f"key:{key}"}))


def relay(made: Company, name: str, victims: list[Caller]) -> Attack:
    """Held out: scraping through rented addresses, each good for some dozens of questions, with all keys in turn."""
    rng = made.rng
    caller = victims.pop()
    gap, n, each = 60 / _log_uniform(rng, 6, 60), int(_log_uniform(rng, 800, 4000)), int(_log_uniform(rng, 20, 200))
    n = int(min(n, 10 * HOUR / gap))
    times = _begin(made, n * gap * 1.2) + _paced(rng, n, gap, float(rng.uniform(0.5, 4)))
    addresses = {f"{name}.{i // each}" for i in range(n)}
    for i, at in enumerate(times):
        key = caller.keys[i % len(caller.keys)]
        request(made, caller, float(at), address=f"{name}.{i // each}", key=key, text=made.fresh_prompt())
    subjects = {f"address:{one}" for one in addresses} | {f"key:{one}" for one in caller.keys}
    return Attack("relay", 0, 0, float(times[min(EXTRACTED, n) - 1]), 0, frozenset(subjects), victim=caller)


def ramp(made: Company, name: str, victims: list[Caller]) -> Attack:
    """Held out: a stolen key that begins far below what is usual and doubles its pace again and again."""
    rng = made.rng
    caller = victims.pop()
    usual = max(caller.busiest, 50.0)
    doubling, length = rng.uniform(600, 2400), rng.uniform(1.5, 4) * HOUR
    times, at = [], _begin(made, length)
    begin = at
    while at < begin + length and len(times) < 20_000:
        pace = min(0.1 * usual * 2 ** ((at - begin) / doubling), 25 * usual) / HOUR
        at += float(rng.exponential(1 / pace))
        times.append(at)
    for at in times:
        request(made, caller, at, address=name, key=caller.keys[0])
    established = times[min(int(EXCESS * usual), len(times)) - 1]
    subjects = frozenset({f"key:{caller.keys[0]}", f"address:{name}"})
    return Attack("ramp", 0, 0, established, 0, subjects, victim=caller)


def pulses(made: Company, name: str, victims: list[Caller]) -> Attack:
    """Held out: bursts of a minute or three with long pauses, by a stolen key."""
    rng = made.rng
    caller = victims.pop()
    usual = max(caller.busiest, 50.0)
    pause, burst = rng.uniform(600, 1800), rng.uniform(60, 180)
    hourly = usual * _log_uniform(rng, 4, 15)
    each = max(int(hourly * pause / HOUR), 20)
    rounds = int(rng.integers(4, 12))
    begin = _begin(made, rounds * pause)
    times = np.sort(np.concatenate([begin + i * pause + rng.uniform(0, burst, size=each) for i in range(rounds)]))
    for at in times:
        request(made, caller, float(at), address=name, key=caller.keys[0])
    established = float(times[min(int(EXCESS * usual), len(times)) - 1])
    subjects = frozenset({f"key:{caller.keys[0]}", f"address:{name}"})
    return Attack("pulses", 0, 0, established, 0, subjects, victim=caller)


def team_guessing(made: Company, name: str, _victims: list[Caller]) -> Attack:
    """Held out: a handful of addresses take turns at guessing, too few for a campaign."""
    rng = made.rng
    count, gap = int(rng.integers(3, 11)), _log_uniform(rng, 2, 60)
    n = int(min(_log_uniform(rng, 120, 2000), 12 * HOUR / gap))
    times = _begin(made, n * gap) + _paced(rng, n, gap, float(rng.uniform(0.5, 4)))
    for i, at in enumerate(times):
        made.events.append(Event(float(at), 1.0, "unauthorised", address=f"{name}.{i % count}", tried=wrong_key(rng)))
    subjects = frozenset(f"address:{name}.{i}" for i in range(count))
    return Attack("team", 0, 0, float(times[GUESSES - 1]), 0, subjects, whole=True)


def drip(made: Company, name: str, _victims: list[Caller]) -> Attack:
    """Held out, later: many addresses, each of which tries one key and is not seen again."""
    rng = made.rng
    n, length = int(_log_uniform(rng, 40, 400)), _log_uniform(rng, 600, 2 * HOUR)
    begin = _begin(made, length)
    times = begin + np.sort(rng.uniform(0, length, size=n))
    for i, at in enumerate(times):
        made.events.append(Event(float(at), 1.0, "unauthorised", address=f"{name}.{i}", tried=wrong_key(rng)))
    subjects = frozenset(f"address:{name}.{i}" for i in range(n))
    return Attack("drip", 0, 0, float(times[ADDRESSES - 1]), 0, subjects, whole=True)


def crew(made: Company, name: str, victims: list[Caller]) -> Attack:
    """Held out, later: all keys of a caller at once, from a few new addresses and some of its own, in long shifts."""
    rng = made.rng
    caller = victims.pop()
    usual = max(caller.busiest, 50.0)
    rate = min(usual * _log_uniform(rng, 3, 12), 20_000) / HOUR
    n = int(max(rate * rng.uniform(1800, 7200), EXCESS * usual * 1.5))
    times = _begin(made, n / rate) + _paced(rng, n, 1 / rate, float(rng.uniform(0.3, 4)))
    places = [f"{name}.{i}" for i in range(int(rng.integers(2, 6)))]
    for i, at in enumerate(times):
        address = "" if rng.random() < 0.3 else places[i % len(places)]
        request(made, caller, float(at), address=address, key=caller.keys[i % len(caller.keys)])
    at = times[int(EXCESS * usual) - 1]
    subjects = frozenset([*(f"key:{one}" for one in caller.keys), *(f"address:{one}" for one in places)])
    return Attack("crew", 0, 0, float(at), 0, subjects, victim=caller)


HELD_OUT = ("relay", "ramp", "pulses", "team", "drip", "crew")
FAMILIES: dict[str, Callable[[Company, str, list[Caller]], Attack]] = {
    "guessing": guessing,
    "stuffing": stuffing,
    "flood": flood,
    "scraping": scraping,
    "abnormal": abnormal,
    "night": stolen_at_night,
    "illegal": illegal,
    "relay": relay,
    "ramp": ramp,
    "pulses": pulses,
    "team": team_guessing,
    "drip": drip,
    "crew": crew,
}
