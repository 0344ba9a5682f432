"""What an error says in the reader's language: a sentence by its code; the message that has the values stays as it is.

The texts stand in locale/errors.yaml, one entry for each code. `told` is called at the edges only: API, page, CLI.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from gnomon.kit.errors import GnomonError
from gnomon.kit.i18n import LOCALES, SOURCE

_FILE: Final = Path(__file__).parent / "locale" / "errors.yaml"
_OPTIONAL: Final = re.compile(r"\[([^\[\]]*)\]")
_PLACE: Final = re.compile(r"\{(\w+)\}")
_HAN: Final = re.compile(r"[\u4e00-\u9fff]")
_LATIN_WORDS: Final = re.compile(r"[A-Za-z]{2,}\W+[A-Za-z]{2,}")
_COMMAND: Final = re.compile(r"(gnomon |GNOMON_)")
_LIST_JOINED_BY: Final = {SOURCE: "、", "en": ", "}
_LONGEST_FACT: Final = 120  # characters; longer ones would bury the sentence
_BY_STATUS: Final = {
    400: "bad_input",
    401: "sign_in_needed",
    403: "denied",
    404: "not_found",
    409: "conflict",
    425: "not_ready",
    429: "too_many",
    503: "unavailable",
}


@dataclass(frozen=True, slots=True)
class ToldError:
    """`title` and `next_step` in the reader's language.

    `detail` is the error's own message, with its own next step behind it where `next_step` took that one's place: both
    may hold values that only they know.
    """

    title: str
    detail: str
    next_step: str


@cache
def texts() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """code → locale → title and next_step, as written: places in {braces}, optional parts in [brackets]."""
    loaded: dict[str, dict[str, dict[str, str]]] = yaml.load(_FILE.read_text("utf-8"), yaml.CSafeLoader)
    return loaded


def told(error: GnomonError, locale: str = SOURCE) -> ToldError:
    """`error` for a reader of `locale`; a locale that nobody wrote for gets the source language.

    A code without an entry (a newer server's) is told by its status. The error's own next step wins where it is in
    the reader's language or is a command, because it knows the case at hand.
    """
    locale = locale if locale in LOCALES else SOURCE
    entry = _entry(error)[locale]
    title, own = _filled(entry["title"], error.facts, locale), error.next_step
    if own and _is_for(own, locale):
        return ToldError(title, error.message, own)
    return ToldError(title, f"{error.message} {own}".strip(), _filled(entry["next_step"], error.facts, locale))


def is_bilingual(text: str) -> bool:
    """Whether `text` says itself in Chinese and in English already."""
    return bool(_HAN.search(text) and _LATIN_WORDS.search(text))


def spoken(header: str) -> str:
    """The locale that an Accept-Language header asks for first among those we have; empty when it asks for none."""
    wanted = sorted(_ranked(header), key=lambda choice: -choice[0])
    return next((found for _, tag in wanted if (found := _locale(tag))), "")


def _entry(error: GnomonError) -> Mapping[str, Mapping[str, str]]:
    known = texts()
    return known.get(error.code) or known[_BY_STATUS.get(error.status, "error")]


def _filled(text: str, facts: Mapping[str, Any], locale: str) -> str:
    def part(found: re.Match[str]) -> str:
        names = _PLACE.findall(found[1])
        return _places(found[1], facts, locale) if all(_has(facts, name) for name in names) else ""

    return _OPTIONAL.sub(part, text)


def _has(facts: Mapping[str, Any], name: str) -> bool:
    return facts.get(name) not in (None, "", [], ())


def _places(text: str, facts: Mapping[str, Any], locale: str) -> str:
    return _PLACE.sub(lambda found: _shown(facts[found[1]], locale), text)


def _shown(value: Any, locale: str) -> str:
    several = isinstance(value, list | tuple | set | frozenset)
    text = _LIST_JOINED_BY[locale].join(str(one) for one in value) if several else str(value)
    return text if len(text) <= _LONGEST_FACT else text[: _LONGEST_FACT - 1] + "…"


def _is_for(text: str, locale: str) -> bool:
    return bool(_COMMAND.match(text)) or bool(_HAN.search(text)) == (locale == SOURCE) or is_bilingual(text)


def _ranked(header: str) -> list[tuple[float, str]]:
    choices = []
    for item in header.split(","):
        tag, _, rank = item.partition(";")
        try:
            weight = float(rank.strip().removeprefix("q=")) if rank else 1.0
        except ValueError:
            weight = 0.0
        if tag.strip() and weight > 0:
            choices.append((weight, tag.strip().lower()))
    return choices


def _locale(tag: str) -> str:
    if tag == "*" or tag.startswith("zh"):
        return SOURCE
    return "en" if tag.startswith("en") else ""
