"""What the server needs of a language model; `torch_model` has the real one, tests a tiny one."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Protocol

from gnomon.app.modelserver.sampling import Scores


class Cursor(Protocol):
    """One batch on its way through the model. Rows are numbered from 0 and close up when some are dropped."""

    def scores(self, allowed: Sequence[Sequence[int] | None]) -> list[Scores]:
        """Logits of the next token of each row, for the allowed tokens only (None: the whole vocabulary)."""
        ...

    def advance(self, rows: Sequence[int], tokens: Sequence[int]) -> None:
        """Keep only `rows`, append one token to each and run the forward pass."""
        ...


class LanguageModel(Protocol):
    """`encode`, `piece` and `decode` may be called from any thread, the rest from the worker's thread only."""

    @property
    def end_tokens(self) -> Collection[int]: ...

    def encode(self, text: str, *, start: bool) -> list[int]:
        """Tokens of `text`; with the model's begin token in front when `start`."""
        ...

    def decode(self, tokens: Sequence[int]) -> str: ...

    def begin(self, prompts: Sequence[Sequence[int]], adapter: str | None, *, goes_on: bool) -> Cursor:
        """Run the prompts; `goes_on` keeps what is needed to append tokens."""
        ...

    def load_adapter(self, name: str, folder: Path) -> None: ...

    def unload_adapter(self, name: str) -> None: ...
