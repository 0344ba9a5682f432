"""`gnomon mask`: de-identify text on its way through, show what would be masked, and measure how well it works.

Needs no running platform. The pseudonym key is read from GNOMON_MASK_KEY (hex, at least 16 bytes); without it a random
key is used, so that placeholders do not link one run to another.
"""

import io
import json
import os
import secrets
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import click
import msgspec
import yaml

from gnomon.contract.bundle import MaskPolicy
from gnomon.guard.measure import Labelled, Measurement, Tally, wilson
from gnomon.guard.policy import DEFAULT_POLICY, BadMaskPolicy, Masker
from gnomon.kit.errors import BadInput, GnomonError

KEY_VARIABLE = "GNOMON_MASK_KEY"
STRUCTURED_ONLY = "PERSON ADDRESS ORGANIZATION LOCATION POSITION SCENE TITLE"


class BadLine(BadInput):
    code = "bad_line"


class _OneErrorLine(click.Group):
    """Expected errors become one line and exit code 2. A first word that is no verb is a file: `mask` needs no verb."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        verbs = set(self.commands)
        if not any(arg in verbs or arg == "--help" for arg in args[:1]):
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except GnomonError as error:
            click.echo(f"{error.code}: {error.message} {error.next_step}".strip(), err=True)
            ctx.exit(2)


@click.group(cls=_OneErrorLine, name="mask")
def mask() -> None:
    """脱敏 / De-identify text: `gnomon mask [FILES]`, `gnomon mask measure DATA.jsonl`.

    Without a verb, reads files or standard input (lines of text, or JSONL with "id" and "text") and writes them masked.
    """


@mask.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--apply", "show", flag_value="apply", default="apply", help="写出脱敏后的文本 / Write masked text (default)."
)
@click.option("--spans", "show", flag_value="spans", help="写出位置与处理 / Write where what was found, as JSONL.")
@click.option("--policy", "policy_file", type=click.Path(path_type=Path), help="脱敏策略 YAML / Masking policy (YAML).")
@click.option("--direction", type=click.Choice(["input", "output"]), default="input", show_default=True)
@click.option(
    "--jsonl/--text",
    "as_jsonl",
    default=None,
    help="输入格式，默认按首行判断 / Input format; by the first line if not given.",
)
def run(
    files: tuple[Path, ...],
    show: Literal["apply", "spans"],
    policy_file: Path | None,
    direction: Literal["input", "output"],
    as_jsonl: bool | None,
) -> None:
    """脱敏文件或标准输入 / Mask files or standard input."""
    masker = Masker(read_policy(policy_file), key=_key())
    blocked = False
    for stream in _streams(files):
        for record in _records(stream, as_jsonl=as_jsonl):
            masked = masker.mask(record.text, direction)
            blocked = blocked or bool(masked.blocked)
            spans = [
                {
                    "start": span.start,
                    "end": span.end,
                    "entity": span.entity,
                    "score": round(span.score, 3),
                    "operator": masker.operator(span.entity, direction),
                }
                for span in masked.spans
            ]
            if show == "spans":
                _write(json.dumps({"id": record.id, "spans": spans, "masked": masked.text}, ensure_ascii=False))
            elif record.fields is not None:
                _write(json.dumps(record.fields | {"text": masked.text}, ensure_ascii=False))
            else:
                _write(masked.text)
            if masked.blocked:
                click.echo(f"{record.id}: 已拦截 / blocked: {masked.blocked}", err=True)
    if blocked:
        sys.exit(3)


@mask.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--policy", "policy_file", type=click.Path(path_type=Path), help="脱敏策略 YAML / Masking policy (YAML).")
@click.option("--json", "as_json", is_flag=True, help="只写 JSON / Write JSON only.")
@click.option(
    "--ignore", default=STRUCTURED_ONLY, show_default=True, help="不评的标签 / Labels that are not judged, by spaces."
)
def measure(data: Path, policy_file: Path | None, as_json: bool, ignore: str) -> None:
    """对带标注的数据测漏检率、精确率、召回率 / Measure leak, precision, recall and F1 on labelled JSONL.

    DATA has one object a line: {"text", "spans": [{"start", "end", "label", "variant"?}]}. Documents without spans are
    negatives: what is found in them is over-masking. Offsets are code points.
    """
    policy = read_policy(policy_file)
    masker = Masker(policy, key=_key())
    documents = list(_labelled(data))
    skipped = frozenset(ignore.split())
    labels = {span.entity for _, true in documents for span in true} - skipped
    result = Measurement(frozenset(labels))
    started = time.process_time()
    found = [masker.mask(text, "input").spans for text, _ in documents]
    seconds = time.process_time() - started
    for (text, true), spans in zip(documents, found, strict=True):
        result.add(text, true, spans)
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text, _ in documents)
    summary = result.as_dict() | {
        "policy": f"{policy.id} {policy.version}",
        "cpu_s": seconds,
        "kb_per_s": size / 1000 / seconds,
    }
    if as_json:
        _write(json.dumps(summary, ensure_ascii=False))
        return
    _write(_report(result, kb_per_s=size / 1000 / seconds, ignored=sorted(skipped)))


def read_policy(path: Path | None) -> MaskPolicy:
    """The policy in a YAML file, or the default one. Raises BadMaskPolicy on anything that is not a policy."""
    if path is None:
        return DEFAULT_POLICY
    try:
        with _open(path) as stream:
            return msgspec.convert(yaml.safe_load(stream), type=MaskPolicy)
    except (yaml.YAMLError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise BadMaskPolicy(
            f"{path} is not a masking policy: {error}",
            next_step="It needs id, version and rules of entity and operator.",
        ) from error


def _key() -> bytes:
    text = os.environ.get(KEY_VARIABLE, "")
    if not text:
        return secrets.token_bytes(32)
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise BadInput(f"{KEY_VARIABLE} is not hexadecimal.", next_step="Give 64 hex digits.") from error


@dataclass(frozen=True, slots=True)
class _Record:
    id: str
    text: str
    fields: dict[str, Any] | None  # of a JSONL line


def _streams(files: tuple[Path, ...]) -> Iterator[IO[str]]:
    if not files:
        yield io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="surrogateescape", newline="")
    for path in files:
        with _open(path) as stream:
            yield stream


def _open(path: Path) -> IO[str]:
    try:
        return path.open(encoding="utf-8", errors="surrogateescape", newline="")
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.", next_step="Check the path.") from error


def _records(stream: IO[str], *, as_jsonl: bool | None) -> Iterator[_Record]:
    for number, raw in enumerate(stream, start=1):
        line = raw.rstrip("\r\n")
        if as_jsonl is None:
            as_jsonl = line.startswith("{")
        yield _from_json(line, number) if as_jsonl and line else _Record(str(number), line, None)


def _from_json(line: str, number: int) -> _Record:
    fields = _object(line, number)
    return _Record(str(fields.get("id", number)), fields["text"], fields)


def _object(line: str, number: int) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except ValueError as error:
        raise BadLine(f"Line {number} is not JSON: {error}.", next_step="Use --text for plain lines.") from error
    if not isinstance(fields, dict) or not isinstance(fields.get("text"), str):
        raise BadLine(f'Line {number} has no "text" of type string.', next_step='Give {"id", "text"} in each line.')
    return fields


def _labelled(path: Path) -> Iterator[tuple[str, list[Labelled]]]:
    with _open(path) as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            fields = _object(line, number)
            try:
                true = [
                    Labelled(int(span["start"]), int(span["end"]), str(span["label"]), str(span.get("variant", "")))
                    for span in fields.get("spans", [])
                ]
            except (KeyError, TypeError, ValueError) as error:
                raise BadLine(
                    f"Line {number} has a span without start, end and label: {error}.", next_step="Correct the data."
                ) from error
            yield fields["text"], true


def _write(line: str) -> None:
    sys.stdout.buffer.write(line.encode("utf-8", "surrogateescape") + b"\n")
    sys.stdout.buffer.flush()


def _report(result: Measurement, *, kb_per_s: float, ignored: list[str]) -> str:
    head = f"{'':24}{'n':>6}  {'漏检 leak [95 %]':24}{'精确 precision':24}{'召回 recall':24}F1"
    rows = [_row("全部 all", result.overall)]
    rows += [_row(name, result.entities[name]) for name in sorted(result.entities)]
    rows += [_row(name, result.variants[name], with_precision=False) for name in sorted(result.variants)]
    low, high = wilson(result.touched, result.negatives)
    over = (
        f"负样本 negatives: {result.touched} of {result.negatives} touched ({result.touched / result.negatives:.2%} "
        f"[{low:.2%}, {high:.2%}])"
        if result.negatives
        else "负样本 negatives: 未测 / not measured (none in the data)"
    )
    facts = f"{result.documents} documents, {result.characters} characters, {kb_per_s:.0f} KB/s of CPU time"
    return "\n".join([head, *rows, over, facts, f"不评 not judged: {' '.join(ignored)}"])


def _row(name: str, tally: Tally, *, with_precision: bool = True) -> str:
    cells = [_cell(tally.leaked, tally.true)]
    cells.append(_cell(tally.exact, tally.found) if with_precision else "-")
    cells.append(_cell(tally.exact, tally.true))
    f1 = f"{tally.f1:.4f}" if with_precision and tally.f1 is not None else "-"
    return f"{name:24}{tally.true:>6}  " + "".join(f"{cell:24}" for cell in cells) + f1


def _cell(hits: int, n: int) -> str:
    if n == 0:
        return "未测 not measured"
    low, high = wilson(hits, n)
    return f"{hits / n:.2%} [{low:.2%}, {high:.2%}]"
