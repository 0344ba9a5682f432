"""A language model of letters: after each letter comes the next one of the alphabet, after z the end."""

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gnomon.app.modelserver.sampling import Scores

END = 0
_START = 1


class Letters:
    """Tokens are code points. It likes the highest of given choices. The adapter `by2` skips a letter."""

    end_tokens = frozenset({END})

    def __init__(self) -> None:
        self.batches: list[tuple[str | None, list[str]]] = []  # (adapter, prompts) of every first pass
        self.passes = 0
        self.adapters: dict[str, Path] = {}
        self.go = threading.Event()  # cleared: forward passes wait
        self.go.set()
        self.fails = False

    def encode(self, text: str, *, start: bool) -> list[int]:
        return [_START] * start + [ord(letter) for letter in text]

    def decode(self, tokens: Sequence[int]) -> str:
        return "".join(map(chr, tokens))

    def begin(self, prompts: Sequence[Sequence[int]], adapter: str | None, *, goes_on: bool) -> "LettersCursor":
        self.batches.append((adapter, [self.decode(prompt[1:]) for prompt in prompts]))
        return LettersCursor(self, [list(prompt) for prompt in prompts], 2 if adapter == "by2" else 1)

    def load_adapter(self, name: str, folder: Path) -> None:
        if name == "unfit":
            raise RuntimeError("size mismatch")
        self.adapters[name] = folder

    def unload_adapter(self, name: str) -> None:
        del self.adapters[name]


class LettersCursor:
    def __init__(self, model: Letters, rows: list[list[int]], stride: int) -> None:
        self._model = model
        self._rows = rows
        self._stride = stride
        self._count()

    def scores(self, allowed: Sequence[Sequence[int] | None]) -> list[Scores]:
        return [self._row(row, tokens) for row, tokens in zip(self._rows, allowed, strict=True)]

    def advance(self, rows: Sequence[int], tokens: Sequence[int]) -> None:
        self._rows = [[*self._rows[row], token] for row, token in zip(rows, tokens, strict=True)]
        self._count()

    def _row(self, row: list[int], tokens: Sequence[int] | None) -> Scores:
        if tokens is not None:
            return np.array([token / 10_000 for token in tokens], dtype=np.float32)
        following = row[-1] + self._stride
        scores = np.zeros(128, dtype=np.float32)
        scores[following if following <= ord("z") else END] = 50.0
        return scores

    def _count(self) -> None:
        self._model.go.wait(10)
        if self._model.fails:
            raise RuntimeError("out of memory")
        self._model.passes += 1
