"""Structured findings and names in one: what a policy with the speed `names` or `deep` asks.

A name is decided with its sentence. Text is held back until the sentence ends (`segments`), the sentences that are
complete are looked at together, and what was found in one is found again in those that follow.
"""

import os
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

from gnomon.contract.verdicts import Span
from gnomon.guard.detectors import DETECTORS, ON_REQUEST, Detector
from gnomon.guard.finding import Finder, Window
from gnomon.guard.names import addresses, english, english_places, firms, forms, postal, replaced, titles
from gnomon.guard.names.artefact import SHIPPED, load
from gnomon.guard.names.given import known
from gnomon.guard.names.readers import Namer, chinese, together, where_chinese
from gnomon.guard.names.said import Walls, goes_on, joined, said, walls
from gnomon.guard.names.segments import ends
from gnomon.guard.names.tagger import Favour
from gnomon.guard.normalise import fold
from gnomon.guard.view import Found, Place, View

Settle = Callable[[str, list[Found], list[Found]], list[Found]]
"""The names in a sentence, and the places among them: of those that were read there."""


def _nothing(_view: View) -> Sequence[Found]:
    return ()


ENTITIES: Final = (
    Detector("PERSON", "姓名", (), _nothing, (1, 0)),
    Detector("ORGANIZATION", "机构", (), _nothing),
    Detector("ADDRESS", "地址", (), _nothing, (6, 0)),
)
"""What names are called; found by the sentence, not by a detector."""
LOCATION: Final = Detector("LOCATION", "地点", (), _nothing)
"""The bare name of a place: looked for only by a policy that has a rule for it."""
_MILD: Final = frozenset(detector.entity for detector in ON_REQUEST)
_MAYBE: Final = re.compile(rb"[\xe3-\xe9\xf0][\x80-\xbf]|\\[ux]|%[0-9a-f]{2}|[0-9a-f]{22}|[A-Z\xc3-\xc8]")
_HAN: Final = re.compile("[㐀-鿿豈-龎𠀀-𲎯]")
FILE_VARIABLE: Final = "GNOMON_NAMES_FILE"
_BETWEEN: Final = " \t\r\n,."
"""What stands between the lines of an address."""
MOST: Final = 500
"""Names that a conversation remembers."""
_WARY: Final = 0.5
"""How much less the tagger leans to names beside LAC: what both miss is rare, what either makes up is masked."""


class NameFinder(Finder):
    """A finder of names too. Raises whatever a namer raises: nobody who asked for names gets none instead."""

    def __init__(
        self,
        namers: Sequence[Namer],
        detectors: Sequence[Detector] = DETECTORS,
        entities: Sequence[Detector] = ENTITIES,
        settle: Settle | None = None,
    ) -> None:
        known = {detector.entity for detector in detectors}
        super().__init__((*detectors, *(detector for detector in entities if detector.entity not in known)))
        self.namers = tuple(namers)
        self.labels = frozenset(detector.label for detector in self.detectors)
        self._named = frozenset(detector.entity for detector in entities if detector is not LOCATION)
        self._settle = settle

    def hits(self, data: bytes) -> bool:
        """Names hide in any Chinese text, in any escape and behind any capital."""
        return _MAYBE.search(data) is not None or super().hits(data)

    def places(self, data: bytes) -> list[Place] | None:
        """No place where there is no name either; otherwise names may stand anywhere."""
        return None if self.hits(data) else []

    def spans(self, text: str, *, fired: Any = None) -> list[Span]:
        return self.window().rest(text)[1]

    def window(self, seen: set[str] | None = None) -> "NameWindow":
        return NameWindow(self, seen)

    def names(self, sentences: list[str]) -> list[list[Found]]:
        """What the namers found in each sentence. Who and what an earlier one found, a later one does not change."""
        found: list[list[Found]] = [[] for _ in sentences]
        places: list[list[Found]] = [[] for _ in sentences]
        for namer in self.namers:
            for row, read, more in zip(found, places, namer(sentences), strict=True):
                row += [item for item in more if item.entity in self._named and not _is_taken(item, row)]
                if self._settle:
                    read += [item for item in more if item.entity == LOCATION.entity]
        if self._settle:
            found = [self._settle(*three) for three in zip(sentences, found, places, strict=True)]
        return [self._join(row, 0) for row in found]


class NameWindow(Window):
    """A window that releases whole sentences. `seen` are the names found so far, shared within a conversation."""

    def __init__(self, finder: NameFinder, seen: set[str] | None = None) -> None:
        super().__init__(finder)
        self._names = finder.names
        self._labels = finder.labels
        self._seen = set() if seen is None else seen
        self._text = ""
        self._spans: list[Span] = []
        self._in_address = False
        self._before = ""
        self._is_person = False
        self._is_inside = False

    @property
    def held(self) -> int:
        return super().held + len(self._text)

    def feed(self, text: str) -> tuple[str, list[Span]]:
        self._take(*super().feed(text))
        self.opening, self._opened = "", 0  # what stands before a secret may still wait for its sentence
        return self._out(*self._cuts(is_all=False))

    def rest(self, text: str = "") -> tuple[str, list[Span]]:
        self._take(*super().rest(text))
        cuts, shadow = self._cuts(is_all=True)
        if self._text and (not cuts or cuts[-1] < len(self._text)):
            cuts.append(len(self._text))
        return self._out(cuts, shadow)

    def _take(self, text: str, spans: list[Span]) -> None:
        at = len(self._text)
        self._text += text
        self._spans += [Span(span.start + at, span.end + at, span.entity, span.score) for span in spans]

    def _cuts(self, *, is_all: bool) -> tuple[list[int], Walls]:
        """Where the sentences that are complete end, none of them inside an island."""
        found = walls(self._text, is_inside=self._is_inside, is_all=is_all)
        standing = joined([*self._spans, *found.walls]) if found.walls else self._spans
        return ends(self._text[: found.stop], standing), found

    def _out(self, cuts: list[int], found: Walls) -> tuple[str, list[Span]]:
        if not cuts:
            return "", []
        starts = [0, *cuts[:-1]]
        shadows = [fold(self._text[start:end]) for start, end in zip(starts, cuts, strict=True)]
        named: list[Span] = []
        for start, shadow, names in zip(starts, shadows, self._named([one.text for one in shadows]), strict=True):
            named += [
                Span(start + shadow.start(item.start), start + shadow.end(item.end), item.entity, item.score)
                for item in names
            ]
        end = cuts[-1]
        self._is_inside = goes_on(found, end, len(self._text))
        text, self._text = self._text[:end], self._text[end:]
        apart = joined(named)
        spans = merged(standing([span for span in self._spans if span.start < end], apart), apart)
        self._spans = [
            Span(span.start - end, span.end - end, span.entity, span.score) for span in self._spans if span.start >= end
        ]
        return text, spans

    def _named(self, sentences: list[str]) -> list[list[Found]]:
        """The names in each sentence, and in what the islands in it say."""
        read = [said(sentence) for sentence in sentences]
        parts = [(number, *part) for number, one in enumerate(read) for part in one.parts()]
        named: list[list[Found]] = [[] for _ in sentences]
        for (number, start, text), found in zip(parts, self._names([text for _, _, text in parts]), strict=True):
            found = replaced.without(text, found, self._labels)
            found = self._with_rest(text, again(text, found, self._seen))
            named[number] += [read[number].placed(item, start) for item in found]
        return named

    def _with_rest(self, text: str, found: list[Found]) -> list[Found]:
        """`found`, and at its beginning the rest of an address that the sentence before ended in."""
        if not text.strip(_BETWEEN):
            return found  # an empty line ends no address
        if self._in_address and (rest := postal.further(text)):
            inside = [item for item in found if item.start < rest.end]
            rest = rest._replace(end=max(rest.end, *(item.end for item in inside))) if inside else rest
            found = [rest, *found[len(inside) :]]
        if any(map(str.isalnum, text)):
            found = self._told_before(text, found)
            self._before = text
            self._is_person = len(found) == 1 and found[0].entity == "PERSON" and _is_line(text, found[0])
        last = found[-1] if found else None
        self._in_address = bool(last and last.entity == "ADDRESS" and not text[last.end :].strip(_BETWEEN))
        return found

    def _told_before(self, text: str, found: list[Found]) -> list[Found]:
        """`found`, and the names that only the sentence before tells of."""
        if _HAN.search(text):
            return found
        firm = list(firms.further(text, self._before, is_person=self._is_person))
        return _besides(_besides(firm, found), english.further(text, english.asks(self._before)))


def _is_line(text: str, item: Found) -> bool:
    """Whether nothing but that name stands there."""
    return text.endswith("\n") and not any(map(str.isalnum, text[: item.start] + text[item.end :]))


def _besides(found: list[Found], more: Iterable[Found]) -> list[Found]:
    """`found`, and those of the others that none of them overlaps, in order."""
    free = [item for item in more if not any(item.start < one.end and one.start < item.end for one in found)]
    return sorted([*found, *free])


def _is_taken(item: Found, row: list[Found]) -> bool:
    return item.entity != "ADDRESS" and any(item.start < other.end and other.start < item.end for other in row)


def again(text: str, found: list[Found], seen: set[str]) -> list[Found]:
    """`found`, and where else in the sentence a person stands who was seen; those found are seen from now on."""
    for item in found:
        name = text[item.start : item.end]
        if item.entity == "PERSON" and len(seen) < MOST and _is_telling(name):
            seen.add(name)
            if family := english.family_of(name):
                seen.add(family)
    free = list(found)
    # Longest first: one may be part of another, and a set has another order in each process.
    for name in sorted((name for name in seen if name in text), key=lambda name: (-len(name), name)):
        at = text.find(name)
        while at >= 0:
            end = at + len(name)
            if not any(item.start < end and at < item.end for item in free) and not _is_inside(text, at, end):
                free.append(Found(at, end, "PERSON", 0.7))
            at = text.find(name, end)
    return sorted(free) if len(free) > len(found) else free


def _is_telling(name: str) -> bool:
    """Long enough to be nothing else: three Chinese characters, or five letters."""
    return len(name) >= (5 if name.isascii() else 3)


def _is_inside(text: str, start: int, end: int) -> bool:
    """Whether a Latin name is part of a longer word."""
    if not text[start].isascii():
        return False
    return text[start - 1 : start].isalnum() or text[end : end + 1].isalnum()


def standing(structured: list[Span], named: list[Span]) -> list[Span]:
    """Those of the structured that no name holds, where they are looked for on request alone: the year of a founding
    in the name of a firm, a postcode in an address. Both are in order, the names apart."""
    left: list[Span] = []
    at = 0
    for span in structured:
        while at < len(named) and named[at].end < span.end:
            at += 1
        is_held = at < len(named) and named[at].start <= span.start
        if not (is_held and span.entity in _MILD):
            left.append(span)
    return left


def merged(structured: list[Span], named: list[Span]) -> list[Span]:
    """Both in order. Where they overlap, the structured one stands and the name keeps what is left of it."""
    if not structured:
        return named
    spans = list(structured)
    for name in named:
        start = name.start
        for other in structured:
            if other.end <= start or other.start >= name.end:
                continue
            if other.start > start:
                spans.append(Span(start, other.start, name.entity, name.score))
            start = other.end
        if start < name.end:
            spans.append(Span(start, name.end, name.entity, name.score))
    return sorted(spans, key=lambda span: span.start)


_RULES: Final[dict[str, Callable[[str], Iterable[Found]]]] = {
    "addresses": addresses.find,
    "titles": titles.find,
    "english": english.find,
    "firms": firms.find,
    "postal": postal.find,
}
"""Addresses by their grammar, names beside titles; people, organisations and addresses in Latin letters."""


def by_rule(sentences: list[str]) -> list[list[Found]]:
    """What all rules find."""
    return _ruled(tuple(_RULES.values()), sentences)


def by_rules(without: Collection[str]) -> Namer:
    """What all rules find but those."""
    return partial(_ruled, tuple(rule for name, rule in _RULES.items() if name not in without))


def _ruled(rules: tuple[Callable[[str], Iterable[Found]], ...], sentences: list[str]) -> list[list[Found]]:
    return [[item for rule in rules for item in rule(sentence)] for sentence in sentences]


def asked_finder(finder: NameFinder, detectors: Sequence[Detector], asked: Collection[str], speed: str) -> NameFinder:
    """The same finder with other detectors, and with what is looked for on request by the sentence."""
    if LOCATION.entity not in asked:
        return NameFinder(finder.namers, detectors)
    from gnomon.guard.names import localities  # what is known of places, which only who looks for them needs

    namers: list[Namer] = [*_namers(speed, _file(), localities.leaning), partial(_ruled, (english_places.find,))]
    # LAC, and a tagger that has learned from text of one's own, see fewer places that are none.
    settle = partial(localities.settled, is_wary=speed != "deep" and _file() == SHIPPED)
    return NameFinder(namers, detectors, (*ENTITIES, LOCATION), settle)


@cache
def name_finder(speed: str, path: Path | None = None) -> NameFinder:
    """The finder of a speed, `names` or `deep`, made once. Raises NamesMissing when something for it is missing.

    `path`: the tagger's file; the one that the environment variable GNOMON_NAMES_FILE names, or the shipped one.
    """
    return NameFinder(_namers(speed, path or _file()))


def _file() -> Path:
    return Path(os.environ.get(FILE_VARIABLE) or SHIPPED)


def _namers(speed: str, path: Path, places: Favour | None = None) -> list[Namer]:
    """Who finds names at that speed, by the tagger in that file; `places`: and bare places, so favoured."""
    own = load(path, speed)
    known()
    # A tagger trained elsewhere knows whether 王先生 is to be labelled whole; what others do is cut alike.
    words = own.tagger.lexicon
    tagger: Namer = partial(own.tagger.find, places=places)
    if path == SHIPPED:
        tagger = where_chinese(chinese(partial(own.tagger.find, places=places, forms=forms.leaning), words))
    rules = by_rules(own.without)
    if speed != "deep":
        return [tagger, rules]
    from gnomon.guard.names.deep import lac  # heavy, and not installed everywhere

    second = lac()
    if own.deep:
        return [partial(replace(own.deep, hints=second.hints).find, places=places), rules]
    if path != SHIPPED:  # one trained on the company's own text is the stronger of the two
        return [tagger, rules, where_chinese(chinese(second.find, words))]
    leaning = tuple(much - _WARY for much in own.tagger.leaning)
    wary = chinese(partial(replace(own.tagger, leaning=leaning).find, forms=forms.leaning), words)
    return [where_chinese(together(second.find, wary, words)), rules]
