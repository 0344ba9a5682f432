"""Teaches the model of attacks by words: `python bench/defence/teach_attacks.py [--out FILE]`; always the same bytes.

It learns from `teaching/attacks_*.yaml`: forms whose slots are filled at random, attacks and harmless sentences in the
same words, beside the harmless lessons of `teach.py`. A tenth of those is held back from learning, and the bias moved
until next to none of it is refused. Nothing of `corpora.py` that is not marked as dev is read, and no attack of it.
"""

import argparse
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from teach import SEED, SHIPPED, Lesson, _read, _words, lessons, packed, taught

from gnomon.guard.content.meant import BITS, CHINESE, features

ATTACKS = SHIPPED.with_name("aimed.weights")
EACH = {"attacks": 130, "harmless": 90}
HELD_BACK = 10
EVERY = 1
"""Of the harmless sentences that the other model has too, one in so many: they teach this one less."""
TIMES, USUAL, FEWEST = 10, 0.0025, 6
REFUSED, SURE = 0.0002, 0.75
CAUTION, CAUTION_ZH = 0.5, -0.5
"""Taken from the biases in the end: with less, manuals (dev) are refused more often than the rules alone refuse them;
harmless Chinese (dev) leaves room for half a unit more.
"""


def told() -> tuple[list[Lesson], list[str]]:
    """(lessons, harmless sentences held back)."""
    rng = np.random.default_rng(SEED)
    found = [one for name in ("zh", "en") for one in _formed(_read(f"attacks_{name}.yaml"), rng)]
    harmless = list(dict.fromkeys(one.text for one in lessons() if not one.is_harm))
    held = harmless[::HELD_BACK]
    rest = [text for number, text in enumerate(harmless) if number % HELD_BACK]
    return found + [Lesson(text, is_harm=False) for text in rest[::EVERY]], held


def _formed(grammar: Any, rng: np.random.Generator) -> Iterator[Lesson]:
    for kind, most in EACH.items():
        for form in grammar[kind]:
            filled = {_filled(form, grammar["slots"], rng) for _ in range(most)}
            yield from (Lesson(text, is_harm=kind == "attacks") for text in sorted(filled))


def _filled(form: str, slots: dict[str, list[str]], rng: np.random.Generator) -> str:
    return re.sub(r"\{(\w+)\}", lambda slot: str(rng.choice(slots[slot[1]])), form).strip()


def hints(told: list[Lesson]) -> list[str]:
    """Words without one of which no sentence is looked at."""
    attacks, harmless = ([_words(one.text) for one in told if one.is_harm == wanted] for wanted in (True, False))
    of_attacks, of_none = (Counter(word for words in part for word in words) for part in (attacks, harmless))
    ratio = TIMES * len(attacks) / len(harmless)
    usual = USUAL * len(harmless)
    found = {w for w, n in of_attacks.items() if FEWEST <= n >= ratio * (of_none[w] + 1) and of_none[w] <= usual}
    covered = sum(not words.isdisjoint(found) for words in attacks) / len(attacks)
    needless = sum(not words.isdisjoint(found) for words in harmless) / len(harmless)
    print(f"{len(found)} hints, in {covered:.1%} of the attacks and {needless:.1%} of the harmless sentences")
    return sorted(found)


def held_to(w: np.ndarray, bias: float, texts: list[str], words: list[str], *, caution: float) -> float:
    """The bias with which no more than REFUSED of `texts` reach SURE; less than it was by `caution` at least."""
    wanted = set(words)
    totals = []
    for text in texts:
        seen = {zlib.crc32(one.encode()) & ((1 << BITS) - 1) for one in features(text)}
        if len(seen) > 1 and not _words(text).isdisjoint(wanted):
            totals.append(sum(w[at] for at in seen) / np.sqrt(len(seen)) + bias)
    spared = int(REFUSED * len(texts))
    highest = sorted(totals, reverse=True)[spared]
    print(f"{len(totals)} of {len(texts)} harmless sentences are looked at; the surest but {spared} has {highest:.2f}")
    return bias + min(0.0, float(np.log(SURE / (1 - SURE))) - highest) - caution


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ATTACKS)
    out: Path = parser.parse_args().out
    learnt, held = told()
    print(
        f"{sum(one.is_harm for one in learnt)} attacks and {sum(not one.is_harm for one in learnt)} harmless sentences"
    )
    weights, bias = taught(learnt)
    words = hints(learnt)
    latin, chinese = ([text for text in held if bool(CHINESE.search(text)) == wanted] for wanted in (False, True))
    bias_zh = held_to(weights, bias, chinese, words, caution=CAUTION_ZH)
    out.write_bytes(packed(weights, held_to(weights, bias, latin, words, caution=CAUTION), bias_zh, words))
    print(f"{out}: {out.stat().st_size} bytes, {out.read_bytes()[:8].decode()}")


if __name__ == "__main__":
    main()
