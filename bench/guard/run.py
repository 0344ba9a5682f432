"""How fast and how tight the guard is, beside its peers: `python bench/guard/run.py [--quick] [--data FOLDER]`.

Always on generated texts (every entity, disguised too, and ordinary prose); with `--data` (or GNOMON_PII_DATA), a
folder that holds `synth_zh_structured.jsonl` and `zh_emr_negatives.jsonl`, accuracy is measured on those instead.
CPU time of one process, median of the rounds. Metrics of what is not built yet are null.
"""

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from bench.guard import hot, names  # noqa: E402
from tests.unit.guard.samples import sample  # noqa: E402

from gnomon.contract.verdicts import Span  # noqa: E402
from gnomon.guard.measure import Labelled, Measurement, wilson  # noqa: E402
from gnomon.guard.policy import DEFAULT_POLICY, Masker  # noqa: E402
from gnomon.guard.stream import StreamMasker  # noqa: E402

ENVIRONMENT = ROOT / "bench" / ".peers" / "guard"
PEERS = ("presidio", "jionlp", "scrubadub", "datafog", "datamask_core")
NAMES = frozenset(["PERSON", "ADDRESS", "ORGANIZATION", "LOCATION", "POSITION", "SCENE", "TITLE"])
NULLS = (
    "names_kb_per_s", "deep_kb_per_s", "person_f1_msra", "person_f1_cluener", "person_f1_resume",
)  # fmt: skip
# No value in it; ordinary numbers, dates and Latin words are.
PROSE = (
    "患者男，46岁，因反复咳嗽、咳痰三周于2024年3月就诊。查体：体温37.2℃，心率88次/分，双肺呼吸音粗，未闻及明显湿啰音。",
    "本季度营业收入同比增长12.5%，毛利率提升1.3个百分点，主要得益于产品结构优化和成本控制措施的落实。",
    "To restart the service, stop the worker, wait until the queue is empty and start it again with two processes.",
    "会议定于下周三上午九点在三楼会议室召开，请各部门提前准备材料，并于周二下班前提交议题清单，谢谢配合。",
)


@dataclass(frozen=True)
class Document:
    text: str
    spans: tuple[Labelled, ...]


def generated(count: int) -> list[Document]:
    """Two thirds of about 1 KB of prose each, with values in it; a third without any."""
    rng = random.Random(20)
    documents = []
    for number in range(count):
        text, spans = "", []
        while len(text.encode()) < 900:
            text += rng.choice(PROSE)
            if number % 3 and rng.random() < 0.25:
                case = sample(rng, most=2)
                spans += [Labelled(start + len(text), end + len(text), entity) for start, end, entity in case.spans]
                text += case.text + "。"
        documents.append(Document(text, tuple(spans)))
    return documents


def labelled(path: Path, limit: int | None) -> list[Document]:
    documents = []
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            row = json.loads(line)
            spans = tuple(
                Labelled(span["start"], span["end"], span["label"], span.get("variant", "")) for span in row["spans"]
            )
            documents.append(Document(row["text"], spans))
    return documents[:limit]


def judge(documents: list[Document], found: list[list[Span]]) -> Measurement:
    labels = {span.entity for document in documents for span in document.spans} - NAMES
    result = Measurement(frozenset(labels))
    for document, spans in zip(documents, found, strict=True):
        result.add(document.text, document.spans, spans)
    return result


def size(documents: list[Document]) -> int:
    return sum(len(document.text.encode()) for document in documents)


def speed(masker: Masker, documents: list[Document], rounds: int) -> dict[str, float]:
    """MB/s of CPU time, and the 99th percentile of milliseconds a KB over documents (each one's median)."""
    totals, per_document = [], [[] for _ in documents]
    for _ in range(rounds):
        begun = time.process_time()
        for at, document in enumerate(documents):
            started = time.perf_counter_ns()
            masker.mask(document.text, "input")
            per_document[at].append(time.perf_counter_ns() - started)
        totals.append(time.process_time() - begun)
    per_kb = sorted(
        statistics.median(times) / 1e6 / (len(document.text.encode()) / 1000)
        for times, document in zip(per_document, documents, strict=True)
    )
    return {"mb_per_s": size(documents) / statistics.median(totals) / 1e6, "p99_ms_per_kb": _quantile(per_kb, 0.99)}


def prefilter(masker: Masker, rounds: int) -> dict[str, float]:
    """Microseconds of `hits` on 1 KB without anything in it, and whether it stayed silent."""
    text = "".join(PROSE * 3).encode()[:1000].decode(errors="ignore").encode()
    times = []
    for _ in range(rounds):
        started = time.process_time()
        for _ in range(20_000):
            masker.hits(text)
        times.append((time.process_time() - started) / 20_000 * 1e6)
    return {"hits_us_per_kb": statistics.median(times) * 1000 / len(text), "hits_false_alarm": float(masker.hits(text))}


def streams(masker: Masker, documents: list[Document]) -> dict[str, float]:
    """What is held back after each chunk of 1-4 characters, and how long a chunk takes. Streams must be exact."""
    rng, held, times = random.Random(4), [], []
    for document in documents:
        stream, at, out = StreamMasker(masker, "output"), 0, []
        while at < len(document.text):
            step = rng.randint(1, 4)
            started = time.perf_counter_ns()
            out.append(stream.feed(document.text[at : at + step]))
            times.append((time.perf_counter_ns() - started) / 1e6)
            held.append(stream.held)
            at += step
        out.append(stream.flush())
        if "".join(out) != masker.mask(document.text, "output").text:
            raise SystemExit("A stream differed from its whole text: the figures would mean nothing.")
    held.sort()
    times.sort()
    return {
        "held_mean": statistics.fmean(held),
        "held_p99": _quantile(held, 0.99),
        "held_max": held[-1],
        "chunk_p99_ms": _quantile(times, 0.99),
    }


def _quantile(ordered: list[Any], share: float) -> float:
    return float(ordered[min(len(ordered) - 1, int(len(ordered) * share))])


def resident_mb() -> float:
    """Resident memory of a process that has made a masker and used it, in MB (kernel's VmRSS)."""
    script = (
        "from gnomon.guard.policy import DEFAULT_POLICY, Masker\n"
        "Masker(DEFAULT_POLICY, key=b'k' * 32).mask('13812345678 a@b.com', 'input')\n"
        "print(next(l for l in open('/proc/self/status') if l.startswith('VmRSS')).split()[1])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024


def install_peers() -> str:
    """Nothing when the peers are there, else why they are not."""
    python = ENVIRONMENT / "bin" / "python"
    wanted = Path(__file__).with_name("peers.txt")
    if not python.exists():
        venv.create(ENVIRONMENT, with_pip=True)
    done = subprocess.run(
        [str(python), "-m", "pip", "install", "-q", "-r", str(wanted)], capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


def peer(name: str, documents: list[Document]) -> dict[str, Any]:
    """A peer's seconds and spans, or the reason why there are none."""
    with tempfile.TemporaryDirectory() as folder:
        texts, out = Path(folder) / "texts.json", Path(folder) / "out.json"
        texts.write_text(json.dumps([document.text for document in documents]), encoding="utf-8")
        command = [str(ENVIRONMENT / "bin" / "python"), str(Path(__file__).with_name("peer.py")), name, texts, out]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        except subprocess.TimeoutExpired:
            return {"skipped": "ran past 600 s"}
        if done.returncode:
            return {"skipped": (done.stderr.strip().splitlines() or ["failed"])[-1]}
        return json.loads(out.read_text(encoding="utf-8"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and documents, under two minutes")
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("GNOMON_PII_DATA"), help="folder with labelled data"
    )
    options = parser.parse_args()
    started = time.monotonic()
    rounds, count = (3, 300) if options.quick else (7, 900)
    masker = Masker(DEFAULT_POLICY, key=b"benchmark" * 4)
    made = generated(count)
    if options.data:
        limit = 600 if options.quick else None
        judged, source = labelled(Path(options.data) / "synth_zh_structured.jsonl", None), "labelled data"
        negatives = labelled(Path(options.data) / "zh_emr_negatives.jsonl", None)
    else:
        limit, judged, negatives, source = None, made, [d for d in made if not d.spans], "generated texts"
    fast, dense = speed(masker, made, rounds), speed(masker, judged, rounds)
    quiet = prefilter(masker, rounds)
    flow = streams(masker, made[: count // 6] + judged[:200])
    plain = streams(masker, [document for document in made if not document.spans][: count // 6])
    ours = judge(judged, [list(masker.mask(document.text, "input").spans) for document in judged])
    calm = judge(negatives, [list(masker.mask(document.text, "input").spans) for document in negatives])
    metrics: dict[str, float | None] = {
        "structured_mb_per_s": fast["mb_per_s"],
        "structured_dense_mb_per_s": dense["mb_per_s"],
        "structured_p99_ms_per_kb": fast["p99_ms_per_kb"],
        "stream_held_p99_chars": flow["held_p99"],
        "stream_held_mean_chars": flow["held_mean"],
        "stream_held_p99_chars_without_values": plain["held_p99"],
        "stream_chunk_p99_ms": flow["chunk_p99_ms"],
        "hits_us_per_kb": quiet["hits_us_per_kb"],
        "rss_mb": resident_mb(),
        "structured_leak": ours.overall.leak,
        "structured_precision": ours.overall.precision,
        "negatives_touched_share": calm.touched / calm.negatives if calm.negatives else None,
        **dict.fromkeys(NULLS),
    }
    for way, told in hot.compared(1 if options.quick else 3).items():
        metrics |= {f"{name}_in_{way}": value for name, value in told.items()}
    if options.data and (Path(options.data) / "msra_val.jsonl").exists():
        every = 12 if options.quick else 4
        metrics |= names.pace(Path(options.data), every // 4) | names.shipped(Path(options.data), every)
    print(f"Machine: {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}")
    print(f"Speed on {len(made)} generated texts of 1 KB; accuracy on {len(judged)} texts ({source}).")
    low, high = wilson(ours.overall.leaked, ours.overall.true)
    print(f"{'':16}{'MB/s':>9}  leak [95 %]                 n")
    print(
        f"{'gnomon':16}{dense['mb_per_s']:>9.3f}  {ours.overall.leak:.2%} [{low:.2%}, {high:.2%}]  {ours.overall.true}"
    )
    metrics |= peers(judged[:limit])
    for name in sorted(metrics):
        print(f"  {name}: {metrics[name]}")
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, cwd=ROOT, check=False)
    result = {
        "name": "guard",
        "commit": commit.stdout.strip(),
        "seconds": round(time.monotonic() - started, 1),
        "metrics": metrics,
    }
    print("RESULT " + json.dumps(result))


def peers(documents: list[Document]) -> dict[str, float | None]:
    """MB/s and leak of every peer on the same documents; null with a word where one cannot be had."""
    metrics: dict[str, float | None] = {}
    reason = install_peers()
    for name in PEERS:
        metrics |= {f"peer_{name}_structured_mb_per_s": None, f"peer_{name}_structured_leak": None}
        outcome = {"skipped": reason} if reason else peer(name, documents)
        if "skipped" in outcome:
            print(f"{name:16} skipped: {outcome['skipped']}")
            continue
        found = [[Span(start, end, "*") for start, end in spans] for spans in outcome["spans"]]
        result = judge(documents, found)
        low, high = wilson(result.overall.leaked, result.overall.true)
        rate = size(documents) / outcome["seconds"] / 1e6
        metrics |= {
            f"peer_{name}_structured_mb_per_s": rate,
            f"peer_{name}_structured_leak": result.overall.leak,
        }
        leak = f"{result.overall.leak:.2%} [{low:.2%}, {high:.2%}]  {result.overall.true}"
        print(f"{name:16}{rate:>9.3f}  {leak}")
    return metrics


if __name__ == "__main__":
    main()
