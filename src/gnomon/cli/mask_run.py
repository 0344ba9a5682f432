"""`gnomon mask [FILES]`: write what is read masked or restored, say what would be, or show the difference."""

import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import click

from gnomon.cli import mask_files as files
from gnomon.cli.mask_policy import given_key, mask_key, named, read_policy
from gnomon.cli.mask_policy import map_key as key_of_map
from gnomon.contract.masking import FIELD, Purpose
from gnomon.contract.verdicts import Masked, Span
from gnomon.guard import sealed
from gnomon.guard.labelled import text_of
from gnomon.guard.placeholders import Vault
from gnomon.guard.policy import Masker, Way
from gnomon.guard.restoring import field_restoration, restoration
from gnomon.guard.stream import StreamMasker
from gnomon.kit.errors import BadInput

Show = Literal["apply", "spans", "dry-run", "restore"]
_DAY_S = 86_400


@dataclass(slots=True)
class Doing:
    """What is done to every text, and what was seen."""

    masker: Masker
    direction: Way
    vault: Vault
    key: bytes | None  # that sealed tokens are opened with
    show: Show
    counts: Counter[str] = field(default_factory=Counter)
    blocked: bool = False

    def is_whole(self, name: str) -> bool:
        """Whether the policy acts upon all that a field of that name holds."""
        return self.masker.is_whole(name, self.direction)

    def apply(self, text: str, name: str) -> Masked:
        """What stands for a text in a field; shown, where the difference is wanted."""
        if self.show == "restore":
            return self._restored(text, name)
        masked = self.masker.mask(text, self.direction, self.vault, field=name)
        self._saw(text, masked, place=name, id=name)
        return masked

    def _restored(self, text: str, name: str) -> Masked:
        """By the policy where it seals the whole field in its own format, else by what stands in the text."""
        whole = self.masker.decisions(self.direction, name)[FIELD] if name else None
        if whole is not None and whole.name == "encrypt" and whole.format and self.key is not None:
            return field_restoration(text, field=name, format=whole.format, key=self.key)
        return restoration(text, vault=self.vault, key=self.key)

    def running(self, lines: Iterable[str]) -> Iterator[str]:
        """What stands for text that runs from line to line."""
        if self.show == "restore":
            return (self.apply(line, "").text for line in lines)
        return self._running(lines)

    def _running(self, lines: Iterable[str]) -> Iterator[str]:
        stream = StreamMasker(self.masker, self.direction, self.vault)
        pending, out, first, seen, start = "", "", 1, 0, 0
        number = 0
        for number, line in enumerate(lines, 1):
            pending, out = pending + line, out + stream.feed(line)
            if stream.held and not stream.blocked:
                continue
            self._hunk(stream, pending, out, first=first, seen=seen, start=start)
            yield out
            first, seen, start = number + 1, len(stream.spans), start + len(pending)
            pending = out = ""
            if stream.blocked:
                return
        if pending:
            out += stream.flush()
            self._hunk(stream, pending, out, first=first, seen=seen, start=start)
            yield out

    def _hunk(self, stream: StreamMasker, text: str, out: str, *, first: int, seen: int, start: int) -> None:
        spans = tuple(
            Span(span.start - start, span.end - start, span.entity, span.score) for span in stream.spans[seen:]
        )
        ended = text[len(text.rstrip("\r\n")) :]
        shown = Masked(out.removesuffix(ended), spans, {}, stream.blocked)
        self._saw(text.removesuffix(ended), shown, place=f"行 line {first}", id=str(first))

    def _saw(self, text: str, masked: Masked, *, place: str, id: Any) -> None:
        self.counts.update(span.entity for span in masked.spans)
        if masked.blocked:
            self.blocked = True
            click.echo(f"{place}: 已拦截 / blocked: {masked.blocked}", err=True)
        if self.show == "spans":
            emit(self._contract(id, masked))
        elif self.show == "dry-run" and masked.spans:
            emit(f"@@ {place}\n- {text}\n+ {masked.text}")

    def labelled(self, fields: dict[str, Any], number: int) -> None:
        """A line of the contract for a record's "text"."""
        id = fields.get("id", number)
        self._saw("", self.masker.mask(text_of(fields, number), self.direction, self.vault), place=str(id), id=id)

    def _contract(self, id: Any, masked: Masked) -> str:
        spans = [
            {
                "start": span.start,
                "end": span.end,
                "entity": span.entity,
                "score": round(span.score, 3),
                "operator": self.masker.operator(span.entity, self.direction),
            }
            for span in masked.spans
        ]
        return files.dumped({"id": id, "spans": spans, "masked": masked.text})

    def summary(self) -> str:
        """How often the policy would do what to which entity."""
        rows = [
            f"{entity} → {self.masker.operator(entity, self.direction)}: {count}"
            for entity, count in sorted(self.counts.items())
        ]
        return "\n".join(rows) or "没有可脱敏的内容 / nothing would be masked"


def emit(text: str) -> None:
    """A line on standard output, whatever characters it has."""
    files.to_stdout(text.encode("utf-8", "surrogateescape" if _escaped(text) else "backslashreplace") + b"\n")


def _escaped(text: str) -> bool:
    return any("\udc80" <= char <= "\udcff" for char in text)


@click.command()
@click.argument("paths", metavar="[FILES]", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--apply", "show", flag_value="apply", default="apply", help="写出脱敏后的内容 / Write it masked (default)."
)
@click.option("--spans", "show", flag_value="spans", help="写出位置与处理 / Write where what was found, as JSONL.")
@click.option("--dry-run", "show", flag_value="dry-run", help="只显示差异 / Show what would change, and write nothing.")
@click.option("--restore", "show", flag_value="restore", help="还原占位符 / Put back what placeholders stand for.")
@click.option("--policy", help="策略 id 或 YAML / Policy by id, or a YAML file; the rulebook's default otherwise.")
@click.option("--names", help="fast、deep 或模型文件 / Find names too: fast, deep, or the file of a trained tagger.")
@click.option("--purpose", type=click.Choice(get_args(Purpose)), default="export", show_default=True)
@click.option("--direction", type=click.Choice(["input", "output"]), default="input", show_default=True)
@click.option(
    "--jsonl", "kind", flag_value="jsonl", help="输入格式，默认按后缀与首字节 / Kind of input; else by its name."
)
@click.option("--text", "kind", flag_value="text")
@click.option("--csv", "kind", flag_value="csv")
@click.option("--tsv", "kind", flag_value="tsv")
@click.option("--json", "kind", flag_value="json")
@click.option("--encoding", default="utf-8", show_default=True, help="文本编码 / Of text.")
@click.option("--any-bytes", is_flag=True, help="保留不合编码的字节 / Keep bytes that the encoding does not know.")
@click.option("--pass-unread", is_flag=True, help="放过文档中的图片等 / Let pictures in documents pass, unread.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="写到这个文件夹 / Folder to write to; for folders, documents."
)
@click.option(
    "--map", "map_file", type=click.Path(path_type=Path), help="占位符对照表 / Sealed map of what was replaced."
)
@click.option("--map-key", type=click.Path(path_type=Path), help="对照表的密钥 / Its key; keep it elsewhere.")
@click.option("--map-days", default=30, show_default=True, help="对照表有效天数 / Days that the map can be opened.")
def run(
    paths: tuple[Path, ...],
    show: Show,
    policy: str | None,
    names: str | None,
    purpose: Purpose,
    direction: Way,
    kind: str | None,
    encoding: str,
    any_bytes: bool,
    pass_unread: bool,
    out: Path | None,
    map_file: Path | None,
    map_key: Path | None,
    map_days: int,
) -> None:
    """脱敏、还原文件或标准输入 / Mask or restore files, folders or standard input.

    Text, JSONL, JSON, CSV, TSV, docx, xlsx and pptx. The fields that a policy names are columns and JSON members. Exit
    code 3: something was blocked.
    """
    vault = _vault(map_file, map_key) if show == "restore" and map_file else Vault()
    key = given_key()
    doing = Doing(
        Masker(named(read_policy(policy), names), key=key or mask_key(), purpose=purpose), direction, vault, key, show
    )
    reading = files.Reading(
        doing.apply, doing.running, files.known_encoding(encoding), any_bytes=any_bytes, pass_unread=pass_unread
    )
    reading.is_whole, reading.wants_columns = doing.is_whole, doing.masker.wants_columns
    reading.record = doing.labelled if show == "spans" else None
    found = files.sources(paths, kind or "")
    with files.progress(found) as bar:
        for source in bar:
            _one(source, doing, reading, out)
    if show == "dry-run":
        emit(doing.summary())
    if show == "apply" and map_file is not None:
        _keep(vault, map_file, map_key, days=map_days)
    if doing.blocked:
        sys.exit(3)


def _one(source: files.Source, doing: Doing, reading: files.Reading, out: Path | None) -> None:
    if doing.show in ("spans", "dry-run"):
        reading.through(source, lambda _data: None)
    elif out is None:
        if source.path is not None and (source.kind == "office" or len(source.relative.parts) > 1):
            raise BadInput(f"{source.path} is not written to the screen.", next_step="Name a folder with --out.")
        reading.through(source, files.to_stdout)
    else:
        path = files.target(out, source, doing.apply)
        if source.path is not None and path.resolve() == source.path.resolve():
            raise BadInput(f"{path} would be overwritten.", next_step="Name another folder with --out.")
        files.write_whole(path, lambda write: reading.through(source, write))


def _vault(path: Path, key_file: Path | None) -> Vault:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.", next_step="Check the path.") from error
    return sealed.opened(data, key=key_of_map(key_file, make=False), now=time.time())


def _keep(vault: Vault, path: Path, key_file: Path | None, *, days: int) -> None:
    data = sealed.seal(vault, key=key_of_map(key_file, make=True), expires_at=time.time() + days * _DAY_S)
    path.touch(mode=0o600)
    path.write_bytes(data)
