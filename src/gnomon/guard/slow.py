"""What there may be to find in a text, by hyperscan and detectors in Python: the twin of `quick`, and its stand-in."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from gnomon.guard import islands
from gnomon.guard.detectors import Detector
from gnomon.guard.scan import ESCAPED, ODD, Scanner
from gnomon.guard.view import Found, Place, View


class Scanning(Protocol):
    """What says which groups of triggers are in some bytes."""

    def fired(self, data: bytes) -> AbstractSet[int]: ...

    def any(self, data: bytes) -> bool: ...


class Slow:
    """The look of one finder. Immutable; safe to share between threads."""

    def __init__(self, detectors: Sequence[Detector], scanner: Scanning | None = None) -> None:
        self._detectors = tuple(detectors)
        self._odd = len(self._detectors)
        self._island = self._odd + 2
        groups = [detector.triggers for detector in self._detectors]
        self._scanner = scanner or Scanner([*groups, ODD, (ESCAPED,), islands.TRIGGERS])

    def fired(self, text: str) -> AbstractSet[int]:
        """The groups of which a trigger is in shadow text: detectors by their number, and what comes after them."""
        return self._scanner.fired(text.encode("utf-8", "surrogatepass"))

    def hits(self, data: bytes) -> bool:
        """False guarantees that no string in these JSON (or plain UTF-8) bytes holds anything to find."""
        return self._scanner.any(data)

    def places(self, data: bytes) -> list[Place] | None:
        """No place where there is nothing to find; otherwise only a look at every string tells."""
        return None if self.hits(data) else []

    def is_odd(self, fired: AbstractSet[int]) -> bool:
        """Whether a character was there that folding changes."""
        return self._odd in fired

    def has_islands(self, fired: AbstractSet[int]) -> bool:
        """Whether a stretch may say something else than it shows."""
        return self._island in fired

    def found(self, view: View, fired: AbstractSet[int]) -> list[Found]:
        """What is in a view of which `fired` was said."""
        found: list[Found] = []
        for number in sorted(fired):
            if number < self._odd:
                found.extend(self._detectors[number].find(view))
        return found
