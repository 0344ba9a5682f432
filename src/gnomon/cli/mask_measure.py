"""`gnomon mask measure`: how much leaks, how much is masked that should not be, entity by entity, with intervals."""

import json
from pathlib import Path
from typing import IO

import click

from gnomon.cli.mask_policy import mask_key, named, read_policy
from gnomon.guard.labelled import NOT_NAMES, STRUCTURED_ONLY, documents, measured, unjudged
from gnomon.guard.measure import Measurement, Tally, wilson
from gnomon.guard.policy import Masker
from gnomon.kit.errors import BadInput


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--policy", "policy_file", help="策略 id 或 YAML / Policy by id, or a YAML file.")
@click.option("--names", help="fast、deep 或模型文件 / Find names too: fast, deep, or the file of a trained tagger.")
@click.option("--json", "as_json", is_flag=True, help="只写 JSON / Write JSON only.")
@click.option(
    "--ignore", help=f"不评的标签 / Labels that are not judged, by spaces [default: {STRUCTURED_ONLY}; {NOT_NAMES}]."
)
def measure(data: Path, policy_file: str | None, names: str | None, as_json: bool, ignore: str | None) -> None:
    """对带标注的数据测漏检率、精确率、召回率 / Measure leak, precision, recall and F1 on labelled JSONL.

    DATA has one object a line: {"text", "spans": [{"start", "end", "label", "variant"?}]}. Documents without spans are
    negatives: what is found in them is over-masking. Offsets are code points.
    """
    policy = named(read_policy(policy_file), names)
    masker = Masker(policy, key=mask_key())
    skipped = frozenset((unjudged(policy.speed) if ignore is None else ignore).split())
    with _open(data) as stream:
        outcome = measured(masker, documents(stream), skipped=skipped)
    result = outcome.result
    summary = result.as_dict() | {
        "policy": f"{policy.id} {policy.version}",
        "cpu_s": outcome.cpu_s,
        "kb_per_s": outcome.kb_per_s,
    }
    if as_json:
        click.echo(json.dumps(summary, ensure_ascii=False))
        return
    click.echo(_report(result, kb_per_s=outcome.kb_per_s, ignored=sorted(skipped)))


def _open(path: Path) -> IO[str]:
    try:
        return path.open(encoding="utf-8", errors="surrogateescape", newline="")
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.", next_step="Check the path.") from error


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
