"""Strings of a stream that stand beside its texts: a vendor's words in the envelope or in a choice, and labels.

Nobody can tell at first sight whether a string in a place that the protocol does not know is a label (the same in every
event), the whole so far (longer in every event) or a piece of a text. What is safe in all three readings goes on at
once; the rest waits until the next strings tell, at most to the end of the stream.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from gnomon.gateway import deltas
from gnomon.gateway.guarding import PROTOCOL

EVENT: Final = -1
"""For the number of a choice: what stands beside all choices."""
OF_EVENT: Final = frozenset(
    ("id", "object", "created", "model", "system_fingerprint", "service_tier", "choices", "error")
)
"""Members of an event that servers tell whole: nobody adds them up, and each is guarded for itself."""
OF_CHOICE: Final = frozenset(
    ("index", "delta", "text", "finish_reason", "stop_reason", "native_finish_reason", "logprobs")
)
"""The same of a choice; its texts and their log-probabilities are guarded elsewhere."""
_ENOUGH: Final = 8  # characters said again: pieces of one text do not repeat what went before so far
_MOST: Final = 4096
_WORDS: Final = PROTOCOL | {"safe", "low", "medium", "high"}  # of filters; none of them is anybody's
_MAY_GO_ON: Final = re.compile(r"(?:^|[^\w./?&=-])\+?\d[\d\s-]{2,}$|@[^\s@]*$")  # how a number or an address may begin
_IDS: Final = ("\0id", "\0type")
_MOST_FOUND: Final = 64  # of what is found at the ends of strings: older ones have gone on


class Ends:
    """What strings have at their ends when each is looked at alone: what comes before or behind may hide it."""

    __slots__ = ("_found", "counts")

    def __init__(self) -> None:
        self._found: dict[str, tuple[str, str]] = {}
        self.counts: dict[str, int] = {}

    def note(self, text: str, field: Any) -> str:
        """The text as it is masked alone, by a fresh field."""
        told = str(field.feed(text)) + str(field.flush())
        spans = getattr(field.masker, "spans", ())
        for span, shown in zip(spans, getattr(field.masker, "replacements", ()), strict=False):
            if span.start == 0 or span.end == len(text):
                self._found[text[span.start : span.end]] = span.entity, shown
        while len(self._found) > _MOST_FOUND:
            del self._found[next(iter(self._found))]
        return told

    def out_of(self, text: str) -> str:
        """The text without any of it."""
        for value, (entity, shown) in self._found.items():
            count = text.count(value) if text else 0
            if count:
                self.counts[entity] = self.counts.get(entity, 0) + count
                text = text.replace(value, shown)
        return text


class Unknown:
    """Strings in one place, event after event."""

    __slots__ = (
        "_counts",
        "_ends",
        "_grew",
        "_last",
        "_make",
        "_name",
        "_owed",
        "_run",
        "_runs",
        "_same",
        "_shown",
        "_values",
    )

    def __init__(self, make: Callable[[str], Any], name: str) -> None:
        self._make = make
        self._name = name
        self._counts: dict[str, int] = {}
        self._ends = Ends()
        self._runs = False  # known for pieces of one text
        self._last = ""
        self._begin()

    def _begin(self) -> None:
        """A value of which nothing has been seen yet."""
        self._run = self._make(self._name)
        self._owed = ""  # decided of the text, if it is one, and not told yet
        self._values = 0  # that wait
        self._same = 0
        self._grew = False
        self._shown = ""

    @property
    def counts(self) -> dict[str, int]:
        """How many of each entity were acted upon."""
        return _sum(self._counts, self._ends.counts)

    @property
    def is_steady(self) -> bool:
        """Whether the last string may come again without being looked at."""
        return self._same >= _ENOUGH and not (self._runs or self._values or self._grew)

    def feed(self, text: str) -> str:
        """What may go on in this event."""
        if self._runs:
            return self._fed(text)
        last, self._last = self._last, text
        if last and text.startswith(last):
            self._same += len(last)
            self._grew = self._grew or text != last
        elif self._same >= _ENOUGH:
            grew = self._grew
            self._begin()
            if grew:
                self._ends.note(last, self._make(self._name))
                self._run.feed(last)  # what of it has not been shown may go on here
        elif last:
            self._runs = True
            owed, self._owed = self._owed, ""
            return owed + self._fed(text)
        if self._same >= _ENOUGH:
            return self._again(text, last)
        if text in _WORDS and not self._values:
            self._same, self._shown = _ENOUGH, text
            return text
        out = self._fed(text)
        if not self._values and out == text == str(self._make(self._name).feed(text)):
            return text
        self._values += 1
        self._owed += out
        return ""

    def _fed(self, text: str) -> str:
        """What is decided of the text, if it is one."""
        self._ends.note(text, self._make(self._name))
        return self._ends.out_of(str(self._run.feed(text)))

    def _again(self, text: str, last: str) -> str:
        """Of a whole that is told again, all; of one that grew, what more of it cannot change."""
        if not self._grew and self._shown:
            return self._shown
        self._values, self._owed = 0, ""
        if text != last or not self._shown:
            grown = str(self._make(self._name).feed(text)) if self._grew else ""
            self._shown = self._ends.out_of(grown) if self._grew else self._whole(text)
        return self._shown

    def _whole(self, text: str) -> str:
        return self._guarded(text)[0]

    def _guarded(self, text: str, *, counts: bool = True) -> tuple[str, int]:
        field = self._make(self._name)
        told = self._ends.out_of(str(field.feed(text)) + str(field.flush()))
        if counts:
            self._count(field)
        return told, sum(field.masker.counts.values())

    def _count(self, field: Any) -> None:
        self._counts = _sum(self._counts, field.masker.counts)

    def flush(self) -> str:
        """What is still due, at the end of the stream; nothing the second time."""
        values, grew, last, owed = self._values, self._grew, self._last, self._owed
        self._values, self._grew, self._owed = 0, False, ""
        if not self._runs and self._same >= _ENOUGH:
            return self._whole(last) if grew else ""
        text = owed + self._ends.out_of(str(self._run.flush()))
        if values > 1 and not self._runs:
            # Still nobody knows which it is: what goes on is the reading in which more is found.
            told, found = self._guarded(last, counts=False)
            more = sum(self._run.masker.counts.values())
            if found > more or (not grew and found * values >= more):
                self._whole(last)
                return told
        if values or self._runs:
            self._count(self._run)
        return text


class Label:
    """A label of a structure in one place, event after event: whole, unless it looks as if it might go on."""

    __slots__ = ("_ends", "_field", "_is_id", "_last", "_make", "_name", "_runs", "_shown")

    is_steady = False

    def __init__(self, make: Callable[[str], Any], name: str) -> None:
        self._make = make
        self._name = name
        self._field = make(name)
        self._ends = Ends()
        self._is_id = name.endswith(_IDS)
        self._runs = False
        self._last = self._shown = ""

    @property
    def counts(self) -> dict[str, int]:
        """How many of each entity were acted upon."""
        return _sum(self._field.masker.counts, self._ends.counts)

    def feed(self, text: str) -> str:
        """What goes on in this event: another label is looked at behind those before it, and alone."""
        if text == self._last and not self._runs:
            return self._shown
        self._last, self._shown = text, text
        if text in PROTOCOL and not self._runs:
            return text
        self._ends.note(text, self._make(self._name))
        self._runs = self._runs or (not self._is_id and _MAY_GO_ON.search(text) is not None)
        told = str(self._field.feed(text))
        self._shown = self._ends.out_of(told if self._runs else told + str(self._field.flush()))
        return self._shown

    def flush(self) -> str:
        """What was held back, at the end of the stream."""
        return self._ends.out_of(str(self._field.flush())) if self._runs else ""


class Asides:
    """All such strings of one stream. `make`: what guards a text that runs under a name (`deltas`)."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        self._make = make
        self._strings: dict[tuple[int, str], Unknown | Label] = {}
        self._places: dict[tuple[int, str], deltas.Place] = {}
        self.said = False  # whether the members that were last guarded tell something that must not be lost
        self.is_steady = True  # whether they may come again as they were without being looked at

    def guarded(
        self, index: int, members: dict[str, Any], known: frozenset[str], walk: Callable[[dict[str, Any]], Any]
    ) -> dict[str, Any]:
        """The members with every string guarded; `walk` guards the `known` ones, and all that is no string.

        Raises LookupError where the name of a member may not be read, and RecursionError.
        """
        self.said, self.is_steady = False, True
        unknown = {k: v for k, v in members.items() if k not in known and isinstance(v, (str, dict, list))}
        texts = list(deltas.inside(unknown, "by ", ())) if unknown else []
        if not texts:
            guarded: dict[str, Any] = walk(members)
            return guarded
        guarded = walk({**members, **unknown})
        shape = deltas.shape({name: value for name, value in guarded.items() if name in unknown})
        for one in texts:
            place = index, one.name
            string = self._strings.get(place)
            if string is None:
                string = self._new(place, Unknown(self._make, one.name))
            told = string.feed(one.text)
            self.said = self.said or told != ""
            self.is_steady = self.is_steady and told == one.text and string.is_steady
            deltas.put(guarded, one.path, told)
            self._places[place] = deltas.Place(shape, one.path)
        return guarded

    def label(self, index: int, one: deltas.Inside, structure: Any) -> str:
        """What goes on of a label in a structure of a delta."""
        place = index, one.name
        string = self._strings.get(place)
        if string is None:
            string = self._new(place, Label(self._make, one.name))
        told = string.feed(one.text)
        if not told:
            self._places[place] = deltas.Place(deltas.shape(structure), one.path)
        return told

    def _new(self, place: tuple[int, str], string: Unknown | Label) -> Unknown | Label:
        if len(self._strings) >= _MOST:
            raise LookupError("too many strings")
        self._strings[place] = string
        return string

    def rest(self, index: int) -> dict[str, Any]:
        """What is still due of a choice, or of the event, as its members; nothing the second time."""
        said: dict[str, Any] = {}
        for (of, name), string in self._strings.items():
            held = string.flush() if of == index else ""
            if held:
                said = deltas.joined(said, deltas.told(name, held, self._places[of, name]))
        return said

    def indices(self) -> set[int]:
        """The choices that had any."""
        return {index for index, _ in self._strings if index != EVENT}

    def counts(self) -> list[dict[str, int]]:
        """How many of each entity were acted upon, string by string."""
        return [string.counts for string in self._strings.values()]


def is_bare(members: dict[str, Any], known: frozenset[str]) -> bool:
    """Whether none but the known ones is a string, or may hold one."""
    return not any(isinstance(value, (str, dict, list)) for name, value in members.items() if name not in known)


def _sum(counts: dict[str, int], more: dict[str, int]) -> dict[str, int]:
    return {entity: counts.get(entity, 0) + more.get(entity, 0) for entity in {**counts, **more}}
