"""From texts to tokens, and a person's identifiers out of a text again. The one place where the two meet."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from gnomon.control.privacy.subjects.schemas import Identifier
from gnomon.control.rulebook import rules as rulebook
from gnomon.guard.finding import default_finder
from gnomon.guard.persons import PersonIndex, person_index, plain_form
from gnomon.guard.placeholders import placeholder
from gnomon.kit import services
from gnomon.kit.canonical import digest

_LITERAL = 3  # characters from which a weak identifier (a name of two is a common word) is looked for letter by letter


def index() -> PersonIndex:
    """The keys as they are now: a new one counts at once."""
    return person_index(services.settings().home)


@cache
def _labels() -> dict[str, str]:
    return {one.entity: one.label for one in default_finder().detectors} | {"PERSON": "姓名", "ACCOUNT": "账号"}


def seen(text: str, made: PersonIndex, wanted: Collection[str]) -> Iterator[tuple[str, str]]:
    """(token, entity) of every identifier of the `wanted` kinds in the text."""
    finder = default_finder()
    if not finder.hits(text.encode("utf-8", "surrogatepass")):
        return
    for span in finder.spans(text):
        if span.entity in wanted and (token := made.token(text[span.start : span.end])):
            yield token, span.entity


def strings(value: Any) -> Iterator[str]:
    """Every text in a JSON value, names of members too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield str(name)
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**10:
        yield str(value)  # eleven digits may be a mobile number


@dataclass(frozen=True, slots=True)
class Wanted:
    """The person of one request: tokens under every key, and how to take them out of a text."""

    tokens: dict[str, str]  # token → entity as the request names it
    literals: tuple[tuple[str, str], ...]  # (value, entity) of what no detector of structured data finds
    given: tuple[tuple[str, str], ...]  # (value, entity) as the request has them
    index: PersonIndex

    def __repr__(self) -> str:
        return f"Wanted({len(self.given)} identifiers)"  # never the values

    def redacted(self, text: str) -> tuple[str, int]:
        """The text with each of the person's identifiers replaced for good, and how many there were."""
        made, count, at, parts = self.index, 0, 0, list[str]()
        for span in default_finder().spans(text):
            value = text[span.start : span.end]
            if self.tokens.keys().isdisjoint(made.tokens(value)):
                continue
            parts += [text[at : span.start], placeholder(_labels().get(span.entity, span.entity))]
            at, count = span.end, count + 1
        text = "".join((*parts, text[at:]))
        for value, entity in self.literals:
            text, hits = re.subn(
                re.escape(value), placeholder(_labels().get(entity, entity)), text, flags=re.IGNORECASE
            )
            count += hits
        return text, count

    def redacted_value(self, value: Any) -> tuple[Any, int]:
        """The same for every text in a JSON value."""
        if isinstance(value, str):
            return self.redacted(value)
        if isinstance(value, dict):
            pairs = [(self.redacted(str(name)), self.redacted_value(inner)) for name, inner in value.items()]
            return {name: inner for (name, _), (inner, _) in pairs}, sum(a + b for (_, a), (_, b) in pairs)
        if isinstance(value, list):
            items = [self.redacted_value(inner) for inner in value]
            return [item for item, _ in items], sum(count for _, count in items)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**10:
            text, count = self.redacted(str(value))
            return (text, count) if count else (value, 0)
        return value, 0

    def only_theirs(self, value: Any) -> Any:
        """A JSON value in which everybody else's identifiers are replaced for good: a copy is for one person."""
        if isinstance(value, str):
            return self._without_others(value)
        if isinstance(value, dict):
            return {self._without_others(str(name)): self.only_theirs(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.only_theirs(inner) for inner in value]
        return value

    def _without_others(self, text: str) -> str:
        made, at, parts = self.index, 0, list[str]()
        for span in default_finder().spans(text):
            if self.tokens.keys().isdisjoint(made.tokens(text[span.start : span.end])):
                parts += [text[at : span.start], placeholder(_labels().get(span.entity, span.entity))]
                at = span.end
        return "".join((*parts, text[at:]))

    def is_theirs(self, value: str) -> bool:
        return not self.tokens.keys().isdisjoint(self.index.tokens(value))

    def shown(self, text: str) -> bool:
        """Whether an identifier of the person stands in the text."""
        return self.redacted(text)[1] > 0


def wanted(identifiers: Sequence[Identifier]) -> Wanted:
    made, weak = index(), set(rulebook.load().persons.weak)
    tokens = {token: one.entity for one in identifiers for token in made.tokens(one.value)}
    literals = tuple(
        (one.value, one.entity)
        for one in identifiers
        if (one.entity in weak or one.entity == "ACCOUNT")
        and len(one.value) >= (2 if one.entity == "PERSON" else _LITERAL)
    )
    return Wanted(tokens, literals, tuple((one.value, one.entity) for one in identifiers), made)


def digest_of(identifiers: Iterable[Identifier]) -> str:
    """One digest for the person as the request names them: of tokens, so that it says nothing without the key."""
    return digest(sorted(index().tokens_of(one.value for one in identifiers)))


def noted() -> frozenset[str]:
    """The kinds of identifier that are noted where they stand."""
    book = rulebook.load().persons
    return frozenset((*book.strong, *book.weak))


__all__ = ["Wanted", "digest_of", "index", "noted", "plain_form", "seen", "strings", "wanted"]
