"""One request inside the server: what is asked, what has been answered so far, and to whom pieces are handed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from gnomon.app.modelserver.choices import Choices
from gnomon.app.modelserver.sampling import Pick, Sampling, Scores, pick

Finish = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Piece:
    """New text of an answer with its tokens; the last piece has `finish`."""

    text: str = ""
    picks: tuple[Pick, ...] = ()
    finish: Finish | None = None


@dataclass(slots=True, eq=False)
class Task:
    """Created by the HTTP side, then touched by the worker alone; only `cancelled` is written from outside."""

    prompt: list[int]
    adapter: str | None
    max_tokens: int
    sampling: Sampling
    send: Callable[[Piece | Exception], None]
    decode: Callable[[Sequence[int]], str]
    end_tokens: frozenset[int]
    choices: Choices | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    cancelled: bool = False
    finish: Finish | None = None
    tokens: list[int] = field(default_factory=list)
    _draw: np.random.Generator = field(init=False)
    _sent: int = 0  # characters
    _unsent: list[Pick] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._draw = np.random.default_rng(self.seed)
        self._take_forced()

    @property
    def is_over(self) -> bool:
        return self.finish is not None or self.cancelled

    @property
    def passes(self) -> int:
        """Forward passes this task can take at most."""
        return self.choices.depth() if self.choices is not None else self.max_tokens

    def allowed(self) -> list[int] | None:
        """Tokens that may come next; None means any."""
        return self.choices.allowed(min(self.end_tokens)) if self.choices is not None else None

    def take(self, scores: Scores) -> None:
        """Choose the next token by its scores, and finish when nothing more may follow."""
        picked = pick(scores, self.allowed(), self.sampling, self._draw)
        if picked.token in self.end_tokens:
            self._end("stop")
            return
        self._keep(picked)
        if self.choices is not None:
            self.choices = self.choices.children[picked.token]
            self._take_forced()
        elif len(self.tokens) >= self.max_tokens:
            self._flush("length")
        else:
            self._flush(None)

    def _take_forced(self) -> None:
        rest = self.choices.forced() if self.choices is not None else None
        if rest is None:
            return
        for token in rest:
            self._keep(Pick(token, 0.0, ((token, 0.0),) if self.sampling.top_logprobs else ()))
        self._end("stop")

    def _keep(self, picked: Pick) -> None:
        self.tokens.append(picked.token)
        self._unsent.append(picked)

    def _end(self, finish: Finish) -> None:
        self._flush(finish)

    def _flush(self, finish: Finish | None) -> None:
        """Hand over the text that can no longer change: not a cut character, not what may begin a stop string."""
        text = self.decode(self.tokens)
        cut = min((at for at in (text.find(stop) for stop in self.stop) if at >= 0), default=-1)
        if cut >= 0:
            text, finish = text[:cut], "stop"
        elif finish is None:
            text = text[: len(text) - _unsettled(text, self.stop)]
        self.finish = finish
        if finish is None and len(text) <= self._sent:
            return
        piece = Piece(text[self._sent :], tuple(self._unsent), finish)
        self._sent = max(self._sent, len(text))
        self._unsent = []
        self.send(piece)


def _unsettled(text: str, stops: Sequence[str]) -> int:
    """Characters at the end that further tokens may still change or take back."""
    settled = text.rstrip("\ufffd")  # a character whose last bytes are still to come
    longest = max((len(stop) for stop in stops), default=0)
    for length in range(min(longest - 1, len(settled)), 0, -1):
        if any(stop.startswith(settled[-length:]) for stop in stops):
            return len(text) - len(settled) + length
    return len(text) - len(settled)
