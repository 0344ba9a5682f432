"""Where `gnomon mask` reads and writes: standard input, files, folders; every kind of file through its carrier."""

import codecs
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import click

from gnomon.guard.carriers import Apply, UnreadableDocument, table, tree
from gnomon.guard.labelled import BadLine, object_of
from gnomon.kit.errors import BadInput

OFFICE = (".docx", ".xlsx", ".pptx")
KINDS = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json"} | dict.fromkeys(
    OFFICE, "office"
)
TEXT = (".txt", ".md", ".log", ".text", ".yaml", ".yml", ".xml", ".html", ".htm", "")


@dataclass(frozen=True, slots=True)
class Source:
    """One file, or standard input (`path` None). `relative` is where it stands in the folder that was named."""

    path: Path | None
    relative: Path
    kind: str  # text | jsonl | json | csv | tsv | office; empty: by the first bytes

    def bytes(self) -> "IO[bytes]":
        if self.path is None:
            return sys.stdin.buffer
        try:
            return self.path.open("rb")
        except OSError as error:
            raise BadInput(f"{self.path} cannot be read: {error.strerror}.", next_step="Check the path.") from error


def sources(paths: Iterable[Path], kind: str) -> list[Source]:
    """The files that were named, those in folders that were named, or standard input."""
    found: list[Source] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(one for one in path.rglob("*") if one.is_file())
            found += [Source(one, one.relative_to(path), kind or KINDS.get(one.suffix.lower(), "")) for one in inside]
        else:
            found.append(Source(path, Path(path.name), kind or KINDS.get(path.suffix.lower(), "")))
    return found or [Source(None, Path("-"), kind)]


@dataclass(slots=True)
class Reading:
    """One source on its way through a carrier. `text` says what becomes of running text, line by line."""

    apply: Apply
    text: Callable[[Iterable[str]], Iterator[str]]
    encoding: str = "utf-8"
    any_bytes: bool = False
    pass_unread: bool = False
    is_whole: Callable[[str], bool] = lambda _field: False  # fields that a policy takes whole, whatever they hold
    wants_columns: bool = False  # the policy has rules for fields that may ask for more than those for all
    record: Callable[[dict[str, Any], int], None] | None = None  # takes each JSONL record instead of the carrier

    def through(self, source: Source, write: Callable[[bytes], None]) -> None:
        """All of the source is written, in its own kind and encoding. Raises BadInput where it cannot be read."""
        with source.bytes() as stream:
            buffered = io.BufferedReader(cast(io.RawIOBase, stream))
            kind = source.kind or _kind(buffered)
            if kind == "office":
                from gnomon.guard.carriers import office  # lxml: a tenth of a second that most calls need not spend

                data = buffered.read()
                if self.wants_columns and not self.pass_unread:
                    office.without_columns(data)
                write(office.applied(data, self.apply, may_pass_unread=self.pass_unread))
                return
            lines = io.TextIOWrapper(buffered, self.encoding, "surrogateescape" if self.any_bytes else "strict", "")
            try:
                for piece in self._pieces(kind, lines):
                    write(self._encoded(piece))
            except UnicodeDecodeError as error:
                raise self._no_text(source, error) from error

    def _pieces(self, kind: str, lines: Iterable[str]) -> Iterator[str]:
        if kind == "jsonl":
            return (self._line(object_of(line, n), n) for n, line in enumerate(lines, 1) if line.strip())
        if kind == "json":
            return iter([self._json(_whole("".join(lines).removeprefix("\ufeff")), 1) + "\n"])
        if kind in ("csv", "tsv"):
            return _rows(table.applied(lines, self.apply, delimiter="," if kind == "csv" else "\t"), kind)
        return self.text(lines)

    def _line(self, fields: dict[str, Any], number: int) -> str:
        if self.record is None:
            return self._json(fields, number) + "\n"
        self.record(fields, number)
        return ""

    def _json(self, value: Any, number: int) -> str:
        try:
            return dumped(tree.applied(value, self.apply, is_whole=self.is_whole))
        except RecursionError as error:
            raise BadLine(f"Line {number} is nested too deeply.", next_step="Flatten it.") from error

    def _encoded(self, text: str) -> bytes:
        return text.encode(self.encoding, "surrogateescape" if self.any_bytes else "strict")

    def _no_text(self, source: Source, error: UnicodeDecodeError) -> BadInput:
        return UnreadableDocument(
            f"{source.relative} is not {self.encoding} (byte 0x{error.object[error.start]:02x}).",
            next_step="Name its --encoding (for example gb18030), or keep such bytes as they are with --any-bytes.",
        )


def dumped(value: Any) -> str:
    """JSON in one line; with escapes only where half a surrogate pair could not be written otherwise."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value)
    return text


def target(out: Path, source: Source, apply: Apply) -> Path:
    """Where the source is written below `out`; names of files may name people, so they are masked as well."""
    parts = [apply(part, "").text.replace("/", "_") for part in source.relative.with_suffix("").parts]
    return out.joinpath(*parts).with_name(parts[-1] + source.relative.suffix)


def write_whole(path: Path, pieces: Callable[[Callable[[bytes], None]], None]) -> None:
    """The file is there once all of it was written; a failure leaves none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    try:
        with draft.open("wb") as file:
            pieces(file.write)  # type: ignore[arg-type]
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def to_stdout(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def progress(found: list[Source]) -> Any:
    """A bar on standard error, where somebody looks at it."""
    return click.progressbar(found, label="脱敏 / masking", file=sys.stderr, hidden=len(found) < 2)


def known_encoding(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError as error:
        raise BadInput(f"There is no encoding {name!r}.", next_step="Use utf-8 or gb18030, for example.") from error


def _kind(stream: "io.BufferedReader[Any]") -> str:
    start = stream.peek(4).removeprefix(codecs.BOM_UTF8)
    if start.startswith(b"PK\x03\x04"):
        return "office"
    return "jsonl" if start.startswith(b"{") else "text"


def _whole(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadLine(f"This is not JSON: {error}.", next_step="Use --text for plain text.") from error


def _rows(rows: Iterator[list[str]], kind: str) -> Iterator[str]:
    import csv

    line = io.StringIO()
    writer = csv.writer(line, delimiter="," if kind == "csv" else "\t", lineterminator="\n")
    for row in rows:
        writer.writerow(row)
        yield line.getvalue()
        line.seek(0)
        line.truncate()
