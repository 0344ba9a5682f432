"""How well and how fast names are found: `python bench/guard/names.py --data FOLDER [--local] [--every N]`.

FOLDER holds msra_val, cluener_train, resume_train (and with --local peoples_daily_test) as JSONL with spans, and
presidio_synth_v2 and address_dev. The shipped tagger saw none of it. `--local` trains on each kind of text (`gnomon
mask train --deep`), in three folds by document, and judges each fold by the tagger that did not see it. Peers run in
their own environment (run.py installs it). CPU time of one process.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from gnomon.contract.verdicts import Span
from gnomon.guard.measure import Labelled, Measurement, wilson
from gnomon.guard.names.finder import NameFinder, name_finder
from gnomon.guard.names.missing import NamesMissing

PEOPLE = {"msra": "msra_val", "cluener": "cluener_train", "resume": "resume_train"}
JUDGED = frozenset(("PERSON", "ORGANIZATION"))
PEERS = ("jieba", "lac", "datamask_core")
FOLDS = 3
_KB = 1000
LOCAL = (("msra_val", "peoples_daily_test"), ("cluener_train",), ("resume_train",))
SENTENCES = (
    "我现在住在{}，请尽快安排师傅上门。",
    "收货地址：{}。收件人已电话确认。",
    "发票请寄到{}，谢谢。",
    "患者家住{}，因咳嗽三天入院。",
    "联系地址为{}；邮编见附件。",
    "我们的门店位于{}，欢迎光临！",
)
Text = tuple[str, list[Labelled]]
Find = Callable[[list[str]], list[list[Span]]]


def texts(path: Path, labels: frozenset[str], every: int = 1) -> list[Text]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        (row["text"], [Labelled(s["start"], s["end"], s["label"]) for s in row["spans"] if s["label"] in labels])
        for row in rows[::every]
    ]


def judged(documents: list[Text], find: Find, labels: frozenset[str] = JUDGED) -> tuple[Measurement, float]:
    """What was measured, and KB/s."""
    result = Measurement(labels)
    started = time.process_time()
    found = find([text for text, _ in documents])
    seconds = time.process_time() - started
    for (text, true), spans in zip(documents, found, strict=True):
        result.add(text, true, [span for span in spans if span.entity in labels])
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text, _ in documents)
    return result, size / 1000 / seconds if seconds else 0.0


def said(title: str, result: Measurement, speed: float | None) -> str:
    cells = []
    for name in sorted(result.entities):
        tally = result.entities[name]
        low, high = wilson(tally.leaked, tally.true)
        cells.append(
            f"{name[:3]} F1 {tally.f1 or 0:.3f} P {tally.precision or 0:.3f} R {tally.recall or 0:.3f} "
            f"leak {tally.leak or 0:.1%} [{low:.1%}, {high:.1%}] n {tally.true}"
        )
    return f"{title:34}{'' if speed is None else f'{speed:5.0f} KB/s'}  " + " | ".join(cells)


def by_finder(finder: NameFinder) -> Find:
    return lambda rows: [finder.spans(row) for row in rows]


def by_peer(name: str, python: Path, *, kind: str = "names") -> Find:
    def find(rows: list[str]) -> list[list[Span]]:
        with tempfile.TemporaryDirectory() as folder:
            asked, out = Path(folder) / "texts.json", Path(folder) / "out.json"
            asked.write_text(json.dumps(rows), encoding="utf-8")
            script = Path(__file__).with_name("peer.py")
            subprocess.run([str(python), str(script), f"{kind}_{name}", str(asked), str(out)], check=True, timeout=1200)
            answer = json.loads(out.read_text(encoding="utf-8"))
        find.seconds = answer["seconds"]  # type: ignore[attr-defined]
        return [[Span(*span) for span in spans] for spans in answer["spans"]]

    return find


def kilobytes(documents: list[Text]) -> float:
    return sum(len(text.encode()) for text, _ in documents) / 1000


def addresses(folder: Path) -> dict[str, float]:
    """Full addresses, alone and in sentences of ours."""
    finder = name_finder("names")
    rows = [row for row, _ in texts(folder / "address_dev.jsonl", frozenset())]
    alone = [(row, [Labelled(0, len(row), "ADDRESS")]) for row in rows]
    inside = []
    for number, row in enumerate(rows):
        before, after = SENTENCES[number % len(SENTENCES)].split("{}")
        inside.append((before + row + after, [Labelled(len(before), len(before) + len(row), "ADDRESS")]))
    metrics = {}
    for name, documents in (("alone", alone), ("inside", inside)):
        result, speed = judged(documents, by_finder(finder), frozenset(("ADDRESS",)))
        tally = result.entities["ADDRESS"]
        print(said(f"addresses {name}", result, speed))
        metrics[f"address_covered_{name}"] = 1 - (tally.leak or 0)
        metrics[f"address_precision_{name}"] = tally.precision or 0
    return metrics


def pace(folder: Path, every: int) -> dict[str, float]:
    """KB/s and milliseconds a KB (99th percentile) on texts of about 1 KB, which is what a request or a record has."""
    rows: list[str] = []
    for file in PEOPLE.values():
        text = ""
        for sentence, _ in texts(folder / f"{file}.jsonl", JUDGED, 4 * every):
            text += sentence
            if len(text.encode()) >= _KB:
                rows.append(text)
                text = ""
    metrics: dict[str, float] = {}
    for speed in ("names", "deep"):
        try:
            finder = name_finder(speed)
        except NamesMissing as error:
            print(f"{speed}: skipped: {error}")
            continue
        finder.spans(rows[0])
        took = []
        for row in rows:
            started = time.process_time()
            finder.spans(row)
            took.append((time.process_time() - started) / len(row.encode()) * 1000)
        took.sort()
        metrics[f"{speed}_kb_per_s"] = len(took) / sum(took)
        metrics[f"{speed}_p99_ms_per_kb"] = took[int(len(took) * 0.99)] * 1000
        print(
            f"{speed}: {len(rows)} texts of 1 KB, {metrics[f'{speed}_kb_per_s']:.0f} KB/s, "
            f"p99 {metrics[f'{speed}_p99_ms_per_kb']:.1f} ms/KB"
        )
    return metrics


def shipped(folder: Path, every: int) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for speed in ("names", "deep"):
        try:
            finder = name_finder(speed)
        except NamesMissing as error:
            print(f"{speed}: skipped: {error}")
            continue
        finder.spans("预热，李小明。")
        for name, file in PEOPLE.items():
            documents = texts(folder / f"{file}.jsonl", JUDGED, every)
            result, rate = judged(documents, by_finder(finder))
            print(said(f"shipped {speed} {name}", result, rate))
            metrics |= _figures(result, f"{name}{'' if speed == 'names' else '_deep'}")
            if speed == "names":
                metrics[f"names_kb_per_s_sentences_{name}"] = rate
    english, rate = judged(
        texts(folder / "presidio_synth_v2.jsonl", frozenset(("PERSON",))),
        by_finder(name_finder("names")),
        frozenset(("PERSON",)),
    )
    print(said("shipped names english", english, rate))
    return metrics | {"person_f1_presidio_synth": english.entities["PERSON"].f1 or 0}


def _figures(result: Measurement, name: str) -> dict[str, float]:
    person, organisation = result.entities["PERSON"], result.entities["ORGANIZATION"]
    return {
        f"person_f1_{name}": person.f1 or 0,
        f"person_leak_{name}": person.leak or 0,
        f"org_f1_{name}": organisation.f1 or 0,
    }


def local(folder: Path) -> dict[str, float]:
    """Trained on labelled text of one's own, one kind of text at a time: all of it is judged, each third by a tagger
    that saw none of it."""
    metrics: dict[str, float] = {}
    for files in LOCAL:
        with tempfile.TemporaryDirectory() as scratch:
            command = [sys.executable, "-m", "gnomon.cli.main", "mask", "train", "--out", str(Path(scratch) / "own")]
            command += [*(str(folder / f"{file}.jsonl") for file in files), "--folds", str(FOLDS), "--deep", "--json"]
            answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=7200).stdout
        for row in json.loads(answer)["by_document"]:
            leaning = row["leaning"]
            told = "+".join(f"{much:g}" for much in leaning.values()) if isinstance(leaning, dict) else f"{leaning:g}"
            title = f"local {row['speed']} {told} {row['source'].split('_')[0]}"
            cells = []
            for entity, name in (("PERSON", "person"), ("ORGANIZATION", "org")):
                one = row[entity]
                low, high = one["leak_95"]
                cells.append(
                    f"{entity[:3]} F1 {one['f1'] or 0:.3f} leak {one['leak'] or 0:.1%} [{low:.1%}, {high:.1%}] "
                    f"n {one['n']}"
                )
                metrics[f"{name}_f1_{title.replace(' ', '_')}"] = one["f1"] or 0
                metrics[f"{name}_leak_{title.replace(' ', '_')}"] = one["leak"] or 0
            print(f"{title:34}" + " | ".join(cells), flush=True)
    return metrics


def peers(folder: Path, every: int, python: Path) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for peer in PEERS:
        for name, file in PEOPLE.items():
            documents = texts(folder / f"{file}.jsonl", JUDGED, every)
            find = by_peer(peer, python)
            try:
                result, _ = judged(documents, find)
            except (subprocess.SubprocessError, OSError) as error:
                print(f"{peer}: skipped: {error}")
                break
            rate = kilobytes(documents) / find.seconds  # type: ignore[attr-defined]
            print(said(f"{peer} {name}", result, rate))
            metrics |= _figures(result, f"peer_{peer}_{name}") | {f"peer_{peer}_names_kb_per_s": rate}
    return metrics


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--local", action="store_true")
    parser.add_argument("--every", type=int, default=1, help="only every Nth text")
    parser.add_argument("--peers", type=Path, help="the Python of the peers' environment")
    options = parser.parse_args()
    metrics = pace(options.data, options.every) | addresses(options.data) | shipped(options.data, options.every)
    if options.peers:
        metrics |= peers(options.data, options.every, options.peers)
    if options.local:
        metrics |= local(options.data)
    print("RESULT " + json.dumps({"name": "guard-names", "metrics": metrics}))


if __name__ == "__main__":
    main()
