"""What sooner costs: `python bench/defence/curve.py [--seeds 1,2]`: the limits of frequency and scraping, scaled.

For each scale the share of attacks in a caller's name that are found, of the evident ones those found within a minute,
and the innocent callers accused a day. A third of the innocent callers is replayed, and counted three times.
"""

import argparse
from dataclasses import replace

from attackers import HELD_OUT, attacks
from callers import company
from judging import Said, Verdict
from run import SOON_S, records, watch_for

from gnomon.control.rulebook.rules import load
from gnomon.engine.defence import Rules

SCALES = (0.7, 0.8, 0.9, 1.0, 1.2)
SCALED = (
    "frequency_factor", "frequency_margin", "frequency_long_factor", "frequency_long_margin", "strange_factor",
    "strange_margin",
)  # fmt: skip
INNOCENT = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="101,102,103,104")
    seeds = [int(one) for one in parser.parse_args().seeds.split(",")]
    book = load()
    rules = Rules.of({name: book.threshold(name).limit for name in Rules.names()})
    verdicts = {scale: Verdict() for scale in SCALES}
    for seed in seeds:
        _day(seed, rules, verdicts)
    print("scale  found  evident: within 60 s  innocent callers accused a day")
    for scale, v in verdicts.items():
        evident = sum(map(len, v.evident.values())) + sum(v.missed.values())
        soon = sum(delay <= SOON_S for delays in v.evident.values() for delay in delays)
        print(f"{scale:5}  {v.hits}/{v.attacks}  {soon}/{evident}  {INNOCENT * len(v.false) / v.days:.2f}")


def _day(seed: int, rules: Rules, verdicts: dict[float, Verdict]) -> None:
    made = company(seed)
    found = [one for one in attacks(made) if one.victim and one.family not in HELD_OUT]
    victims = {one.victim.name for one in found if one.victim}
    others = {one.name for one in made.callers[::INNOCENT]} - _attacked(made.events)
    made.events = [event for event in made.events if event.caller in victims | others]
    stream = list(records(made.events))
    for scale, verdict in verdicts.items():
        watch = watch_for(made, replace(rules, **{name: scale * getattr(rules, name) for name in SCALED}))
        said = [(record, one) for record in stream for one in watch.observe(record)]
        kept = [(r, s) for r, s in said if s.family in ("scraping", "abnormal_frequency")]
        verdict.add(found, [Said(r.at + r.timings.total / 1000, s.subject, int(s.level), s.family) for r, s in kept])


def _attacked(events: list) -> set[str]:  # type: ignore[type-arg]
    """Callers in whose name anybody attacks: from an address that is named for its attack, or in bursts of one text."""
    names = ("flood", "relay", "ramp", "pulses", "scraping", "abnormal", "night")
    return {e.caller for e in events if e.caller and (e.address.startswith(names) or e.text.startswith(names))}


if __name__ == "__main__":
    main()
