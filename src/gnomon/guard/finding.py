"""From text to spans: fold, scan, look exactly, and join what overlaps."""

from collections.abc import Sequence
from functools import cache

from gnomon.contract.verdicts import Span
from gnomon.guard.cutting import undecided
from gnomon.guard.detectors import DETECTORS, Detector
from gnomon.guard.normalise import Shadow, fold
from gnomon.guard.scan import ESCAPED, ODD, Scanner
from gnomon.guard.view import LEFT, Found, View


class Finder:
    """Finds what the given detectors look for. Immutable after it was made; safe to share between threads.

    An exception inside a detector passes through: nobody who asked for spans gets fewer instead.
    """

    def __init__(self, detectors: Sequence[Detector] = DETECTORS) -> None:
        self.detectors = tuple(detectors)
        self._rank = {detector.entity: rank for rank, detector in enumerate(self.detectors)}
        self._secrets = frozenset(detector.entity for detector in self.detectors if detector.is_secret)
        self._odd = len(self.detectors)
        groups = [detector.triggers for detector in self.detectors]
        self._scanner = Scanner([*groups, ODD, (ESCAPED,)])

    def hits(self, data: bytes) -> bool:
        """False guarantees that no string in these JSON (or plain UTF-8) bytes holds anything to find."""
        return self._scanner.any(data)

    def spans(self, text: str) -> list[Span]:
        """What is in a text of which nothing was before and nothing follows."""
        shadow, found = self.look("", text)
        return [Span(shadow.start(item.start), shadow.end(item.end), item.entity, item.score) for item in found]

    def look(self, context: str, text: str) -> tuple[Shadow, list[Found]]:
        """What is in `text`, whose folded left context is `context`; places are in the shadow of `text`."""
        fired = self._scanner.fired((context + text).encode("utf-8", "surrogatepass"))
        if not fired:
            return Shadow(text, len(text)), []
        shadow = Shadow(text, len(text))
        if self._odd in fired:
            shadow = fold(text)
            fired = self._scanner.fired((context + shadow.text).encode("utf-8", "surrogatepass"))
        view = View(context + shadow.text, len(context))
        found = [
            item
            for number in sorted(fired)
            if number < self._odd
            for item in self.detectors[number].find(view)
            if item.end > view.start
        ]
        return shadow, self._join(found, view.start)

    def _join(self, found: list[Found], shift: int) -> list[Found]:
        """Findings that overlap become one that covers them all, named after a secret, or else the longest."""
        joined: list[Found] = []
        best: Found | None = None
        if not found:
            return []
        for item in sorted(found, key=lambda one: (one.start, -one.end)):
            last = joined[-1] if joined else None
            if last is None or best is None or item.start - shift >= last.end:
                joined.append(Found(max(0, item.start - shift), item.end - shift, item.entity, item.score))
                best = item
                continue
            best = min(best, item, key=self._preference)
            joined[-1] = Found(last.start, max(last.end, item.end - shift), best.entity, best.score)
        return joined

    def _preference(self, item: Found) -> tuple[bool, int, float, int]:
        return (item.entity not in self._secrets, item.start - item.end, -item.score, self._rank.get(item.entity, 0))


@cache
def default_finder() -> Finder:
    """The finder with every detector that is built in, compiled once a process."""
    return Finder()


class Window:
    """Text that arrives in pieces, with the spans that no later piece can change. Feeds one reader; not thread-safe."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self._context = ""
        self._pending = ""
        self._wait = 0

    @property
    def held(self) -> int:
        """Characters that are not decided yet."""
        return len(self._pending)

    def feed(self, text: str) -> tuple[str, list[Span]]:
        """The text that is now decided, and the spans in it."""
        self._pending += text
        if len(self._pending) < self._wait:
            return "", []
        shadow, found = self._finder.look(self._context, self._pending)
        at = undecided(self._context + shadow.text, len(self._context)) - len(self._context)
        for item in found:
            if item.start < at and (item.end > at or item.end == len(shadow.text)):
                at = item.start
        decided = self._release(shadow, found, at)
        # Looking again at each of many small pieces of one long value would be quadratic.
        self._wait = len(self._pending) + len(self._pending) // 4 if len(self._pending) > 512 else 0
        return decided

    def rest(self, text: str = "") -> tuple[str, list[Span]]:
        """A last piece and all that is left: nothing follows."""
        self._pending += text
        shadow, found = self._finder.look(self._context, self._pending)
        self._wait = 0
        return self._release(shadow, found, len(shadow.text))

    def _release(self, shadow: Shadow, found: list[Found], at: int) -> tuple[str, list[Span]]:
        cut = shadow.length if at >= len(shadow.text) else shadow.start(at)
        text, self._pending = self._pending[:cut], self._pending[cut:]
        self._context = (self._context + shadow.text[:at])[-LEFT:]
        spans = [
            Span(shadow.start(item.start), shadow.end(item.end), item.entity, item.score)
            for item in found
            if item.start < at
        ]
        return text, spans
