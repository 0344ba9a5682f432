"""Labelled text to learn from: JSONL with spans, or BIO with one character a line; and its folds by document."""

import json
import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gnomon.guard.names import english, titles
from gnomon.guard.names.inventing import read_words
from gnomon.guard.names.surnames import COMPOUND, SURNAMES
from gnomon.guard.names.training import Sentence
from gnomon.guard.view import Found
from gnomon.kit.errors import BadInput

LABELS: Final = {
    **dict.fromkeys(("PERSON", "PER", "NAME", "NR", "姓名", "人名"), "PERSON"),
    **dict.fromkeys(("ORGANIZATION", "ORG", "NT", "COMPANY", "GOVERNMENT", "机构", "机构名"), "ORGANIZATION"),
    **dict.fromkeys(("LOCATION", "LOC", "GPE", "NS", "ADDRESS", "地名", "地址"), "LOCATION"),
}
"""What labels are called elsewhere. Others are read as no name."""


_FEWEST: Final = 20
_RUN: Final = 8
_MARKS: Final = re.compile(r"[\W_]+")


class BadTrainingData(BadInput):
    code = "bad_training_data"


@dataclass(frozen=True, slots=True)
class Document:
    """Sentences that belong together: they are never split between what is learned and what is judged."""

    source: str
    sentences: tuple[Sentence, ...]


def read(path: Path) -> list[Document]:
    """The documents of a file, in order. JSONL lines with the same "doc" are one; else each text is one."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadTrainingData(
            f"{path} cannot be read: {error}.", next_step="Check the path and the encoding."
        ) from error
    first = next((line for line in lines if line.strip()), "")
    rows = _jsonl(lines) if first.lstrip().startswith("{") else _bio(lines)
    groups: dict[str, list[Sentence]] = {}
    for document, sentence in rows:
        groups.setdefault(document, []).append(sentence)
    if not groups:
        raise BadTrainingData(f"{path} holds no text.", next_step="Give labelled text.")
    return [Document(path.name, tuple(group)) for group in groups.values()]


def _jsonl(lines: Iterable[str]) -> Iterator[tuple[str, Sentence]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            fields: dict[str, Any] = json.loads(line)
            names = [
                (int(span["start"]), int(span["end"]), LABELS[str(span["label"]).upper()])
                for span in fields.get("spans", [])
                if str(span["label"]).upper() in LABELS
            ]
            text = fields["text"]
            if not isinstance(text, str) or any(not 0 <= start < end <= len(text) for start, end, _ in names):
                raise ValueError("a span lies outside its text")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise BadTrainingData(
                f'Line {number} is not {{"text", "spans"}}: {error}.', next_step="Correct that line."
            ) from error
        yield str(fields.get("doc", f"line {number}")), Sentence(text, _apart(names))


def _apart(names: list[tuple[int, int, str]]) -> tuple[tuple[int, int, str], ...]:
    """Of names that overlap, the first and longest."""
    kept: list[tuple[int, int, str]] = []
    for name in sorted(names, key=lambda one: (one[0], -one[1])):
        if not kept or name[0] >= kept[-1][1]:
            kept.append(name)
    return tuple(kept)


def _bio(lines: Iterable[str]) -> Iterator[tuple[str, Sentence]]:
    pairs: list[tuple[str, str]] = []
    count = 0
    for number, line in enumerate([*lines, ""], 1):
        parts = line.split()
        if len(parts) >= 2:
            pairs.append((parts[0], parts[-1]))
            continue
        if parts:
            raise BadTrainingData(
                f"Line {number} has no tag.",
                next_step="Give a character and a tag in each line, an empty line between.",
            )
        if pairs:
            count += 1
            yield f"sentence {count}", _sentence(pairs)
            pairs = []


def _sentence(pairs: list[tuple[str, str]]) -> Sentence:
    text, names = "", []
    open_at, open_as = -1, ""
    for token, tag in [*pairs, ("", "O")]:
        place, _, label = tag.partition("-")
        entity = LABELS.get(label.upper(), "")
        goes_on = place in ("I", "M", "E") and entity == open_as
        if open_as and not goes_on:
            names.append((open_at, len(text), open_as))
            open_as = ""
        if entity and not goes_on:
            open_at, open_as = len(text), entity
        text += token
    return Sentence(text, tuple(names))


def folds(documents: Sequence[Document], count: int) -> Iterator[tuple[list[Document], list[Document]]]:
    """(learned from, judged on), `count` times. Neighbours stay together: they are often pieces of one text."""
    size = len(documents)
    for number in range(count):
        low, high = size * number // count, size * (number + 1) // count
        yield [*documents[:low], *documents[high:]], list(documents[low:high])


def apart(learned: Sequence[Document], judged: Sequence[Document]) -> list[Document]:
    """Of what is learned from, the documents that do not stand among those that are judged, nearly neither: not half
    of a document's runs of eight characters, marks and spaces apart."""
    seen = {run for document in judged for run in _runs(document)}
    return [one for one in learned if 2 * len((runs := _runs(one)) & seen) < max(len(runs), 1)]


def _runs(document: Document) -> set[str]:
    text = _MARKS.sub("", "".join(sentence.text for sentence in document.sentences))
    return {text[at : at + _RUN] for at in range(max(1, len(text) - _RUN + 1))} - {""}


def refuted(documents: Sequence[Document]) -> list[str]:
    """The rules for people that these labels speak against: of all they find, less than half touches a labelled person.

    A rule that finds fewer than a score of times stays.
    """
    sentences = [sentence for document in documents for sentence in document.sentences]
    return [name for name, rule in (("titles", titles.find), ("english", english.find)) if _refutes(sentences, rule)]


def _refutes(sentences: Sequence[Sentence], rule: Callable[[str], Iterable[Found]]) -> bool:
    hits = [
        any(entity == "PERSON" and start < item.end and item.start < end for start, end, entity in sentence.names)
        for sentence in sentences
        for item in rule(sentence.text)
    ]
    return len(hits) >= _FEWEST and 2 * sum(hits) < len(hits)


def swapped(sentences: Sequence[Sentence], seed: int = 7) -> list[Sentence]:
    """The sentences with people, each of Chinese name under a new name: so that places are learned, not people."""
    dice = random.Random(seed)  # noqa: S311 - samples, not secrets
    people = [one.text[start:end] for one in sentences for start, end, entity in one.names if entity == "PERSON"]
    given = [given for name in people if (given := _given(name))] + read_words()["given"]
    weights = [1 / (rank + 8) for rank in range(len(SURNAMES))]
    made = []
    for sentence in sentences:
        if not any(entity == "PERSON" for _, _, entity in sentence.names):
            continue
        text, names = "", []
        at = 0
        for start, end, entity in sentence.names:
            text += sentence.text[at:start]
            value = sentence.text[start:end]
            if entity == "PERSON" and _given(value):
                value = dice.choices(SURNAMES, weights)[0] + dice.choice(given)
            names.append((len(text), len(text) + len(value), entity))
            text += value
            at = end
        made.append(Sentence(text + sentence.text[at:], tuple(names)))
    return made


def _given(name: str) -> str:
    """The given name in a full Chinese name; nothing in any other."""
    if not 2 <= len(name) <= 4 or not (name[0] in SURNAMES or name[:2] in COMPOUND):
        return ""
    return name[2:] if name[:2] in COMPOUND and len(name) > 2 else name[1:] if len(name) <= 3 else ""
