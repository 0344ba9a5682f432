"""From the places of concepts to findings: which ideas stand close enough together. Linear in the number of events."""

from collections.abc import Iterable
from typing import NamedTuple

from gnomon.guard.content.book import Book, Rule
from gnomon.guard.content.lexicon import Event


class Hit(NamedTuple):
    """`rule` holds from the phrase that ends with event `first` to the one that ends with `last`."""

    first: Event
    last: Event
    rule: Rule


class _Compiled(NamedTuple):
    number: int
    rule: Rule
    of: tuple[int, ...]
    unless: tuple[int, ...]


class RuleSet:
    """The rules of a book over concept numbers. Immutable; safe to share between threads."""

    def __init__(self, book: Book) -> None:
        number = {name: index for index, name in enumerate(book.concepts)}
        self._by_concept: dict[int, list[_Compiled]] = {}
        for index, rule in enumerate(book.rules):
            of, unless = (tuple(number[name] for name in names) for names in (rule.of, rule.unless))
            for concept in set(of):
                self._by_concept.setdefault(concept, []).append(_Compiled(index, rule, of, unless))

    def hits(self, events: Iterable[Event]) -> list[Hit]:
        """The first hit of each rule that holds. `events` in the order of their ends."""
        last: dict[int, Event] = {}  # the latest of each concept
        chains: dict[int, list[tuple[Event, Event] | None]] = {}
        found: dict[int, Hit] = {}
        for event in events:
            last[event.concept] = event
            for compiled in self._by_concept.get(event.concept, ()):
                if compiled.number in found:
                    continue
                if compiled.rule.ordered:
                    first = _chained(chains.setdefault(compiled.number, [None] * len(compiled.of)), compiled, event)
                else:
                    first = _near(last, compiled, event)
                if first is not None and not _excused(last, compiled, first):
                    found[compiled.number] = Hit(first, event, compiled.rule)
        return list(found.values())


def _near(last: dict[int, Event], compiled: _Compiled, event: Event) -> Event | None:
    """Where the rule's match that ends with `event` begins, if there is one."""
    floor = event.end - compiled.rule.within
    near = [seen for concept in compiled.of if (seen := last.get(concept)) is not None and seen.end >= floor]
    least = compiled.rule.at_least
    if len(near) < least:
        return None
    return near[0] if least == 1 else sorted(near, reverse=True)[least - 1]


def _chained(chain: list[tuple[Event, Event] | None], compiled: _Compiled, event: Event) -> Event | None:
    """The same for concepts in order: `chain[i]` is where the first i + 1 of them begin latest, and end."""
    done = None
    for place in range(len(compiled.of) - 1, -1, -1):
        if compiled.of[place] != event.concept:
            continue
        if place == 0:
            chain[0] = (event, event)
            continue
        before = chain[place - 1]
        if before is None or before[1].end >= event.end or event.end - before[0].end > compiled.rule.within:
            continue
        chain[place] = (before[0], event)
        if place == len(chain) - 1:
            done = before[0]
    return done


def _excused(last: dict[int, Event], compiled: _Compiled, first: Event) -> bool:
    floor = first.end - compiled.rule.reach
    return any(seen.end >= floor for concept in compiled.unless if (seen := last.get(concept)) is not None)
