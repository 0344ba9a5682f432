"""`gnomon mask utility`: what masking costs a model's answers, item by item, on any labelled suite."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any, Literal

import click

from gnomon.cli.mask_policy import mask_key, named, read_policy
from gnomon.contract.thresholds import Threshold
from gnomon.contract.verdicts import State
from gnomon.engine.masked_copy import MaskedCopy, Side, items_of, lost, masked_copy
from gnomon.engine.runs import Decoding, RunItem, Tally, run_items
from gnomon.engine.scoring.answers import Answer
from gnomon.engine.stats import MaskingEffect, masking_effect
from gnomon.engine.stats.masking import Part
from gnomon.engine.stats.masking_words import kept_range
from gnomon.engine.suites.recipes import Recipe
from gnomon.guard.policy import Masker
from gnomon.kit.errors import BadInput

KEY_VARIABLE = "GNOMON_MODEL_KEY"
INDICATOR = "masked_score_kept"
_EXIT = {State.MET: 0, State.NOT_MET: 1, State.INSUFFICIENT: 3, State.NOT_MEASURED: 3}


@click.command()
@click.argument("suite", type=click.Path(path_type=Path))
@click.option("--url", required=True, help="模型服务地址 / Model server, up to /v1; its key is in GNOMON_MODEL_KEY.")
@click.option("--model", required=True, help="模型名 / The model's name there.")
@click.option("--prompt", default="{text}\\n", show_default=True, help="提示模板 / The prompt around {text}.")
@click.option("--choices", help="标签，逗号分隔 / Labels, by commas [default: those of the suite].")
@click.option("--mode", type=click.Choice(["label_loglik", "generate"]), default="label_loglik", show_default=True)
@click.option("--metric", default="accuracy", show_default=True, help="得分 / The score: accuracy, macro_f1, …")
@click.option("--policy", "policy_file", help="策略 id 或 YAML / Policy by id, or a YAML file.")
@click.option("--names", help="fast、deep 或模型文件 / Find names too: fast, deep, or the file of a trained tagger.")
@click.option("--purpose", type=click.Choice(["evaluation", "training"]), default="evaluation", show_default=True)
@click.option("--limit", type=click.FloatRange(0, 1, min_open=True), help="保持下限 / Least share [default: rulebook].")
@click.option("--concurrency", type=click.IntRange(1, 64), default=8, show_default=True)
@click.option(
    "--answers", type=click.Path(path_type=Path), help="写出两侧回答 / Write both sides' answers here (JSONL)."
)
@click.option("--json", "as_json", is_flag=True, help="只写 JSON / Write JSON only.")
def utility(
    suite: Path,
    url: str,
    model: str,
    prompt: str,
    choices: str | None,
    mode: Literal["label_loglik", "generate"],
    metric: str,
    policy_file: str | None,
    names: str | None,
    purpose: Literal["evaluation", "training"],
    limit: float | None,
    concurrency: int,
    answers: Path | None,
    as_json: bool,
) -> None:
    """脱敏对应答质量的影响 / What masking costs a model's answers: each item asked as it is and masked, paired.

    SUITE has one object a line: {"id", "text", "label"}. The texts go to the model server AS THEY ARE on one side, so
    name one that may see them. Exit code 0: enough is kept; 1: shown not to be; 3: the data do not suffice.
    """
    items = _items(suite)
    policy = named(read_policy(policy_file), names)
    masker = Masker(policy, key=mask_key(), purpose=purpose)
    labels = tuple(choices.split(",")) if choices else tuple(sorted({item.expected for item in items}))
    recipe = Recipe("command line", prompt.replace("\\n", "\n"), labels)
    threshold = _threshold()
    copy = masked_copy(items, masker)
    sides: dict[Side, list[Answer]] = {"raw": [], "masked": copy.refused()}
    tallies = {}
    asked_of: dict[Side, list[RunItem]] = {"raw": items, "masked": copy.asked}
    for side, asked in asked_of.items():
        tallies[side] = _ask(
            asked, sides[side], url=url, model=model, recipe=recipe, mode=mode, concurrency=concurrency, name=side
        )
    effect = masking_effect(
        sides["raw"],
        sides["masked"],
        changed=copy.changed,
        limit=threshold.limit if limit is None else limit,
        min_changed=threshold.min_n,
        metric_name=metric,
        lost=lost(*sides.values()),
    )
    if answers is not None:
        _write(answers, sides)
    told = f"{policy.id} {policy.version}, {policy.speed}, {purpose}"
    summary = effect.as_dict() | {"policy": told, "model": model, "masked": dict(copy.counts)}
    summary |= {"blocked": len(copy.blocked), "surrogates": copy.surrogates, "surrogate_items": copy.surrogate_items}
    summary["wall_s"] = {side: round(tally.wall_s, 2) for side, tally in tallies.items()}
    click.echo(json.dumps(summary, ensure_ascii=False) if as_json else _report(effect, copy, told=told))
    click.get_current_context().exit(_EXIT[effect.state])


def _items(path: Path) -> list[RunItem]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {error}.", next_step="Check the path.") from error
    rows = [_row_of(line, number) for number, line in enumerate(lines, start=1) if line.strip()]
    if not rows:
        raise BadInput(f"{path} has no rows.", next_step="Give one object a line.")
    return items_of(rows)


def _row_of(line: str, number: int) -> dict[str, str]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"Line {number} is not JSON: {error}.", next_step="Give one object a line.") from error
    named = row if isinstance(row, dict) else {}
    missing = [name for name in ("id", "text", "label") if not isinstance(named.get(name), str) or not named[name]]
    if missing:
        raise BadInput(f'Line {number} has no "{missing[0]}" that is text.', next_step="Give id, text and label.")
    return named


def _threshold() -> Threshold:
    from gnomon.control.rulebook.rules import load  # the rulebook takes a moment to read: only who measures waits

    return load().threshold(INDICATOR)


def _ask(
    items: list[RunItem],
    into: list[Answer],
    *,
    url: str,
    model: str,
    recipe: Recipe,
    mode: Literal["label_loglik", "generate"],
    concurrency: int,
    name: str,
) -> Tally:
    every = max(1, len(items) // 10)

    def take(answer: Answer) -> None:
        into.append(answer)
        if len(into) % every == 0:
            click.echo(f"{name}: {len(into)}/{len(items)}", err=True)

    return asyncio.run(
        run_items(
            items,
            base_url=url,
            key=os.environ.get(KEY_VARIABLE, ""),
            model=model,
            recipe=recipe,
            run_id=f"utility-{name}",
            on_answer=take,
            concurrency=concurrency,
            decoding=Decoding(mode=mode),
        )
    )


def _write(path: Path, sides: dict[Side, list[Answer]]) -> None:
    lines: list[dict[str, Any]] = [
        {"side": side} | answer.as_dict()
        for side, answers in sides.items()
        for answer in sorted(answers, key=lambda one: one.item_id)
    ]
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")


def _report(effect: MaskingEffect, copy: MaskedCopy, *, told: str) -> str:
    head = f"{'':24}{'n':>6}  {'原文 raw':16}{'脱敏 masked':16}{'保持 kept':28}{'错→对':>6}{'对→错':>6}  结论 verdict"
    rows = [_row(part) for part in effect.parts]
    masked = "、".join(f"{entity} {count}" for entity, count in copy.counts.items()) or "–"
    facts = f"策略 policy: {told}; 脱敏 masked: {masked}; 阻断 blocked: {len(copy.blocked)}"
    if copy.surrogates:
        facts += f"; 仿真替换（看似真实，并非本人信息） surrogates, which look real and are nobody's: {copy.surrogates}"
    return "\n".join([head, *rows, effect.sentence["zh-CN"], effect.sentence["en"], facts])


def _row(part: Part) -> str:
    raw, masked = (f"{side.estimate:.2%}" if side else "–" for side in (part.raw, part.masked))
    share = kept_range(part.claim) if part.claim else "–"
    state = part.claim.state.value if part.claim else State.NOT_MEASURED.value
    flips = f"{part.flips.fixed:>8}{part.flips.broken:>8}"
    return f"{part.name:24}{part.n:>6}  {raw:16}{masked:16}{share:28}{flips}  {state}"
