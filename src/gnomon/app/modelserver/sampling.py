"""From scores to one token, with the log-probabilities that a caller may see."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a token is drawn. Temperature 0 takes the best one."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_logprobs: int | None = None  # None: the caller wants no log-probabilities


@dataclass(frozen=True, slots=True)
class Pick:
    """One token and, when asked for, its log-probability and the best alternatives, best first."""

    token: int
    logprob: float = 0.0
    top: tuple[tuple[int, float], ...] = ()


def pick(scores: Scores, allowed: Sequence[int] | None, sampling: Sampling, draw: np.random.Generator) -> Pick:
    """A token of `allowed` (None: of the whole vocabulary); `scores` are the logits of exactly those.

    Log-probabilities are normalised over the allowed tokens after temperature, as vLLM's processed log-probabilities.
    """
    greedy = sampling.temperature == 0.0
    if greedy and sampling.top_logprobs is None:
        return Pick(_token(int(scores.argmax()), allowed))
    logprobs = log_softmax(scores if greedy else scores / np.float32(sampling.temperature))
    place = int(logprobs.argmax()) if greedy else _drawn(logprobs, sampling.top_p, draw)
    best = _best(logprobs, sampling.top_logprobs or 0)
    return Pick(
        _token(place, allowed),
        float(logprobs[place]),
        tuple((_token(index, allowed), float(logprobs[index])) for index in best),
    )


def log_softmax(scores: Scores) -> Scores:
    """Logits as log-probabilities."""
    shifted = scores - scores.max()
    result: Scores = shifted - np.log(np.exp(shifted).sum())
    return result


def _drawn(logprobs: Scores, top_p: float, draw: np.random.Generator) -> int:
    """An index drawn by probability from the smallest set of best tokens that holds `top_p` of it."""
    probabilities = np.exp(logprobs.astype(np.float64))
    order = np.argsort(-probabilities, kind="stable")
    if top_p < 1.0:
        reached = np.cumsum(probabilities[order])
        order = order[: int(np.searchsorted(reached, top_p)) + 1]
    share = probabilities[order]
    return int(order[int(draw.choice(len(order), p=share / share.sum()))])


def _best(logprobs: Scores, count: int) -> list[int]:
    count = min(count, len(logprobs))
    if count == 0:
        return []
    candidates = np.argpartition(-logprobs, count - 1)[:count]
    return [int(index) for index in candidates[np.argsort(-logprobs[candidates], kind="stable")]]


def _token(place: int, allowed: Sequence[int] | None) -> int:
    return place if allowed is None else allowed[place]
