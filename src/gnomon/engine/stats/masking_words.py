"""The verdict on what masking costs, in a plain sentence or three, Chinese and English."""

from gnomon.contract.verdicts import State
from gnomon.engine.stats.interval import Interval
from gnomon.engine.stats.kept import Kept
from gnomon.engine.stats.metrics import Metric
from gnomon.engine.stats.paired import Flips
from gnomon.engine.stats.sentences import figure, metric_words

_HEADS: dict[State, tuple[str, str]] = {
    State.MET: ("脱敏后得分保持达标", "Masking keeps enough of the score"),
    State.NOT_MET: ("脱敏后得分保持不达标", "Masking costs too much of the score"),
    State.INSUFFICIENT: ("数据不足，不能下结论", "Insufficient data to say what masking costs"),
    State.NOT_MEASURED: ("没有测到脱敏的影响", "The effect of masking was not measured"),
}


def masking_sentence(
    metric: Metric,
    *,
    state: State,
    reason: str,
    limit: float,
    min_changed: int,
    n: int,
    changed: int,
    lost: int,
    raw: Interval | None,
    masked: Interval | None,
    claim: Kept | None,
    flips: Flips,
    touched: Kept | None,
    needed_n: int | None,
) -> dict[str, str]:
    """`{"zh-CN": …, "en": …}`: verdict first, then the figures that carry it, then why it is not simply theirs."""
    zh, en = metric_words(metric.name)
    gap = " " if zh[-1].isascii() else ""
    one, other = (figure(side.estimate, metric.unit) if side else "–" for side in (raw, masked))
    zh_kept, en_kept = _kept(claim, limit, 0), _kept(claim, limit, 1)
    zh_why, en_why = _why(reason, changed=changed, min_changed=min_changed, lost=lost, touched=touched)
    return {
        "zh-CN": (
            f"{_HEADS[state][0]}：{zh}{gap}原文 {one}，脱敏后 {other}{zh_kept}。n = {n}，其中 {changed} 条被脱敏改动；"
            f"由错转对 {flips.fixed}，由对转错 {flips.broken}。{zh_why}"
            + (f"若效果不变，约需 {needed_n} 条样本才能判定。" if needed_n else "")
        ),
        "en": (
            f"{_HEADS[state][1]}: {en} {one} as it is, {other} masked{en_kept}. n = {n}, {changed} of them changed by "
            f"masking; {flips.fixed} fixed, {flips.broken} broken.{en_why}"
            + (f" If the effect stays the same, about {needed_n} items would decide." if needed_n else "")
        ),
    }


def kept_range(claim: Kept) -> str:
    """`98.7% [97.1%, 100.4%]`: the share kept between its one-sided bounds."""
    high = "∞" if claim.high is None else f"{claim.high * 100:.1f}%"
    return f"{claim.ratio * 100:.1f}% [{claim.low * 100:.1f}%, {high}]"


def _kept(claim: Kept | None, limit: float, language: int) -> str:
    if claim is None:
        return ""
    level = f"{100 * (1 - claim.alpha):g}%"
    return (
        f"，保持 {kept_range(claim)}（单侧 {level} 界），要求不低于 {limit * 100:g}%",
        f", which keeps {kept_range(claim)} (one-sided {level} bounds) where at least {limit * 100:g}% is asked",
    )[language]


def _why(reason: str, *, changed: int, min_changed: int, lost: int, touched: Kept | None) -> tuple[str, str]:
    if reason == "nothing_right":
        return "原文上没有一条答对，无从谈保持。", " Nothing was right as it is, so there is nothing to keep."
    if reason == "few_changed":
        return (
            f"脱敏只改动了 {changed} 条，至少要 {min_changed} 条。",
            f" Masking changed {changed} items; {min_changed} are the least.",
        )
    if reason == "outages":
        return (
            f"有 {lost} 条因故障没有回答，故障不能算作脱敏的影响。",
            f" An outage left {lost} items unanswered, which must not pass for an effect of masking.",
        )
    if reason == "guessing":
        return (
            "模型在原文上不比乱猜好，脱敏即使有害也显不出来。",
            " As it is the model does no better than guessing, so harm could not show.",
        )
    if reason == "changed_part" and touched is not None:
        return (
            f"被改动的样本上只保持 {kept_range(touched)}，其余样本只是把它摊薄。",
            f" Where masking changed something only {kept_range(touched)} is kept; the rest dilutes it.",
        )
    return "", ""
