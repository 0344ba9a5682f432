"""From text to spans: fold, scan, look exactly, and join what overlaps."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final, Protocol

from gnomon.contract.verdicts import Span
from gnomon.guard import islands
from gnomon.guard.cutting import LONGEST, undecided, undecided_quickly
from gnomon.guard.detectors import DETECTORS, Detector
from gnomon.guard.normalise import Shadow, fold
from gnomon.guard.quick import Quick, Unfit
from gnomon.guard.slow import Slow
from gnomon.guard.view import LEFT, Found, Place, View

Lent = tuple[Callable[[str], Any], Callable[[str, int], int], Callable[[str, int], int], str, str, int]
"""What `native/splice.h` needs of a window: what `fired`, where a text is undecided, quickly or else surely, context,
pending text, and how much context is kept."""


class Look(Protocol):
    """The quick look at a text: `Quick` in C, or `Slow`. What `fired` says, nobody but itself understands."""

    def fired(self, text: str) -> Any: ...

    def hits(self, data: bytes) -> bool: ...

    def places(self, data: bytes) -> list[Place] | None: ...

    def is_odd(self, fired: Any) -> bool: ...

    def has_islands(self, fired: Any) -> bool: ...

    def found(self, view: View, fired: Any) -> list[Found]: ...


class Finder:
    """Finds what the given detectors look for. Immutable after it was made; safe to share between threads.

    An exception inside a detector passes through: nobody who asked for spans gets fewer instead.
    """

    reach = 0
    """Characters at the end of a text that a stream holds back whatever they are."""

    def __init__(self, detectors: Sequence[Detector] = DETECTORS) -> None:
        self.detectors = tuple(detectors)
        self._rank = {detector.entity: rank for rank, detector in enumerate(self.detectors)}
        self._secrets = frozenset(detector.entity for detector in self.detectors if detector.is_secret)
        self.begins = {detector.entity: detector.begins for detector in self.detectors if detector.begins}
        self._look: Look
        try:
            self._look = Quick(self.detectors)
        except Unfit:
            self._look = Slow(self.detectors)

    def hits(self, data: bytes) -> bool:
        """False guarantees that no string in these JSON (or plain UTF-8) bytes holds anything to find."""
        return self._look.hits(data)

    def places(self, data: bytes) -> list[Place] | None:
        """The strings and long numbers of JSON outside of which there is nothing to find; None: any may hold something.

        What a place says of its text may be given to `spans`.
        """
        return self._look.places(data)

    @property
    def fired(self) -> Callable[[str], Any]:
        """Says of a text what `look` may be given; nothing true: there is nothing to find in it for certain."""
        return self._look.fired

    def spans(self, text: str, *, fired: Any = None) -> list[Span]:
        """What is in a text of which nothing was before and nothing follows. `fired`: what its place said of it."""
        return _spans(*self.look("", text, fired=fired))

    def window(self, seen: set[str] | None = None) -> "Window":
        """For text that arrives in pieces. `seen`: the names a conversation has had, where names are looked for."""
        return Window(self)

    def look(self, context: str, text: str, depth: int = 0, *, fired: Any = None) -> tuple[Shadow, list[Found]]:
        """What is in `text`, whose folded left context is `context`; places are in the shadow of `text`.

        `depth`: how many islands it was read from. `fired`: what the quick look said, where it has been taken.
        """
        shadow, whole, quick = Shadow(text, len(text)), context + text, self._look
        fired = fired or quick.fired(whole)
        if not fired:
            return shadow, []
        if quick.is_odd(fired):
            shadow = fold(text)
            whole = context + shadow.text
            fired = quick.fired(whole)
        view = View(whole, len(context))
        found = quick.found(view, fired)
        if depth < islands.DEEPEST and quick.has_islands(fired):
            found.extend(islands.found(view, self.look, depth))
        if view.start:
            found = [item for item in found if item.end > view.start]
        return shadow, self._join(found, view.start) if found else []

    def _join(self, found: list[Found], shift: int) -> list[Found]:
        """Findings that overlap become one that covers them all, named after the first secret, or else the longest."""
        if len(found) > 1:
            found.sort(key=_place)
        if not shift and _are_apart(found):
            return found
        joined: list[Found] = []
        best: Found | None = None
        for item in found:
            start, end, entity, score = item
            if best is None or start - shift >= joined[-1].end:
                joined.append(Found(max(0, start - shift), end - shift, entity, score) if shift else item)
                best = item
                continue
            best = min(best, item, key=self._preference)
            last = joined[-1]
            joined[-1] = Found(last.start, max(last.end, end - shift), best.entity, best.score)
        return joined

    def _preference(self, item: Found) -> tuple[bool, int, float, int]:
        rank = self._rank.get(item.entity, 0)
        if item.entity in self._secrets:
            return False, item.start, rank, 0
        return True, item.start - item.end, -item.score, rank


def _spans(shadow: Shadow, found: list[Found]) -> list[Span]:
    """The findings at their places in the original."""
    if shadow.offsets is None:
        return [Span(*item) for item in found]
    return [Span(shadow.start(item.start), shadow.end(item.end), item.entity, item.score) for item in found]


def _are_apart(found: list[Found]) -> bool:
    """Whether findings that are in order do not overlap."""
    end = 0
    for item in found:
        if item[0] < end:
            return False
        end = item[1]
    return True


def _place(item: Found) -> tuple[int, int]:
    return item.start, -item.end


@cache
def default_finder() -> Finder:
    """The finder with every detector that is built in, compiled once a process."""
    return Finder()


_NONE: Final[list[Span]] = []  # nothing was found; not to be changed


class Window:
    """Text that arrives in pieces, with the spans that no later piece can change. Feeds one reader; not thread-safe."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self._context = ""
        self._pending = ""
        self._wait = 0
        self._opened = 0
        self._fired = None if finder.reach else finder.fired
        # A window that looks for more than a finder does sees every piece itself.
        self._lends = type(self) is Window and self._fired is not None and undecided_quickly is not None
        self.opening = ""
        """The entity of a finding that has begun and goes on, when nothing can undo, rename or move it any more."""

    @property
    def held(self) -> int:
        """Characters that are not decided yet: what belongs to an `opening` finding is."""
        return len(self._pending) - self._opened

    def feed(self, text: str) -> tuple[str, list[Span]]:
        """The text that is now decided, and the spans in it."""
        pending = self._pending = self._pending + text
        if len(pending) < self._wait:
            return "", []
        fired = None
        if self._fired is not None:
            whole = self._context + pending
            fired = self._fired(whole)
            if not fired:
                return self._pass(whole), _NONE
        shadow, found = self._finder.look(self._context, self._pending, fired=fired)
        whole = self._context + shadow.text
        at = undecided(whole, len(self._context)) - len(self._context)
        if self._finder.reach:
            at = max(0, min(at, len(shadow.text) - self._finder.reach))
        self.opening, self._opened = "", 0
        if not found and at == len(shadow.text):
            text, self._pending, self._context, self._wait = self._pending, "", whole[-LEFT:], 0
            return text, []
        for item in found:
            if item.start < at and (item.end > at or item.end == len(shadow.text)):
                at = item.start
        for item in found:
            begins = self._finder.begins.get(item.entity)
            if begins and item.start == at and begins.match(whole, len(self._context) + at):
                self.opening, self._opened = item.entity, shadow.end(item.end) - shadow.start(at)
        decided = self._release(shadow, found, at)
        # Looking again at each of many small pieces of one long value would be quadratic.
        size = len(self._pending)
        self._wait = size + (32 if self.opening and size <= LONGEST else size // 4) if size > 512 else 0
        return decided

    def lend(self) -> Lent | None:
        """For pieces in which nothing is to be found, until `take_back`; None where only `feed` knows what to do."""
        if not self._lends or self._wait or self.opening:
            return None
        assert self._fired is not None
        return self._fired, undecided_quickly, undecided, self._context, self._pending, LEFT

    def take_back(self, context: str, pending: str) -> None:
        """Goes on behind pieces that others have let pass."""
        self._context, self._pending = context, pending

    def _pass(self, whole: str) -> str:
        """What is decided of context and pending text in which nothing is to be found: most events of a stream."""
        text, begun = self._pending, len(self._context)
        at = undecided(whole, begun)
        if self.opening:
            self.opening, self._opened = "", 0
        if at == len(whole):
            self._pending, self._context, self._wait = "", whole[-LEFT:], 0
            return text
        text, self._pending = text[: at - begun], text[at - begun :]
        self._context = whole[max(0, at - LEFT) : at]
        size = len(self._pending)
        self._wait = size + size // 4 if size > 512 else 0
        return text

    def rest(self, text: str = "") -> tuple[str, list[Span]]:
        """A last piece and all that is left: nothing follows."""
        self._pending += text
        self._wait = self._opened = 0
        if not self._pending:
            return "", _NONE
        shadow, found = self._finder.look(self._context, self._pending)
        return self._release(shadow, found, len(shadow.text))

    def _release(self, shadow: Shadow, found: list[Found], at: int) -> tuple[str, list[Span]]:
        cut = shadow.length if at >= len(shadow.text) else shadow.start(at)
        text, self._pending = self._pending[:cut], self._pending[cut:]
        self._context = (self._context + shadow.text[:at])[-LEFT:]
        return text, _spans(shadow, [item for item in found if item.start < at])
