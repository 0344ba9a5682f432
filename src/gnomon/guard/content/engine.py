"""Text in, verdicts out: which attacks and unsafe matters a text holds, how surely, and where.

A text is judged in windows at fixed places, however it arrives: that is what makes a stream's verdict the whole text's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gnomon.contract.verdicts import ContentVerdict
from gnomon.guard.content import meant
from gnomon.guard.content.book import HIDDEN, Book, load
from gnomon.guard.content.lexicon import Lexicon, squeezed, unsqueezed
from gnomon.guard.content.patterns import Patterns
from gnomon.guard.content.readings import Reader, Reading
from gnomon.guard.content.rules import Hit, RuleSet

STEP = 2048
"""A window ends at every multiple of so many characters, and at the end of the text."""
OVERLAP = 512
"""A window begins so many characters before the end of the one before: what is shorter lies within one window."""
HIDDEN_SCORE = 0.9
"""How surely somebody hides something who wrote an attack so that it must be decoded first."""
MEANT = "unsafe.request"
"""The category of what no rule names and the model of harmful requests does."""
AIMED = "injection.request"
"""The category of what no rule names and the model of attacks by words does."""
LEAST = 0.5
"""The least score that a model says aloud."""
_HINTS = {AIMED: 2}
"""Hints that a sentence must hold, where one is not enough: attacks have many, and single ones of theirs are common."""


@dataclass(frozen=True, slots=True)
class _Asker:
    """A model of what sentences ask for, and which of them it looks at: those with `least` of its hints."""

    category: str
    model: meant.Model
    hints: Patterns
    least: int

    def is_meant(self, text: str) -> bool:
        return len(self.hints.found(text.encode("utf-8", "surrogatepass"))) >= self.least


class Engine:
    """Judges windows by one book. Immutable after it was made; safe to share between threads.

    An exception passes through: nobody who asked for verdicts gets fewer instead.
    """

    def __init__(self, book: Book, memory: Path | None = None, models: Mapping[str, meant.Model] | None = None) -> None:
        """`models` by the category that each speaks for; those inside the package without it."""
        models = meant.shipped() if models is None else models
        known = {category: model for category, model in models.items() if category in book.titles}
        self.version = "+".join([book.version, *(model.version for model in known.values())])
        self.categories = tuple(book.titles)
        self._lexicon = Lexicon(book, memory)
        self._rules = RuleSet(book)
        hints_of = {category: meant.expressions(model.hints) for category, model in known.items()}
        self._askers = [
            _Asker(category, model, Patterns(hints_of[category], once=True, memory=memory), _HINTS.get(category, 1))
            for category, model in known.items()
        ]
        hints = tuple(dict.fromkeys(one for some in hints_of.values() for one in some))
        self._reader = Reader(self._lexicon.anchors, hints, memory)

    def look(self, window: str) -> list[ContentVerdict]:
        """The verdicts on one window, at most one a category."""
        found: list[ContentVerdict] = []
        for reading in self._reader.readings(window):
            verdicts = self._read(reading, is_open=False)
            if reading.is_hinted:
                verdicts += [one for asker in self._askers for one in _asked(reading, asker)]
            if reading.is_hidden and (worst := _worst(verdicts)):
                found.append(ContentVerdict(HIDDEN, HIDDEN_SCORE * worst.score, worst.start, worst.end, worst.rule))
            found += verdicts
        return _surest(found)

    def glance(self, window: str) -> list[ContentVerdict]:
        """What is already sure in a window that is still growing, only as it looks: never more than `look` will say."""
        return self._read(self._reader.plain(window), is_open=True)

    def _read(self, reading: Reading, *, is_open: bool) -> list[ContentVerdict]:
        original = reading.text.encode("utf-8", "surrogatepass")
        data = squeezed(original)
        events = self._lexicon.events(data)
        if not events:
            return []
        if is_open:  # a word at an open end may go on and become another
            events = [event for event in events if event.end < len(data)]
        return _scored([self._placed(hit, data, original, reading) for hit in self._rules.hits(events)])

    def _placed(self, hit: Hit, data: bytes, original: bytes, reading: Reading) -> ContentVerdict:
        start = _characters(original, unsqueezed(original, self._lexicon.start(data, hit.first)))
        end = _characters(original, unsqueezed(original, hit.last.end))
        return ContentVerdict(hit.rule.category, hit.rule.score, *reading.span(start, max(end, start + 1)), hit.rule.id)


def _asked(reading: Reading, asker: _Asker) -> list[ContentVerdict]:
    """The sentence that asks for it most surely, if one does. Of whole windows only: half a sentence may deceive."""
    best: list[ContentVerdict] = []
    if not asker.is_meant(reading.text):
        return best
    for sentence in meant.sentences(reading.text):
        if not asker.is_meant(sentence.text):
            continue
        for piece in (sentence, *(meant.quoted(sentence) if asker.category == AIMED else ())):
            score = round(asker.model.score(piece.text), 4)
            if score >= (best[0].score if best else LEAST):
                span = reading.span(piece.start, piece.start + len(piece.text))
                best = [ContentVerdict(asker.category, score, *span, "meant")]
    return best


def windows(length: int) -> list[tuple[int, int]]:
    """The places at which a text of `length` characters is looked at."""
    ends = [*range(STEP, length, STEP), length]
    return [(max(0, (end - 1) // STEP * STEP - OVERLAP), end) for end in ends] if length else []


@cache
def default_engine(memory: Path | None = None) -> Engine:
    """The engine by the book inside the package, made once a process; `memory`: see `patterns`."""
    return Engine(load(), memory)


def _characters(data: bytes, at: int) -> int:
    while 0 < at < len(data) and data[at] & 0xC0 == 0x80:
        at -= 1
    return len(data[:at].decode("utf-8", "surrogatepass"))


def _scored(hits: list[ContentVerdict]) -> list[ContentVerdict]:
    """One verdict a category: its rules are taken as independent witnesses, the surest gives the place."""
    doubt: dict[str, float] = {}
    for hit in hits:
        doubt[hit.category] = doubt.get(hit.category, 1.0) * (1.0 - hit.score)
    return [
        ContentVerdict(hit.category, round(1.0 - doubt[hit.category], 4), hit.start, hit.end, hit.rule)
        for hit in _surest(hits)
    ]


def _surest(verdicts: list[ContentVerdict]) -> list[ContentVerdict]:
    best: dict[str, ContentVerdict] = {}
    for one in verdicts:
        known = best.get(one.category)
        if known is None or one.score > known.score:
            best[one.category] = one
    return list(best.values())


def _worst(verdicts: list[ContentVerdict]) -> ContentVerdict | None:
    return max(verdicts, key=lambda one: one.score, default=None)
