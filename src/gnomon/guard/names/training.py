"""Trains a tagger from labelled sentences: a conditional random field, by AdaGrad sentence by sentence (Duchi 2011).

Nothing that serves imports it. Where there is a compiler the steps run in C (native/learning.c), ten times as fast.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gnomon import native
from gnomon.guard.names.features import BITS, LEXICAL, extract
from gnomon.guard.names.lexicon import Lexicon
from gnomon.guard.names.tagger import ENTITIES, MAY_BEGIN, MAY_END, MAY_FOLLOW, TAGS, Floats, Hinter, Tagger

_LARGEST: Final = 8
"""Weights are kept in seventeen steps: a third of the size, and no difference that could be measured."""
_CUT: Final = 0.9999
_ROW: Final = 16
"""Floats that a feature's weights take: one a tag, padded."""
_GROUP: Final = 256
"""Sentences whose dice are thrown in one go."""
_LONGEST: Final = 8192
_LEAST: Final = 1e-3
"""A character whose tag is as certain as this moves no weights."""
_TRUST: Final = 0.5
"""How much of what a tagger says that is learned on from is believed at first: wholly, it would be hard to unlearn."""
_NUMBERS: Final = {tag: number for number, tag in enumerate(TAGS)}


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text and its names: (start, end, entity), not overlapping. Entities that are not learned are left out."""

    text: str
    names: tuple[tuple[int, int, str], ...]

    def tags(self) -> list[int]:
        tags = [0] * len(self.text)
        for start, end, entity in self.names:
            if entity in ENTITIES and 0 <= start < end <= len(tags):
                tags[start:end] = [_NUMBERS[f"{place}-{entity}"] for place in _places(end - start)]
        return tags


def _places(length: int) -> str:
    return "S" if length == 1 else "B" + "M" * (length - 2) + "E"


@dataclass(frozen=True, slots=True)
class Settings:
    epochs: int = 8
    rate: float = 0.1
    slowing: float = 0.8  # the rate's factor from one epoch to the next
    dropout: float = 0.3  # share of the features that name characters which a step does not see
    seed: int = 7
    mean: int = 1  # of how many epochs, the last ones, the weights are the mean


@dataclass(frozen=True, slots=True)
class Group:
    """Sentences one after the other, as numbers."""

    features: npt.NDArray[np.int32]
    tags: npt.NDArray[np.int8]
    lengths: npt.NDArray[np.int64]


def train(
    sentences: Sequence[Sentence],
    lexicon: Lexicon,
    *,
    settings: Settings | None = None,
    hints: Hinter | None = None,
    start: Tagger | None = None,
    progress: Callable[[int, float], None] = lambda epoch, loss: None,
) -> Tagger:
    """The tagger that these sentences teach; the same for the same sentences, settings and machine.

    `hints` says what a second reader thinks of each character; the tagger learns when to believe it. `start`: a tagger
    to learn on from, so that names of which these sentences say nothing are not unknown.
    """
    settings = settings or Settings()
    dice = np.random.default_rng(settings.seed)
    known = [sentence for sentence in sentences if 0 < len(sentence.text) <= _LONGEST]
    chains = Chains()
    if start:
        chains.begin(start)
    mean = Mean()
    order = dice.permutation(len(known))
    groups = [
        group([known[number] for number in order[at : at + _GROUP]], lexicon, hints)
        for at in range(0, len(known), _GROUP)
    ]
    for epoch in range(settings.epochs):
        rate = settings.rate * settings.slowing**epoch
        loss = sum(
            chains.learn(groups[number], _seen(groups[number], dice, settings.dropout), rate)
            for number in dice.permutation(len(groups))
        )
        if settings.mean > 1 and epoch >= settings.epochs - settings.mean:
            mean.add(chains)
        progress(epoch + 1, loss / sum(len(one.text) for one in known))
    weights, follow = mean.taken() if mean.count else (chains.weights, chains.follow)
    return packed(weights[:, : len(TAGS)], follow, lexicon, hints)


def group(sentences: Sequence[Sentence], lexicon: Lexicon, hints: Hinter | None = None) -> Group:
    texts = [one.text for one in sentences]
    return Group(
        extract(texts, lexicon, hints(texts) if hints else None),
        np.array([tag for one in sentences for tag in one.tags()], np.int8),
        np.array([len(text) for text in texts], np.int64),
    )


def _seen(group: Group, dice: np.random.Generator, share: float) -> Floats:
    """What each feature counts for: fewer of the lexical ones, so that the others learn to do without them."""
    seen = np.ones(group.features.shape, np.float32)
    lexical = LEXICAL[: group.features.shape[1]]
    seen[:, lexical] = (dice.random((len(seen), int(lexical.sum())), np.float32) >= share) / np.float32(1 - share)
    return seen


class Chains:
    """Weights, and how much each has moved."""

    def __init__(self, rows: int = 1 << BITS) -> None:
        shape = (rows, _ROW)
        self.weights: Floats = np.zeros(shape, np.float32)
        self.squares: Floats = np.full(shape, 1e-2, np.float32)
        self.follow: Floats = np.zeros((len(TAGS), len(TAGS)), np.float32)
        self.follow_squares: Floats = np.full_like(self.follow, 1e-2)

    def begin(self, tagger: Tagger) -> None:
        """Learning goes on from what this tagger knows."""
        self.weights[:, : len(TAGS)] = tagger.weights * np.float32(tagger.scale * _TRUST)
        self.follow[:] = tagger.follow * np.float32(_TRUST)

    def learn(self, group: Group, seen: Floats, rate: float) -> float:
        """One pass over the group's sentences. Returns the negative log likelihood that they had."""
        compiled = native.load("learning")
        if compiled is None:
            return self.learn_slowly(group, seen, rate)
        tables = (self.weights, self.squares, self.follow, self.follow_squares, _ALLOWED)
        return float(compiled.learn(group.features, seen, group.tags, group.lengths, *tables, rate, _LEAST))

    def learn_slowly(self, group: Group, seen: Floats, rate: float) -> float:
        """The same without C."""
        loss, at = 0.0, 0
        for length in group.lengths.tolist():
            loss += self._step(
                group.features[at : at + length], seen[at : at + length], group.tags[at : at + length], rate
            )
            at += length
        return loss

    def _step(self, features: npt.NDArray[np.int32], seen: Floats, tags: npt.NDArray[np.int8], rate: float) -> float:
        scores = (self.weights[features, : len(TAGS)] * seen[:, :, None]).sum(1)
        loss, by_place, by_follow = slopes(scores, tags, self.follow)
        for at in reversed(np.flatnonzero(np.abs(by_place).max(1) > _LEAST).tolist()):
            rows, counts = features[at][seen[at] != 0], seen[at][seen[at] != 0]
            for row, count in zip(rows.tolist(), counts.tolist(), strict=True):
                slope = by_place[at] * np.float32(count)
                self.squares[row, : len(TAGS)] += slope * slope
                self.weights[row, : len(TAGS)] -= rate * slope / np.sqrt(self.squares[row, : len(TAGS)])
        self.follow_squares += by_follow * by_follow
        self.follow -= rate * by_follow / np.sqrt(self.follow_squares)
        return loss


class Mean:
    """The mean of weights at several times: what moves to and fro stays in the middle (Polyak, Juditsky 1992)."""

    def __init__(self) -> None:
        self.count = 0
        self._weights: Floats = np.zeros(0, np.float32)
        self._follow: Floats = np.zeros(0, np.float32)

    def add(self, chains: Chains) -> None:
        if not self.count:
            self._weights, self._follow = np.zeros_like(chains.weights), np.zeros_like(chains.follow)
        self._weights += chains.weights
        self._follow += chains.follow
        self.count += 1

    def taken(self) -> tuple[Floats, Floats]:
        share = np.float32(1 / self.count)
        return self._weights * share, self._follow * share


_MOVES: Final = MAY_FOLLOW >= 0
_ALLOWED: Final = np.concatenate([_MOVES.ravel(), MAY_BEGIN >= 0, MAY_END >= 0]).astype(np.uint8)


def packed(weights: Floats, follow: Floats, lexicon: Lexicon, hints: Hinter | None = None) -> Tagger:
    """The tagger with its weights as small whole numbers; the few that are larger are cut."""
    used = np.abs(weights[weights != 0])
    scale = float(np.quantile(used, _CUT)) / _LARGEST if used.size else 1.0
    whole = weights / scale
    np.clip(np.rint(whole, out=whole), -_LARGEST, _LARGEST, out=whole)  # in place: there are millions
    return Tagger(np.ascontiguousarray(whole.astype(np.int8)), follow.copy(), lexicon, scale=scale, hints=hints)


def slopes(scores: Floats, tags: npt.NDArray[np.int8], follow: Floats) -> tuple[float, Floats, Floats]:
    """Negative log likelihood of a sentence's tags, and its slopes by score and by transition; forward and backward."""
    length = len(tags)
    top = scores.max(1, keepdims=True)
    fits = np.exp((scores - top).astype(np.float64))
    moves = np.where(_MOVES, np.exp(follow.astype(np.float64)), 0)
    forward, scale = np.zeros_like(fits), np.zeros(length)
    for at in range(length):
        reached = (forward[at - 1] @ moves if at else (MAY_BEGIN >= 0)) * fits[at]
        reached = reached * (MAY_END >= 0) if at == length - 1 else reached
        scale[at] = max(reached.sum(), 1e-300)
        forward[at] = reached / scale[at]
    ahead = np.zeros_like(fits)
    ahead[-1] = MAY_END >= 0
    for at in range(length - 1, 0, -1):
        ahead[at - 1] = moves @ (fits[at] * ahead[at]) / scale[at]
    chances = forward * ahead
    chances[-1] = forward[-1]
    by_place = chances / np.maximum(chances.sum(1, keepdims=True), 1e-300)
    places = np.arange(length)
    by_place[places, tags] -= 1
    fitting = (fits * ahead)[1:]
    pairs = np.maximum((forward[:-1] * (fitting @ moves.T)).sum(1, keepdims=True), 1e-300)
    by_follow = moves * ((forward[:-1] / pairs).T @ fitting)
    np.subtract.at(by_follow, (tags[:-1], tags[1:]), 1)
    gold: Any = scores[places, tags].sum() + follow[tags[:-1], tags[1:]].sum()
    loss = math.fsum(np.log(scale)) + float(top.sum()) - float(gold)
    return loss, by_place.astype(np.float32), by_follow.astype(np.float32)
