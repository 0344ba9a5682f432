"""How a paper speaks: one text per language side by side, and every figure written the same way."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from gnomon.engine.charts import Estimate
from gnomon.engine.stats.metrics import Unit, UnknownMetric, metric
from gnomon.engine.stats.sentences import change, figure, metric_words
from gnomon.kit import i18n

NONE: Final = "–"

_STATES: Final[Mapping[str, tuple[str, str]]] = {
    "met": ("✓ 达标", "✓ met"),
    "not_met": ("■ 未达标", "■ not met"),
    "insufficient": ("▲ 数据不足", "▲ insufficient data"),
    "not_measured": ("– 未测量", "– not measured"),
    "invalid": ("■ 无效", "■ invalid"),
    "partial": ("▲ 部分达标", "▲ partly met"),
    "expired": ("▲ 证据过期", "▲ evidence expired"),
    "better": ("✓ 变好", "✓ better"),
    "worse": ("■ 变差", "■ worse"),
    "no_change_shown": ("– 未显示变化", "– no change shown"),
    "weaker": ("■ 明显偏弱", "■ weaker"),
    "approved": ("同意", "approved"),
    "rejected": ("不同意", "rejected"),
    "pending": ("待审批", "pending"),
    "void": ("已作废", "void"),
    "draft": ("草稿", "draft"),
    "submitted": ("已提交", "submitted"),
    "open": ("待整改", "open"),
    "in_case": ("整改中", "in a case"),
    "closed": ("已销号", "closed"),
    "assessed": ("已评估", "assessed"),
    "planned": ("已计划", "planned"),
    "frozen": ("已冻结", "frozen"),
    "implementing": ("整改中", "being carried out"),
    "verifying": ("验证中", "being verified"),
    "verified": ("已验证", "verified"),
    "next_round": ("转入下一轮", "next round"),
    "running": ("进行中", "under way"),
    "done": ("✓ 完成", "✓ done"),
    "completed": ("✓ 完成", "✓ completed"),
    "cancelled": ("已取消", "cancelled"),
    "queued": ("排队中", "queued"),
    "failed": ("■ 失败", "■ failed"),
    "passed": ("✓ 通过", "✓ passed"),
    "installing": ("安装中", "being installed"),
    "install_failed": ("■ 安装失败", "■ installation failed"),
    "initialised": ("已初始化", "initialised"),
    "testing": ("测试中", "being tested"),
    "tested": ("✓ 测试通过", "✓ tested"),
    "test_failed": ("■ 测试未通过", "■ test failed"),
    "live": ("✓ 已上线", "✓ live"),
    "retired": ("已下线", "retired"),
    "requested": ("已申请", "requested"),
    "canary": ("灰度中", "canary"),
    "full": ("✓ 全量", "✓ full"),
    "retreated": ("■ 已自动回退", "■ retreated"),
    "rolled_back": ("已回滚", "rolled back"),
    "aborted": ("已中止", "aborted"),
    "low": ("低", "low"),
    "medium": ("中", "medium"),
    "high": ("高", "high"),
    "critical": ("严重", "critical"),
    "important": ("重要", "important"),
    "general": ("一般", "general"),
    "checked": ("✓ 已校验", "✓ checked"),
}


class Voice:
    """`say("概述", "Overview")` in the paper's language; what people typed stays as they typed it."""

    def __init__(self, locale: str, zone: str) -> None:
        self.locale = locale
        self.zone = ZoneInfo(zone)
        self._place = 1 if locale == "en" else 0

    def __call__(self, zh: str, en: str) -> str:
        return (zh, en)[self._place]

    def pick(self, texts: Mapping[str, str]) -> str:
        """The text of a mapping by language, e.g. a verdict's sentence."""
        return texts[self.locale]

    def state(self, state: str) -> str:
        """A state in words, with the sign that tells it without colour; one without words stays as it is."""
        words = _STATES.get(state)
        return words[self._place] if words else state or NONE

    def word(self, state: str) -> str:
        """The same without its sign: for charts, which draw their own."""
        return self.state(state).removeprefix("✓ ").removeprefix("■ ").removeprefix("▲ ").removeprefix("– ")

    def probability(self, value: float | None) -> str:
        """A p or q value; below a thousandth it says so."""
        return NONE if value is None else "< 0.001" if value < 0.001 else self.number(value, 3)

    def day(self, value: date | None) -> str:
        return i18n.day(value, self.locale)

    def long_day(self, value: datetime) -> str:
        """«2026年3月9日», «9 Mar 2026»: the date of a paper."""
        local = value.astimezone(self.zone)
        return self(f"{local.year}年{local.month}月{local.day}日", i18n.day(local.date(), "en"))

    def moment(self, value: datetime | str | None) -> str:
        """An instant, or the ISO text of one, on the clock of the installation."""
        if not value:
            return NONE
        at = datetime.fromisoformat(value) if isinstance(value, str) else value
        return i18n.moment(at, self.locale, zone=self.zone, seconds=True)

    def number(self, value: float | None, digits: int = 0) -> str:
        return i18n.number(value, self.locale, digits=digits)

    def seconds(self, value: float | None) -> str:
        return NONE if value is None else f"{self.number(value, 1)} s"

    def percent(self, value: float | None, digits: int = 1) -> str:
        return i18n.percent(value, self.locale, digits=digits)

    def size(self, value: int | None) -> str:
        return i18n.size(value, self.locale)

    def metric(self, name: str) -> str:
        return metric_words(name)[self._place]

    def value(self, name: str, value: float | None) -> str:
        """A figure of the metric `name` in its unit; a plain number where the metric is not known any more."""
        if value is None:
            return NONE
        unit = unit_of(name)
        return figure(value, unit) if unit else self.number(value, 3)

    def ranged(self, name: str, interval: Mapping[str, Any] | None) -> str:
        """`82.3% [79.1%, 85.2%]` of a stored interval."""
        if not interval:
            return NONE
        low, high = self.value(name, interval["low"]), self.value(name, interval["high"])
        return f"{self.value(name, interval['estimate'])} [{low}, {high}]"

    def changed(self, name: str, interval: Mapping[str, Any]) -> str:
        """A stored difference with its interval, in points where the metric is a share."""
        middle, low, high = (change(interval[end], unit_of(name) or "share") for end in ("estimate", "low", "high"))
        return f"{middle[self._place]} [{low[self._place]}, {high[self._place]}]"

    def noted(self, text: str, note: str) -> str:
        """«文字（注）», «text (note)»."""
        return self(f"{text}（{note}）", f"{text} ({note})")

    def pair(self, name: str, value: str) -> str:
        """«名称：值», «name: value»."""
        return self(f"{name}：{value}", f"{name}: {value}")

    def joined(self, texts: list[str] | tuple[str, ...]) -> str:
        return self("、", ", ").join(text for text in texts if text) or NONE


def unit_of(name: str) -> Unit | None:
    """The unit of a metric; None for a name that is no metric."""
    try:
        return metric(name).unit
    except UnknownMetric:
        return None


def estimate(interval: Mapping[str, Any]) -> Estimate:
    """A stored interval as charts take it."""
    return Estimate(float(interval["estimate"]), float(interval["low"]), float(interval["high"]))
