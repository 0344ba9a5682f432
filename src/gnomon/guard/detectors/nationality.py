"""国籍、民族、信仰、政治面貌 / nationality, ethnic group, belief, party. Looked for only where a policy names them.

A closed list (`nationality.txt`), each word whole. What is also a language (in English, speaks Russian) is none there.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from gnomon.guard.detectors.base import Detector
from gnomon.guard.scan import literal
from gnomon.guard.view import Found, View

ENTITY = "NATIONALITY"
_FILE = Path(__file__).with_name("nationality.txt")
_SPOKEN = re.compile(
    r"\b(?:in|into|to|from|speaks?|speaking|spoken?|learn(?:s|ing|t|ed)?|stud(?:y|ies|ying)|fluent|basic|native|write|"
    r"written|reads?|teach(?:es|ing)?|languages?|and|or|,) \Z",
    re.IGNORECASE,
)
_SPEECH = re.compile(
    r"[.,;:!?)\]\"'/]|\Z|\n| (?:and|or|but|please|with|is|are|was|as|at|for|from|to|fluently|well|words?|languages?|"
    r"lessons?|class(?:es)?|courses?|grammar|translations?|text|texts|dictionary|alphabet|sentences?|letters?|subtitles?|"
    r"version|speaking|speakers?)\b"
)
_DONE = re.compile(r" (?:the|this|that|these|it|up|my|your|our|his|her|their)\b")
"""What is polished, and not Polish."""
_IN = 12


class Words(NamedTuple):
    """Words in Latin letters, in small ones; those of them that need a capital; those that are languages too; how they
    are read, with the second word of two; and the Chinese ones."""

    latin: frozenset[str]
    capital: frozenset[str]
    languages: frozenset[str]
    read: re.Pattern[str]
    chinese: re.Pattern[str]


@cache
def _words() -> Words:
    """Made when first asked for: most policies never do."""
    parts: dict[str, list[str]] = {}
    words: list[str] = []
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            words = parts.setdefault(line.strip("[]"), [])
        elif not line.startswith("#"):
            words += (word.replace("_", " ") for word in line.split())
    capital = frozenset(map(str.lower, parts["capital"]))
    latin = capital.union(parts["small"])
    tails = "|".join({word for words in latin for word in re.split("[ -]", words)[1:]})
    lands, peoples, others = (_any(parts[name]) for name in ("国家", "民族", "信仰与政治"))
    return Words(
        latin,
        capital,
        frozenset(parts["languages"]),
        re.compile(rf"(?<![\w@./\-])[A-Za-z]{{3,20}}(?:[ -](?ai:{tails})s?(?![\w\-]))?(?![\w@]|\.[A-Za-z0-9])"),
        re.compile(
            rf"(?:{lands})(?:国籍|公民|裔|籍|人(?![民口均力物才寿工造文体家大权事类员士格保居行]))|(?:{peoples})族(?![谱群裔长人馆自乡镇县])|{others}"
        ),
    )


def _any(words: list[str]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


def _find(view: View) -> Iterator[Found]:
    text, words = view.text, _words()
    for match in words.read.finditer(text):
        start, said = match.start(), match.group()
        if not _is_one(said.lower(), words.latin):  # an American
            start += len(said) - len(said := said.rpartition(" ")[2])
        if _is_one(said.lower(), words.latin) and _is_meant(text, start, said, words):
            yield Found(start, match.end(), ENTITY, 0.9)
    for match in words.chinese.finditer(text):
        yield Found(match.start(), match.end(), ENTITY, 0.9)


def _is_one(said: str, words: frozenset[str]) -> bool:
    return said in words or said.removesuffix("s") in words


def _is_meant(text: str, start: int, said: str, words: Words) -> bool:
    small, end = said.lower(), start + len(said)
    if said == small and _is_one(small, words.capital):
        return False
    if said == "Polish" and _DONE.match(text, end):
        return False
    if small not in words.languages:
        return True
    return not (_SPOKEN.search(text[max(0, start - _IN) : start]) and _SPEECH.match(text[end : end + _IN]))


DETECTOR = Detector(
    ENTITY,
    "族群",
    (
        rb"[A-Za-z]{3}",
        *map(literal, ("人", "籍", "裔", "公民", "族", "信", "徒", "穆斯林", "无神论", "党", "员", "派")),
    ),
    _find,
    reach=48,
)
