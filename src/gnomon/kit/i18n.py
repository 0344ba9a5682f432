"""Two languages: Chinese is the source text, English stands in .po files that are read once at start-up.

`Catalogue.gettext` gives the text; the functions below it write numbers, dates and durations as the reader expects
them. Both languages group thousands with a comma and use a full stop for decimals; words, dates and durations differ.
"""

import ast
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final

from babel.dates import format_datetime
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

from gnomon.kit.errors import GnomonError

SOURCE: Final = "zh-CN"
LOCALES: Final = (SOURCE, "en")
MARKERS: Final = ("_", "gettext", "mark")
"""Calls whose first argument, a literal, is a text for the catalogue."""
NOT_MEASURED: Final = "–"

_log = logging.getLogger(__name__)


class MissingText(GnomonError):
    """A text has no translation; only raised where `strict` was asked for (tests, gallery)."""

    code = "text_missing"


class BadCatalogue(GnomonError):
    """A .po file cannot be used: two files translate one text differently."""

    code = "catalogue_bad"


def mark(text: str) -> str:
    """`text` unchanged: names it for the catalogue where it is defined before the reader's language is known."""
    return text


@dataclass(frozen=True)
class Catalogue:
    """The texts of all .po files under one folder, by locale. Immutable, so that threads may share it."""

    texts: Mapping[str, Mapping[str, str]]
    fuzzy: Mapping[str, frozenset[str]]
    strict: bool = False

    def gettext(self, text: str, locale: str) -> str:
        """`text` in `locale`. Not found: raises `MissingText` when strict, else the source text, logged."""
        if locale == SOURCE:
            return text
        found = self.texts.get(locale, {}).get(text)
        if found:
            return found
        if self.strict:
            raise MissingText(f"no {locale} text for {text!r}", next_step=f"add it to a .po file of {locale}")
        _log.warning("text_missing", extra={"locale": locale, "text": text})
        return text


def load(folder: Path, *, strict: bool = False) -> Catalogue:
    """The catalogue of `folder/<locale>/LC_MESSAGES/*.po`. Raises `BadCatalogue` when files contradict each other."""
    texts: dict[str, dict[str, str]] = {}
    fuzzy: dict[str, frozenset[str]] = {}
    for locale in LOCALES:
        merged: dict[str, str] = {}
        unsure: set[str] = set()
        for path in sorted((folder / locale / "LC_MESSAGES").glob("*.po")):
            _merge(path, locale, merged, unsure)
        texts[locale], fuzzy[locale] = merged, frozenset(unsure)
    return Catalogue(texts, fuzzy, strict)


def _merge(path: Path, locale: str, merged: dict[str, str], unsure: set[str]) -> None:
    with path.open("rb") as stream:
        messages = read_po(stream, locale=locale.replace("-", "_"), abort_invalid=True)
    for message in messages:
        if not message.id:
            continue
        text, translation = str(message.id), str(message.string or "")
        if message.fuzzy:
            unsure.add(text)
        if merged.get(text, translation) != translation:
            raise BadCatalogue(
                f"{path.name} translates {text!r} as {translation!r}, another file as {merged[text]!r}",
                next_step="keep one of the two",
            )
        merged[text] = translation


# ---------------------------------------------------------------- what the sources use, and what is wrong with it


def extract(folders: Iterable[Path]) -> dict[str, str]:
    """Every text that templates (*.html) and Python (*.py) below `folders` ask for, with the first place it stands."""
    used: dict[str, str] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*.html")):
            _extract_template(path, used)
        for path in sorted(folder.rglob("*.py")):
            _extract_python(path, used)
    return used


def _extract_template(path: Path, used: dict[str, str]) -> None:
    with path.open("rb") as stream:
        options = {"newstyle_gettext": "true", "silent": "false"}
        for line, _function, text, _comments in babel_extract(stream, MARKERS, (), options):
            # A text with values to fill in comes as a tuple: the text, then a None for each value.
            first = text[0] if isinstance(text, tuple) else text
            if isinstance(first, str):
                used.setdefault(first, f"{path.name}:{line}")


def _extract_python(path: Path, used: dict[str, str]) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        text = node.args[0].value
        if name in MARKERS and isinstance(text, str):
            used.setdefault(text, f"{path.name}:{node.lineno}")


def missing(catalogue: Catalogue, used: Mapping[str, str]) -> list[str]:
    """One line for each text that is untranslated, fuzzy, unused, or whose %(names)s differ. Empty means complete."""
    found: list[str] = []
    for locale in LOCALES[1:]:
        texts = catalogue.texts.get(locale, {})
        found += [f"{locale}: missing {text!r} ({where})" for text, where in used.items() if not texts.get(text)]
        found += [f"{locale}: fuzzy {text!r}" for text in sorted(catalogue.fuzzy.get(locale, ()))]
        found += [f"{locale}: unused {text!r}" for text in texts if text not in used]
        found += [
            f"{locale}: other places to fill in {text!r} -> {translation!r}"
            for text, translation in texts.items()
            if translation and _places(text) != _places(translation)
        ]
    return found


def _places(text: str) -> set[str]:
    return {part.split(")", 1)[0] for part in text.split("%(")[1:]}


# ---------------------------------------------------------------- numbers, dates, durations


def number(value: float | None, locale: str = SOURCE, *, digits: int = 0, signed: bool = False) -> str:
    """`value` with thousands separated and `digits` decimals; not measured is a dash, never a zero."""
    if value is None or value != value:
        return NOT_MEASURED
    text = f"{value:+,.{digits}f}" if signed else f"{value:,.{digits}f}"
    return text.lstrip("+-") if float(text.replace(",", "")) == 0 else text


def percent(ratio: float | None, locale: str = SOURCE, *, digits: int = 1, signed: bool = False) -> str:
    """A ratio in percent: .954 is «95.4%»."""
    if ratio is None or ratio != ratio:
        return NOT_MEASURED
    return number(ratio * 100, locale, digits=digits, signed=signed) + "%"


def day(value: date | None, locale: str = SOURCE) -> str:
    """«2026-11-21» in Chinese, «21 Nov 2026» in English."""
    if value is None:
        return NOT_MEASURED
    if locale == SOURCE:
        return value.strftime("%Y-%m-%d")
    return format_datetime(datetime(value.year, value.month, value.day), "d MMM yyyy", locale="en")  # noqa: DTZ001


def moment(value: datetime | None, locale: str = SOURCE, *, zone: tzinfo, seconds: bool = False) -> str:
    """An instant on the reader's clock: day, hour and minute (and second)."""
    if value is None:
        return NOT_MEASURED
    local = value.astimezone(zone)
    return f"{day(local.date(), locale)} {local.strftime('%H:%M:%S' if seconds else '%H:%M')}"


_UNITS = {
    SOURCE: ("天", "小时", "分", "秒", "毫秒"),
    "en": ("d", "h", "min", "s", "ms"),
}


def duration(value: timedelta | None, locale: str = SOURCE) -> str:
    """The two largest units that matter: «2 小时 14 分», «2 h 14 min»; below a second in milliseconds."""
    if value is None:
        return NOT_MEASURED
    sign, total = ("-", -value) if value < timedelta() else ("", value)
    units = _UNITS.get(locale, _UNITS[SOURCE])
    if total < timedelta(seconds=1):
        return f"{sign}{round(total / timedelta(milliseconds=1))} {units[4]}" if total else f"0 {units[3]}"
    # Rounded to the smaller unit that will be shown, so that 59 min 59.6 s does not read as «59 分 60 秒».
    grain = 60 if total >= timedelta(hours=1) else 1
    if total >= timedelta(days=1):
        grain = 3600
    rest = round(total.total_seconds() / grain) * grain
    parts: list[str] = []
    for size, unit in zip((86_400, 3_600, 60, 1), units[:4], strict=True):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
    return sign + " ".join(parts[:2])


def size(count: int | None, locale: str = SOURCE) -> str:
    """Bytes as «512 B», «1.5 kB», «20.3 MB» (powers of 1,000)."""
    if count is None:
        return NOT_MEASURED
    value, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(value) < 999.5 or unit == "TB":
            break
        value /= 1000
    return f"{number(value, locale, digits=0 if unit == 'B' else 1)} {unit}"
