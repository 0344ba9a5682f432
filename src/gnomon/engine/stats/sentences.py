"""A comparison's verdict in one plain sentence or two, Chinese and English."""

from collections.abc import Mapping, Sequence

from gnomon.contract.verdicts import State
from gnomon.engine.stats.goals import Goal, Guard
from gnomon.engine.stats.interval import Interval
from gnomon.engine.stats.metrics import Metric, Unit
from gnomon.engine.stats.paired import McNemar

_NAMES: Mapping[str, tuple[str, str]] = {
    "accuracy": ("准确率", "accuracy"),
    "answered_rate": ("应答率", "answered rate"),
    "sensitivity": ("敏感度", "sensitivity"),
    "specificity": ("特异度", "specificity"),
    "precision": ("精确率", "precision"),
    "recall": ("召回率", "recall"),
    "f1": ("F1", "F1"),
    "macro_precision": ("宏平均精确率", "macro precision"),
    "macro_recall": ("宏平均召回率", "macro recall"),
    "macro_f1": ("宏平均 F1", "macro F1"),
    "micro_precision": ("微平均精确率", "micro precision"),
    "micro_recall": ("微平均召回率", "micro recall"),
    "micro_f1": ("微平均 F1", "micro F1"),
    "auc": ("AUC", "AUC"),
    "ks": ("KS", "KS"),
    "log_loss": ("对数损失", "log-loss"),
    "calibration_error": ("校准误差", "calibration error"),
    "latency_p50_ms": ("延迟 p50", "latency p50"),
    "latency_p95_ms": ("延迟 p95", "latency p95"),
    "latency_p99_ms": ("延迟 p99", "latency p99"),
}

_HEADS: Mapping[State, tuple[str, str]] = {
    State.MET: ("目标达成", "Goal met"),
    State.NOT_MET: ("目标未达成", "Goal not met"),
    State.INSUFFICIENT: ("数据不足，不能判定目标达成", "Insufficient data to call the goal met"),
    State.NOT_MEASURED: ("目标未测量", "Goal not measured"),
}

_GUARDS: Mapping[State, tuple[str, str]] = {
    State.NOT_MET: ("护栏被突破", "Guards broken"),
    State.INSUFFICIENT: ("护栏尚不能证明守住", "Guards not shown to hold"),
    State.NOT_MEASURED: ("护栏未测量", "Guards not measured"),
}


def metric_words(name: str) -> tuple[str, str]:
    """The metric's name in Chinese and English; a label stays as it is."""
    kind, _, label = name.partition(":")
    zh, en = _NAMES.get(kind, (name, name))
    return (f"{zh}（{label}）", f"{en} ({label})") if label else (zh, en)


def verdict_sentence(
    *,
    goal: Goal,
    metric: Metric,
    state: State,
    goal_state: State,
    before: Interval,
    after: Interval,
    effect: Interval,
    test: McNemar,
    guards: Sequence[tuple[Guard, State]],
    needed_n: int | None,
) -> dict[str, str]:
    """`{"zh-CN": …, "en": …}`: verdict first, then the figures that carry it, then the guards."""
    zh, en = metric_words(goal.metric)
    one, other = figure(before.estimate, metric.unit), figure(after.estimate, metric.unit)
    target, level = figure(goal.to_value, metric.unit), f"{goal.level * 100:g}%"
    zh_bound, en_bound = ("不低于", "at least") if metric.higher_is_better else ("不高于", "at most")
    zh_where, en_where = (f"，切片 {goal.slice}", f", slice {goal.slice}") if goal.slice else ("", "")
    zh_effect = f"{change(effect.estimate, metric.unit)[0]}，{level} 区间 {_range(effect, metric.unit, 0)}"
    en_effect = f"{change(effect.estimate, metric.unit)[1]}, {level} interval {_range(effect, metric.unit, 1)}"
    after_range = f"[{figure(after.low, metric.unit)}, {figure(after.high, metric.unit)}]"
    zh_gap = " " if zh[-1].isascii() else ""
    # McNemar's p belongs to right answers; beside a latency it would be read as the latency's.
    zh_p, en_p = (f"，{p_words(test.p)}", f", {p_words(test.p)}") if metric.hits else ("", "")
    return {
        "zh-CN": (
            f"{_HEADS[goal_state][0]}：{zh}{zh_gap}由 {one} 变为 {other} {after_range}，"
            f"目标{zh_bound} {target}{zh_where}。"
            f"变化 {zh_effect}；n = {effect.n}，由错转对 {test.fixed}，由对转错 {test.broken}{zh_p}。"
            + _guards(guards, 0)
            + (f"若效果不变，约需 {needed_n} 条样本才能判定。" if needed_n else "")
            + _closing(state, goal_state, 0)
        ),
        "en": (
            f"{_HEADS[goal_state][1]}: {en} went from {one} to {other} {after_range}; the goal is {en_bound} {target}"
            f"{en_where}. Change {en_effect}; n = {effect.n}, {test.fixed} fixed, {test.broken} broken"
            f"{en_p}. "
            + _guards(guards, 1)
            + (f" If the effect stays the same, about {needed_n} items would decide." if needed_n else "")
            + _closing(state, goal_state, 1)
        ),
    }


def figure(value: float, unit: Unit) -> str:
    """A share as percent, milliseconds and nats with their unit."""
    if unit == "share":
        return f"{value * 100:.1f}%"
    return f"{value:.0f} ms" if unit == "ms" else f"{value:.3f} nats"


def change(value: float, unit: Unit) -> tuple[str, str]:
    """A difference with its sign, in Chinese and English; shares in percentage points."""
    if unit == "share":
        return f"{value * 100:+.1f} 个百分点", f"{value * 100:+.1f} pp"
    text = f"{value:+.0f} ms" if unit == "ms" else f"{value:+.3f} nats"
    return text, text


def p_words(p: float) -> str:
    """`p = 0.012`, or `p < 0.001`."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _range(interval: Interval, unit: Unit, language: int) -> str:
    low, high = change(interval.low, unit)[language].split(" ")[0], change(interval.high, unit)[language]
    return f"{low} 至 {high}" if language == 0 else f"{low} to {high}"


def _guards(guards: Sequence[tuple[Guard, State]], language: int) -> str:
    if not guards:
        return ("未设护栏。", "No guards were set.")[language]
    parts = []
    for state, words in _GUARDS.items():
        names = [metric_words(guard.metric)[language] for guard, found in guards if found is state]
        if names:
            parts.append(
                f"{words[language]}：{'、'.join(names)}。" if language == 0 else f"{words[1]}: {', '.join(names)}."
            )
    if parts:
        return ("" if language == 0 else " ").join(parts)
    count = len(guards)
    return (f"{count} 项护栏全部守住。", f"All {count} guards hold." if count > 1 else "The guard holds.")[language]


def _closing(state: State, goal_state: State, language: int) -> str:
    if state is goal_state:
        return ""
    return ("因此本轮不能判定为达成。", " The round therefore does not count as met.")[language]
