"""Tags every character with the name it is part of: a linear chain over hashed features (Lafferty et al. 2001)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gnomon import native
from gnomon.guard.names.features import Hints, extract
from gnomon.guard.names.lexicon import Lexicon
from gnomon.guard.view import Found

Floats = npt.NDArray[np.float32]
Leaning = tuple[float, ...]
"""By ENTITIES: what speaks for a name against "no name". The more, the less leaks, the more is masked without need."""
Hinter = Callable[[list[str]], list[Hints]]
"""A second reader: what it takes each character of some sentences for."""
Favour = Callable[[str], Floats]
"""What speaks besides for each tag at each character of a sentence."""
Maybe = Callable[[str], Floats | None]
"""The same, where there is anything to say."""

ENTITIES: Final = ("PERSON", "ORGANIZATION", "LOCATION")
PLACE: Final = ENTITIES[2]
TAGS: Final = ("O", *(f"{place}-{entity}" for entity in ENTITIES for place in "BMES"))
_PLACES: Final = 4
"""Begin, middle, end, single."""
_FORBIDDEN: Final = -1e4
_IN: Final = "BM"
_BLOCK: Final = 512
"""Characters scored in one go: their weights fit a processor's cache."""


def _may_follow() -> Floats:
    """0 where a tag may follow another, and very little where it may not."""
    table = np.full((len(TAGS), len(TAGS)), _FORBIDDEN, np.float32)
    for first, left in enumerate(TAGS):
        for second, right in enumerate(TAGS):
            inside = left[0] in _IN
            if (inside and right[0] in "ME" and left[1:] == right[1:]) or (not inside and right[0] in "OBS"):
                table[first, second] = 0
    return table


MAY_FOLLOW: Final = _may_follow()
MAY_BEGIN: Final = np.array([0 if tag[0] in "OBS" else _FORBIDDEN for tag in TAGS], np.float32)
MAY_END: Final = np.array([0 if tag[0] in "OES" else _FORBIDDEN for tag in TAGS], np.float32)


@dataclass(frozen=True, slots=True)
class Tagger:
    """Immutable, safe to share between threads. `weights` by feature and tag, in units of `scale`; `follow` by tag and
    next tag; `hints` is asked first when the weights were learned with it.

    Whole numbers are added, so that the same text gets the same names whatever is looked at along with it.
    """

    weights: npt.NDArray[np.int8]
    follow: Floats
    lexicon: Lexicon
    scale: float = 1.0
    leaning: Leaning = (0.0,) * len(ENTITIES)
    hints: Hinter | None = None

    def find(self, sentences: list[str], places: Favour | None = None, forms: Maybe | None = None) -> list[list[Found]]:
        """The names in each sentence. What is found in one does not depend on the others.

        With `places` the sentence is read once more so, and its places are those of that reading: they may meet names.
        """
        hints = self.hints(sentences) if self.hints else None
        scores = self.scores(extract(sentences, self.lexicon, hints))
        scores[:, 1:] += np.repeat(np.array(self.leaning, np.float32), _PLACES)
        found = []
        at = 0
        for sentence in sentences:
            part = scores[at : at + len(sentence)]
            if forms and (more := forms(sentence)) is not None:
                part = part + more
            row = spans(best(part, self.follow)) if len(part) else []
            if places and len(part):
                again = spans(best(part + places(sentence), self.follow))
                row = [item for item in row if item.entity != PLACE] + [item for item in again if item.entity == PLACE]
            found.append(row)
            at += len(sentence)
        return found

    def scores(self, features: npt.NDArray[np.int32]) -> Floats:
        """How well each tag fits each character, its neighbours' tags apart."""
        compiled = native.load("chain")
        total = np.empty((len(features), len(TAGS)), np.int32)
        if compiled is None:
            sums_slowly(self.weights, features, total)
        else:
            compiled.sums(self.weights, features, total, len(TAGS))
        return total.astype(np.float32) * np.float32(self.scale)


def evenly(leaning: float) -> Leaning:
    """The same for every entity."""
    return (leaning,) * len(ENTITIES)


def sums_slowly(weights: npt.NDArray[np.int8], features: npt.NDArray[np.int32], total: npt.NDArray[np.int32]) -> None:
    """The sum of the weights of each row of features."""
    for at in range(0, len(features), _BLOCK):
        total[at : at + _BLOCK] = weights[features[at : at + _BLOCK]].sum(1, dtype=np.int32)


def best(scores: Floats, follow: Floats) -> Sequence[int]:
    """The best row of tags."""
    return viterbi(scores, follow + MAY_FOLLOW, MAY_BEGIN, MAY_END)


def viterbi(scores: Floats, follow: Floats, begin: Floats, end: Floats) -> Sequence[int]:
    """The row of tags with the highest sum of scores; `follow` by tag and next tag (Viterbi 1967)."""
    compiled = native.load("chain")
    if compiled is None:
        return viterbi_slowly(scores, follow, begin, end)
    tags: bytes = compiled.best(np.ascontiguousarray(scores), np.ascontiguousarray(follow), begin, end)
    return tags


def viterbi_slowly(scores: Floats, follow: Floats, begin: Floats, end: Floats) -> list[int]:
    """The same without C."""
    so_far = scores[0] + begin
    back = np.empty(scores.shape, np.intp)
    columns = np.arange(scores.shape[1])
    for at in range(1, len(scores)):
        paths = so_far[:, None] + follow
        back[at] = chosen = paths.argmax(0)
        so_far = paths[chosen, columns] + scores[at]
    tag = int((so_far + end).argmax())
    tags = [tag]
    steps: Any = back.tolist()
    for at in range(len(scores) - 1, 0, -1):
        tag = steps[at][tag]
        tags.append(tag)
    return tags[::-1]


def spans(tags: Sequence[int]) -> list[Found]:
    """The names that a row of tags spells."""
    found = []
    start = 0
    for at, tag in enumerate(tags):
        name = TAGS[tag]
        if name[0] in "BS":
            start = at
        if name[0] in "ES":
            found.append(Found(start, at + 1, name[2:], 0.8))
    return found
