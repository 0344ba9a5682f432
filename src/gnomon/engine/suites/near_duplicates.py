"""Texts that say the same in almost the same words, so that no item is trained on and tested with."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

# Chosen by reading the pairs just above and below on Chinese reviews of 6-80 characters: above, one text is the
# other with a word or a mark changed; below, they share a stock phrase.
JACCARD = 0.5
CONTAINED = 0.85
_SHINGLE = 3


def shingles(text: str) -> frozenset[str]:
    """The set of 3-character pieces of `text`, without spaces, punctuation, width and case."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    letters = "".join(character for character in plain if character.isalnum())
    if len(letters) <= _SHINGLE:
        return frozenset({letters}) if letters else frozenset()
    return frozenset(letters[start : start + _SHINGLE] for start in range(len(letters) - _SHINGLE + 1))


def is_near(left: frozenset[str], right: frozenset[str]) -> bool:
    """Whether two sets of shingles are those of near duplicates: half in common, or one almost inside the other."""
    common = len(left & right)
    if not common:
        return False
    return common >= JACCARD * len(left | right) or common >= CONTAINED * min(len(left), len(right))


class NearIndex:
    """Remembers texts and finds a near duplicate of a new one without comparing it with each."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._sets: list[frozenset[str]] = []
        self._holders: dict[str, list[int]] = defaultdict(list)

    def add(self, text: str) -> None:
        position = len(self._texts)
        self._texts.append(text)
        self._sets.append(shingles(text))
        for piece in self._sets[-1]:
            self._holders[piece].append(position)

    def nearest(self, text: str) -> str | None:
        """A remembered near duplicate of `text`, the one with most in common, or None."""
        mine = shingles(text)
        shared = Counter(position for piece in mine for position in self._holders.get(piece, ()))
        for position, _ in shared.most_common():
            if is_near(mine, self._sets[position]):
                return self._texts[position]
        return None


def leaks(seen: Iterable[str], held_out: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Pairs (seen text, held-out text) that are near duplicates."""
    index = NearIndex()
    for text in seen:
        index.add(text)
    for text in held_out:
        twin = index.nearest(text)
        if twin is not None:
            yield twin, text
