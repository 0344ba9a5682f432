"""How well and how soon attacks are found: `python bench/defence/run.py [--quick] [--seeds 1,2] [--show]`.

Made-up days of a company (callers.py) with attackers whose parameters are drawn at random (attackers.py) are replayed
through the detectors that the collector runs, in the order in which it would see the records, with the limits of the
rulebook; nothing is enforced meanwhile. Limits and code were settled on seeds below 200; the seeds of the evaluation
were run once, afterwards, with families of attackers that nothing was settled on (*). Beside it a rule with fixed
limits, with the best of five limits in hindsight. Attacks by words are content.py's, whose figures are added.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]

from attackers import HELD_OUT, Attack, attacks  # noqa: E402
from callers import Company, Event, company  # noqa: E402
from judging import Said, Verdict  # noqa: E402
from static import Static  # noqa: E402

from gnomon.contract.content import ContentFinding  # noqa: E402
from gnomon.contract.traffic import Timings, TrafficRecord  # noqa: E402
from gnomon.control.access.schemas import OWN_CALLER  # noqa: E402
from gnomon.control.rulebook.rules import load  # noqa: E402
from gnomon.engine.defence import Level, Rules, Watch, fitted  # noqa: E402
from gnomon.guard.measure import wilson  # noqa: E402

EVALUATION = (*range(701, 707), *range(711, 717))
SOON_S = 60.0
PEER_LIMITS = (30, 60, 120, 300, 600)
UNSAFE = ContentFinding(
    category="unsafe.weapons", direction="input", score=0.95, action="block", rule="r", book="b", start=0, end=9
)
STATUS = {"ok": 200, "unauthorised": 401, "blocked": 400, "upstream_error": 502}


def records(events: list[Event]) -> Iterator[TrafficRecord]:
    """In the order in which their requests ended."""
    for number, e in enumerate(sorted(events, key=lambda event: event.at + event.ms / 1000)):
        yield TrafficRecord(
            id=f"r{number}",
            at=e.at,
            outcome=e.outcome,  # type: ignore[arg-type]
            status=STATUS[e.outcome],
            timings=Timings(total=e.ms),
            key_id=e.key,
            caller=e.caller,
            address=e.address,
            tried=e.tried,
            request=e.text,
            content=(UNSAFE,) if e.illegal else (),
        )


def watch_for(made: Company, rules: Rules) -> Watch:
    """What the collector knows when it starts: baselines from its records, and which addresses came in before."""
    watch = Watch(rules, own_caller=OWN_CALLER)
    watch.learn({one.name: fitted(one.history, made.start) for one in made.callers if one.history})
    for caller in made.callers:
        if caller.history:
            for address in caller.addresses:
                for key in caller.keys:
                    watch.know(address, key)
    watch.settle({one.name: one.homes for one in made.callers})
    return watch


def day(seed: int, rules: Rules, ours: Verdict, biting: Verdict, peers: dict[int, Verdict]) -> tuple[int, float]:
    """Records of the day, and the CPU seconds that the detectors took."""
    made = company(seed)
    done: list[Attack] = attacks(made)
    watch = watch_for(made, rules)
    static = {limit: Static(limit) for limit in peers}
    said: list[Said] = []
    peer_said: dict[int, list[Said]] = {limit: [] for limit in peers}
    stream = list(records(made.events))
    begun = time.process_time()
    for record in stream:
        ended = record.at + record.timings.total / 1000
        said += [Said(ended, one.subject, int(one.level), one.family) for one in watch.observe(record)]
    cpu = time.process_time() - begun
    for record in stream:
        for limit, peer in static.items():
            peer_said[limit] += [Said(record.at, subject) for subject in peer.observe(record)]
    ours.add(done, said)
    biting.add(done, [one for one in said if one.level > Level.WARN])
    for limit, verdict in peers.items():
        verdict.add(done, peer_said[limit])
    return len(stream), cpu


def quantile(values: list[float], q: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(q * len(ordered)) - 1)] if ordered else math.nan


def table(ours: Verdict, peer: Verdict) -> None:
    print(
        "family          n  found   95 % interval    peer"
        "   established p50/p95 s   evident: n, p50/p95/within 60 s   hidden: found/n   since first p50/p95 s"
    )
    for family, found in ours.found.items():
        low, high = wilson(sum(found), len(found))
        delays, first = ours.delays.get(family, []), ours.since_first.get(family, [])
        evident, hidden = ours.evident.get(family, []), ours.hidden.get(family, [])
        evidently = len(evident) + ours.missed.get(family, 0)
        soon = sum(delay <= SOON_S for delay in evident)
        name = family + "*" * (family in HELD_OUT)
        print(
            f"{name:10} {len(found):4}  {sum(found) / len(found):.3f}   [{low:.3f}, {high:.3f}]"
            f"   {sum(peer.found[family]) / len(found):.3f}"
            f"   {quantile(delays, 0.5):6.1f} / {quantile(delays, 0.95):6.1f}"
            f"   {evidently:4} {quantile(evident, 0.5):6.1f} / {quantile(evident, 0.95):6.1f} / {soon}"
            f"   {sum(hidden):3}/{len(hidden):3}"
            f"   {quantile(first, 0.5):8.1f} / {quantile(first, 0.95):8.1f}"
        )


def line(name: str, v: Verdict) -> None:
    accused = v.hits + len(v.false)
    (rl, rh), (pl, ph) = wilson(v.hits, v.attacks), wilson(v.hits, accused)
    print(
        f"{name:22} recall {v.recall:.3f} [{rl:.3f}, {rh:.3f}] of {v.attacks}   precision {v.precision:.3f}"
        f" [{pl:.3f}, {ph:.3f}] of {accused}   innocent accused a day {len(v.false) / v.days:.2f}"
    )


def content(*, quick: bool) -> dict[str, float | None]:
    """The metrics of content.py, which looks at texts and not at traffic; null where it could not be run."""
    command = [sys.executable, str(Path(__file__).with_name("content.py")), *(["--quick"] if quick else [])]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    *told, last = found.stdout.rstrip().splitlines() or [""]
    print("\n".join(told))
    if found.returncode or not last.startswith("RESULT "):
        print(f"content.py ended with {found.returncode}: {found.stderr.strip()[-300:]}")
        return {"injection_block_rate": None, "over_block_rate": None}
    metrics: dict[str, float | None] = json.loads(last.removeprefix("RESULT "))["metrics"]
    return metrics


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two days instead of twelve")
    parser.add_argument("--seeds", default="", help="other seeds, by commas")
    parser.add_argument("--no-content", action="store_true", help="traffic only")
    parser.add_argument("--show", action="store_true", help="list what was missed and who was accused wrongly")
    options = parser.parse_args()
    seeds = [int(one) for one in options.seeds.split(",") if one] or list(
        EVALUATION[:2] if options.quick else EVALUATION
    )
    book = load()
    rules = Rules.of({name: book.threshold(name).limit for name in Rules.names()})
    ours, biting, peers = Verdict(), Verdict(), {limit: Verdict() for limit in PEER_LIMITS}
    begun, n, cpu = time.time(), 0, 0.0
    for seed in seeds:
        more, took = day(seed, rules, ours, biting, peers)
        n, cpu = n + more, cpu + took
        if options.show:
            print(f"seed {seed}: {more} records, {cpu / n * 1e6:.1f} us")
    best = max(peers, key=lambda limit: peers[limit].f1)
    if options.show:
        for one in ours.false:
            print("  accused wrongly:", one.family, one.subject, one.level)
    memory = psutil.virtual_memory().total / 2**30
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    print(f"{len(seeds)} days, {n} records; {os.cpu_count()} cores, {memory:.0f} GB, commit {commit.strip()}")
    table(ours, peers[best])
    line("Gnomon", ours)
    line("... throttle or ban", biting)
    line(f"fixed, {best}/min a key", peers[best])
    print("accused wrongly, by family:", dict(Counter(str(one.family) for one in ours.false)))
    print(f"detectors: {cpu / n * 1e6:.1f} us CPU a record")
    every = [delay for delays in ours.delays.values() for delay in delays]
    metrics = {
        "recall": round(ours.recall, 4),
        "precision": round(ours.precision, 4),
        "delay_p95_s": round(quantile(every, 0.95), 2),
        "delay_p50_s": round(quantile(every, 0.5), 2),
        "throttle_or_ban_recall": round(biting.recall, 4),
        "throttle_or_ban_precision": round(biting.precision, 4),
        "innocent_a_day": round(len(ours.false) / ours.days, 3),
        "cpu_us_per_record": round(cpu / n * 1e6, 2),
        "peer_static_recall": round(peers[best].recall, 4),
        "peer_static_precision": round(peers[best].precision, 4),
        "attacks": ours.attacks,
    } | ({} if options.no_content else content(quick=options.quick))
    result = {"name": "defence", "commit": commit.strip(), "seconds": round(time.time() - begun, 1), "metrics": metrics}
    print(f"RESULT {json.dumps(result)}")


if __name__ == "__main__":
    sys.exit(main())
