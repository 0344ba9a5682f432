"""Every entity that a peer has, beside ours in the same run: `python bench/guard/beside.py --data FOLDER [--every N]`.

A row an entity of a text, a column a product: F1 (same entity, exactly the same place) and leak (a character that no
finding of the product covers, whatever it calls it). Intervals: of leak Wilson, of F1 a bootstrap over texts; a peer
is ahead where the interval of the paired difference (same texts drawn) leaves out 0. Ours are the default policy with
names, `fast` and `deep`, and the rulebook's policy that looks for every entity, `all` and `all deep`. `run.py` installs
the peers; what cannot be had is said and left out. FOLDER is that of names.py, with synth_zh_structured beside.
"""

import argparse
import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from bench.guard.names import Find, by_peer, texts  # noqa: E402
from bench.guard.run import ENVIRONMENT, install_peers  # noqa: E402

from gnomon.contract.masking import MaskPolicy  # noqa: E402
from gnomon.contract.verdicts import Span  # noqa: E402
from gnomon.guard.measure import Labelled, wilson  # noqa: E402
from gnomon.guard.names.missing import NamesMissing  # noqa: E402
from gnomon.guard.packaged import packaged_policy  # noqa: E402
from gnomon.guard.policy import DEFAULT_POLICY, Masker  # noqa: E402

DRAWS = 2000
PHONES = frozenset(("PHONE", "PHONE_NUMBER"))
PLACES = frozenset(("ADDRESS", "LOCATION", "LOC"))
# What products call the labels of the data. A finding that touches a true span of another label is nobody's error.
CALLED = {
    "ADDRESS": PLACES,
    "BANK_CARD": {"BANKCARD", "CREDIT_CARD"},
    "CN_ID": {"IDCARD"},
    "CN_LANDLINE": PHONES,
    "CN_MOBILE": PHONES,
    "CREDIT_CARD": {"BANK_CARD", "BANKCARD"},
    "DATE_TIME": {"DATE", "DOB", "DATE_OF_BIRTH"},
    "DOMAIN_NAME": {"URL", "WEB_ADDRESS"},
    "EMAIL": {"EMAIL_ADDRESS"},
    "EMAIL_ADDRESS": {"EMAIL"},
    "GPE": PLACES,
    "IBAN_CODE": {"IBAN"},
    "IP": {"IP_ADDRESS"},
    "IP_ADDRESS": {"IP"},
    "LOCATION": PLACES,
    "NRP": {"NATIONALITY"},
    "ORGANIZATION": {"ORG"},
    "PERSON": {"PER"},
    "PHONE_NUMBER": PHONES | {"CN_MOBILE", "CN_LANDLINE"},
    "STREET_ADDRESS": PLACES,
    "US_DRIVER_LICENSE": {"DRIVER_LICENCE"},
    "US_SSN": {"SSN", "SOCIAL_SECURITY_NUMBER"},
    "ZIP_CODE": {"ZIP", "POSTCODE"},
}
CHINESE = ("jionlp", "datamask_core", "lac", "jieba")
PATTERNS = ("presidio_patterns", "datafog", "scrubadub")
OURS = {
    "fast": ("names", DEFAULT_POLICY),
    "deep": ("deep", DEFAULT_POLICY),
    "all": ("names", packaged_policy("everything")),
    "all deep": ("deep", packaged_policy("everything")),
}
DATA = {
    "presidio_synth_v2": ("presidio", "datafog", "scrubadub", "jionlp"),
    "synth_zh_structured": CHINESE + PATTERNS,
    "msra_val": CHINESE,
    "cluener_train": CHINESE,
    "resume_train": CHINESE,
}


@dataclass(frozen=True)
class Judged:
    """One product on one entity: for each text true spans, found ones, exact ones and leaked ones."""

    counts: NDArray[np.int64]

    @property
    def true(self) -> int:
        return int(self.counts[:, 0].sum())

    @property
    def found(self) -> int:
        return int(self.counts[:, 1].sum())

    def f1(self, drawn: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """Of all texts, or of each draw: how often every text was drawn, a row a draw."""
        true, found, exact, _ = self._sums(drawn)
        return np.asarray(2 * exact / np.maximum(true + found, 1), dtype=np.float64)

    def leak(self, drawn: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        true, _, _, leaked = self._sums(drawn)
        return np.asarray(leaked / np.maximum(true, 1), dtype=np.float64)

    def _sums(self, drawn: NDArray[np.int64] | None) -> NDArray[np.int64]:
        return self.counts.sum(0) if drawn is None else (drawn @ self.counts).T


def judged(documents: Sequence[tuple[str, list[Labelled]]], found: Sequence[Sequence[Span]], label: str) -> Judged:
    names = {label, *CALLED.get(label, ())}
    rows = []
    for (_, true), spans in zip(documents, found, strict=True):
        wanted = [span for span in true if span.entity == label]
        others = [span for span in true if span.entity != label]
        named = {(span.start, span.end) for span in spans if span.entity.upper() in names}
        ours = {at for at in named if not any(at[0] < one.end and one.start < at[1] for one in others)}
        ours |= {at for at in named if any(at == (one.start, one.end) for one in wanted)}
        covered = {place for span in spans for place in range(span.start, span.end)}
        leaked = sum(not covered.issuperset(range(one.start, one.end)) for one in wanted)
        rows.append((len(wanted), len(ours), sum((one.start, one.end) in ours for one in wanted), leaked))
    return Judged(np.array(rows, dtype=np.int64))


def cell(one: Judged, drawn: NDArray[np.int64]) -> str:
    low, high = np.quantile(one.f1(drawn), (0.025, 0.975))
    leaked = int(one.counts[:, 3].sum())
    least, most = (100 * share for share in wilson(leaked, one.true))
    return f"{one.f1():.3f} [{low:.2f}, {high:.2f}]; {100 * one.leak():.1f} % [{least:.1f}, {most:.1f}]"


def better(theirs: Judged, ours: Judged, drawn: NDArray[np.int64]) -> list[str]:
    """In what the peer is ahead: the interval of the paired difference leaves out 0."""
    gains = {"F1": theirs.f1(drawn) - ours.f1(drawn), "leak": ours.leak(drawn) - theirs.leak(drawn)}
    return [name for name, gain in gains.items() if np.quantile(gain, 0.025) > 0]


def ours(speed: str, policy: MaskPolicy) -> Find:
    masker = Masker(replace(policy, speed=speed), key=b"benchmark" * 4)
    return lambda rows: [list(masker.mask(row, "input").spans) for row in rows]


def half_of(text: str) -> int:
    """0 or 1, by the text alone: rules for English places, dates and peoples were written with half 0 in sight."""
    return hashlib.sha256(text.encode()).digest()[-1] % 2


def table(name: str, folder: Path, every: int, python: Path, half: int | None = None) -> dict[str, float]:
    """Prints the rows of one file of data, or of half of it."""
    labels = frozenset(
        span["label"]
        for line in (folder / f"{name}.jsonl").open(encoding="utf-8")
        for span in json.loads(line)["spans"]
    )
    documents = texts(folder / f"{name}.jsonl", labels, every)
    documents = [one for one in documents if half is None or half_of(one[0]) == half]
    rows = [text for text, _ in documents]
    found: dict[str, list[list[Span]]] = {}
    for product, how in OURS.items():
        try:
            found[product] = ours(*how)(rows)
        except NamesMissing as error:
            print(f"{product}: left out: {error}")
    mine = list(found)
    for peer in DATA[name]:
        try:
            found[peer] = by_peer(peer, python, kind="all")(rows)
        except (subprocess.SubprocessError, OSError) as error:
            print(f"{peer}: left out: {error}")
    drawn = np.random.default_rng(20).multinomial(len(rows), np.full(len(rows), 1 / len(rows)), DRAWS)
    print(f"\n{name}{'' if half is None else f', half {half}'}, {len(rows)} texts (F1 [95 %]; leak [95 %])\n")
    print(f"| entity | {' | '.join(mine)} | peers | ahead of {' | of '.join(mine)} |")
    print("|---" * (2 + 2 * len(mine)) + "|")
    metrics: dict[str, float] = {}
    for label in sorted(labels):
        of = {product: judged(documents, spans, label) for product, spans in found.items()}
        having = [peer for peer in of if peer not in mine and of[peer].found]
        if not having or not of["fast"].true:
            continue
        print(f"| {label}, n = {of['fast'].true} | {' | '.join(cell(of[one], drawn) for one in mine)} | ", end="")
        print("<br>".join(f"{peer} {cell(of[peer], drawn)}" for peer in having), end=" | ")
        print(" | ".join(_ahead(of, having, speed, drawn) for speed in mine) + " |", flush=True)
        for product, one in of.items():
            metrics[f"{name}_{label}_{product}_f1"] = round(float(one.f1()), 4)
            metrics[f"{name}_{label}_{product}_leak"] = round(float(one.leak()), 4)
    return metrics


def _ahead(of: dict[str, Judged], having: list[str], speed: str, drawn: NDArray[np.int64]) -> str:
    told = {peer: better(of[peer], of[speed], drawn) for peer in having}
    return ", ".join(f"{peer} ({', '.join(what)})" for peer, what in told.items() if what) or "none"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--every", type=int, default=5, help="of news and resumes only every Nth text")
    parser.add_argument("--only", choices=DATA, action="append", help="only these texts")
    parser.add_argument("--half", type=int, choices=(0, 1), help="only those whose hash is even, or odd")
    options = parser.parse_args()
    if reason := install_peers():
        raise SystemExit(f"The peers could not be installed: {reason}")
    metrics: dict[str, float] = {}
    for name in options.only or DATA:
        every = options.every if name in ("msra_val", "cluener_train", "resume_train") else 1
        metrics |= table(name, options.data, every, ENVIRONMENT / "bin" / "python", options.half)
    print("RESULT " + json.dumps({"name": "guard-beside", "metrics": metrics}))


if __name__ == "__main__":
    main()
