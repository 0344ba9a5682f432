"""How many attacks are refused, and harmless texts: `python bench/defence/content.py [--quick] [--texts FOLDER]`.

Attacks and harmful requests come from published packages whose texts are read as data (corpora.py), Chinese ones from
chinese.py. Three things are told apart: what the rules were tuned on (dev), what nobody who wrote them had read, and
what is still refused when the rules of the attack's own family are taken out. `--texts` (or GNOMON_CONTENT_TEXTS) adds
harmless texts of one's own. Thresholds are those of the default policy. Peers run on the same texts in an environment
of their own. CPU time of one process; the last line is RESULT with the metrics.
"""

import argparse
import json
import os
import platform
import subprocess
import time
import venv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

import chinese  # noqa: E402
from corpora import Corpus, local, manuals, packages, published  # noqa: E402

from gnomon.contract.content import ContentPolicy  # noqa: E402
from gnomon.control.rulebook.rules import load as rulebook  # noqa: E402
from gnomon.guard.content.book import load  # noqa: E402
from gnomon.guard.content.engine import Engine  # noqa: E402
from gnomon.guard.content.policy import ContentGuard, Findings  # noqa: E402
from gnomon.guard.measure import wilson  # noqa: E402

ENVIRONMENTS = ROOT / "bench" / ".peers"
PEERS = ("agentbastion", "aicordon", "prompt_shield")
MOST = {True: 150, False: 2000}


@dataclass(frozen=True, slots=True)
class Row:
    """Of the texts of a corpus: how many a default installation refuses, and how many it records or refuses."""

    corpus: Corpus
    blocked: int
    noted: int
    kb: float
    seconds: float


def main() -> None:
    options = _options()
    corpora = [_cut(corpus, MOST[options.quick]) for corpus in _corpora(options)]
    policy = next(p for p in rulebook().content_policies if p.id == rulebook().default_content_policy)
    begin = time.process_time()
    memory = ENVIRONMENTS / "patterns"
    guard = ContentGuard(policy, Engine(load(), memory))
    print(f"# {platform.processor() or platform.machine()}, Python {platform.python_version()}; book {load().version}")
    print(f"# engine made in {time.process_time() - begin:.2f} s of CPU")
    rows = [measured(corpus, guard) for corpus in corpora]
    _print(rows, policy)
    held_out = _held_out(corpora, policy, memory)
    peers = {} if options.no_peers else {name: verdicts for name in PEERS if (verdicts := _peer(name, corpora))}
    _print_peers(rows, peers)
    print("RESULT " + json.dumps(_result(rows, held_out, peers), ensure_ascii=False))


def measured(corpus: Corpus, guard: ContentGuard) -> Row:
    blocked = noted = 0
    begin = time.process_time()
    for text in corpus.texts:
        found: Findings = {}
        category = guard.judge(text, "input", found)
        wanted = {"attack": "injection.", "unsafe": "unsafe."}.get(corpus.kind, "")
        blocked += category.startswith(wanted) and bool(category)
        noted += any(name.startswith(wanted) for _, name in found)
    seconds = time.process_time() - begin
    return Row(corpus, blocked, noted, sum(len(t.encode("utf-8", "replace")) for t in corpus.texts) / 1024, seconds)


def _held_out(corpora: list[Corpus], policy: ContentPolicy, memory: Path) -> tuple[int, int]:
    """Attacks refused without the rules of their own family; printed by family."""
    print("\nwithout the rules of their own family (all corpora of that family, dev too)")
    hits = total = 0
    for family in sorted({c.technique for c in corpora if c.kind == "attack" and c.technique}):
        guard = ContentGuard(policy, Engine(load().without(family), memory))
        rows = [measured(c, guard) for c in corpora if c.technique == family and c.kind == "attack"]
        blocked, noted, n = (
            sum(r.blocked for r in rows),
            sum(r.noted for r in rows),
            sum(len(r.corpus.texts) for r in rows),
        )
        print(f"  {family:24s} n = {n:5d}  refused {_share(blocked, n)}  recorded {_share(noted, n)}")
        hits, total = hits + blocked, total + n
    return hits, total


def _print(rows: list[Row], policy: ContentPolicy) -> None:
    print(
        f"# default policy {policy.version}: injection refused from .75, all recorded from .5, unsafe matter from .7\n"
    )
    for kind in ("attack", "unsafe", "benign"):
        for row in (r for r in rows if r.corpus.kind == kind):
            n = len(row.corpus.texts)
            mark = "dev " if row.corpus.is_dev else "    "
            print(
                f"{kind:7s}{mark}{row.corpus.name:28s} n = {n:5d}  refused {_share(row.blocked, n)}"
                f"  recorded {_share(row.noted, n)}  {1e3 * row.seconds / max(row.kb, 0.001):6.3f} ms/KB"
            )
        for label, dev in (("dev", True), ("unread", False)):
            chosen = [r for r in rows if r.corpus.kind == kind and r.corpus.is_dev == dev]
            n = sum(len(r.corpus.texts) for r in chosen)
            blocked, noted = sum(r.blocked for r in chosen), sum(r.noted for r in chosen)
            print(f"{kind:7s}    = {label:26s} n = {n:5d}  refused {_share(blocked, n)}  recorded {_share(noted, n)}\n")


def _print_peers(rows: list[Row], peers: dict[str, tuple[str, float]]) -> None:
    if not peers:
        return
    print("\nbeside detectors of injections that need no model from a hub: refused, all corpora that were not tuned on")
    kb = sum(r.kb for r in rows)
    ours = [_total([r for r in rows if r.corpus.kind == kind and not r.corpus.is_dev]) for kind in ("attack", "benign")]
    _print_peer("ours", ours, sum(r.seconds for r in rows) / kb)
    for name, (verdicts, cpu) in peers.items():
        _print_peer(name, [_of_peer(verdicts, rows, kind) for kind in ("attack", "benign")], cpu / kb)


def _print_peer(name: str, told: list[tuple[int, int]], seconds_per_kb: float) -> None:
    attacks, harmless = (_share(*counts) for counts in told)
    print(f"  {name:16s} attacks {attacks}  harmless {harmless}  {1e3 * seconds_per_kb:7.3f} ms/KB")


def _total(rows: list[Row]) -> tuple[int, int]:
    return sum(r.blocked for r in rows), sum(len(r.corpus.texts) for r in rows)


def _of_peer(verdicts: str, rows: list[Row], kind: str) -> tuple[int, int]:
    at = hits = n = 0
    for row in rows:
        size = len(row.corpus.texts)
        if row.corpus.kind == kind and not row.corpus.is_dev:
            hits, n = hits + verdicts[at : at + size].count("1"), n + size
        at += size
    return hits, n


def _share(hits: int, n: int) -> str:
    low, high = wilson(hits, n)
    return f"{hits / n if n else 0:7.2%} [{low:.2%}, {high:.2%}]"


def _corpora(options: argparse.Namespace) -> list[Corpus]:
    found = published(packages())
    for family, texts in chinese.ATTACKS.items():
        for label, part, is_dev in (("dev", texts[::2], True), ("rest", texts[1::2], False)):
            found.append(Corpus(f"Chinese {family.split('.')[1]}, {label}", "attack", "zh", family, part, is_dev))
    found.append(Corpus("Chinese unsafe, dev", "unsafe", "zh", "", chinese.UNSAFE[::2], is_dev=True))
    found.append(Corpus("Chinese unsafe, rest", "unsafe", "zh", "", chinese.UNSAFE[1::2]))
    found.append(Corpus("Chinese hard negatives", "benign", "zh", "", chinese.BENIGN, is_dev=True))
    return [*found, *manuals(), *(local(options.texts) if options.texts else [])]


def _cut(corpus: Corpus, most: int) -> Corpus:
    step = -(-len(corpus.texts) // most)
    texts = corpus.texts[:: max(step, 1)]
    return Corpus(corpus.name, corpus.kind, corpus.language, corpus.technique, texts, corpus.is_dev)


@cache
def _environment() -> Path | None:
    folder = ENVIRONMENTS / "content"
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        wanted = ["-m", "pip", "install", "-q", "-r", str(Path(__file__).with_name("content-peers.txt"))]
        if subprocess.run([str(python), *wanted], check=False).returncode:
            print("# the peers cannot be had here: skipped")
            return None
    return python


def _peer(name: str, corpora: list[Corpus]) -> tuple[str, float] | None:
    python = _environment()
    if python is None:
        return None
    lines = "".join(json.dumps(text) + "\n" for corpus in corpora for text in corpus.texts)
    script = Path(__file__).with_name("content_peer.py")
    command, there = [str(python), str(script), name], python.parent  # one of them writes a log to where it runs
    done = subprocess.run(command, cwd=there, input=lines, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"# {name} does not run here: {done.stderr.strip().splitlines()[-1:]}")
        return None
    verdicts, seconds = done.stdout.split()[-2:]
    return verdicts, float(seconds)


def _result(rows: list[Row], held_out: tuple[int, int], peers: dict[str, tuple[str, float]]) -> dict[str, object]:
    unread = {
        kind: _total([r for r in rows if r.corpus.kind == kind and not r.corpus.is_dev])
        for kind in ("attack", "benign")
    }
    harmful = [r for r in rows if r.corpus.kind == "unsafe" and not r.corpus.is_dev]
    metrics: dict[str, float | None] = {
        "injection_block_rate": _ratio(*unread["attack"]),
        "injection_block_rate_without_own_family": _ratio(*held_out),
        "over_block_rate": _ratio(*unread["benign"]),
        "unsafe_flag_rate": _ratio(sum(r.noted for r in harmful), sum(len(r.corpus.texts) for r in harmful)),
        "content_ms_per_kb_benign": _ratio(
            1e3 * sum(r.seconds for r in rows if r.corpus.kind == "benign"),
            sum(r.kb for r in rows if r.corpus.kind == "benign"),
        ),
    }
    for name, (verdicts, _) in peers.items():
        metrics[f"peer_{name}_injection_block_rate"] = _ratio(*_of_peer(verdicts, rows, "attack"))
        metrics[f"peer_{name}_over_block_rate"] = _ratio(*_of_peer(verdicts, rows, "benign"))
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return {
        "name": "defence-content",
        "commit": commit.stdout.strip(),
        "seconds": round(time.process_time(), 1),
        "metrics": {name: None if value is None else round(value, 5) for name, value in metrics.items()},
    }


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="at most 150 texts of each corpus")
    parser.add_argument("--no-peers", action="store_true")
    texts = os.environ.get("GNOMON_CONTENT_TEXTS")
    parser.add_argument("--texts", type=Path, default=Path(texts) if texts else None)
    return parser.parse_args()


if __name__ == "__main__":
    main()
