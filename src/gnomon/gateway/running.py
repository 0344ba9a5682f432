"""One text of a stream that runs from event to event: judged, masked, kept for the record, restored."""

import re
from typing import Final

from gnomon import native
from gnomon.gateway.guarding import Lent, StreamMasker, StreamRestorer, blocked
from gnomon.gateway.judging import ContentStream
from gnomon.gateway.moulds import Mould

KEPT_REPLY_CHARS: Final = 1_048_576
"""Characters of the masked reply that the record has at most."""
_NUMBER_OR_ADDRESS: Final = re.compile(r"[\d@]")
_native: Final = native.load("events")
_splice: Final = _native.splice if _native is not None else None


class Field:
    """One run of text of one choice: content, a tool call's arguments, …"""

    __slots__ = ("_size", "judge", "kept", "masker", "restore")

    def __init__(
        self, masker: StreamMasker, restore: StreamRestorer | None, judge: ContentStream | None = None
    ) -> None:
        self.masker = masker
        self.restore = restore
        self.judge = judge
        self.kept: list[str] = []
        self._size = 0

    def feed(self, text: str) -> str:
        if self.judge is not None:
            self.judge.feed(text)
            if self.judge.blocked:
                raise blocked(self.judge.blocked, "output")
        masker = self.masker
        text = masker.feed(text)
        if masker.blocked:
            raise blocked(masker.blocked, "output")
        if text:
            self._keep(text)
        return text if self.restore is None else self.restore.feed(text)

    def splice(self, data: bytes, mould: Mould) -> tuple[int, bytes] | None:
        """How much of the data were events of this mould in which nothing is to be found, and what goes on for them."""
        lent = self.lend() if _splice is not None else None
        found = None if lent is None else _splice(data, mould.parts, *lent)  # type: ignore[misc]
        if found is None:
            return None
        used, out, text, context, pending = found
        self.take_back(len(text), text, context, pending)
        return used, out

    def lend(self) -> Lent | None:
        """What somebody needs who lets pieces pass in which nothing is to be found, until `take_back`; or None."""
        return None if self.restore is not None or self.judge is not None else self.masker.lend()

    def take_back(self, passed: int, text: str, context: str, pending: str) -> None:
        """So many characters went on, of which `text` is for the record; this is the window behind them."""
        self.masker.take_back(passed, context, pending)
        if text:
            self._keep(text)

    @property
    def room(self) -> int:
        """Characters that the record still has room for."""
        return max(0, KEPT_REPLY_CHARS - self._size)

    def flush(self) -> str:
        if self.judge is not None:
            self.judge.flush()
            if self.judge.blocked:
                raise blocked(self.judge.blocked, "output")
        text = self.masker.flush()
        if self.masker.blocked:
            raise blocked(self.masker.blocked, "output")
        if text:
            self._keep(text)
        return text if self.restore is None else self.restore.feed(text) + self.restore.flush()

    @property
    def may_go_on(self) -> bool:
        """Whether what is held back now may be the beginning of a number or of an address, not of a mere word."""
        return _NUMBER_OR_ADDRESS.search(self.masker.pending) is not None

    def _keep(self, text: str) -> None:
        """For the record: the masked text, never the restored one, and no more of it than a record has."""
        if self._size < KEPT_REPLY_CHARS:
            self._size += len(text)
            self.kept.append(text)


def merge(into: dict[str, int], counts: dict[str, int]) -> None:
    """So many more of each entity were acted upon."""
    for entity, count in counts.items():
        into[entity] = into.get(entity, 0) + count
